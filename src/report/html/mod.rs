//! One self-contained page for people: what was found, how each service stands, and what would lift it.
//!
//! No script, no request: a policy in the page forbids both, and allows the one style by its digest. Every text goes
//! through the escaper of the templates, and no text of the wire becomes an address, a style, a class or an id: those
//! are made of our words and of numbers. What grows with the capture has a bound, and the page says what it left out.

mod appendix;
mod certificates;
mod credentials;
mod edges;
mod findings;
mod header;
mod map;
mod picture;
mod policy;
mod redact;
mod services;
mod timeline;
mod unseen;

use std::io;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::Style;
use super::layout::{counted, grouped};
use crate::model::{Graded, Outcome, Posture, Postures, Severity};

const STYLE: &str = include_str!("style.css");

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head())
            body {
                (header::section(outcome, style.redact))
                (contents())
                main {
                    (unseen::section(outcome))
                    (services::section(outcome))
                    (map::section(outcome))
                    (edges::section(outcome))
                    (findings::section(outcome))
                    (certificates::section(outcome))
                    (credentials::section(outcome))
                    (policy::section(outcome))
                    (appendix::section(outcome))
                }
            }
        }
    };
    let page = page.into_string();
    let page = if style.redact { redact::Aliases::of(outcome).page(&page) } else { page };
    out.write_all(page.as_bytes())?;
    out.write_all(b"\n")
}

fn head() -> Markup {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            meta name="robots" content="noindex";
            meta name="color-scheme" content="light dark";
            meta name="generator" content="wirelint";
            title { "wirelint report" }
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// The sections, in their order: their ids and names.
const SECTIONS: [(&str, &str); 9] = [
    ("unseen", "What could not be seen"),
    ("services", "Services"),
    ("map", "Map"),
    ("edges", "Edges"),
    ("findings", "Findings"),
    ("certificates", "Certificates"),
    ("credentials", "Credentials"),
    ("policy", "Policy"),
    ("run", "This run"),
];

fn contents() -> Markup {
    html! {
        nav aria-label="Contents" {
            ul { @for (id, name) in SECTIONS { li { a href={ "#" (id) } { (name) } } } }
        }
    }
}

/// A grade as a badge, with its certainty in words for who cannot see it.
fn badge(graded: &Graded) -> Markup {
    let letter = graded.letter();
    let class = if graded.grade.is_some() { letter } else { "none" };
    let certainty = match graded.grade {
        Some(_) => format!("certainty: {}", graded.certainty.name()),
        None => "not graded: nothing could be judged".to_owned(),
    };
    html! {
        span class={ "grade g-" (class) } title=(certainty) { (letter) }
        @if !graded.doubt().is_empty() { span .doubt title=(certainty) { (graded.doubt()) } }
    }
}

/// A severity as a badge.
fn severity(severity: Severity) -> Markup {
    html! { span class={ "severity s-" (severity.name()) } { (severity.name()) } }
}

/// Postures in words: `mTLS 88, TLS 25`.
fn shares(postures: &Postures) -> Markup {
    let some = Posture::ALL.into_iter().filter(|posture| postures.of(*posture) > 0);
    html! {
        span .shares {
            @for posture in some {
                span { span class={ "key k-" (posture.name()) } aria-hidden="true" {}
                    (word(posture)) " " b { (grouped(postures.of(posture))) } }
            }
        }
    }
}

/// A posture as people say it.
fn word(posture: Posture) -> &'static str {
    match posture {
        Posture::Mtls => "mTLS",
        Posture::Tls => "TLS",
        Posture::TlsOpaque => "opaque",
        Posture::Plaintext => "plaintext",
        Posture::Unknown => "unknown",
    }
}

/// A bar of postures; the words beside it say the same.
fn bar(postures: &Postures) -> Markup {
    let total = postures.total().max(1);
    let mut from = 0_u64;
    let parts: Vec<_> = Posture::ALL
        .into_iter()
        .filter(|posture| postures.of(*posture) > 0)
        .map(|posture| {
            let start = scaled(from, total);
            from += postures.of(posture);
            (posture, start, scaled(from, total).saturating_sub(start).max(1))
        })
        .collect();
    html! {
        svg .bar viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (posture, start, width) in parts {
                rect class={ "b-" (posture.name()) } x=(start) y="0" width=(width) height="10" {}
            }
        }
    }
}

fn scaled(part: u64, total: u64) -> u64 {
    u64::try_from(u128::from(part) * 1000 / u128::from(total.max(1))).unwrap_or(1000)
}

/// Says how many rows are left out, if any.
fn left_out(all: usize, shown: usize, what: &str) -> Markup {
    let left = all.saturating_sub(shown) as u64;
    html! {
        @if left > 0 {
            p .note { (counted(left, "more is", "more are")) " not on this page, which shows the first "
                (grouped(shown as u64)) " " (what) "; the json report has all." }
        }
    }
}

#[cfg(test)]
mod tests;
