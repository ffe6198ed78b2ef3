//! What a watch says of itself on standard error.

use crate::edge::deliver::{ReceiverReport, Report};
use crate::engine::{Snapshot, Unstored};
use crate::model::{Diagnostic, Posture, escape_text};

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
    let Unstored { sessions, runs } = snapshot.unstored;
    if sessions > 0 {
        line.push_str(&format!("; {sessions} sessions were given up"));
    }
    if runs > 0 {
        line.push_str(&format!("; the results of {runs} runs were given up"));
    }
    line
}

/// What was never stored, over the whole watch.
pub(super) fn unstored(Unstored { sessions, runs }: Unstored) -> Vec<Diagnostic> {
    let said = |count: u64, what: &str| {
        let were = if count == 1 { " was" } else { "s were" };
        let why = "the database could not be written";
        let message = format!("{count} {what}{were} not stored: {why}");
        (count > 0).then(|| Diagnostic::warning("unstored", message))
    };
    let note = "findings, edges and certificates that were not written before";
    let runs = said(runs, "run").map(|said| said.note(format!("they lack {note}")));
    [said(sessions, "session"), runs].into_iter().flatten().collect()
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

/// Whether more events were given up than were known of.
pub(super) fn has_new_losses(before: &Report, now: &Report) -> bool {
    let dropped = |one: &Report| one.receivers.iter().map(|receiver| receiver.dropped).sum::<u64>();
    before.unspooled < now.unspooled || dropped(before) < dropped(now)
}

/// Leaves what was given up as it was known, so that it is said another time.
pub(super) fn keep_losses_for_later(before: &Report, now: &mut Report) {
    now.unspooled = before.unspooled;
    for one in &mut now.receivers {
        let known = before.receivers.iter().find(|known| known.name == one.name);
        one.dropped = known.map_or(0, |known| known.dropped);
    }
}

/// What changed in delivery that a person should know at once.
pub(super) fn delivery_changes(before: &Report, now: &Report) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    let none = ReceiverReport::default();
    for one in &now.receivers {
        let old = before.receivers.iter().find(|old| old.name == one.name).unwrap_or(&none);
        match (is_down(old), is_down(one)) {
            (false, true) => {
                let why = escape_text(one.trouble.as_deref().unwrap_or_default());
                let message = format!("{} does not take events: {why}", one.name);
                let note = format!("{} wait for it, and it is tried again", one.waiting);
                said.push(Diagnostic::warning("delivery-down", message).note(note));
            }
            (true, false) => {
                let message = format!("{} takes events again; {} wait", one.name, one.waiting);
                said.push(Diagnostic::warning("delivery-up", message));
            }
            _ => {}
        }
        if old.dropped < one.dropped {
            let lost = one.dropped - old.dropped;
            let message = format!("{lost} events were given up before {} had them", one.name);
            said.push(
                Diagnostic::warning("delivery-dropped", message)
                    .note("the database has what they were about")
                    .help("let more wait: --spool-size 1GiB"),
            );
        }
    }
    if before.unspooled < now.unspooled {
        let lost = now.unspooled - before.unspooled;
        let message = format!("{lost} events were given up before they were in the spool");
        said.push(Diagnostic::warning("delivery-dropped", message));
    }
    if let (None, Some(why)) = (&before.trouble, &now.trouble) {
        said.push(
            Diagnostic::warning("spool", format!("the spool cannot be written: {why}"))
                .note("events are held in memory for now, and writing is tried again"),
        );
    }
    said
}

/// A receiver that fails now and then is none that a person must know of; it is counted.
fn is_down(receiver: &ReceiverReport) -> bool {
    const IN_A_ROW: u32 = 3;
    receiver.in_a_row >= IN_A_ROW
}

/// What is not delivered when the watch ends.
pub(super) fn undelivered(report: &Report, waits: bool) -> Vec<Diagnostic> {
    let what = if waits { "wait for the next watch with this spool" } else { "are lost" };
    let of = |one: &ReceiverReport| {
        let message = format!("{} events that {} has not taken {what}", one.waiting, one.name);
        let said = Diagnostic::warning("undelivered", message);
        let why = one.trouble.as_ref().map(|why| escape_text(why));
        why.into_iter().fold(said, |said, why| said.note(why))
    };
    report.receivers.iter().filter(|one| one.waiting > 0).map(of).collect()
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
    fn losses_that_are_kept_for_later_are_said_then_and_together() {
        let lost = |unspooled, dropped| {
            let receiver = ReceiverReport { name: "webhook", dropped, ..Default::default() };
            Report { unspooled, receivers: vec![receiver], ..Report::default() }
        };
        let (said, mut soon, late) = (lost(7, 1), lost(9, 2), lost(12, 4));
        assert!(has_new_losses(&said, &soon) && !has_new_losses(&said, &said));
        keep_losses_for_later(&said, &mut soon);
        assert!(delivery_changes(&said, &soon).is_empty());
        let words = delivery_changes(&soon, &late);
        let words: Vec<&str> = words.iter().map(|one| one.message.as_str()).collect();
        assert!(words[0].starts_with("3 events") && words[1].starts_with("5 events"), "{words:?}");
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
    fn what_was_never_stored_is_said_by_kind() {
        let words = |sessions, runs| -> Vec<String> {
            unstored(Unstored { sessions, runs }).into_iter().map(|one| one.message).collect()
        };
        assert_eq!(words(0, 0), [] as [&str; 0]);
        let why = "not stored: the database could not be written";
        assert_eq!(words(7, 1), [format!("7 sessions were {why}"), format!("1 run was {why}")]);
    }

    #[test]
    fn a_receiver_that_fails_is_said_once_and_so_is_that_it_works_again() {
        let report = |trouble: Option<&str>, dropped| Report {
            receivers: vec![ReceiverReport {
                name: "webhook",
                waiting: 3,
                dropped,
                trouble: trouble.map(str::to_owned),
                in_a_row: if trouble.is_some() { 3 } else { 2 },
                ..ReceiverReport::default()
            }],
            ..Report::default()
        };
        let codes = |before: &Report, now: &Report| {
            delivery_changes(before, now).iter().map(|one| one.code).collect::<Vec<_>>()
        };
        let (fine, down, lossy) = (report(None, 0), report(Some("x\u{1b}"), 0), report(None, 2));
        assert_eq!(codes(&Report::default(), &fine), [] as [&str; 0]);
        assert_eq!(codes(&fine, &down), ["delivery-down"]);
        assert!(!delivery_changes(&fine, &down)[0].message.contains('\u{1b}'));
        assert_eq!(codes(&down, &down), [] as [&str; 0]);
        assert_eq!(codes(&down, &lossy), ["delivery-up", "delivery-dropped"]);
        assert_eq!(undelivered(&down, true).len(), 1);
        assert!(undelivered(&down, false)[0].message.ends_with("are lost"));
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
