//! SARIF 2.1.0, as code scanning services read it.
//!
//! A finding is about traffic and has no line of code. Its location is the line of the user's file that the traffic
//! breaks, where there is one, else the capture; the frames are related locations, and the edge is a logical one.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use super::body::postures;
use super::standing::{accepted, rule_of};
use super::wireshark::in_files;
use super::{SarifLocation, Style, Verdict};
use crate::model::{Confidence, Finding, Outcome, Place, RuleText, Severity, limits};

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let shown = outcome.findings.get(..limits::SARIF_RESULTS).unwrap_or(&outcome.findings);
    let rules = Rules::of(outcome, shown);
    let results: Vec<Value> =
        shown.iter().map(|one| result(outcome, &rules, (one, &style.sarif))).collect();
    let mut run = json!({
        "tool": { "driver": {
            "name": "wirelint",
            "semanticVersion": outcome.run.version,
            "rules": rules.described,
        }},
        "invocations": [invocation(outcome, shown.len())],
        "columnKind": "utf16CodeUnits",
        "results": results,
        "properties": {
            "posture": postures(&outcome.coverage.postures),
            "findings": outcome.findings.len(),
            "ruleset_sha256": outcome.run.ruleset,
        },
    });
    if !outcome.run.category.is_empty() {
        let id = format!("wirelint/{}/", outcome.run.category);
        put(&mut run, "automationDetails", json!({ "id": id }));
    }
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "properties": { "writer": "wirelint" },
        "runs": [run],
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

/// The rules that have results, and where in the list each is.
struct Rules {
    described: Vec<Value>,
    index: BTreeMap<String, usize>,
}

impl Rules {
    fn of(outcome: &Outcome, shown: &[Finding]) -> Self {
        let by_code: BTreeMap<&str, &Finding> =
            shown.iter().map(|finding| (finding.rule.as_str(), finding)).collect();
        let described = by_code.values().map(|one| described(one, rule_of(outcome, one))).collect();
        let codes = by_code.keys().enumerate();
        Self { described, index: codes.map(|(at, code)| ((*code).to_owned(), at)).collect() }
    }
}

fn described(finding: &Finding, text: Option<&RuleText>) -> Value {
    let severity = text.map_or(finding.severity, |rule| rule.severity);
    let confidence = text.map_or(finding.confidence, |rule| rule.confidence);
    let tags = text.map_or(&*finding.tags, |rule| &rule.tags);
    let mut properties = json!({ "tags": sarif_tags(tags), "precision": precision(confidence) });
    if let Some(score) = score(severity) {
        put(&mut properties, "security-severity", json!(score));
    }
    let why = text.map_or("", |rule| rule.why.as_str()).trim();
    let why = if why.is_empty() { finding.title.as_str() } else { why };
    json!({
        "id": finding.rule,
        "name": finding.rule_name,
        "shortDescription": { "text": bounded(&finding.title) },
        "fullDescription": { "text": bounded(why) },
        "help": { "text": bounded(&plain_help(finding, text)), "markdown": help(finding, text) },
        "defaultConfiguration": { "level": level(severity) },
        "properties": properties,
    })
}

fn plain_help(finding: &Finding, text: Option<&RuleText>) -> String {
    let more = text.map_or("", |rule| rule.remediation.as_str()).trim();
    format!("{}. {more} See wirelint explain {}.", finding.fix, finding.rule)
}

/// The rule's page: what it means, what to do, what else it could be. Rules are files of ours and of the user.
fn help(finding: &Finding, text: Option<&RuleText>) -> String {
    let mut out = format!("**{}**\n\n", finding.fix);
    if let Some(rule) = text {
        let parts = [
            ("Why", rule.why.as_str()),
            ("Impact", &rule.impact),
            ("Fix", &rule.remediation),
            ("What else it could be", &rule.false_positives),
        ];
        for (name, words) in parts.into_iter().filter(|(_, words)| !words.trim().is_empty()) {
            out.push_str(&format!("### {name}\n\n{}\n\n", words.trim()));
        }
        if !rule.references.is_empty() {
            out.push_str("### References\n\n");
            rule.references.iter().for_each(|one| out.push_str(&format!("- {one}\n")));
            out.push('\n');
        }
    }
    out.push_str(&format!("`wirelint explain {}`\n", finding.rule));
    out
}

/// At most ten tags are shown of a rule; weaknesses in the form that code scanning links.
fn sarif_tags(tags: &[String]) -> Vec<String> {
    let named = tags.iter().map(|tag| match tag.strip_prefix("cwe-") {
        Some(number) => format!("external/cwe/cwe-{number}"),
        None => tag.clone(),
    });
    std::iter::once("security".to_owned()).chain(named).take(limits::SARIF_TAGS).collect()
}

fn result(outcome: &Outcome, rules: &Rules, (finding, at): (&Finding, &SarifLocation)) -> Value {
    let run = &outcome.run;
    let mut related = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut filters = Vec::new();
    for evidence in &finding.evidence {
        let connection = evidence.connection();
        let community_id = evidence.community_id().to_string();
        for found in in_files(run, evidence) {
            let frames: Vec<String> = found.frames.iter().map(ToString::to_string).collect();
            let message = format!(
                "frames {} of {}, {}, community id {}",
                frames.join(", "),
                told(&found.file),
                connection,
                community_id
            );
            let id = related.len() + 1;
            let physical = capture_at(&found.file);
            related.push(json!({ "id": id, "physicalLocation": physical, "message": { "text": text(&message) } }));
            filters.push(json!({ "capture": uri(&found.file), "filter": found.filter }));
        }
        if !ids.contains(&community_id) {
            ids.push(community_id);
        }
    }
    related.truncate(limits::SARIF_RELATED);
    filters.truncate(limits::SARIF_RELATED);
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.index.get(finding.rule.as_str()),
        "kind": "fail",
        "level": level(finding.severity),
        "message": { "text": bounded(&text(&sentence(outcome, finding))) },
        "locations": [location(outcome, finding, at)],
        "relatedLocations": related,
        "partialFingerprints": {
            "primaryLocationLineHash": format!("{}:1", hash(finding)),
            "wirelint/v1": finding.id.to_string(),
        },
        "occurrenceCount": finding.count.clamp(1, u64::from(u32::MAX >> 1)),
        "properties": properties(finding, &ids, &filters),
    });
    if let Some(word) = &finding.accepted {
        let suppression = json!({
            "kind": "external",
            "status": "accepted",
            "justification": accepted(finding).unwrap_or_default(),
            "location": { "physicalLocation": at_place(&word.place) },
        });
        put(&mut result, "suppressions", json!([suppression]));
    }
    result
}

fn properties(finding: &Finding, ids: &[String], filters: &[Value]) -> Value {
    json!({
        "severity": finding.severity.name(),
        "confidence": finding.confidence.name(),
        "client": finding.client.as_ref().map(|party| &party.service),
        "server": finding.server.as_ref().map(|party| &party.service),
        "port": finding.server_port,
        "subject": finding.subject,
        "community_ids": ids,
        "wireshark": filters,
        "first_seen": finding.first.time.to_string(),
        "last_seen": finding.last.time.to_string(),
        "fix": finding.fix,
    })
}

/// The fingerprint without its version.
fn hash(finding: &Finding) -> String {
    finding.id.to_string().trim_start_matches("wlf1:").to_owned()
}

/// The title of the alert is the first sentence.
fn sentence(outcome: &Outcome, finding: &Finding) -> String {
    let times = match finding.count {
        0 | 1 => String::new(),
        count => format!(" ({count} times)"),
    };
    let place = crate::store::flat::place(&outcome.run, first_frame(finding));
    let seen = place.map_or_else(String::new, |(file, frame)| {
        format!(" First seen in {} frame {frame}.", told(file))
    });
    format!("{}{times}.{seen} Fix: {}.", finding.message, finding.fix)
}

fn first_frame(finding: &Finding) -> crate::model::FrameNo {
    let sample = finding.evidence.first().and_then(|evidence| evidence.frames.first());
    sample.unwrap_or(&finding.first).frame
}

fn location(outcome: &Outcome, finding: &Finding, at: &SarifLocation) -> Value {
    let declared = finding.declared.as_ref();
    let place = match at {
        SarifLocation::Auto => declared,
        SarifLocation::Policy => declared.filter(|_| finding.declared != finding.mapped),
        SarifLocation::Services => finding.mapped.as_ref(),
        SarifLocation::Capture | SarifLocation::File(_) => None,
    };
    let (physical, words) = match (place, at) {
        (Some(place), _) => (at_place(place), "what this traffic breaks"),
        (None, SarifLocation::File(path)) => (capture_at(path), "the file that was named for it"),
        (None, _) => (capture_at(&capture(outcome, finding)), "the capture that shows it"),
    };
    json!({
        "physicalLocation": physical,
        "logicalLocations": [logical(finding)],
        "message": { "text": words },
    })
}

fn capture(outcome: &Outcome, finding: &Finding) -> String {
    let sources = &outcome.run.sources;
    let found = crate::store::flat::place(&outcome.run, first_frame(finding));
    let first = sources.first().map_or("-", |source| source.name.as_str());
    found.map_or(first, |(file, _)| file).to_owned()
}

/// The edge or the endpoint, as a path whose parts cannot break out of it.
fn logical(finding: &Finding) -> Value {
    let client = finding.client.as_ref().map(|party| party.service.as_str());
    let server = finding.server.as_ref().map(|party| party.service.as_str());
    let port = finding.server_port.map(|port| port.to_string());
    let parts = [("service", server), ("port", port.as_deref()), ("client", client)];
    let named = parts.into_iter().filter_map(|(kind, name)| Some((kind, name?)));
    let path: Vec<String> = named.map(|(kind, name)| format!("{kind}/{}", percent(name))).collect();
    let path = if path.is_empty() { "run".to_owned() } else { path.join("/") };
    let name = match (client, server, &port) {
        (Some(client), Some(server), Some(port)) => format!("{client} -> {server}:{port}"),
        (None, Some(server), Some(port)) => format!("{server}:{port}"),
        (Some(one), ..) | (None, Some(one), None) => one.to_owned(),
        (None, None, _) => "the run".to_owned(),
    };
    json!({ "name": name, "fullyQualifiedName": path, "kind": "resource" })
}

fn at_place(place: &Place) -> Value {
    let (line, column) = (place.line.max(1), place.column.max(1));
    json!({
        "artifactLocation": { "uri": uri(&place.path) },
        "region": {
            "startLine": line,
            "startColumn": column,
            "endLine": line,
            "endColumn": column.saturating_add(place.width.max(1)),
        },
    })
}

fn capture_at(file: &str) -> Value {
    json!({
        "artifactLocation": { "uri": uri(file) },
        "region": { "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1 },
    })
}

/// A path in words, without the folders that [`uri`] leaves out.
fn told(path: &str) -> &str {
    let outside = path.starts_with('/') || path.split('/').any(|part| part == "..");
    let last = path.rsplit('/').find(|part| !part.is_empty());
    if outside { last.unwrap_or(path) } else { path }
}

/// A path as a relative reference (RFC 3986). Of a path that is absolute, or that leaves the folder, only the file's
/// name is told: the rest names users and machines, and no reader of the report could follow it.
pub(super) fn uri(path: &str) -> String {
    if path == "-" {
        return "stdin".to_owned();
    }
    let outside = path.starts_with('/') || path.split('/').any(|part| part == "..");
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<String> = parts.map(percent).collect();
    match (outside, parts.as_slice()) {
        (_, []) => "capture".to_owned(),
        (true, [.., last]) => last.clone(),
        (false, all) => all.join("/"),
    }
}

/// One part of a path, with everything but unreserved characters encoded.
fn percent(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn invocation(outcome: &Outcome, shown: usize) -> Value {
    let coverage = &outcome.coverage;
    let verdict = Verdict::of(outcome);
    let note = |level: &str, id: &str, words: String| json!({ "level": level, "descriptor": { "id": id }, "message": { "text": text(&words) } });
    let accepted = outcome.run.accept.incomplete;
    let severity = if accepted { "warning" } else { "error" };
    let incomplete = coverage.incomplete.iter();
    let mut notes: Vec<Value> =
        incomplete.map(|what| note(severity, what.code, what.message.clone())).collect();
    notes.extend(coverage.not_observable.iter().map(|rule| {
        let words = format!(
            "{} {} could not be decided in {} cases: neither a pass nor a finding",
            rule.rule, rule.rule_name, rule.count
        );
        note("note", "not-observable", words)
    }));
    if coverage.certificates_hidden > 0 {
        let words = format!(
            "{} of {} TLS sessions hide their certificates (TLS 1.3)",
            coverage.certificates_hidden, coverage.tls_sessions
        );
        notes.push(note("note", "certificates-hidden", words));
    }
    if shown < outcome.findings.len() {
        let words = format!("{} of {} findings are listed", shown, outcome.findings.len());
        notes.push(note("warning", "results-cut", words));
    }
    json!({
        "executionSuccessful": coverage.incomplete.is_empty() || accepted,
        "exitCode": verdict.exit_code(),
        "toolExecutionNotifications": notes,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
        Severity::Info => "note",
    }
}

/// The middle of the range that code scanning gives each word.
fn score(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    }
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

/// Text in which no reader sees a link.
fn text(words: &str) -> String {
    words.replace('[', "\\[").replace(']', "\\]")
}

/// What code scanning takes of one text.
fn bounded(words: &str) -> String {
    match words.char_indices().nth(limits::SARIF_TEXT) {
        Some((at, _)) => format!("{}...", words.get(..at).unwrap_or_default()),
        None => words.to_owned(),
    }
}
