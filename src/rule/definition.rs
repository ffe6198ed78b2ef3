//! A rule that was read and checked.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{
    AuditedSession, Confidence, Direction, Moment, NamedFacts, Party, Place, RuleText, Severity,
    Subject, SubjectKind, Text, UndecidedAt, Value,
};

use super::check::Condition;
use super::eval::{Inputs, decide};
use super::evaluator::{write_seen, write_text};
use super::fields::{FieldTable, all_words, fields_of, words};
use super::message::Message;
use super::proof::Point;
use super::trial::Trial;

/// A rule: what it asks, and what it says when the answer is yes.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Code, as `WL2001`.
    pub code: Text,
    /// Kebab-case name.
    pub name: Text,
    /// The version of wirelint (or of the user's own set) that first had it.
    pub since: String,
    /// One line.
    pub title: Text,
    /// How bad a hit is, unless `severity-when` or the user says otherwise.
    pub severity: Severity,
    /// How sure a hit is, unless `confidence-when` says otherwise; less where the posture that it relies on is less sure.
    pub confidence: Confidence,
    /// What it judges.
    pub on: SubjectKind,
    /// Words for filters and standards.
    pub tags: Arc<[String]>,
    /// Paths of the fields that, besides the parties, make two hits the same finding.
    pub key: Vec<&'static str>,
    /// What a finding says.
    pub message: Message,
    /// Why it matters.
    pub description: String,
    /// What an attacker, or an accident, gains from it.
    pub impact: String,
    /// What to do, in one line.
    pub fix: Text,
    /// What to do, by framework; `any` for all others. In the order of the file.
    pub remediation: Vec<(String, String)>,
    /// Where to read on.
    pub references: Vec<String>,
    /// What else it could be.
    pub false_positives: String,
    /// Which moments of a session prove a hit.
    pub evidence: Vec<Point>,
    /// Its options.
    pub options: Vec<RuleOption>,
    /// The condition as it was written.
    pub condition: String,
    /// The file it came from.
    pub origin: String,
    /// Whether it may take the place of a rule with the same code or name.
    pub replaces: bool,
    /// Its embedded tests.
    pub trials: Vec<Trial>,
    /// The whole file.
    pub text: String,
    pub(crate) when: Condition,
    /// Its condition asks what may be a conclusion.
    pub(crate) concludes: bool,
    pub(crate) severity_when: Vec<(Condition, Severity)>,
    pub(crate) confidence_when: Vec<(Condition, Confidence)>,
    pub(crate) settings: Vec<(String, Value<'static>)>,
}

/// An option of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleOption {
    /// Its name in conditions: `allow_ports`.
    pub name: String,
    /// Its type in words.
    pub kind: &'static str,
    /// Its default in words.
    pub default: String,
    /// What it is for.
    pub doc: String,
}

/// What a rule says of one subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is true.
    Hit,
    /// A fact that it needs could not be seen.
    NotObservable,
}

/// What becomes a finding, for one hit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindingParts {
    /// The client, when the subject has one.
    pub client: Option<Party>,
    /// The server, when the subject has one.
    pub server: Option<Party>,
    /// The server's port.
    pub server_port: Option<u16>,
    /// The key's fields with their values in words.
    pub key: Vec<(&'static str, String)>,
    /// The key's values in one line, when there are any: a cipher suite, a certificate's digest.
    pub subject: Option<String>,
    /// The message with its values.
    pub message: String,
    /// The line of the user's file that it is about.
    pub declared: Option<Box<Place>>,
}

impl Rule {
    /// What the rule says of one set of values: its verdict, if it has one, how bad it is and how sure.
    pub(crate) fn judge(&self, fields: &Inputs<'_, '_>) -> Option<(Verdict, Severity, Confidence)> {
        match decide(&self.when.node, fields) {
            Some(false) => None,
            None => Some((Verdict::NotObservable, self.severity, self.confidence)),
            Some(true) => {
                let severity = first(&self.severity_when, fields).unwrap_or(self.severity);
                let confidence = first(&self.confidence_when, fields).unwrap_or(self.confidence);
                Some((Verdict::Hit, severity, confidence))
            }
        }
    }

    /// How sure a hit on a session can be at most: what relies on a posture is no surer than the posture is.
    pub(crate) fn surest(&self, session: &AuditedSession) -> Confidence {
        if self.concludes { session.confidence } else { Confidence::High }
    }

    /// Whether a condition relies on what may be a conclusion.
    pub(crate) fn relies_on_posture(on: SubjectKind, when: &Condition) -> bool {
        let asked = when.fields.iter().filter_map(|number| fields_of(on).field(*number));
        on == SubjectKind::Session && asked.into_iter().any(|field| CONCLUDED.contains(&field.path))
    }

    /// The numbers of the fields that its conditions ask.
    pub(crate) fn asked(&self) -> impl Iterator<Item = usize> {
        let severities = self.severity_when.iter().flat_map(|(when, _)| &when.fields);
        let confidences = self.confidence_when.iter().flat_map(|(when, _)| &when.fields);
        self.when.fields.iter().chain(severities).chain(confidences).copied()
    }

    fn table(&self) -> &'static FieldTable {
        fields_of(self.on)
    }

    /// Writes what makes two hits the same finding: the rule, the parties, the server's port and the key's values.
    /// Cheaper than [`Rule::finding_parts`], for counting a finding that is known already.
    pub fn write_identity(&self, subject: &Subject<'_>, out: &mut Vec<u8>) {
        let table = self.table();
        self.write_parties(subject, out);
        for number in self.key.iter().filter_map(|path| table.find(path)) {
            write_seen(&table.read(number, subject), out);
        }
    }

    /// Writes the rule, the parties and the server's port.
    pub fn write_parties(&self, subject: &Subject<'_>, out: &mut Vec<u8>) {
        write_text(&self.code, out);
        let (client, server, port) = party_names(subject);
        write_text(client, out);
        write_text(server, out);
        out.extend_from_slice(&port.to_le_bytes());
    }

    /// Writes everything that [`Rule::finding_parts`] and [`Rule::facts`] go by: what is written alike becomes the same.
    /// Nothing for subjects that it does not know all of.
    pub(crate) fn write_print(&self, subject: &Subject<'_>, out: &mut Vec<u8>) {
        let [client, server] = match subject {
            Subject::Certificate(at) => [Some(&at.party), None],
            Subject::Credential(at) => [None, Some(&at.server)],
            Subject::Endpoint(at) => [None, Some(&at.server)],
            Subject::Edge(at) => [Some(&at.client), Some(&at.server)],
            Subject::Change(at) => [None, Some(&at.server)],
            Subject::Reliance(at) => [Some(&at.client), Some(&at.server)],
            Subject::Session(_) | Subject::Policy(_) | Subject::Run(_) => return,
        };
        self.write_identity(subject, out);
        for party in [client, server].into_iter().flatten() {
            write_party(party, out);
        }
        let table = self.table();
        let mut read = |number: usize| write_seen(&table.read(number, subject), out);
        self.when.fields.iter().for_each(|number| read(*number));
        self.message.each_field(&mut read);
    }

    /// That it could not decide this subject.
    #[must_use]
    pub fn undecided_at(&self, subject: &Subject<'_>) -> UndecidedAt {
        let (client, server, port) = party_names(subject);
        let (client, server) = (client.into(), server.into());
        UndecidedAt { rule: self.code.clone(), client, server, port, count: 1 }
    }

    /// What reports tell of it, with the severity that the user fixed, if any.
    #[must_use]
    pub fn told(&self, fixed: Option<Severity>) -> RuleText {
        RuleText {
            code: self.code.clone(),
            name: self.name.clone(),
            title: self.title.clone(),
            severity: fixed.unwrap_or(self.severity),
            confidence: self.confidence,
            on: self.on,
            tags: self.tags.clone(),
            why: self.description.clone(),
            impact: self.impact.clone(),
            fix: self.fix.clone(),
            remediation: self.remediation_for("any").unwrap_or_default().to_owned(),
            false_positives: self.false_positives.clone(),
            references: self.references.clone(),
        }
    }

    /// What becomes a finding of a hit on this subject.
    #[must_use]
    pub fn finding_parts(&self, subject: &Subject<'_>) -> FindingParts {
        let table = self.table();
        let (client, server, server_port) = parties(subject);
        let read = |path: &&'static str| Some((*path, table.read(table.find(path)?, subject)));
        let seen: Vec<_> = self.key.iter().filter_map(read).collect();
        let key = seen.iter().map(|(path, value)| (*path, all_words(value))).collect();
        let values: Vec<String> = seen.iter().map(|(_, value)| words(value)).collect();
        let subject_text = (!values.is_empty()).then(|| values.join(", "));
        let message = self.message.render(table, &self.settings, subject);
        let declared = declared(subject).cloned().map(Box::new);
        FindingParts { client, server, server_port, key, subject: subject_text, message, declared }
    }

    /// The facts that the condition asked for, with their values in words.
    #[must_use]
    pub fn facts(&self, subject: &Subject<'_>) -> NamedFacts {
        let table = self.table();
        let named = |number: &usize| {
            let field = table.field(*number)?;
            Some((field.path, words(&table.read(*number, subject))))
        };
        self.when.fields.iter().filter_map(named).collect()
    }

    /// The moments of this session that prove a hit, in the order of the capture, each once.
    #[must_use]
    pub fn proof(&self, session: &AuditedSession) -> Vec<Moment> {
        let mut moments: Vec<Moment> =
            self.evidence.iter().filter_map(|point| point.find(session)).collect();
        if moments.is_empty() {
            moments.extend(Point::named("first-record").and_then(|point| point.find(session)));
        }
        moments.sort_by_key(|moment| moment.frame);
        moments.dedup();
        moments
    }

    /// The text for a framework, else for any.
    #[must_use]
    pub fn remediation_for(&self, framework: &str) -> Option<&str> {
        let of = |name: &str| self.remediation.iter().find(|(known, _)| known == name);
        of(framework).or_else(|| of("any")).map(|(_, text)| text.as_str())
    }
}

/// Fields of a session that may be conclusions: inferred, or inherited from the session that was resumed.
const CONCLUDED: [&str; 2] = ["session.posture", "session.client_auth"];

/// What the first condition says that is true.
fn first<T: Copy>(cases: &[(Condition, T)], fields: &Inputs<'_, '_>) -> Option<T> {
    let found = cases.iter().find(|(when, _)| decide(&when.node, fields) == Some(true));
    found.map(|(_, said)| *said)
}

/// Names of client and server, empty for none, and the server's port, 0 for none: as [`parties`], without copies.
fn party_names<'a>(subject: &Subject<'a>) -> (&'a str, &'a str, u16) {
    match subject {
        Subject::Session(s) => (&s.client.service, &s.server.service, s.session.server.port),
        Subject::Certificate(c) => match c.role {
            Direction::ToServer => (&c.party.service, "", 0),
            Direction::ToClient => ("", &c.party.service, c.port),
        },
        Subject::Credential(c) => ("", &c.server.service, c.port),
        Subject::Endpoint(e) => ("", &e.server.service, e.port),
        Subject::Edge(e) => (&e.client.service, &e.server.service, e.port),
        Subject::Change(c) => ("", &c.server.service, c.port),
        Subject::Reliance(r) => (&r.client.service, &r.server.service, r.port),
        Subject::Policy(p) => (&p.client.service, &p.server.service, p.port),
        Subject::Run(_) => ("", "", 0),
    }
}

/// The line of the user's file that a subject is about.
fn declared<'a>(subject: &Subject<'a>) -> Option<&'a Place> {
    match subject {
        Subject::Policy(policy) => Some(&policy.place),
        _ => None,
    }
}

/// Writes a party, but for its name.
fn write_party(party: &Party, out: &mut Vec<u8>) {
    match party.addr {
        IpAddr::V4(addr) => out.extend(addr.octets()),
        IpAddr::V6(addr) => out.extend(addr.octets()),
    }
    let (network, period) = (party.realm.network(), party.realm.period());
    out.extend(network.map_or(u64::MAX, u64::from).to_le_bytes());
    out.extend(period.to_le_bytes());
    write_text(party.how, out);
    // Whoever keeps what is written keeps the party, too: no other profile comes to lie in its place.
    let profile = party.profile.as_ref().map_or(0, |profile| Arc::as_ptr(profile) as usize);
    out.extend(profile.to_le_bytes());
}

fn parties(subject: &Subject<'_>) -> (Option<Party>, Option<Party>, Option<u16>) {
    match subject {
        Subject::Session(s) => {
            (Some(s.client.clone()), Some(s.server.clone()), Some(s.session.server.port))
        }
        Subject::Certificate(c) => match c.role {
            Direction::ToServer => (Some(c.party.clone()), None, None),
            Direction::ToClient => (None, Some(c.party.clone()), Some(c.port)),
        },
        Subject::Credential(c) => (None, Some(c.server.clone()), Some(c.port)),
        Subject::Endpoint(e) => (None, Some(e.server.clone()), Some(e.port)),
        Subject::Edge(e) => (Some(e.client.clone()), Some(e.server.clone()), Some(e.port)),
        Subject::Change(c) => (None, Some(c.server.clone()), Some(c.port)),
        Subject::Reliance(r) => (Some(r.client.clone()), Some(r.server.clone()), Some(r.port)),
        Subject::Policy(p) => (Some(p.client.clone()), Some(p.server.clone()), Some(p.port)),
        Subject::Run(_) => (None, None, None),
    }
}
