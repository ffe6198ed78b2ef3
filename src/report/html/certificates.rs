//! The inventory of certificates.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::layout::{counted, grouped};
use super::{left_out, timeline};
use crate::model::{CertificateRow, ChainTrust, Digest, Outcome, Timestamp, limits};

const DAY: i64 = 86_400_000_000;

/// Whole days from one moment to another; negative when it is past.
pub(super) fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.micros_since(from).div_euclid(DAY)
}

pub(super) fn section(outcome: &Outcome) -> Markup {
    let leaves = leaves(outcome);
    let hidden = outcome.coverage.certificates_hidden;
    let most = limits::HTML_CERTIFICATES;
    html! {
        section #certificates aria-labelledby="h-certificates" {
            h2 #h-certificates { "Certificates" }
            @if hidden > 0 {
                p .note { "TLS 1.3 encrypts certificates: those of " (grouped(hidden)) " of "
                    (counted(outcome.coverage.tls_sessions, "TLS session", "TLS sessions"))
                    " could not be seen, and are not in this list." }
            }
            @if leaves.is_empty() { p .note { "No certificate was seen." } } @else {
                (timeline::picture(outcome, &leaves))
                div .scroll { table {
                    caption { "Leaf certificates, those that end first first" }
                    thead { tr {
                        th scope="col" { "Subject and names" } th scope="col" { "Issuer" } th scope="col" { "Key" }
                        th scope="col" { "Shown by" } th scope="col" { "Ends" } th .n scope="col" { "Days left" }
                        th scope="col" { "Chain" }
                    } }
                    tbody { @for own in leaves.iter().take(most) { (leaf(own)) } }
                } }
                (left_out(leaves.len(), most, "certificates"))
                p .note { "Days are counted from when the certificate was last shown, by packet time." }
            }
        }
    }
}

/// Leaves with all their places, in the order in which they end; what cannot be read comes last.
pub(super) fn leaves(outcome: &Outcome) -> Vec<Vec<&CertificateRow>> {
    let mut leaves: BTreeMap<Digest, Vec<&CertificateRow>> = BTreeMap::new();
    for row in outcome.certificates.iter().filter(|row| row.position == 0) {
        leaves.entry(row.certificate.sha256).or_default().push(row);
    }
    let mut leaves: Vec<_> = leaves.into_values().collect();
    leaves.sort_by_key(|own| {
        let details = own.first().and_then(|row| row.certificate.details.as_ref());
        (details.is_none(), details.map(|details| details.not_after))
    });
    leaves
}

/// Places named for one certificate.
const PLACES: usize = 4;

fn leaf(own: &[&CertificateRow]) -> Markup {
    let Some(first) = own.first() else { return html! {} };
    let last = own.iter().map(|row| row.last.time).max().unwrap_or(first.last.time);
    html! {
        tr {
            @match &first.certificate.details {
                Some(details) => {
                    th scope="row" { @if details.subject.is_empty() { span .note { "no subject" } } @else { (details.subject) }
                        @for name in details.names.iter().take(PLACES) { br; small .mono { (name) } }
                        @if details.names.len() > PLACES { br; small { "and " (details.names.len() - PLACES) " more names" } }
                        br; small .mono .digest { (short(first.certificate.sha256)) } }
                    td { (details.issuer) @if details.self_issued { br; small { "self-issued" } } }
                    td { (details.key.kind.name()) " " (details.key.bits)
                        @if let Some(curve) = &details.key.curve { br; small .day { (curve) } } }
                    td { (places(own)) }
                    td .day { time { (day(details.not_after)) } }
                    td .n { (days(last, details.not_after)) }
                }
                None => {
                    th scope="row" { "could not be read" br; small .mono .digest { (short(first.certificate.sha256)) } }
                    td {} td {} td { (places(own)) } td {} td {}
                }
            }
            td { (chain(own)) }
        }
    }
}

fn places(own: &[&CertificateRow]) -> Markup {
    html! {
        @for row in own.iter().take(PLACES) {
            div { (row.party.service) @if let Some(port) = row.port { ":" (port) }
                " " small { "(" (row.role) ")" } }
        }
        @if own.len() > PLACES { small { "and " (own.len() - PLACES) " more places" } }
    }
}

fn chain(own: &[&CertificateRow]) -> Markup {
    let trust = own.iter().find_map(|row| row.outcome.value()).map(|chain| &chain.trust);
    let faults =
        own.iter().fold(crate::model::ChainFaults::default(), |all, row| all.union(row.faults));
    html! {
        @match trust {
            Some(ChainTrust::Anchored(bundle)) => { "trusted by " (bundle) }
            Some(ChainTrust::Unasked) | None => span .note { "not judged for trust" },
            Some(other) => (other.name()),
        }
        @for fault in faults.names() { br; b .fault { (fault) } }
    }
}

/// The first 16 digits: enough to find it, and the json report has all.
fn short(digest: Digest) -> String {
    let text = digest.to_string();
    text.get(..16).unwrap_or(&text).to_owned()
}

/// The day of a moment.
pub(super) fn day(at: Timestamp) -> String {
    let text = at.to_seconds_text();
    text.get(..10).unwrap_or(&text).to_owned()
}
