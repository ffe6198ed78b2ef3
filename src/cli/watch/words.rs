//! What a watch says of itself on standard error.

use crate::engine::Snapshot;
use crate::model::{Diagnostic, Posture};

/// Microseconds from which on it is said how long judging takes: what is found is published ten times as late.
const LONG: u64 = 200_000;

/// One line on how it goes.
pub(super) fn statistics(
    snapshot: &Snapshot,
    resident: u64,
    trouble: Option<&Diagnostic>,
) -> String {
    let (pulse, coverage) = (&snapshot.pulse, &snapshot.coverage);
    let away: Vec<&str> =
        pulse.sources.iter().filter(|one| one.is_down).map(|one| one.name.as_str()).collect();
    let mut line = format!(
        "stats: {} packets, {} lost, {} connections, {} sessions{}, {} edges, {}",
        pulse.frames,
        pulse.dropped(),
        pulse.flows,
        coverage.sessions,
        postures(snapshot),
        snapshot.edges,
        findings(snapshot.findings),
    );
    if resident > 0 {
        line.push_str(&format!(", {} MiB", resident >> 20));
    }
    if snapshot.micros >= LONG {
        line.push_str(&format!(", judged in {} ms", snapshot.micros / 1000));
    }
    if !away.is_empty() {
        line.push_str(&format!("; away: {}", away.join(", ")));
    }
    if let Some(trouble) = trouble {
        line.push_str(&format!("; not stored: {}", trouble.message));
    }
    if snapshot.unstored > 0 {
        line.push_str(&format!("; {} sessions were given up", snapshot.unstored));
    }
    line
}

fn postures(snapshot: &Snapshot) -> String {
    let postures = &snapshot.coverage.postures;
    let of = |posture: Posture| match postures.of(posture) {
        0 => None,
        count => Some(format!("{count} {}", posture.name())),
    };
    let all: Vec<String> = Posture::ALL.into_iter().filter_map(of).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}

fn findings(count: usize) -> String {
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}

/// Whether nothing can come any more: every interface was made anew, and none can be opened.
pub(super) fn is_deaf(snapshot: &Snapshot) -> bool {
    let sources = &snapshot.pulse.sources;
    !sources.is_empty() && sources.iter().all(|one| one.is_lost)
}

/// What changed between two snapshots that a person should know at once.
pub(super) fn changes(before: &Snapshot, now: &Snapshot) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for source in &now.pulse.sources {
        let old = before.pulse.sources.iter().find(|one| one.name == source.name);
        let was_down = old.is_some_and(|one| one.is_down);
        let outages = old.map_or(0, |one| one.outages);
        if source.is_down && !was_down {
            let message = format!("{} went away; it is tried again", source.name);
            said.push(Diagnostic::warning("interface-down", message));
        } else if !source.is_down && (was_down || source.outages > outages) {
            let message = format!("{} is back", source.name);
            said.push(Diagnostic::warning("interface-up", message));
        }
        if source.is_lost && !old.is_some_and(|one| one.is_lost) {
            let message = format!("{} was made anew and cannot be opened any more", source.name);
            said.push(
                Diagnostic::warning("interface-lost", message)
                    .note("the privilege to open it was given up")
                    .help("start wirelint again, which a unit of systemd does by itself when no interface is left"),
            );
        }
    }
    let (old, new) = (before.pulse.dropped(), now.pulse.dropped());
    if old == 0 && new > 0 {
        said.push(
            Diagnostic::warning("drops", format!("{new} packets were lost"))
                .note("a handshake can be lost this way: \"no finding\" is not proof")
                .help("a larger buffer: -B 256MiB; a narrower filter: -f tcp; more --workers"),
        );
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::SourceReport;

    fn snapshot(is_down: bool, outages: u64, lost: u64) -> Snapshot {
        let name = "eth1".to_owned();
        let source = SourceReport {
            name,
            is_down,
            outages,
            dropped_by_kernel: lost,
            ..SourceReport::default()
        };
        let mut snapshot = Snapshot::default();
        snapshot.pulse.sources = vec![source];
        snapshot
    }

    #[test]
    fn one_line_says_how_it_goes() {
        let mut snapshot = snapshot(true, 1, 7);
        snapshot.pulse.frames = 1000;
        snapshot.coverage.sessions = 2;
        snapshot.coverage.postures.add(Posture::Mtls);
        snapshot.coverage.postures.add(Posture::Plaintext);
        snapshot.findings = 1;
        let said = statistics(&snapshot, 64 << 20, None);
        assert_eq!(
            said,
            "stats: 1000 packets, 7 lost, 0 connections, 2 sessions (1 mtls, 1 plaintext), 0 edges, \
             1 finding, 64 MiB; away: eth1"
        );
    }

    #[test]
    fn what_goes_away_and_comes_back_is_said_once() {
        let codes = |before: &Snapshot, now: &Snapshot| {
            changes(before, now).iter().map(|one| one.code).collect::<Vec<_>>()
        };
        let (fine, away, back) =
            (snapshot(false, 0, 0), snapshot(true, 1, 0), snapshot(false, 1, 0));
        assert_eq!(codes(&fine, &away), ["interface-down"]);
        assert!(codes(&away, &away).is_empty());
        assert_eq!(codes(&away, &back), ["interface-up"]);
        assert_eq!(codes(&fine, &snapshot(false, 0, 3)), ["drops"]);
    }
}
