//! Grades of services and edges: a pure function of what was seen and found, by the one table in `model`.

mod index;
mod phrases;

use smallvec::SmallVec;

use self::index::{Group, Groups, Index};
use self::phrases::Phrases;
use crate::model::{
    Cause, ChainFault, ChainFaults, Confidence, Coverage, Grade, Graded, Outcome, Particulars,
    Postures, Reason, Text,
};

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
    let mut phrases = Phrases::default();
    let mut graded = |about: &About<'_>| graded(about, &mut phrases);
    let services = outcome.services.iter().map(|row| graded(&index.about_service(row))).collect();
    let edges = outcome.edges.iter().map(|row| graded(&index.about_edge(row))).collect();
    (services, edges)
}

/// What a grade is made of.
struct About<'a> {
    postures: &'a Postures,
    particulars: &'a Particulars,
    /// It never leaves a machine.
    local: bool,
    /// What is wrong with certificates in use here, as far as a verifier should refuse them.
    broken: ChainFaults,
    /// One of each rule, in the order of rules.
    groups: Groups<'a>,
    coverage: &'a Coverage,
}

fn graded(about: &About<'_>, phrases: &mut Phrases) -> Graded {
    let mut reasons: SmallVec<[Reason; 16]> = by_traffic(about, phrases).collect();
    reasons.extend(about.groups.iter().filter_map(|group| by_findings(group, phrases)));
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
    let doubts = doubts(about, phrases);
    let certainty = certainty(about, grade, &reasons, doubts.is_empty());
    Graded { grade, certainty, doubts, reasons: reasons.into_iter().collect() }
}

/// What postures, versions and certificates say.
fn by_traffic(about: &About<'_>, phrases: &mut Phrases) -> impl Iterator<Item = Reason> {
    let (postures, particulars) = (about.postures, about.particulars);
    let total = postures.total();
    let readable = postures.plaintext.saturating_sub(particulars.refused);
    let plaintext = match (readable, about.local) {
        (_, true) => Cause::PlaintextLocal,
        (some, false) if some.saturating_mul(2) >= total => Cause::PlaintextMost,
        _ => Cause::PlaintextSome,
    };
    let broken = phrases.faults(refused_by_verifiers(about.broken));
    let mut sessions = |count, words| phrases.shares(count, total, words);
    let obsolete = particulars.carried().next().is_some_and(|version| version < TLS_1_2);
    [
        (plaintext, sessions(readable, "readable")),
        (Cause::ObsoleteVersion, obsolete.then(|| "a version before TLS 1.2 was used".into())),
        (Cause::BrokenCertificate, broken),
        (Cause::ClientUnproven, sessions(postures.tls, "without a client certificate")),
        (Cause::ClientHidden, sessions(postures.tls_opaque, CLIENT_HIDDEN)),
        (Cause::NotSeen, sessions(postures.unknown, NOT_SEEN)),
    ]
    .into_iter()
    .filter_map(|(cause, what)| {
        let (ceiling, confidence) = (cause.ceiling()?, Confidence::High);
        Some(Reason { ceiling, rule: None, what: what?, fix: None, confidence, accepted: false })
    })
}

const TLS_1_2: u16 = 0x0303;
const CLIENT_HIDDEN: &str = "opaque: the client could not be seen";
const NOT_SEEN: &str = "of unknown posture";

/// Faults for which a client that verifies ends the connection. That a leaf vouches for itself is not among them: whoever
/// was told to trust just this one verifies it too.
fn refused_by_verifiers(faults: ChainFaults) -> ChainFaults {
    let mut refused = faults.common(ChainFaults::REFUSABLE);
    refused.remove(ChainFault::SelfSigned);
    refused
}

/// A rule's reason, as bad as the worst of its findings.
fn by_findings(group: &Group<'_>, phrases: &mut Phrases) -> Option<Reason> {
    let worst = group.worst;
    Some(Reason {
        ceiling: Cause::Finding(worst.severity).ceiling()?,
        rule: Some(worst.rule.clone()),
        what: match group.count {
            1 => worst.message.clone(),
            several => phrases.several(&worst.title, several),
        },
        fix: Some(group.first.fix.clone()),
        confidence: worst.confidence,
        accepted: group.accepted,
    })
}

/// Why what was seen is not the whole.
fn doubts(about: &About<'_>, phrases: &mut Phrases) -> Vec<Text> {
    let (postures, total) = (about.postures, about.postures.total());
    let mut sessions = |count, words| phrases.shares(count, total, words);
    let run = about.coverage;
    let lost = run.dropped > 0 || !run.incomplete.is_empty();
    [
        sessions(postures.unknown, NOT_SEEN),
        sessions(postures.tls_opaque, CLIENT_HIDDEN),
        sessions(about.particulars.inferred, "inferred from the lengths of records"),
        lost.then(|| "the evidence of the run is incomplete".into()),
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

#[cfg(test)]
mod tests;
