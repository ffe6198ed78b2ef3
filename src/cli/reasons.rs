//! Why a run is not the proof it could be, said on standard error: whoever sends the report elsewhere must see it.

use crate::capture::{Damage, StepBack};
use crate::model::{Coverage, Diagnostic, Incomplete, Level, Outcome, Timestamp, limits};

/// What to say, in the order of the outcome: each thing that makes the evidence incomplete, and that there is none.
///
/// `tunnels` counts UDP datagrams to the ports of tunnels that could not be opened.
pub(super) fn reasons(
    outcome: &Outcome,
    damages: &[Damage],
    tunnels: &[(u16, u64)],
) -> Vec<Diagnostic> {
    let accepted = outcome.run.accept.incomplete;
    let coverage = &outcome.coverage;
    let damaged = damages.iter().map(Damage::diagnostic);
    let rest = coverage
        .incomplete
        .iter()
        .filter(|one| !damages.iter().any(|damage| damage.code() == one.code))
        .map(incomplete);
    let mut all: Vec<Diagnostic> = damaged.chain(rest).collect();
    if accepted {
        all.iter_mut().for_each(soften);
    }
    if coverage.sessions == 0 && !outcome.run.accept.empty {
        all.push(nothing(outcome, tunnels));
    }
    all
}

/// What packet times cannot be: before those of earlier packets, or far ahead of the clock here.
pub(super) fn clocks(
    outcome: &Outcome,
    back: Option<StepBack>,
    now: Timestamp,
) -> impl Iterator<Item = Diagnostic> {
    let skew = back.map(|back| went_back(outcome, back));
    let ahead = outcome.coverage.last.micros_since(now) / 1_000_000;
    let future = (outcome.coverage.frames > 0 && ahead > limits::CLOCK_AHEAD_SECONDS).then(|| {
        let days = ahead / 86_400;
        Diagnostic::warning(
            "clock-future",
            format!("packets are {days} days ahead of this machine"),
        )
        .note("certificate dates are judged by packet time, not by the clock here")
        .help("set the clock of the sensor, or of this machine; --now DATE says what day it is")
    });
    skew.into_iter().chain(future)
}

fn went_back(outcome: &Outcome, back: StepBack) -> Diagnostic {
    let seconds = back.micros / 1_000_000;
    let time = match (seconds / 3600, seconds / 60 % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    };
    let place = outcome.run.locate(back.frame);
    let (file, number) =
        place.map_or_else(|| ("-".to_owned(), back.frame.0), |place| (place.source, place.number));
    let message = format!("packet times go back by {time} at packet {number} of {file}");
    let warning = Diagnostic::warning("clock-skew", message)
        .note("a connection that goes on behind it counts as another one");
    match number {
        1 if outcome.run.sources.len() > 1 => warning
            .note(format!("files were read in the order given, folders by name; {file} begins before the one ahead of it ends"))
            .help("merge by time first: mergecap -w all.pcapng FILE..."),
        _ => warning.help("sort by time first: reordercap in.pcapng out.pcapng"),
    }
}

/// The word of a run that a signal ended.
const INTERRUPTED: &str = "interrupted";
/// The word of a bug in wirelint.
const INTERNAL: &str = "internal";

fn incomplete(what: &Incomplete) -> Diagnostic {
    let error = Diagnostic::error(what.code, what.message.clone());
    match what.code {
        "snaplen-too-small" => error.help("capture again with: tcpdump -s 0 ..."),
        "trust-unreadable" => error
            .note("it was left out: what it issued may be called untrusted")
            .help("repair the file, or accept it with --on-incomplete=warn"),
        "crl-unreadable" => error
            .note("it was left out: what it revokes is not called revoked")
            .help("repair the file, or accept it with --on-incomplete=warn"),
        "crl-expired" => error
            .note("what it does list as revoked counts as revoked")
            .help("give the list that was in force when the capture was made, or a later one"),
        "drops" => error
            .note("a handshake can be lost this way: \"no finding\" is no proof")
            .help("give the capture a larger buffer or a narrower filter, or raise the limit"),
        INTERRUPTED => error.note("the results so far are given, and marked incomplete"),
        INTERNAL => Diagnostic::error(INTERNAL, "wirelint found a bug in itself")
            .note(what.message.clone())
            .note("all other sessions were judged")
            .help("please report it, with the capture if you may share it"),
        _ => error,
    }
}

/// What the user accepted is no error, and needs no advice to accept it. Our own faults were not accepted.
fn soften(diagnostic: &mut Diagnostic) {
    if ![INTERRUPTED, INTERNAL].contains(&diagnostic.code) {
        diagnostic.level = Level::Warning;
        diagnostic.helps.retain(|help| !help.contains("--on-incomplete"));
    }
}

/// There was no session to judge.
fn nothing(outcome: &Outcome, tunnels: &[(u16, u64)]) -> Diagnostic {
    let coverage = &outcome.coverage;
    let error = match (coverage.frames, read(outcome)) {
        (0, 0) => Diagnostic::error("no-packets", no_packets(outcome))
            .help("check the capture filter and the interface: tcpdump -c1 -i eth1 tcp"),
        (0, read) => {
            let filter = outcome.run.filter.as_deref().unwrap_or_default();
            Diagnostic::error(
                "no-packets",
                format!("the filter lets none of {} through", packets(read)),
            )
            .note(format!("the filter is: {filter}"))
            .help("a filter sees the outermost packet: behind VLAN tags write \"vlan and tcp\"")
        }
        (frames, _) => {
            let none = match frames {
                1 => "its only packet could not be audited".to_owned(),
                _ => format!("none of {frames} packets could be audited"),
            };
            hint(Diagnostic::error("nothing-audited", none).note(kinds(coverage)), tunnels)
        }
    };
    error.help("if an empty result is fine here, use --allow-empty")
}

/// Frames in the captures, before any filter.
fn read(outcome: &Outcome) -> u64 {
    let frames = outcome.run.sources.iter().map(|source| source.frames);
    frames.fold(0, u64::saturating_add)
}

fn no_packets(outcome: &Outcome) -> String {
    match outcome.run.sources.as_slice() {
        [one] => format!("{} holds 0 packets", one.name),
        all => format!("{} captures hold 0 packets", all.len()),
    }
}

fn packets(count: u64) -> String {
    if count == 1 { "1 packet".to_owned() } else { format!("{count} packets") }
}

fn kinds(coverage: &Coverage) -> String {
    let kinds = coverage.frame_kinds.iter().map(|(kind, count)| format!("{kind} {count}"));
    let kinds: Vec<String> = kinds.collect();
    let attempts = match coverage.half_open {
        0 => String::new(),
        1 => "; 1 connection without data".to_owned(),
        n => format!("; {n} connections without data"),
    };
    format!("by what they carry: {}{attempts}", kinds.join(", "))
}

/// Names the tunnel that may hide what could be audited: frames that come to its port and could not be opened.
fn hint(error: Diagnostic, tunnels: &[(u16, u64)]) -> Diagnostic {
    const NAMES: [(u16, &str); 3] = [(4789, "VXLAN"), (6081, "GENEVE"), (2152, "GTP-U")];
    tunnels.iter().fold(error, |error, (port, count)| {
        let name = NAMES.iter().find(|known| known.0 == *port).map_or("a tunnel", |known| known.1);
        error
            .note(format!("{count} of them are UDP port {port}: this looks like {name} traffic"))
            .help("what is inside could not be read: capture where the tunnel ends")
    })
}
