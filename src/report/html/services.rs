//! Every service with its grade, why it is no better and what would lift it.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::super::body::versions;
use super::super::layout::grouped;
use super::{badge, bar, left_out, severity, shares};
use crate::model::{Confidence, Grade, Graded, Lift, Outcome, ServiceRow, limits};

pub(super) fn section(outcome: &Outcome) -> Markup {
    let mut rows: Vec<(usize, &ServiceRow)> = outcome.services.iter().enumerate().collect();
    rows.sort_by_key(|(at, row)| (Reverse(row.grade.grade), Reverse(row.worst), *at));
    let most = limits::HTML_SERVICES;
    html! {
        section #services aria-labelledby="h-services" {
            h2 #h-services { "Services" }
            @if rows.is_empty() { p .note { "No service was seen." } } @else {
                p .note { "Worst first. A grade is as good as the worst thing that was seen allows; a question mark "
                    "says that something that could not be seen makes it less certain. docs/grades.md has the table." }
            }
            @if !rows.is_empty() {
                div .scroll { table .wide {
                    caption { "Services by grade: how they are spoken to, and what is wrong" }
                    thead { tr {
                        th scope="col" { "Grade" } th scope="col" { "Service" } th scope="col" { "Sessions by posture" }
                        th scope="col" { "Spoken" } th .n scope="col" { "Clients" } th scope="col" { "Findings" }
                    } }
                    tbody { @for (at, row) in rows.iter().take(most) { (service(*at, row)) } }
                } }
            }
            (left_out(rows.len(), most, "services"))
        }
    }
}

fn service(at: usize, row: &ServiceRow) -> Markup {
    let named = row.service.service != row.endpoint && row.service.how != "unmapped";
    html! {
        tr id={ "s" (at) } {
            td .mark { (badge(&row.grade)) }
            th scope="row" { @if named { (row.service.service) br; small .mono { (row.endpoint) } }
                @else { span .mono { (row.endpoint) } }
                @if let Some(owner) = row.service.owner() { br; small { "owner: " (owner) } } }
            td .postures { (bar(&row.postures)) (shares(&row.postures)) }
            td { (row.protocols.join(", ")) br; small { (versions(&row.particulars).join(", ")) } }
            td .n { (grouped(row.clients)) }
            td { @match row.worst {
                Some(worst) => { b { (grouped(row.findings)) } " " (severity(worst)) }
                None => { @if row.findings > 0 { (grouped(row.findings)) } @else { span .note { "none" } } }
            } }
        }
        @if !(row.grade.reasons.is_empty() && row.grade.doubts.is_empty()) {
            tr .more { td {} td colspan="5" { (why(&row.grade)) } }
        }
    }
}

/// Why a grade is no better and no surer, and what would lift it.
pub(super) fn why(graded: &Graded) -> Markup {
    html! {
        details {
            summary { "Why" @if let Some(grade) = graded.grade { " " (grade.name()) }
                @if !graded.reasons.is_empty() { ", and what would lift it" } }
            @if !graded.reasons.is_empty() {
                ul .reasons { @for reason in &graded.reasons {
                    li { "At best " b { (reason.ceiling.grade.name()) } ": "
                        @if let Some(rule) = &reason.rule { code { (rule) } " " }
                        (reason.what)
                        @if reason.accepted { " " em { "(accepted, counts all the same)" } }
                        @if reason.confidence != Confidence::High {
                            " " span .note { (reason.confidence.name()) " confidence" } } }
                } }
            }
            @if !graded.doubts.is_empty() {
                p .note { @if graded.certainty == Confidence::High { "Not seen, and no matter for this grade" }
                    @else { "Certainty " b { (graded.certainty.name()) } } ": " (graded.doubts.join("; ")) "." }
            }
            @if !graded.reasons.is_empty() {
                p { b { "What would lift it, in the order of effect:" } }
                ol .lifts { @let lifts = graded.lifts();
                    @for (lift, before) in lifts.iter().zip(before(graded.grade, &lifts)) {
                    li { (lift.step)
                        @if !lift.rules.is_empty() { " " code { (lift.rules.join(" ")) } }
                        @if Some(lift.to) != before { span .to { "then at best " (lift.to.name()) } } }
                } }
            }
        }
    }
}

/// The grade before each step.
fn before(now: Option<Grade>, lifts: &[Lift<'_>]) -> impl Iterator<Item = Option<Grade>> {
    std::iter::once(now).chain(lifts.iter().map(|lift| Some(lift.to)))
}
