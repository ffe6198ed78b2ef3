//! Findings that a team knows of and accepts: the entries of its baseline file.
//!
//! Takes the text of the file; gives entries with their places, and text again. Knows neither the findings of a run nor
//! what day it is: `audit` matches, and is told the day.

mod file;
#[cfg(test)]
mod tests;
mod text;

use crate::model::{Finding, FindingId, Place, Timestamp, escape_text};

pub use text::{Edit, edited};

/// What the users of a project accept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Baseline {
    /// Written by people, each for a kind of findings; in the order of the file.
    pub ignores: Vec<Ignore>,
    /// Written by `wirelint baseline`, each for one finding; in the order of the file.
    pub entries: Vec<Entry>,
}

/// What every entry says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Grant {
    /// Why. Never empty; as it was written.
    pub reason: String,
    /// The last moment at which it holds; `None` for good.
    pub until: Option<Timestamp>,
    /// Where it begins in the file.
    pub place: Place,
}

/// `[[ignore]]`: findings of a rule, where these ends, this port and this subject are meant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ignore {
    /// Code or name of the rule.
    pub rule: String,
    /// The client's service or address; any when absent.
    pub from: Option<String>,
    /// The server's service or address; any when absent.
    pub to: Option<String>,
    /// The server's port; any when absent.
    pub port: Option<u16>,
    /// What else makes the finding; any when absent.
    pub subject: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where it is followed up.
    pub ticket: Option<String>,
    /// Why and until when.
    pub grant: Grant,
}

/// `[[finding]]`: exactly one finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Which.
    pub fingerprint: FindingId,
    /// Code of its rule, for readers.
    pub rule: String,
    /// What it is, for readers.
    pub summary: String,
    /// The day it was accepted, as `2026-01-15`; empty when it does not say.
    pub created: String,
    /// Why and until when.
    pub grant: Grant,
}

impl Baseline {
    /// Reads the text of a file that the user calls `path`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place: `baseline-syntax`, `baseline-key`, `baseline-value`,
    /// `baseline-date`, `baseline-reason`, `baseline-duplicate`.
    pub fn read(path: &str, text: &str) -> Result<Self, Vec<crate::model::Diagnostic>> {
        file::read(path, text)
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ignores.is_empty() && self.entries.is_empty()
    }
}

impl Grant {
    /// Whether it does not hold any more at `now`.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until < now)
    }

    /// The last day on which it holds, as `2026-09-30`.
    #[must_use]
    pub fn last_day(&self) -> Option<String> {
        self.until.map(day)
    }
}

impl Ignore {
    /// Whether it is about this finding.
    #[must_use]
    pub fn matches(&self, finding: &Finding) -> bool {
        let party = |wanted: &Option<String>, party: &Option<crate::model::Party>| {
            let Some(wanted) = wanted else { return true };
            let Some(party) = party else { return false };
            *wanted == party.service || *wanted == party.addr.to_string()
        };
        self.names(&finding.rule, &finding.rule_name)
            && party(&self.from, &finding.client)
            && party(&self.to, &finding.server)
            && self.port.is_none_or(|port| finding.server_port == Some(port))
            && self.subject.as_ref().is_none_or(|text| finding.subject.as_ref() == Some(text))
    }

    /// Whether it is about the rule with this code and name.
    #[must_use]
    pub fn names(&self, code: &str, name: &str) -> bool {
        self.rule.eq_ignore_ascii_case(code) || self.rule == name
    }

    /// In one line, escaped: `plaintext-rpc legacy-importer -> warehouse:9042`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.rule.clone();
        if self.from.is_some() || self.to.is_some() || self.port.is_some() {
            let any = |end: &Option<String>| end.clone().unwrap_or_else(|| "any".to_owned());
            let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
            words = format!("{words} {} -> {}{port}", any(&self.from), any(&self.to));
        }
        if let Some(subject) = &self.subject {
            words = format!("{words} {subject}");
        }
        escape_text(&words)
    }
}

impl Entry {
    /// An entry for this finding.
    #[must_use]
    pub fn of(
        finding: &Finding,
        reason: &str,
        created: Timestamp,
        until: Option<Timestamp>,
    ) -> Self {
        Self {
            fingerprint: finding.id,
            rule: finding.rule.to_string(),
            summary: summary(finding),
            created: day(created),
            grant: Grant { reason: reason.to_owned(), until, place: Place::default() },
        }
    }

    /// In one line, escaped.
    #[must_use]
    pub fn words(&self) -> String {
        escape_text(format!("{} {}", self.rule, self.summary).trim())
    }
}

/// The last moment of the day that `moment` is in.
#[must_use]
pub fn end_of_day(moment: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400_000_000;
    let into = moment.micros().rem_euclid(DAY);
    Timestamp::from_micros(moment.micros().saturating_sub(into).saturating_add(DAY - 1))
}

/// The day of a moment, UTC.
#[must_use]
pub fn day(moment: Timestamp) -> String {
    moment.to_string().chars().take_while(|c| *c != 'T').collect()
}

/// The day that a text names.
fn parse_day(text: &str) -> Option<Timestamp> {
    let digits = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if digits { Timestamp::parse(text).ok() } else { None }
}

/// A finding as a reviewer knows it: who speaks to whom, and about what.
fn summary(finding: &Finding) -> String {
    let mut words = Vec::new();
    if let Some(client) = &finding.client {
        words.push(format!("{} ->", client.service));
    }
    if let Some(server) = &finding.server {
        let port = finding.server_port.map_or_else(String::new, |port| format!(":{port}"));
        words.push(format!("{}{port}", server.service));
    }
    words.extend(finding.subject.clone());
    if words.is_empty() { finding.message.to_string() } else { words.join(" ") }
}
