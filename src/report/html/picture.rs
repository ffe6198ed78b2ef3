//! The map as a picture: boxes, arrows, and what their lines mean.

use maud::{Markup, html};

use super::super::layout::grouped;
use super::map::{Arrow, Map, Node};
use super::word;
use crate::model::Posture;

/// Pixels: of a box, and from one column or row to the next.
const BOX: (i64, i64) = (178, 42);
const PITCH: (i64, i64) = (308, 58);
const MARGIN: i64 = 14;

pub(super) fn draw(map: &Map) -> Markup {
    let sheet = Sheet::of(map);
    let (width, height) = sheet.size;
    html! {
        (legend())
        div .scroll .map {
            svg role="img" aria-label="Map of services; the table of edges says the same in words"
                viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) {
                defs {
                    @for posture in Posture::ALL {
                        marker id={ "head-" (posture.name()) } class={ "h-" (posture.name()) } viewBox="0 0 8 8"
                            refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto" {
                            path d="M0,0 L8,4 L0,8 z" {}
                        }
                    }
                }
                @for (arrow, curve) in map.arrows.iter().zip(&sheet.curves) { (line(map, arrow, curve)) }
                @for (node, at) in map.nodes.iter().zip(&sheet.boxes) { (boxed(node, *at)) }
                @for (at, (arrow, curve)) in map.arrows.iter().zip(&sheet.curves).enumerate() {
                    (letter(arrow, curve, int(at)))
                }
            }
        }
    }
}

/// Where everything is.
struct Sheet {
    size: (i64, i64),
    boxes: Vec<(i64, i64)>,
    curves: Vec<Curve>,
}

/// A cubic curve: begin, two handles, end.
struct Curve([(i64, i64); 4]);

impl Curve {
    fn path(&self) -> String {
        let [a, b, c, d] = self.0;
        format!("M{},{} C{},{} {},{} {},{}", a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1)
    }

    /// A point near the end, where arrows from one caller have parted and no box stands; `step` keeps those that come
    /// to one box apart.
    fn label(&self, step: i64) -> (i64, i64) {
        let [.., end] = self.0;
        let wanted = end.0 - 32 - 20 * (step % 4);
        let points = (0..=PARTS).map(|part| self.at(part));
        points.into_iter().find(|(x, _)| *x >= wanted).unwrap_or(end)
    }

    /// The point after so many parts of the way.
    fn at(&self, part: i64) -> (i64, i64) {
        let [a, b, c, d] = self.0;
        let (t, u) = (part, PARTS - part);
        let mix = |a: i64, b: i64, c: i64, d: i64| {
            (a * u * u * u + 3 * b * u * u * t + 3 * c * u * t * t + d * t * t * t)
                / (PARTS * PARTS * PARTS)
        };
        (mix(a.0, b.0, c.0, d.0), mix(a.1, b.1, c.1, d.1))
    }
}

/// Parts of the way along a curve.
const PARTS: i64 = 64;

impl Sheet {
    fn of(map: &Map) -> Self {
        let columns = map.nodes.iter().map(|node| node.column).max().unwrap_or(0);
        let mut counts = vec![0_i64; columns + 1];
        for node in &map.nodes {
            if let Some(count) = counts.get_mut(node.column) {
                *count += 1;
            }
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        let height = MARGIN * 2 + most * PITCH.1;
        let place = |node: &Node| {
            let own = counts.get(node.column).copied().unwrap_or(0);
            let top = (height - own * PITCH.1) / 2 + (PITCH.1 - BOX.1) / 2;
            let (column, row) = (int(node.column), int(node.place));
            (MARGIN + column * PITCH.0, top + row * PITCH.1)
        };
        let boxes: Vec<(i64, i64)> = map.nodes.iter().map(place).collect();
        let curves = curves(map, &boxes);
        let width = MARGIN * 2 + int(columns) * PITCH.0 + BOX.0 + BEHIND;
        Self { size: (width, height), boxes, curves }
    }
}

fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(0)
}

/// Room for arrows that go back.
const BEHIND: i64 = 46;

/// A curve for each arrow; those at one box are spread over its side, in the order of where they go.
fn curves(map: &Map, boxes: &[(i64, i64)]) -> Vec<Curve> {
    let at = |node: usize| boxes.get(node).copied().unwrap_or_default();
    let spread = |of: &dyn Fn(&Arrow) -> usize, to: &dyn Fn(&Arrow) -> usize| {
        let mut order: Vec<usize> = (0..map.arrows.len()).collect();
        order.sort_by_key(|n| {
            map.arrows.get(*n).map(|arrow| (of(arrow), at(to(arrow)).1, at(to(arrow)).0))
        });
        let mut offsets = vec![BOX.1 / 2; map.arrows.len()];
        for own in order.chunk_by(|a, b| map.arrows.get(*a).map(of) == map.arrows.get(*b).map(of)) {
            for (step, n) in own.iter().enumerate() {
                if let Some(offset) = offsets.get_mut(*n) {
                    *offset = 6 + (BOX.1 - 12) * (int(step) + 1) / (int(own.len()) + 1);
                }
            }
        }
        offsets
    };
    let leaving = spread(&|arrow| arrow.from, &|arrow| arrow.to);
    let coming = spread(&|arrow| arrow.to, &|arrow| arrow.from);
    let ends = leaving.iter().zip(&coming);
    let curve = |(arrow, (out, into)): (&Arrow, (&i64, &i64))| {
        let (from, to) = (at(arrow.from), at(arrow.to));
        let begin = (from.0 + BOX.0, from.1 + out);
        if to.0 > from.0 {
            let end = (to.0, to.1 + into);
            let reach = (end.0 - begin.0) / 2;
            Curve([begin, (begin.0 + reach, begin.1), (end.0 - reach, end.1), end])
        } else {
            // Back, or to a neighbour above or below: around the right-hand side.
            let end = (to.0 + BOX.0, to.1 + into);
            let out = begin.0.max(end.0) + BEHIND;
            Curve([begin, (out, begin.1), (out, end.1), end])
        }
    };
    map.arrows.iter().zip(ends).map(curve).collect()
}

fn line(map: &Map, arrow: &Arrow, curve: &Curve) -> Markup {
    let name = |at: usize| map.nodes.get(at).map_or("", |node| node.label.as_str());
    let posture = arrow.posture.name();
    html! {
        path class={ "arrow e-" (posture) } d=(curve.path()) marker-end={ "url(#head-" (posture) ")" } {
            title { (name(arrow.from)) " to " (name(arrow.to)) ": " (word(arrow.posture)) " at worst, "
                (grouped(arrow.sessions)) " sessions" }
        }
    }
}

fn letter(arrow: &Arrow, curve: &Curve, step: i64) -> Markup {
    let (x, y) = curve.label(step);
    html! {
        g class={ "letter l-" (arrow.posture.name()) } aria-hidden="true" {
            circle cx=(x) cy=(y) r="8" {}
            text x=(x) y=(y + 4) text-anchor="middle" { (sign(arrow.posture)) }
        }
    }
}

/// What stands on an arrow.
fn sign(posture: Posture) -> &'static str {
    match posture {
        Posture::Mtls => "M",
        Posture::Tls => "T",
        Posture::TlsOpaque => "O",
        Posture::Plaintext => "!",
        Posture::Unknown => "?",
    }
}

fn boxed(node: &Node, (x, y): (i64, i64)) -> Markup {
    let inside = html! {
        title { (node.label) }
        rect class=(if node.grade.is_some() { "box" } else { "box caller" }) x=(x) y=(y) width=(BOX.0) height=(BOX.1) rx="6" {}
        text .name x=(x + 10) y=(y + 18) { (shortened(&node.label)) }
        text .below x=(x + 10) y=(y + 33) { (node.below) }
        @if let Some((letter, mark)) = &node.grade {
            rect class={ "chip g-" (if *letter == "-" { "none" } else { letter }) } x=(x + BOX.0 - 36) y=(y + 10) width="28" height="22" rx="4" {}
            text class={ "chip g-" (if *letter == "-" { "none" } else { letter }) } x=(x + BOX.0 - 22) y=(y + 26) text-anchor="middle" { (mark) }
        }
    };
    html! {
        @match node.row {
            Some(row) => a href={ "#s" (row) } { (inside) },
            None => g { (inside) },
        }
    }
}

/// As much of a name as fits, its beginning and its end.
pub(super) fn shortened(name: &str) -> String {
    const FITS: usize = 19;
    let length = name.chars().count();
    if length <= FITS {
        return name.to_owned();
    }
    let head: String = name.chars().take(FITS / 2).collect();
    let tail: String = name.chars().skip(length.saturating_sub(FITS / 2)).collect();
    format!("{head}\u{2026}{tail}")
}

fn legend() -> Markup {
    html! {
        ul .legend {
            @for posture in Posture::ALL {
                li {
                    svg width="64" height="18" viewBox="0 0 64 18" aria-hidden="true" focusable="false" {
                        path class={ "arrow e-" (posture.name()) } d="M2,9 L62,9" {}
                        g class={ "letter l-" (posture.name()) } {
                            circle cx="32" cy="9" r="8" {}
                            text x="32" y="13" text-anchor="middle" { (sign(posture)) }
                        }
                    }
                    (meaning(posture))
                }
            }
        }
    }
}

fn meaning(posture: Posture) -> &'static str {
    match posture {
        Posture::Mtls => "mutual TLS",
        Posture::Tls => "TLS, client without certificate",
        Posture::TlsOpaque => "TLS, client hidden",
        Posture::Plaintext => "plaintext",
        Posture::Unknown => "unknown",
    }
}
