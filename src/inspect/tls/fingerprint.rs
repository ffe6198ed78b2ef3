//! Fingerprints of hellos: which library, with which settings, is at that end.
//!
//! Takes hellos, gives JA3 and JA3S (MD5 of a line of decimal numbers) and JA4 (three parts, two of them the beginning
//! of a SHA-256). They identify programs, not people, and prove nothing: whoever wants to can send another's hello. They
//! are computed when asked for, never while packets are read.
//!
//! JA4 for clients is the one of its family that its authors (FoxIO) put under the BSD 3-Clause licence. The others are
//! licensed otherwise and are not here.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::model::{ClientOffer, Seen, ServerHello, Why, hex, push_hex};

/// The JA3 fingerprint of a ClientHello. Absent where it is not defined (the framing of SSLv2); hidden when part of the
/// hello could not be read.
#[must_use]
pub fn ja3(hello: &ClientOffer) -> Seen<String> {
    whole(hello, |hello| md5_hex(&ja3_text(hello)))
}

/// The JA3S fingerprint of a ServerHello.
#[must_use]
pub fn ja3s(hello: &ServerHello) -> String {
    let extensions = decimal(hello.extensions.iter().copied());
    md5_hex(&format!("{},{},{extensions}", hello.legacy_version, hello.suite))
}

/// The JA4 fingerprint of a ClientHello over TCP. Absent and hidden as JA3.
#[must_use]
pub fn ja4(hello: &ClientOffer) -> Seen<String> {
    whole(hello, |hello| {
        let [a, b, c] = ja4_parts(hello);
        format!("{a}_{}_{}", truncated_sha256(&b), truncated_sha256(&c))
    })
}

/// Why a ClientHello has no fingerprint: one of a part of its lists would be the fingerprint of something else.
#[must_use]
pub fn no_fingerprint(hello: &ClientOffer) -> Option<Why> {
    match hello {
        hello if hello.malformed => Some(Why::Malformed),
        hello if hello.cut => Some(Why::Bound),
        _ => None,
    }
}

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

fn whole(hello: &ClientOffer, make: impl FnOnce(&ClientOffer) -> String) -> Seen<String> {
    match no_fingerprint(hello) {
        _ if hello.sslv2 => Seen::Absent,
        Some(why) => Seen::Hidden(why),
        None => Seen::Value(make(hello)),
    }
}

fn ja3_text(hello: &ClientOffer) -> String {
    format!(
        "{},{},{},{},{}",
        hello.legacy_version,
        decimal(suites(hello)),
        decimal(hello.extensions.iter().copied()),
        decimal(hello.groups.iter().copied()),
        decimal(hello.point_formats.iter().map(|format| u16::from(*format))),
    )
}

/// What is told openly, and the texts whose digests are the other two parts.
fn ja4_parts(hello: &ClientOffer) -> [String; 3] {
    let mut suites: Vec<u16> = suites(hello).collect();
    let version = hello.offered_versions().high;
    let open = format!(
        "t{}{}{:02}{:02}{}",
        ja4_version(version),
        if hello.extensions.contains(&SERVER_NAME) { 'd' } else { 'i' },
        suites.len().min(99),
        hello.extensions.len().min(99),
        ja4_alpn(hello.alpn_ends),
    );
    suites.sort_unstable();
    let named = |kind: &u16| !matches!(*kind, SERVER_NAME | ALPN);
    let mut extensions: Vec<u16> = hello.extensions.iter().copied().filter(named).collect();
    extensions.sort_unstable();
    let mut last = hexadecimal(&extensions);
    if !last.is_empty() && !hello.signature_schemes.is_empty() {
        last.push('_');
        last.push_str(&hexadecimal(&hello.signature_schemes));
    }
    [open, hexadecimal(&suites), last]
}

/// The suites with the signals among them, as they were sent.
fn suites(hello: &ClientOffer) -> impl Iterator<Item = u16> {
    let mut signals = hello.suite_signals.iter().peekable();
    let mut suites = hello.suites.iter().enumerate().peekable();
    std::iter::from_fn(move || {
        let place = suites.peek().map(|(place, _)| *place);
        let due = |signal: &&(u16, u16)| place.is_none_or(|at| usize::from(signal.0) <= at);
        if let Some((_, signal)) = signals.next_if(due) {
            return Some(*signal);
        }
        suites.next().map(|(_, suite)| *suite)
    })
}

fn ja4_version(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// The first and the last character of the first protocol; of its bytes in hexadecimal when they are no letters or
/// digits.
fn ja4_alpn(ends: Option<(u8, u8)>) -> String {
    match ends {
        None => "00".to_owned(),
        Some((first, last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
            [char::from(first), char::from(last)].iter().collect()
        }
        Some((first, last)) => format!("{:x}{:x}", first >> 4, last & 0x0f),
    }
}

fn decimal(numbers: impl Iterator<Item = u16>) -> String {
    let mut out = String::new();
    for number in numbers {
        let joint = if out.is_empty() { "" } else { "-" };
        // Writing to a text does not fail.
        let _ = write!(out, "{joint}{number}");
    }
    out
}

fn hexadecimal(numbers: &[u16]) -> String {
    let mut out = String::with_capacity(numbers.len() * "0000,".len());
    for number in numbers {
        if !out.is_empty() {
            out.push(',');
        }
        push_hex(&mut out, &number.to_be_bytes());
    }
    out
}

fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// Twelve hexadecimal digits; zeros for nothing.
fn truncated_sha256(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    hex(Sha256::digest(text.as_bytes()).get(..6).unwrap_or_default())
}

#[cfg(test)]
#[path = "tests/fingerprints.rs"]
mod tests;
