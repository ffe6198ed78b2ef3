//! Findings by severity, those of a rule together: the texts of a rule are on the page once.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::layout::{counted, grouped, path, place};
use super::super::standing::{accepted, rule_of};
use super::super::wireshark::in_files;
use super::{left_out, severity};
use crate::model::{Confidence, Evidence, Finding, Outcome, RuleText, limits};

/// What may still be written, over all rules.
struct Room {
    /// Findings with their evidence.
    full: usize,
    /// Findings in one line.
    lines: usize,
}

pub(super) fn section(outcome: &Outcome) -> Markup {
    let mut room = Room { full: limits::HTML_FINDINGS, lines: limits::HTML_FINDING_LINES };
    let (open, closed): (Vec<_>, Vec<_>) = outcome.findings.iter().partition(|f| f.is_open());
    html! {
        section #findings aria-labelledby="h-findings" {
            h2 #h-findings { "Findings" }
            @if open.is_empty() { p .note { "No open finding." } }
            @for own in by_rule(&open) { (rule(outcome, &own, &mut room)) }
            @if !closed.is_empty() { (of_accepted(outcome, &closed)) }
        }
    }
}

/// Findings of each rule together, the rules in the order of their worst.
fn by_rule<'a>(findings: &[&'a Finding]) -> Vec<Vec<&'a Finding>> {
    let mut rules: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        rules.entry(&finding.rule).or_default().push(finding);
    }
    let mut rules: Vec<_> = rules.into_values().collect();
    rules.sort_by_key(|own| Reverse(own.iter().map(|finding| finding.severity).max()));
    rules
}

fn rule(outcome: &Outcome, own: &[&Finding], room: &mut Room) -> Markup {
    let Some(first) = own.first() else { return html! {} };
    let worst = own.iter().map(|finding| finding.severity).max().unwrap_or(first.severity);
    let full = own.len().min(limits::HTML_FINDINGS_PER_RULE).min(room.full);
    room.full -= full;
    let (detailed, rest) = own.split_at_checked(full).unwrap_or((own, &[]));
    let lines = rest.len().min(room.lines);
    room.lines -= lines;
    html! {
        article .rule {
            h3 { (severity(worst)) " " (first.title) " "
                span .code { code { (first.rule) } " " (first.rule_name) ", "
                    (counted(own.len() as u64, "finding", "findings")) } }
            p .fix { b { "Fix: " } (first.fix) "." }
            @if let Some(text) = rule_of(outcome, first) { (told(text)) }
            @for finding in detailed { (in_full(outcome, finding)) }
            @if lines > 0 {
                details { summary { (counted(lines as u64, "more finding", "more findings")) " of this rule, in one line each" }
                    div .scroll { table { caption { "More findings of " (first.rule) }
                        thead { tr { th scope="col" { "Finding" } th .n scope="col" { "Times" }
                            th scope="col" { "First at" } } }
                        tbody { @for finding in rest.iter().take(lines) {
                            tr { td { (finding.message) } td .n { (grouped(finding.count)) }
                                td .mono { (at(outcome, finding)) } }
                        } }
                    } }
                }
            }
            (left_out(own.len(), full + lines, "findings of this rule"))
        }
    }
}

fn told(text: &RuleText) -> Markup {
    html! {
        details {
            summary { "Why it matters, and how to fix it" }
            p { (text.why) }
            p { b { "What it costs: " } (text.impact) }
            p { b { "How to fix it: " } (text.remediation) }
            @if !text.false_positives.is_empty() { p { b { "What else it could be: " } (text.false_positives) } }
            @if !text.references.is_empty() {
                p { b { "Read on: " } }
                ul { @for reference in &text.references { li { (reference) } } }
            }
            p .note { "By framework: " code { "wirelint explain " (text.code) } }
        }
    }
}

fn in_full(outcome: &Outcome, finding: &Finding) -> Markup {
    html! {
        details .finding {
            summary { @if finding.severity != rule_severity(outcome, finding) { (severity(finding.severity)) " " }
                (finding.message)
                span .count { (counted(finding.count, "time", "times"))
                    @if finding.confidence != Confidence::High { ", " (finding.confidence.name()) " confidence" } } }
            p .note { "First " time { (finding.first.time.to_seconds_text()) } ", last "
                time { (finding.last.time.to_seconds_text()) } ", " code { (finding.id) } }
            @if let Some(place) = &finding.declared {
                p { "Declared in " span .mono { (path(&place.path)) ":" (place.line) } }
            }
            @if let Some(owner) = owner(finding) { p { "Owner: " (owner) } }
            @for sample in finding.evidence.iter().take(SAMPLES) { (evidence(outcome, sample)) }
        }
    }
}

/// Who answers for the server, else for the client, as the services file says.
fn owner(finding: &Finding) -> Option<&str> {
    let parties = finding.server.iter().chain(&finding.client);
    parties.filter_map(|party| party.owner()).next()
}

/// Samples of evidence shown of one finding.
const SAMPLES: usize = 3;

fn rule_severity(outcome: &Outcome, finding: &Finding) -> crate::model::Severity {
    rule_of(outcome, finding).map_or(finding.severity, |rule| rule.severity)
}

fn evidence(outcome: &Outcome, sample: &Evidence) -> Markup {
    html! {
        div .evidence {
            p .mono { (sample.connection()) " " span .note { (sample.community_id().to_string()) } }
            @for file in in_files(&outcome.run, sample) {
                p { span .mono { (path(&file.file)) } ", " @if file.frames.len() == 1 { "frame " } @else { "frames " }
                    (file.frames.iter().map(|n| grouped(*n)).collect::<Vec<_>>().join(", "))
                    br; span .note { "Wireshark: " } code .filter { (file.filter) } }
            }
            @if !sample.facts.is_empty() {
                dl { @for (name, value) in &sample.facts { div { dt { (name) } dd { (value) } } } }
            }
        }
    }
}

fn at(outcome: &Outcome, finding: &Finding) -> String {
    let sample = finding.evidence.first().and_then(|evidence| evidence.frames.first());
    let (file, frame) = place(&outcome.run, sample.unwrap_or(&finding.first).frame);
    frame.map_or_else(|| file.clone(), |frame| format!("{file}:{frame}"))
}

fn of_accepted(outcome: &Outcome, findings: &[&Finding]) -> Markup {
    let most = limits::HTML_FINDINGS;
    html! {
        details .accepted {
            summary { (counted(findings.len() as u64, "accepted finding", "accepted findings"))
                ": they fail no run, and count for grades all the same" }
            div .scroll { table { caption { "Accepted findings and why" }
                thead { tr { th scope="col" { "Severity" } th scope="col" { "Rule" } th scope="col" { "Finding" }
                    th scope="col" { "Accepted" } th scope="col" { "Entry" } } }
                tbody { @for finding in findings.iter().take(most) {
                    tr { td { (severity(finding.severity)) } td { code { (finding.rule) } } td { (finding.message) }
                        td { (accepted(finding).unwrap_or_default()) }
                        td .mono { @if let Some(word) = &finding.accepted {
                            (path(&word.place.path)) ":" (word.place.line) } } }
                } }
            } }
            (left_out(findings.len(), most, "accepted findings"))
            @if outcome.run.fail_on.is_none() { p .note { "Findings do not fail this run." } }
        }
    }
}
