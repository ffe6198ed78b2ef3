//! The policy: what became of each entry, and what was seen that none of them speaks of.

use maud::{Markup, html};

use super::super::layout::{counted, grouped, path};
use super::certificates::day;
use super::left_out;
use crate::model::{EntryStanding, Outcome, PolicyStanding, limits};

pub(super) fn section(outcome: &Outcome) -> Markup {
    html! {
        section #policy aria-labelledby="h-policy" {
            h2 #h-policy { "Policy" }
            @match &outcome.policy {
                Some(standing) => (told(standing)),
                None => p .note { "No policy was given: nothing says who may talk to whom." },
            }
        }
    }
}

fn told(standing: &PolicyStanding) -> Markup {
    let mut rows: Vec<&EntryStanding> = standing.entries.iter().collect();
    rows.sort_by_key(|entry| (rank(entry), entry.line));
    let most = limits::HTML_POLICY;
    html! {
        p .note { (counts(standing)) " What was not seen is no fault: one capture does not hold all traffic." }
        @if !standing.unexpected.is_empty() { (unexpected(standing)) }
        @if !rows.is_empty() {
            div .scroll { table {
                caption { "Entries of the policy, violated ones first" }
                thead { tr {
                    th scope="col" { "Standing" } th scope="col" { "Edge" } th scope="col" { "Must be" }
                    th .n scope="col" { "Edges seen" } th .n scope="col" { "Sessions" } th scope="col" { "Why it may be weaker" }
                    th .n scope="col" { "Line" }
                } }
                tbody { @for entry in rows.iter().take(most) { (row(entry)) } }
            } }
            (left_out(rows.len(), most, "entries"))
        }
    }
}

/// Worst first.
fn rank(entry: &EntryStanding) -> u8 {
    match entry.word() {
        "violated" => 0,
        "as far as seen" => 1,
        "kept" => 2,
        _ => 3,
    }
}

fn counts(standing: &PolicyStanding) -> String {
    let of = |word: &str| standing.entries.iter().filter(|entry| entry.word() == word).count();
    let (violated, doubtful, kept, unseen) =
        (of("violated"), of("as far as seen"), of("kept"), of("not seen"));
    format!(
        "{} of {}: {violated} violated, {kept} kept, {doubtful} kept as far as could be seen, {unseen} not seen. {}.",
        counted(standing.entries.len() as u64, "entry", "entries"),
        path(&standing.file),
        match standing.unexpected.len() as u64 {
            0 => "Every edge that was seen has an entry".to_owned(),
            one => format!("{} no entry", counted(one, "edge has", "edges have")),
        }
    )
}

fn row(entry: &EntryStanding) -> Markup {
    html! {
        tr {
            td { @if entry.violations > 0 { b .fault { (entry.word()) } } @else { (entry.word()) } }
            th scope="row" { (entry.edge)
                @for what in &entry.against { br; small .fault { (what) } }
                @if entry.violations > entry.against.len() as u64 {
                    br; small { "and " (grouped(entry.violations - entry.against.len() as u64)) " more" } } }
            td { (entry.demand) }
            td .n { (grouped(entry.edges)) }
            td .n { (grouped(entry.sessions)) }
            td { (entry.reason) @if let Some(until) = entry.until {
                br; small { "until " (day(until.plus_seconds(-1))) } } }
            td .n { (entry.line) }
        }
    }
}

fn unexpected(standing: &PolicyStanding) -> Markup {
    let most = limits::HTML_POLICY;
    html! {
        details open[standing.unexpected.len() <= FEW] {
            summary { (counted(standing.unexpected.len() as u64, "edge", "edges")) " without an entry" }
            div .scroll { table {
                caption { "Edges that no entry speaks of" }
                thead { tr { th scope="col" { "Edge" } th .n scope="col" { "Sessions" } } }
                tbody { @for (edge, sessions) in standing.unexpected.iter().take(most) {
                    tr { td { (edge) } td .n { (grouped(*sessions)) } }
                } }
            } }
            (left_out(standing.unexpected.len(), most, "edges without an entry"))
        }
    }
}

/// Up to so many, the list is open.
const FEW: usize = 20;
