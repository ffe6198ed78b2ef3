//! What a capture in the same process says of itself, and how that is worded.

use ratatui::text::Line;

use super::model::Model;
use super::text::{bytes, fact, grouped};

/// A capture at one moment. Counts are those since it began; names and texts are escaped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Live {
    /// Seconds since it began.
    pub seconds: u64,
    /// Frames read.
    pub frames: u64,
    /// Frames and bytes a second, lately.
    pub rates: (u64, u64),
    /// Frames lost, wherever.
    pub dropped: u64,
    /// The time of the latest frame, in microseconds since the epoch.
    pub last: Option<i64>,
    /// Connections that are followed.
    pub connections: u64,
    /// Bytes held back for them.
    pub held: u64,
    /// Bytes of memory in use.
    pub resident: u64,
    /// The interfaces.
    pub sources: Vec<LiveSource>,
    /// What is in the way of storing, while something is.
    pub trouble: Option<String>,
    /// Sessions that could not be stored and were given up.
    pub unstored: u64,
    /// How long judging and storing took last, in microseconds.
    pub micros: (u64, u64),
}

/// An interface of a capture.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LiveSource {
    /// Its name, escaped.
    pub name: String,
    /// Frames read from it.
    pub frames: u64,
    /// Frames lost by the kernel, by the interface, and because nobody took them in time.
    pub dropped: [u64; 3],
    /// Whether it is away now.
    pub is_away: bool,
    /// Whether it was made anew, and cannot be opened any more.
    pub is_lost: bool,
    /// How often it went away.
    pub outages: u64,
}

/// What the first line says of a capture.
pub(super) fn head(live: &Live, wide: usize) -> String {
    let (hours, minutes, seconds) =
        (live.seconds / 3600, live.seconds / 60 % 60, live.seconds % 60);
    let away = !live.sources.is_empty() && live.sources.iter().all(|one| one.is_away);
    let state = if away { "AWAY" } else { "live" };
    let mut line = format!(" * {state}");
    if wide >= 80 {
        line.push_str(&format!("  {hours:02}:{minutes:02}:{seconds:02} "));
    }
    line.push_str(&format!("  {} pkt", grouped(live.frames)));
    if wide >= 80 {
        line.push_str(&format!("  {}/s", size(live.rates.1)));
    }
    line.push_str(&format!("  drop {}", grouped(live.dropped)));
    line
}

/// What is wrong with it now, if something is.
pub(super) fn trouble(live: &Live) -> Option<String> {
    let away: Vec<&str> = live
        .sources
        .iter()
        .filter(|one| one.is_away && !one.is_lost)
        .map(|one| one.name.as_str())
        .collect();
    let mut said = Vec::new();
    if !away.is_empty() {
        said.push(format!("away: {} (it is tried again)", away.join(", ")));
    }
    for lost in live.sources.iter().filter(|one| one.is_lost) {
        said.push(format!("{} was made anew: start wirelint again", lost.name));
    }
    if let Some(why) = &live.trouble {
        said.push(format!("not stored: {why}"));
    }
    if live.unstored > 0 {
        said.push(format!("{} sessions were given up", grouped(live.unstored)));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// The capture in full.
pub(super) fn lines(model: &Model, live: &Live, wide: usize) -> Vec<Line<'static>> {
    let theme = model.theme();
    let styles = [theme.dim, theme.base];
    let mut lines = Vec::new();
    for source in &live.sources {
        let [kernel, interface, here] = source.dropped;
        let mut text = format!(
            "{} packets; lost by the kernel {}, by the interface {}, here {}",
            grouped(source.frames),
            grouped(kernel),
            grouped(interface),
            grouped(here)
        );
        if source.outages > 0 {
            let times = match source.outages {
                1 => "once".to_owned(),
                more => format!("{} times", grouped(more)),
            };
            text.push_str(&format!("; went away {times}"));
        }
        if source.is_away {
            text.push_str(", and is away now");
        }
        let lost = source.is_away || source.dropped.iter().any(|count| *count > 0);
        let style = if lost { theme.high } else { theme.base };
        lines.extend(fact(&source.name, &text, wide, [theme.dim, style]));
    }
    let text = format!(
        "{} packets/s, {}/s; {} connections, {} held back for them; memory {}",
        grouped(live.rates.0),
        size(live.rates.1),
        grouped(live.connections),
        size(live.held),
        size(live.resident)
    );
    lines.extend(fact("now", &text, wide, styles));
    let (judged, stored) = (live.micros.0 / 1000, live.micros.1 / 1000);
    let text = format!("judging took {judged} ms, storing {stored} ms");
    lines.extend(fact("publishing", &text, wide, styles));
    if let Some(trouble) = trouble(live) {
        lines.extend(fact("trouble", &trouble, wide, [theme.dim, theme.critical]));
    }
    lines
}

fn size(number: u64) -> String {
    bytes(i64::try_from(number).unwrap_or(i64::MAX))
}
