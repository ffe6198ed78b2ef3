//! When certificates end, drawn over a year from the capture on.

use maud::{Markup, html};

use super::certificates::{day, days};
use crate::model::{CertificateRow, Outcome, Timestamp, limits};

/// Days drawn before and after the last packet.
const BEFORE: i64 = 60;
const AFTER: i64 = 365;

/// Pixels: of a day, of names on the left, of a row, of the scale above.
const PER_DAY: i64 = 2;
const NAMES: i64 = 230;
const ROW: i64 = 24;
const TOP: i64 = 34;
const WIDTH: i64 = NAMES + (BEFORE + AFTER) * PER_DAY + 110;

pub(super) fn picture(outcome: &Outcome, leaves: &[Vec<&CertificateRow>]) -> Markup {
    let now = outcome.coverage.last;
    let rows: Vec<_> =
        leaves.iter().filter_map(|own| bar(own, now)).take(limits::HTML_TIMELINE).collect();
    let height = TOP + ROW * i64::try_from(rows.len()).unwrap_or(0) + 8;
    html! {
        @if !rows.is_empty() {
            figure {
                figcaption { "Expiry timeline: the " (rows.len()) " certificates that end first, a year from the capture on" }
                div .scroll {
                    svg .timeline role="img" aria-label="Expiry of certificates; the table below has the same dates"
                        viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) {
                        @for month in 0..=12 { (tick(now, month * 30, height)) }
                        line .now x1=(x(0)) y1="20" x2=(x(0)) y2=(height) {}
                        text .now x=(x(0)) y="12" text-anchor="middle" { "capture, " (day(now)) }
                        @for (at, row) in rows.iter().enumerate() { (draw(row, i64::try_from(at).unwrap_or(0))) }
                    }
                }
            }
        }
    }
}

struct Bar {
    name: String,
    from: i64,
    to: i64,
    left: i64,
}

fn bar(own: &[&CertificateRow], now: Timestamp) -> Option<Bar> {
    let details = own.first()?.certificate.details.as_ref()?;
    let name = details.common_name.clone();
    let name = name.or_else(|| details.names.first().map(ToString::to_string));
    let left = days(now, details.not_after);
    Some(Bar {
        name: name.unwrap_or_else(|| details.subject.clone()),
        from: days(now, details.not_before).clamp(-BEFORE, AFTER),
        to: left.clamp(-BEFORE, AFTER),
        left,
    })
}

fn x(day: i64) -> i64 {
    NAMES + (day + BEFORE) * PER_DAY
}

fn tick(now: Timestamp, after: i64, height: i64) -> Markup {
    let at = now.plus_seconds(after.saturating_mul(86_400));
    let month = day(at);
    html! {
        line .tick x1=(x(after)) y1="26" x2=(x(after)) y2=(height) {}
        @if after > 0 && after % 90 == 0 {
            text .tick x=(x(after)) y="20" text-anchor="middle" { (month.get(..7).unwrap_or_default()) }
        }
    }
}

fn draw(row: &Bar, at: i64) -> Markup {
    let y = TOP + at * ROW;
    let (class, words) = match row.left {
        -1 => ("ended", "ended within a day".to_owned()),
        ..0 => ("ended", format!("ended {} days ago", row.left.saturating_neg())),
        0 => ("soon", "less than a day left".to_owned()),
        1 => ("soon", "1 day left".to_owned()),
        2..30 => ("soon", format!("{} days left", row.left)),
        30..=AFTER => ("later", format!("{} days left", row.left)),
        _ => ("later", "more than a year".to_owned()),
    };
    let end = x(row.to);
    let words_at = if row.left < 0 { end.max(x(0)) } else { end };
    html! {
        text x=(NAMES - 8) y=(y + 13) text-anchor="end" { (shortened(&row.name)) title { (row.name) } }
        rect class={ "cert c-" (class) } x=(x(row.from)) y=(y + 3) width=((end - x(row.from)).max(2)) height="13" rx="2" {}
        text class={ "t-" (class) } x=(words_at + 6) y=(y + 13) { (words) }
    }
}

/// As much of a name as fits.
pub(super) fn shortened(name: &str) -> String {
    const FITS: usize = 30;
    if name.chars().count() <= FITS {
        return name.to_owned();
    }
    let tail: String = name.chars().skip(name.chars().count().saturating_sub(FITS / 2)).collect();
    let head: String = name.chars().take(FITS / 2 - 1).collect();
    format!("{head}\u{2026}{tail}")
}
