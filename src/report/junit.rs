//! JUnit's XML, valid against the schema of Jenkins' xUnit plugin (`junit-10.xsd`).
//!
//! A suite is a server, a case is one rule between one client and one server port. What was judged and is well is
//! listed too, so that it can be seen; what could not be decided is `skipped`, never passed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use super::Style;
use super::standing::{accepted, fails, told};
use super::wireshark::in_files;
use crate::model::{Finding, Outcome, SubjectKind, limits};

pub(super) fn write(outcome: &Outcome, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut suites: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    outcome.findings.iter().for_each(|one| {
        let place = Place::of(one);
        suites.entry(place.suite()).or_default().push(found(outcome, &place, one));
    });
    let left_out = add_quiet(outcome, &mut suites);
    let count = |cases: &[Case], state: State| cases.iter().filter(|c| c.state == state).count();
    let all = |state| suites.values().map(|cases| count(cases, state)).sum::<usize>();
    let tests: usize = suites.values().map(Vec::len).sum();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let failures = all(State::Failed);
    writeln!(
        out,
        "<testsuites name=\"wirelint\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">"
    )?;
    for (name, cases) in &suites {
        let [failed, skipped] = [State::Failed, State::Skipped].map(|state| count(cases, state));
        write_suite(outcome, [name, &suite_counts(cases.len(), failed, skipped)], left_out, out)?;
        cases.iter().try_for_each(|case| out.write_all(case.xml.as_bytes()))?;
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn suite_counts(tests: usize, failed: usize, skipped: usize) -> String {
    format!("tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\"")
}

fn write_suite(
    outcome: &Outcome,
    [name, counts]: [&str; 2],
    left_out: usize,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let capture = match outcome.run.sources.as_slice() {
        [one] => one.name.clone(),
        all => format!("{} captures", all.len()),
    };
    let time = outcome.coverage.first.to_seconds_text();
    writeln!(
        out,
        "  <testsuite name=\"{}\" {counts} timestamp=\"{time}\" hostname=\"{}\">",
        attribute(name),
        attribute(&capture)
    )?;
    let sessions = outcome.services.iter().filter(|row| row.service.service == name);
    let sessions: u64 = sessions.map(|row| row.postures.total()).sum();
    let properties = [
        ("wirelint.version", outcome.run.version.clone()),
        ("sessions", sessions.to_string()),
        ("quiet cases left out of this report", left_out.to_string()),
    ];
    write!(out, "    <properties>")?;
    for (name, value) in properties {
        let value = attribute(&value);
        write!(out, "<property name=\"{name}\" value=\"{value}\"/>")?;
    }
    writeln!(out, "</properties>")
}

/// One test case, written already.
struct Case {
    state: State,
    xml: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Passed,
    Failed,
    Skipped,
}

/// Whom a case is about, by names; empty and 0 for nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    server: &'a str,
    client: &'a str,
    port: u16,
}

impl<'a> Place<'a> {
    fn of(finding: &'a Finding) -> Self {
        let client = finding.client.as_ref().map_or("", |party| party.service.as_str());
        let server = finding.server.as_ref().map_or("", |party| party.service.as_str());
        Self { server, client, port: finding.server_port.unwrap_or(0) }
    }

    fn suite(&self) -> &'a str {
        match (self.server, self.client) {
            ("", "") => "run",
            ("", client) => client,
            (server, _) => server,
        }
    }

    /// `payments.orders.50051`.
    fn class(&self) -> String {
        let port = if self.port == 0 { String::new() } else { self.port.to_string() };
        let parts = [self.server, self.client, &port];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { "run".to_owned() } else { parts.join(".") }
    }
}

fn found(outcome: &Outcome, place: &Place<'_>, finding: &Finding) -> Case {
    let mut name = format!("{} {}", finding.rule, finding.rule_name);
    if let Some(subject) = &finding.subject {
        let _infallible = write!(name, " ({subject})");
    }
    let message = told(finding);
    let severity = finding.severity.name();
    if let Some(words) = accepted(finding) {
        let inside = format!("<skipped message=\"{}\"/>", attribute(&words));
        return Case { state: State::Skipped, xml: case(place, &name, &inside) };
    }
    let details = content(&details(outcome, finding));
    if fails(outcome, finding) {
        let message = attribute(&message);
        let inside =
            format!("<failure type=\"{severity}\" message=\"{message}\">{details}</failure>");
        return Case { state: State::Failed, xml: case(place, &name, &inside) };
    }
    let inside = format!(
        "<system-out>{severity}, does not fail this run: {}\n{details}</system-out>",
        content(&message)
    );
    Case { state: State::Passed, xml: case(place, &name, &inside) }
}

fn details(outcome: &Outcome, finding: &Finding) -> String {
    let mut out = format!("id {}\n", finding.id);
    for evidence in &finding.evidence {
        let _infallible = writeln!(out, "community_id {}", evidence.community_id());
        for found in in_files(&outcome.run, evidence) {
            let frames: Vec<String> = found.frames.iter().map(ToString::to_string).collect();
            let _infallible = writeln!(out, "{} frame {}", found.file, frames.join(", "));
            let _infallible = writeln!(out, "wireshark: {}", found.filter);
        }
    }
    if let Some(place) = &finding.declared {
        let _infallible = writeln!(out, "declared in {}:{}", place.path, place.line);
    }
    let _infallible = writeln!(out, "Fix: {} (wirelint explain {})", finding.fix, finding.rule);
    out
}

fn case(place: &Place<'_>, name: &str, inside: &str) -> String {
    let (class, name) = (attribute(&place.class()), attribute(name));
    let open = format!("    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\"");
    if inside.is_empty() {
        format!("{open}/>\n")
    } else {
        format!("{open}>\n      {inside}\n    </testcase>\n")
    }
}

/// Adds what was judged without a finding, and says how much of it there was no room for.
fn add_quiet<'a>(outcome: &'a Outcome, suites: &mut BTreeMap<&'a str, Vec<Case>>) -> usize {
    let mut taken: BTreeSet<(Place<'_>, &str)> =
        outcome.findings.iter().map(|one| (Place::of(one), one.rule.as_str())).collect();
    let undecided: BTreeMap<(Place<'_>, &str), u64> = outcome
        .undecided
        .places
        .iter()
        .map(|one| {
            let place = Place { server: &one.server, client: &one.client, port: one.port };
            ((place, one.rule.as_str()), one.count)
        })
        .collect();
    let names: BTreeMap<&str, &str> =
        outcome.rules.iter().map(|rule| (rule.code.as_str(), rule.name.as_str())).collect();
    let listed = undecided.keys().copied().chain(judged(outcome));
    let (mut room, mut left_out) = (limits::JUNIT_QUIET_CASES, 0);
    for (place, rule) in listed {
        if !taken.insert((place, rule)) {
            continue;
        }
        if room == 0 {
            left_out += 1;
            continue;
        }
        room -= 1;
        let name = format!("{rule} {}", names.get(rule).copied().unwrap_or_default());
        let one = quiet(outcome, &place, &name, undecided.get(&(place, rule)).copied());
        suites.entry(place.suite()).or_default().push(one);
    }
    left_out
}

fn quiet(outcome: &Outcome, place: &Place<'_>, name: &str, undecided: Option<u64>) -> Case {
    let words = match undecided {
        Some(count) => {
            format!("not observable in {count} cases: what the rule asks could not be seen")
        }
        None if outcome.undecided.cut => {
            "not observable: not every place where it could not be seen was kept".to_owned()
        }
        None => return Case { state: State::Passed, xml: case(place, name, "") },
    };
    let inside = format!("<skipped message=\"{}\"/>", attribute(&words));
    Case { state: State::Skipped, xml: case(place, name, &inside) }
}

/// Every pair of a rule and a place that it judges.
fn judged(outcome: &Outcome) -> impl Iterator<Item = (Place<'_>, &str)> {
    let edges: BTreeSet<Place<'_>> = outcome
        .edges
        .iter()
        .map(|row| Place {
            server: &row.server.service,
            client: &row.client.service,
            port: row.server_port,
        })
        .collect();
    let servers: BTreeSet<Place<'_>> =
        edges.iter().map(|edge| Place { client: "", ..*edge }).collect();
    let run = BTreeSet::from([Place { server: "", client: "", port: 0 }]);
    outcome.rules.iter().flat_map(move |rule| {
        let places = match rule.on {
            SubjectKind::Session | SubjectKind::Edge | SubjectKind::Reliance => &edges,
            SubjectKind::Run => &run,
            _ => &servers,
        };
        let places: Vec<Place<'_>> = places.iter().copied().collect();
        places.into_iter().map(move |place| (place, rule.code.as_str()))
    })
}

/// Text for an attribute. What XML 1.0 cannot hold was escaped where it was read; what is left of it is replaced.
fn attribute(words: &str) -> String {
    content(words).replace('"', "&quot;").replace('\n', "&#10;")
}

/// Text between tags.
fn content(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
