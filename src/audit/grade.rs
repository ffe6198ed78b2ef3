//! Grades of services and edges: a pure function of what was seen and found, by the one table in `model`.

use std::net::IpAddr;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::model::{
    Cause, CertificateRow, ChainFault, ChainFaults, Confidence, Coverage, EdgeRow, Finding, Grade,
    Graded, Lift, Outcome, Particulars, Postures, Reason, ServiceRow, SubjectKind, Text,
    room_for_one,
};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// Gives every service and edge of the outcome its grade, from what else is in the outcome.
///
/// What the user accepts counts as what is open does: a grade says what crosses the wire, not what was agreed on.
pub fn grade(outcome: &mut Outcome) {
    let (services, edges) = grades(outcome);
    for (row, graded) in outcome.services.iter_mut().zip(services) {
        row.grade = graded;
    }
    for (row, graded) in outcome.edges.iter_mut().zip(edges) {
        row.grade = graded;
    }
}

/// The outcome with its grades.
pub(super) fn with_grades(mut outcome: Outcome) -> Outcome {
    grade(&mut outcome);
    outcome
}

/// The grades of services and of edges, in their order.
fn grades(outcome: &Outcome) -> (Vec<Graded>, Vec<Graded>) {
    let index = Index::of(outcome);
    let services = outcome.services.iter().map(|row| graded(&index.about_service(row)));
    let edges = outcome.edges.iter().map(|row| graded(&index.about_edge(row)));
    (services.collect(), edges.collect())
}

/// What a grade is made of.
struct About<'a> {
    postures: &'a Postures,
    particulars: &'a Particulars,
    /// It never leaves a machine.
    local: bool,
    /// What is wrong with certificates in use here, as far as a verifier should refuse them.
    broken: ChainFaults,
    findings: Vec<&'a Finding>,
    coverage: &'a Coverage,
}

/// A service, by name and port.
type Key<'a> = (&'a str, Option<u16>);

/// Findings and certificates by whom they are about.
struct Index<'a> {
    /// By server.
    of_server: Map<Key<'a>, Vec<&'a Finding>>,
    /// By server, for those that name a client too.
    of_pair: Map<(Key<'a>, &'a str), Vec<&'a Finding>>,
    /// By server, for those that name no client; and whether they are about certificates.
    of_server_alone: Map<Key<'a>, Vec<(&'a Finding, bool)>>,
    /// By client, for those that name no server.
    of_client_alone: Map<&'a str, Vec<&'a Finding>>,
    server_faults: Map<Key<'a>, ChainFaults>,
    client_faults: Map<&'a str, ChainFaults>,
    coverage: &'a Coverage,
}

impl<'a> Index<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let mut index = Self {
            of_server: Map::default(),
            of_pair: Map::default(),
            of_server_alone: Map::default(),
            of_client_alone: Map::default(),
            server_faults: Map::default(),
            client_faults: Map::default(),
            coverage: &outcome.coverage,
        };
        let certificate = |on| matches!(on, SubjectKind::Certificate | SubjectKind::Change);
        let of_certificates: Vec<&str> = outcome
            .rules
            .iter()
            .filter(|rule| certificate(rule.on))
            .map(|rule| rule.code.as_str())
            .collect();
        for finding in &outcome.findings {
            index.add_finding(finding, of_certificates.contains(&finding.rule.as_str()));
        }
        outcome.certificates.iter().for_each(|row| index.add_certificate(row));
        index
    }

    fn add_finding(&mut self, finding: &'a Finding, of_certificate: bool) {
        let client = finding.client.as_ref().map(|party| party.service.as_str());
        let server = finding.server.as_ref().map(|party| party.service.as_str());
        match (client, server) {
            (_, Some(server)) => {
                let key = (server, finding.server_port);
                self.of_server.entry(key).or_default().push(finding);
                if let Some(client) = client {
                    self.of_pair.entry((key, client)).or_default().push(finding);
                } else {
                    let alone = self.of_server_alone.entry(key).or_default();
                    alone.push((finding, of_certificate));
                }
            }
            (Some(client), None) => {
                self.of_client_alone.entry(client).or_default().push(finding);
            }
            (None, None) => {}
        }
    }

    fn add_certificate(&mut self, row: &'a CertificateRow) {
        if row.position != 0 {
            return;
        }
        let name = row.party.service.as_str();
        let known = match row.role {
            "server" => self.server_faults.entry((name, row.port)).or_default(),
            _ => self.client_faults.entry(name).or_default(),
        };
        *known = known.union(row.faults);
    }

    fn about_service(&self, row: &'a ServiceRow) -> About<'a> {
        let key = (row.service.service.as_str(), port_of(&row.endpoint));
        About {
            postures: &row.postures,
            particulars: &row.particulars,
            local: row.service.addr.is_loopback(),
            broken: self.server_faults.get(&key).copied().unwrap_or_default(),
            findings: self.of_server.get(&key).cloned().unwrap_or_default(),
            coverage: self.coverage,
        }
    }

    /// What names both ends; of what names the server alone, what is about certificates where the edge uses TLS, and
    /// what this client's connections prove; what is said of the client itself.
    fn about_edge(&self, row: &'a EdgeRow) -> About<'a> {
        let key = (row.server.service.as_str(), Some(row.server_port));
        let client = row.client.service.as_str();
        let tls = row.postures.mtls + row.postures.tls + row.postures.tls_opaque > 0;
        let mut findings = self.of_pair.get(&(key, client)).cloned().unwrap_or_default();
        let alone = self.of_server_alone.get(&key).map(Vec::as_slice).unwrap_or_default();
        let applies = |finding: &Finding, of_certificate| {
            if of_certificate { tls } else { proves(finding, row.client.addr) }
        };
        findings.extend(alone.iter().filter(|one| applies(one.0, one.1)).map(|one| one.0));
        let mut broken = ChainFaults::default();
        if tls {
            findings.extend(self.of_client_alone.get(client).into_iter().flatten());
            let server = self.server_faults.get(&key).copied().unwrap_or_default();
            let client = self.client_faults.get(client).copied().unwrap_or_default();
            broken = server.union(client);
        }
        About {
            postures: &row.postures,
            particulars: &row.used.particulars,
            local: row.server.addr.is_loopback(),
            broken,
            findings,
            coverage: self.coverage,
        }
    }
}

/// The port at the end of an endpoint in words.
fn port_of(endpoint: &str) -> Option<u16> {
    endpoint.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
}

/// Whether a connection of this client is among the evidence.
fn proves(finding: &Finding, client: IpAddr) -> bool {
    finding.evidence.iter().any(|sample| sample.client.addr == client)
}

fn graded(about: &About<'_>) -> Graded {
    let mut reasons = by_traffic(about);
    reasons.extend(by_findings(&about.findings));
    reasons.sort_by(|a, b| {
        (b.ceiling.grade, a.ceiling.cause, &a.rule).cmp(&(
            a.ceiling.grade,
            b.ceiling.cause,
            &b.rule,
        ))
    });
    let postures = about.postures;
    let judged = postures.total() > postures.unknown;
    let worst = reasons.iter().map(|reason| reason.ceiling.grade).max();
    let found = reasons.iter().any(|reason| matches!(reason.ceiling.cause, Cause::Finding(_)));
    let grade = (judged || found).then(|| worst.unwrap_or(Grade::A));
    let doubts = doubts(about);
    let certainty = certainty(about, grade, &reasons, doubts.is_empty());
    let lifts = lifts(&reasons, &about.findings);
    Graded { grade, certainty, doubts, reasons, lifts }
}

/// What postures, versions and certificates say.
fn by_traffic(about: &About<'_>) -> Vec<Reason> {
    let (postures, particulars) = (about.postures, about.particulars);
    let total = postures.total();
    let readable = postures.plaintext.saturating_sub(particulars.refused);
    let plaintext = match (readable, about.local) {
        (_, true) => Cause::PlaintextLocal,
        (some, false) if some.saturating_mul(2) >= total => Cause::PlaintextMost,
        _ => Cause::PlaintextSome,
    };
    let sessions = |count: u64, words: &str| (count > 0).then(|| shares(count, total, words));
    let obsolete = particulars.carried().next().is_some_and(|version| version < TLS_1_2);
    let broken: Vec<&str> = refused_by_verifiers(about.broken).collect();
    [
        (plaintext, sessions(readable, "readable")),
        (Cause::ObsoleteVersion, obsolete.then(|| "a version before TLS 1.2 was used".to_owned())),
        (
            Cause::BrokenCertificate,
            (!broken.is_empty()).then(|| format!("certificate: {}", broken.join(", "))),
        ),
        (Cause::ClientUnproven, sessions(postures.tls, "without a client certificate")),
        (
            Cause::ClientHidden,
            sessions(postures.tls_opaque, "opaque: the client could not be seen"),
        ),
        (Cause::NotSeen, sessions(postures.unknown, "of unknown posture")),
    ]
    .into_iter()
    .filter_map(|(cause, what)| {
        let (ceiling, confidence) = (cause.ceiling()?, Confidence::High);
        Some(Reason { ceiling, rule: None, what: what?.into(), confidence, accepted: false })
    })
    .collect()
}

const TLS_1_2: u16 = 0x0303;

fn shares(count: u64, total: u64, words: &str) -> String {
    match (count, total) {
        (1, 1) => format!("the only session is {words}"),
        (2, 2) => format!("both sessions are {words}"),
        (all, total) if all == total => format!("all {total} sessions are {words}"),
        (1, total) => format!("1 of {total} sessions is {words}"),
        (count, total) => format!("{count} of {total} sessions are {words}"),
    }
}

/// Faults for which a client that verifies ends the connection. That a leaf vouches for itself is not among them: whoever
/// was told to trust just this one verifies it too.
fn refused_by_verifiers(faults: ChainFaults) -> impl Iterator<Item = &'static str> {
    let mut refused = faults.common(ChainFaults::REFUSABLE);
    refused.remove(ChainFault::SelfSigned);
    refused.names()
}

/// One reason per rule, as bad as the worst of its findings.
fn by_findings(findings: &[&Finding]) -> Vec<Reason> {
    let mut sorted: SmallVec<[&Finding; 16]> = findings.iter().copied().collect();
    sorted.sort_by(|one, other| one.rule.cmp(&other.rule));
    let reason = |own: &[&Finding]| {
        let worst = own.iter().max_by_key(|one| (one.severity, one.confidence))?;
        let what = match own {
            [one] => one.message.clone(),
            several => format!("{} ({} findings)", worst.title, several.len()).into(),
        };
        Some(Reason {
            ceiling: Cause::Finding(worst.severity).ceiling()?,
            rule: Some(worst.rule.clone()),
            what,
            confidence: worst.confidence,
            accepted: own.iter().all(|one| !one.is_open()),
        })
    };
    sorted.chunk_by(|one, other| one.rule == other.rule).filter_map(reason).collect()
}

/// Why what was seen is not the whole.
fn doubts(about: &About<'_>) -> Vec<String> {
    let (postures, total) = (about.postures, about.postures.total());
    let sessions = |count: u64, words: &str| (count > 0).then(|| shares(count, total, words));
    let run = about.coverage;
    let lost = run.dropped > 0 || !run.incomplete.is_empty();
    [
        sessions(postures.unknown, "of unknown posture"),
        sessions(postures.tls_opaque, "opaque: the client could not be seen"),
        sessions(about.particulars.inferred, "inferred from the lengths of records"),
        lost.then(|| "the evidence of the run is incomplete".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How sure a grade is: no surer than what was seen, and than what holds it down.
fn certainty(
    about: &About<'_>,
    grade: Option<Grade>,
    reasons: &[Reason],
    all_seen: bool,
) -> Confidence {
    let Some(grade) = grade else { return Confidence::Low };
    let deciding = reasons.iter().filter(|reason| reason.ceiling.grade == grade);
    let decided = deciding.map(|reason| reason.confidence).max().unwrap_or(Confidence::High);
    let postures = about.postures;
    let hidden = postures.unknown.saturating_add(postures.tls_opaque);
    let seen = match (all_seen, hidden.saturating_mul(2) > postures.total()) {
        // Nothing that was not seen could make it worse, and nothing that was seen can be taken back.
        _ if grade == Grade::F => Confidence::High,
        (true, _) => Confidence::High,
        (false, false) => Confidence::Medium,
        (false, true) => Confidence::Low,
    };
    decided.min(seen)
}

/// One step for every distinct thing to do, and the grade that is left after it and those before.
fn lifts(reasons: &[Reason], findings: &[&Finding]) -> Vec<Lift> {
    let mut lifts: Vec<Lift> = Vec::new();
    let mut needed = Vec::with_capacity(reasons.len());
    for reason in reasons {
        let step = step(reason, findings);
        let known = lifts.iter().position(|lift| lift.step == step);
        let at = known.unwrap_or(lifts.len());
        if known.is_none() {
            room_for_one(&mut lifts);
            lifts.push(Lift { step, rules: Vec::new(), to: Grade::A });
        }
        if let (Some(lift), Some(rule)) = (lifts.get_mut(at), &reason.rule) {
            room_for_one(&mut lift.rules);
            lift.rules.push(rule.clone());
        }
        needed.push(at);
    }
    for (at, lift) in lifts.iter_mut().enumerate() {
        let left = reasons.iter().zip(&needed).filter(|(_, needs)| **needs > at);
        lift.to = left.map(|(reason, _)| reason.ceiling.grade).max().unwrap_or(Grade::A);
    }
    lifts
}

fn step(reason: &Reason, findings: &[&Finding]) -> Text {
    let Some(rule) = &reason.rule else { return reason.ceiling.step.into() };
    let own = findings.iter().find(|finding| finding.rule == *rule);
    own.map_or_else(Text::new, |finding| finding.fix.clone())
}

#[cfg(test)]
mod tests;
