//! Which findings of a finished run their users accept, and what of their baseline needs their attention.
//!
//! A pure function of the outcome, the baseline and the day, which is given.

use std::collections::BTreeMap;

use super::rows;
use crate::model::{
    Acceptance, AcceptedBy, Diagnostic, Finding, FindingId, Outcome, Severity, Timestamp,
    escape_text, limits,
};
use crate::rule::baseline::{Baseline, Entry, Grant, Ignore};

/// Days before the end of an entry from which on it is announced.
pub const EXPIRES_SOON_DAYS: i64 = 14;

/// What is accepted, and by when that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Accepting<'a> {
    /// The entries.
    pub baseline: &'a Baseline,
    /// The moment by which entries expire: the user's, or the clock's. Never that of a packet, since an entry is a
    /// promise to people.
    pub now: Timestamp,
    /// Entries hold for good.
    pub ignore_expiry: bool,
    /// Codes and names of the rules in force: what they are not about is not called unused.
    pub rules: &'a [(String, String)],
}

/// Marks what is accepted in `outcome`, counts the services' open findings again, and says which entries ran out, run
/// out soon, cannot hold, or matched nothing.
#[must_use]
pub fn accept(outcome: &mut Outcome, by: &Accepting<'_>) -> Vec<Diagnostic> {
    let mut uses = Uses::new(by);
    for finding in &mut outcome.findings {
        finding.accepted = uses.judge(finding).map(Box::new);
    }
    rows::count_findings(&mut outcome.services, &outcome.findings);
    // Grades count what is accepted too, and say that it is.
    super::grade::grade(outcome);
    let whole = outcome.coverage.incomplete.is_empty() && outcome.run.filter.is_none();
    uses.said(whole && outcome.coverage.sessions > 0)
}

/// Whether a baseline may not hold this: a secret crossed, or anyone on the path can get in. A person can still ignore it
/// with a date.
#[must_use]
pub fn is_guarded(finding: &Finding) -> bool {
    finding.severity == Severity::Critical || finding.rule.starts_with("WL5")
}

/// What became of an entry.
#[derive(Clone, Copy, Default)]
struct Use {
    matched: bool,
    /// It matched something that it may not accept.
    guarded: bool,
}

struct Uses<'a> {
    by: &'a Accepting<'a>,
    of_id: BTreeMap<FindingId, usize>,
    ignores: Vec<Use>,
    entries: Vec<Use>,
}

impl<'a> Uses<'a> {
    fn new(by: &'a Accepting<'a>) -> Self {
        let entries = &by.baseline.entries;
        Self {
            by,
            of_id: entries.iter().enumerate().map(|(n, entry)| (entry.fingerprint, n)).collect(),
            ignores: vec![Use::default(); by.baseline.ignores.len()],
            entries: vec![Use::default(); entries.len()],
        }
    }

    /// The word of a person counts before that of the baseline; both are marked as used.
    fn judge(&mut self, finding: &Finding) -> Option<Acceptance> {
        let guarded = is_guarded(finding);
        let mut accepted = None;
        for (ignore, used) in self.by.baseline.ignores.iter().zip(&mut self.ignores) {
            if !ignore.matches(finding) {
                continue;
            }
            used.matched = true;
            let endless = guarded && ignore.grant.until.is_none();
            used.guarded |= endless;
            if !endless && !self.by.over(&ignore.grant) && accepted.is_none() {
                accepted = Some(acceptance(AcceptedBy::Ignore, &ignore.grant));
            }
        }
        if let Some(number) = self.of_id.get(&finding.id)
            && let Some(entry) = self.by.baseline.entries.get(*number)
            && let Some(used) = self.entries.get_mut(*number)
        {
            used.matched = true;
            // What an ignore accepts too is no longer this entry's to answer for.
            used.guarded |= guarded && accepted.is_none();
            if !guarded && !self.by.over(&entry.grant) && accepted.is_none() {
                accepted = Some(acceptance(AcceptedBy::Baseline, &entry.grant));
            }
        }
        accepted
    }

    fn said(&self, whole: bool) -> Vec<Diagnostic> {
        let lines = self.lines();
        let mut said = Vec::new();
        for line in lines.iter().filter(|line| line.used.guarded) {
            said.push(line.cannot_hold());
        }
        if !self.by.ignore_expiry {
            let over: Vec<&Line<'_>> =
                lines.iter().filter(|line| self.by.over(line.grant)).collect();
            said.extend(
                over.iter().take(limits::SHOWN_BASELINE_ENTRIES).map(|line| line.expired()),
            );
            said.extend(rest("baseline-expired", "ran out", over.len()));
            let soon: Vec<&Line<'_>> =
                lines.iter().filter(|line| self.by.soon(line.grant)).collect();
            said.extend(soon.iter().take(limits::SHOWN_BASELINE_ENTRIES).map(|line| line.soon()));
            said.extend(rest("baseline-expires-soon", "run out soon", soon.len()));
        }
        if whole {
            said.extend(self.unused(&lines));
        }
        said
    }

    fn lines(&self) -> Vec<Line<'a>> {
        let Baseline { ignores, entries } = self.by.baseline;
        let ignores =
            ignores.iter().zip(&self.ignores).map(|(ignore, used)| Line::ignore(ignore, *used));
        let entries =
            entries.iter().zip(&self.entries).map(|(entry, used)| Line::entry(entry, *used));
        ignores.chain(entries).collect()
    }

    fn unused(&self, lines: &[Line<'_>]) -> Option<Diagnostic> {
        let in_force =
            |line: &&Line<'_>| {
                line.rule.is_empty()
                    || self.by.rules.iter().any(|(code, name)| {
                        line.rule.eq_ignore_ascii_case(code) || line.rule == name
                    })
            };
        let unused: Vec<_> =
            lines.iter().filter(|line| !line.used.matched).filter(in_force).collect();
        let first = unused.first()?;
        let ignores = unused.iter().filter(|line| line.is_ignore).count();
        let message =
            format!("{} matched nothing in this capture", count(ignores, unused.len() - ignores));
        let more = unused.iter().skip(1).take(limits::SHOWN_BASELINE_ENTRIES);
        let mut places: Vec<String> =
            more.map(|line| format!(":{}", line.grant.place.line)).collect();
        if unused.len() > places.len() + 1 {
            places.push(format!("{} more", unused.len() - places.len() - 1));
        }
        let also = (!places.is_empty()).then(|| format!("and {}", places.join(", ")));
        let warning = Diagnostic::warning("baseline-unused", message).at(first.grant.place.clone());
        let warning = also.into_iter().fold(warning, Diagnostic::note);
        Some(warning.note("removed only by: wirelint baseline prune --last 5   (unused in the last 5 complete runs)"))
    }
}

impl Accepting<'_> {
    fn over(&self, grant: &Grant) -> bool {
        !self.ignore_expiry && grant.expired(self.now)
    }

    fn soon(&self, grant: &Grant) -> bool {
        let edge = self.now.plus_seconds(EXPIRES_SOON_DAYS * 86_400);
        !grant.expired(self.now) && grant.expired(edge)
    }
}

fn acceptance(by: AcceptedBy, grant: &Grant) -> Acceptance {
    let (until, place) = (grant.until, grant.place.clone());
    Acceptance { by, reason: escape_text(&grant.reason), until, place }
}

/// An entry of either kind, for what is said of it.
struct Line<'a> {
    is_ignore: bool,
    rule: &'a str,
    words: String,
    owner: Option<&'a str>,
    grant: &'a Grant,
    used: Use,
}

impl<'a> Line<'a> {
    fn ignore(ignore: &'a Ignore, used: Use) -> Self {
        let Ignore { rule, grant, .. } = ignore;
        let owner = ignore.owner.as_deref();
        Self { is_ignore: true, rule, words: ignore.words(), owner, grant, used }
    }

    fn entry(entry: &'a Entry, used: Use) -> Self {
        let Entry { rule, grant, .. } = entry;
        Self { is_ignore: false, rule, words: entry.words(), owner: None, grant, used }
    }

    fn kind(&self) -> &'static str {
        if self.is_ignore { "an ignore" } else { "a baseline entry" }
    }

    fn warning(&self, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::warning(code, message).at(self.grant.place.clone()).note(self.words.clone())
    }

    fn expired(&self) -> Diagnostic {
        let day = self.grant.last_day().unwrap_or_default();
        let message = format!("{} ran out on {day}, its findings count again", self.kind());
        self.warning("baseline-expired", message)
            .note(self.reason())
            .help("fix it, or set a new date with a new reason")
    }

    fn soon(&self) -> Diagnostic {
        let day = self.grant.last_day().unwrap_or_default();
        let message = format!("{} runs out after {day}", self.kind());
        self.warning("baseline-expires-soon", message).note(self.reason())
    }

    fn cannot_hold(&self) -> Diagnostic {
        let what = "secrets that crossed and critical findings";
        let message = match self.is_ignore {
            true => format!("an ignore without a date does not hold for {what}"),
            false => format!("a baseline does not hold for {what}"),
        };
        let help = if self.is_ignore {
            "give it a date: expires = 2026-09-30"
        } else {
            "fix it, or write an [[ignore]] with a reason and a date"
        };
        self.warning("baseline-guarded", message).help(help)
    }

    fn reason(&self) -> String {
        let owner =
            self.owner.map_or_else(String::new, |owner| format!(", owner {}", escape_text(owner)));
        format!("reason was \"{}\"{owner}", escape_text(&self.grant.reason))
    }
}

fn rest(code: &'static str, what: &str, all: usize) -> Option<Diagnostic> {
    let more = all.checked_sub(limits::SHOWN_BASELINE_ENTRIES).filter(|more| *more > 0)?;
    let help = "wirelint baseline show lists all";
    Some(Diagnostic::warning(code, format!("{more} more entries {what}")).help(help))
}

/// `2 ignores and 1 baseline entry`.
fn count(ignores: usize, entries: usize) -> String {
    let of = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {many}")),
    };
    let parts =
        [of(ignores, "ignore", "ignores"), of(entries, "baseline entry", "baseline entries")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture;

    const NOW: &str = "2026-09-30";

    fn outcome() -> Outcome {
        let mut outcome = Outcome::default();
        outcome.coverage.sessions = 3;
        outcome.findings = [
            ("WL1001", Severity::High),
            ("WL2003", Severity::Medium),
            ("WL5001", Severity::Low),
            ("WL1007", Severity::Critical),
        ]
        .map(|(code, severity)| fixture::finding(code, code, severity, 1))
        .to_vec();
        outcome
    }

    fn run(text: &str, ignore_expiry: bool) -> (Outcome, Vec<Diagnostic>) {
        let baseline = Baseline::read("b.toml", text).unwrap();
        let mut outcome = outcome();
        let rules: Vec<_> = outcome
            .findings
            .iter()
            .map(|f| (f.rule.to_string(), f.rule_name.to_string()))
            .collect();
        let now = Timestamp::parse(NOW).unwrap();
        let said = accept(
            &mut outcome,
            &Accepting { baseline: &baseline, now, ignore_expiry, rules: &rules },
        );
        (outcome, said)
    }

    fn ignore(rule: &str, more: &str) -> String {
        format!("[[ignore]]\nrule = \"{rule}\"\nreason = \"known\"\n{more}\n")
    }

    fn entry(number: usize) -> String {
        let id = outcome().findings[number].id;
        format!("[[finding]]\nfingerprint = \"{id}\"\nreason = \"adopted\"\n")
    }

    fn states(outcome: &Outcome) -> Vec<&'static str> {
        outcome.findings.iter().map(|finding| finding.state()).collect()
    }

    fn codes(said: &[Diagnostic]) -> Vec<&'static str> {
        said.iter().map(|diagnostic| diagnostic.code).collect()
    }

    #[test]
    fn findings_are_accepted_by_ignores_first_and_by_the_baseline() {
        let text = format!("{}{}{}", ignore("WL1001", ""), entry(0), entry(1));
        let (outcome, said) = run(&text, false);
        assert_eq!(states(&outcome), ["ignored", "baseline", "open", "open"]);
        assert_eq!(said, [], "both entries for the first were used");
        let accepted = outcome.findings[0].accepted.as_ref().unwrap();
        assert_eq!((accepted.reason.as_str(), accepted.place.line), ("known", 1));
    }

    #[test]
    fn the_last_day_counts_and_the_day_after_does_not() {
        let (outcome, said) = run(&ignore("WL1001", "expires = 2026-09-30"), false);
        assert_eq!((states(&outcome)[0], codes(&said)), ("ignored", vec!["baseline-expires-soon"]));
        let expired = ignore("WL1001", "expires = 2026-09-29\nowner = \"team\"");
        let (outcome, said) = run(&expired, false);
        assert_eq!((states(&outcome)[0], codes(&said)), ("open", vec!["baseline-expired"]));
        assert_eq!(said[0].message, "an ignore ran out on 2026-09-29, its findings count again");
        assert_eq!(said[0].notes[1], "reason was \"known\", owner team");
        let (outcome, said) = run(&expired, true);
        assert_eq!((states(&outcome)[0], said), ("ignored", Vec::new()));
    }

    #[test]
    fn secrets_and_critical_findings_are_ignored_by_hand_with_a_date_only() {
        let (outcome, said) = run(&format!("{}{}", entry(2), entry(3)), false);
        assert_eq!(states(&outcome), ["open"; 4]);
        assert_eq!(codes(&said), ["baseline-guarded"; 2]);
        let endless = format!("{}{}", ignore("WL5001", ""), ignore("WL1007", ""));
        let (outcome, said) = run(&endless, false);
        assert_eq!(
            (states(&outcome), codes(&said)),
            (vec!["open"; 4], vec!["baseline-guarded"; 2])
        );
        let dated = endless.replace("reason", "expires = 2027-01-01\nreason");
        let (outcome, said) = run(&dated, false);
        assert_eq!((states(&outcome), said), (vec!["open", "open", "ignored", "ignored"], vec![]));
    }

    #[test]
    fn what_matched_nothing_is_told_of_whole_runs_and_of_rules_in_force() {
        let text = format!("{}{}", ignore("WL1001", "port = 1"), ignore("WL9999", ""));
        let (_, said) = run(&text, false);
        assert_eq!(codes(&said), ["baseline-unused"]);
        assert_eq!(said[0].message, "1 ignore matched nothing in this capture");
        let baseline = Baseline::read("b.toml", &text).unwrap();
        let now = Timestamp::parse(NOW).unwrap();
        let by = Accepting { baseline: &baseline, now, ignore_expiry: false, rules: &[] };
        let mut filtered = outcome();
        filtered.run.filter = Some("tcp".to_owned());
        assert_eq!(accept(&mut filtered, &by), []);
    }
}
