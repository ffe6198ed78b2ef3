//! How the run came about, and how to make it again.

use maud::{Markup, html};

use super::super::Verdict;
use super::super::layout::{grouped, path};
use super::left_out;
use crate::model::{Outcome, limits};

pub(super) fn section(outcome: &Outcome) -> Markup {
    let run = &outcome.run;
    let most = limits::SHOWN_ROWS;
    let kinds: Vec<String> = outcome
        .coverage
        .frame_kinds
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{kind} {}", grouped(*count)))
        .collect();
    html! {
        section #run aria-labelledby="h-run" {
            h2 #h-run { "This run" }
            dl .run {
                div { dt { "wirelint" } dd { (run.version) } }
                div { dt { "Rules" } dd { (grouped(run.rules as u64)) ", digest " code .digest { (run.ruleset) } } }
                @if let Some(policy) = &outcome.policy {
                    div { dt { "Policy" } dd { (path(&policy.file)) ", SHA-256 " code .digest { (policy.digest) } } }
                }
                div { dt { "Filter" } dd { @match &run.filter { Some(filter) => code { (filter) }, None => "none" } } }
                div { dt { "Fails at" } dd { (run.fail_on.map_or("never", |level| level.name())) } }
                div { dt { "Exit code" } dd { (Verdict::of(outcome).exit_code()) } }
                div { dt { "Frames" } dd { (kinds.join(", ")) } }
                div { dt { "Lost" } dd { (grouped(outcome.coverage.dropped)) " packets lost by the capture" } }
            }
            div .scroll { table {
                caption { "Captures that were read" }
                thead { tr { th scope="col" { "Capture" } th scope="col" { "From, to" } th .n scope="col" { "Frames" }
                    th .n scope="col" { "Bytes" } th scope="col" { "Link types" } } }
                tbody { @for source in run.sources.iter().take(most) {
                    tr { td .mono { (path(&source.name)) @if !source.digest.is_empty() {
                            br; small .digest { "SHA-256 " (source.digest) } } }
                        td { @if let Some([first, last]) = source.times {
                            time { (first.to_seconds_text()) } br; time { (last.to_seconds_text()) } } }
                        td .n { (grouped(source.frames)) }
                        td .n { (grouped(source.bytes)) } td { (source.link_types.join(", ")) } }
                } }
            } }
            (left_out(run.sources.len(), most, "captures"))
            p .note { "Times are packet times, UTC. The same captures and rules make the same report, byte for byte. "
                "What a rule means and how to fix it, by framework: " code { "wirelint explain RULE" } "." }
        }
    }
}
