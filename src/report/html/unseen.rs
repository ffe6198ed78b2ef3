//! What could not be seen, ahead of what was found: a report that is read without it says more than is known.

use maud::{Markup, html};

use super::super::layout::{counted, grouped, percent};
use super::super::text::{concluded, unseen};
use super::left_out;
use crate::model::{Outcome, limits};

pub(super) fn section(outcome: &Outcome) -> Markup {
    let coverage = &outcome.coverage;
    let known = coverage.sessions.saturating_sub(coverage.postures.unknown);
    let most = limits::SHOWN_ROWS;
    let lines: Vec<String> = unseen(coverage);
    let concluded: Vec<String> = concluded(coverage).collect();
    html! {
        section #unseen aria-labelledby="h-unseen" {
            h2 #h-unseen { "What could not be seen" }
            p { "The posture of " b { (grouped(known)) " of " (counted(coverage.sessions, "session", "sessions")) }
                " (" (percent(known, coverage.sessions)) ") is known. What is not known is neither a pass nor a "
                "failure, and raises no grade." }
            @for what in &coverage.incomplete {
                p .warning { b { "Incomplete: " } (what.message) " " code { (what.code) } }
            }
            @if !lines.is_empty() || !concluded.is_empty() {
                ul .facts {
                    @for line in &lines { li { b { "Not seen: " } (line) } }
                    @for line in &concluded { li { b { "Concluded, not read: " } (line) } }
                }
            }
            @if !coverage.not_observable.is_empty() {
                details {
                    summary { (counted(coverage.not_observable.len() as u64, "rule", "rules"))
                        " could not decide everywhere" }
                    div .scroll { table {
                        caption { "Rules that needed what could not be seen" }
                        thead { tr { th scope="col" { "Rule" } th scope="col" { "Name" }
                            th .n scope="col" { "Cases" } } }
                        tbody { @for rule in coverage.not_observable.iter().take(most) {
                            tr { td { code { (rule.rule) } } td { (rule.rule_name) }
                                td .n { (grouped(rule.count)) } }
                        } }
                    } }
                    (left_out(coverage.not_observable.len(), most, "rules"))
                }
            }
        }
    }
}
