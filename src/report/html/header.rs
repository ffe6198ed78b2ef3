//! What the run comes to, at one glance.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::Verdict;
use super::super::layout::{counted, grouped, severities};
use super::super::standing::Standing;
use super::{bar, severity, shares};
use crate::model::{Grade, Graded, Outcome, Reason};

/// Steps shown.
const STEPS: usize = 5;

pub(super) fn section(outcome: &Outcome, redacted: bool) -> Markup {
    let verdict = Verdict::of(outcome);
    let coverage = &outcome.coverage;
    html! {
        header {
            p .brand { "wirelint" span { "Traffic audit report" } }
            h1 class={ "verdict v-" (verdict.name()) } { (verdict.line(outcome)) }
            @if coverage.frames > 0 {
                p .when {
                    "Captured from " time { (coverage.first.to_seconds_text()) } " to "
                    time { (coverage.last.to_seconds_text()) } ": "
                    (counted(coverage.sessions, "session", "sessions")) ", "
                    (counted(outcome.services.len() as u64, "service", "services")) ", "
                    (counted(outcome.edges.len() as u64, "edge", "edges")) "."
                }
            }
            p .confidential {
                @if redacted { "Names and addresses in this report are aliases." }
                @else { "This report contains internal names and addresses." }
            }
            (cards(outcome))
            (first_steps(outcome))
        }
    }
}

fn cards(outcome: &Outcome) -> Markup {
    let standing = Standing::of(outcome);
    let accepted = standing.ignored + standing.baseline;
    let postures = &outcome.coverage.postures;
    html! {
        div .cards {
            section .card aria-labelledby="card-findings" {
                h2 #card-findings { "Findings" }
                ul .counts {
                    @for (level, count) in &standing.open {
                        li { b { (grouped(*count)) } (severity(*level)) }
                    }
                }
                @if accepted > 0 {
                    p .note { (grouped(accepted)) " of " (grouped(all(outcome))) " accepted, shown apart" }
                }
            }
            section .card aria-labelledby="card-grades" {
                h2 #card-grades { "Services by grade" }
                ul .counts {
                    @for (letter, count) in grades(outcome) {
                        li { b { (grouped(count)) }
                            span class={ "grade g-" (if letter == "-" { "none" } else { letter }) } { (letter) } }
                    }
                }
            }
            section .card aria-labelledby="card-postures" {
                h2 #card-postures { "Sessions by posture" }
                (bar(postures))
                (shares(postures))
            }
        }
    }
}

fn all(outcome: &Outcome) -> u64 {
    severities(outcome).iter().map(|(_, count)| count).sum()
}

/// How many services have each grade; a dash for those without.
fn grades(outcome: &Outcome) -> Vec<(&'static str, u64)> {
    let of = |grade: Option<Grade>| {
        outcome.services.iter().filter(|row| row.grade.grade == grade).count() as u64
    };
    let graded = Grade::ALL.into_iter().map(|grade| (grade.name(), of(Some(grade))));
    graded.chain([("-", of(None))]).collect()
}

/// What lifts most services first.
fn first_steps(outcome: &Outcome) -> Markup {
    let mut steps: BTreeMap<&str, (u64, Grade)> = BTreeMap::new();
    for graded in outcome.services.iter().map(|row| &row.grade) {
        if let (Some(step), Some(grade)) = (first(graded), graded.grade) {
            let known = steps.entry(step).or_insert((0, grade));
            *known = (known.0 + 1, known.1.max(grade));
        }
    }
    let mut steps: Vec<_> = steps.into_iter().collect();
    steps.sort_by_key(|(step, (count, worst))| (std::cmp::Reverse((*worst, *count)), *step));
    html! {
        @if !steps.is_empty() {
            section .first aria-labelledby="first-steps" {
                h2 #first-steps { "What to do first" }
                ol {
                    @for (step, (count, worst)) in steps.iter().take(STEPS) {
                        li { (step) span .note { "first step for " (counted(*count, "service", "services"))
                            ", the worst of grade " (worst.name()) } }
                    }
                }
            }
        }
    }
}

fn first(graded: &Graded) -> Option<&str> {
    graded.reasons.first().map(Reason::step)
}
