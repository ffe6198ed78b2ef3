//! Who talks to whom, and how.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::super::body::versions;
use super::super::layout::grouped;
use super::{badge, left_out, shares};
use crate::model::{EdgeRow, Outcome, Party, limits};

pub(super) fn section(outcome: &Outcome) -> Markup {
    let mut rows: Vec<(usize, &EdgeRow)> = outcome.edges.iter().enumerate().collect();
    rows.sort_by_key(|(at, row)| (Reverse(row.grade.grade), *at));
    let most = limits::HTML_EDGES;
    html! {
        section #edges aria-labelledby="h-edges" {
            h2 #h-edges { "Edges" }
            p .note { "One client talking to one server and port, worst first." }
            details open[rows.len() <= FEW] {
                summary { (grouped(rows.len() as u64)) " edges" }
                div .scroll { table {
                    caption { "Edges by grade" }
                    thead { tr {
                        th scope="col" { "Grade" } th scope="col" { "Client" } th scope="col" { "Server" }
                        th scope="col" { "Sessions by posture" } th scope="col" { "Spoken" }
                        th .n scope="col" { "Bytes" } th scope="col" { "Why" }
                    } }
                    tbody { @for (_, row) in rows.iter().take(most) { (edge(row)) } }
                } }
                (left_out(rows.len(), most, "edges"))
            }
        }
    }
}

/// Up to so many, the table is open.
const FEW: usize = 40;

fn edge(row: &EdgeRow) -> Markup {
    html! {
        tr {
            td .mark { (badge(&row.grade)) }
            td .who { (party(&row.client)) }
            td .who { (party(&row.server)) ":" (row.server_port) }
            td { (shares(&row.postures)) }
            td { (row.protocols.join(", ")) br; small { (versions(&row.used.particulars).join(", ")) } }
            td .n { (grouped(row.bytes)) }
            td .small { @match row.grade.reasons.first() {
                Some(reason) => { @if let Some(rule) = &reason.rule { code { (rule) } " " } (reason.what) }
                None => { @match row.grade.grade {
                    Some(_) => span .note { "nothing to find fault with" },
                    None => span .note { "nothing could be judged" },
                } }
            } }
        }
    }
}

fn party(party: &Party) -> Markup {
    html! { @if party.how == "unmapped" { span .mono { (party.service) } }
    @else { (party.service) " " small .mono { (party.addr) } } }
}
