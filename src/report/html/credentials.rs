//! Credentials that were shown; the secrets are not in the outcome.

use maud::{Markup, html};

use super::super::layout::grouped;
use super::left_out;
use crate::model::{CredentialKind, CredentialRow, Endpoint, Outcome, Seen, limits};

pub(super) fn section(outcome: &Outcome) -> Markup {
    let shown = |row: &&CredentialRow| row.at.credential.kind != CredentialKind::None;
    let rows: Vec<&CredentialRow> = outcome.credentials.iter().filter(shown).collect();
    let most = limits::HTML_CREDENTIALS;
    html! {
        section #credentials aria-labelledby="h-credentials" {
            h2 #h-credentials { "Credentials" }
            @if rows.is_empty() { p .note { "No credential was seen." } } @else {
                p .note { "What was shown to whom. No secret is stored or printed: equal numbers stand for equal secrets." }
                div .scroll { table {
                    caption { "Credentials by server" }
                    thead { tr {
                        th scope="col" { "Kind" } th scope="col" { "Of" } th scope="col" { "Shown to" }
                        th scope="col" { "Secret" } th .n scope="col" { "Clients" } th .n scope="col" { "Uses" }
                        th .n scope="col" { "In clear" } th scope="col" { "Let in" }
                    } }
                    tbody { @for row in rows.iter().take(most) { (credential(row)) } }
                } }
                (left_out(rows.len(), most, "credentials"))
            }
        }
    }
}

fn credential(row: &CredentialRow) -> Markup {
    let (at, of) = (&row.at, &row.at.credential);
    let accepted = match at.accepted {
        Seen::Value(true) => "yes",
        Seen::Value(false) => "no",
        _ => "not seen",
    };
    html! {
        tr {
            td { (of.kind.name()) br; small { (of.mechanism) } }
            td { (of.principal.as_deref().unwrap_or("not said")) }
            td { @if at.server.how != "unmapped" { (at.server.service) br; }
                small .mono { (Endpoint::new(at.server.addr, at.port)) } }
            td { "no. " (at.ordinal) ", " (of.secret.length()) " bytes" }
            td .n { (grouped(at.sources)) }
            td .n { (grouped(at.count)) }
            td .n { @if at.in_clear > 0 { b .fault { (grouped(at.in_clear)) " of " (grouped(at.sessions)) } }
                @else { "none" } }
            td { (accepted) }
        }
    }
}
