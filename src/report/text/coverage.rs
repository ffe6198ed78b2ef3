//! What was judged, what could not be seen, and why.

use std::io;

use crate::model::{ChainTrust, Coverage, Looks, Outcome, limits};
use crate::report::layout::{Tone, counted, grouped, paint, path, percent};
use crate::report::{Show, Style};

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let coverage = &outcome.coverage;
    writeln!(out, "{}", summary(outcome))?;
    write_sources(outcome, style, out)?;
    if let Some(kinds) = kinds(coverage) {
        writeln!(out, "  frames: {kinds}")?;
    }
    if coverage.sessions > 0 {
        writeln!(out, "  judged: {}", judged(coverage))?;
    }
    if let Some(line) = trust(outcome) {
        writeln!(out, "  trust: {line}")?;
    }
    for line in concluded(coverage) {
        writeln!(out, "  not read: {line}")?;
    }
    for line in unseen(coverage) {
        writeln!(out, "  not seen: {line}")?;
    }
    write_undecided(coverage, style, out)?;
    let incomplete = paint(style, Tone::Warning, "incomplete");
    for what in &coverage.incomplete {
        writeln!(out, "{incomplete}[{}]: {}", what.code, what.message)?;
    }
    writeln!(out)
}

fn summary(outcome: &Outcome) -> String {
    let coverage = &outcome.coverage;
    format!(
        "{}, {}, {}; {}, {} lost by the capture",
        counted(coverage.sessions, "session", "sessions"),
        counted(outcome.edges.len() as u64, "edge", "edges"),
        counted(distinct_certificates(outcome), "certificate", "certificates"),
        counted(coverage.frames, "frame", "frames"),
        grouped(coverage.dropped),
    )
}

fn distinct_certificates(outcome: &Outcome) -> u64 {
    let digests = outcome.certificates.iter().map(|row| row.certificate.sha256);
    digests.collect::<std::collections::BTreeSet<_>>().len() as u64
}

/// Files read, when there is more than one or a filter let only some frames through.
fn write_sources(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let run = &outcome.run;
    if let Some(filter) = &run.filter {
        writeln!(out, "  filter: {filter}")?;
    }
    if run.sources.len() < 2 {
        return Ok(());
    }
    let most = if style.show == Show::All { run.sources.len() } else { limits::SHOWN_ROWS };
    for source in run.sources.iter().take(most) {
        let frames = counted(source.frames, "frame", "frames");
        writeln!(out, "  read: {}: {frames}", path(&source.name))?;
    }
    if run.sources.len() > most {
        writeln!(out, "  read: {} more files", grouped((run.sources.len() - most) as u64))?;
    }
    Ok(())
}

fn kinds(coverage: &Coverage) -> Option<String> {
    let mut kinds = coverage.frame_kinds.clone();
    kinds.retain(|(_, count)| *count > 0);
    kinds.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let kinds: Vec<String> =
        kinds.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

fn judged(coverage: &Coverage) -> String {
    let unknown = coverage.postures.unknown;
    let known = coverage.sessions.saturating_sub(unknown);
    let share = percent(known, coverage.sessions);
    let known = format!("{} of {} sessions ({share})", grouped(known), grouped(coverage.sessions));
    match unknown {
        0 => known,
        1 => format!("{known}; 1 has an unknown posture"),
        _ => format!("{known}; {} have an unknown posture", grouped(unknown)),
    }
}

/// Where the chains lead that were judged against trust bundles.
fn trust(outcome: &Outcome) -> Option<String> {
    let chains = outcome.certificates.iter().filter_map(|row| row.outcome.value());
    let asked = chains.filter(|chain| chain.trust != ChainTrust::Unasked);
    let (mut all, mut anchored, mut unverifiable) = (0, 0, 0);
    for chain in asked {
        all += 1;
        anchored += u64::from(matches!(chain.trust, ChainTrust::Anchored(_)));
        unverifiable += u64::from(chain.trust == ChainTrust::Unverifiable);
    }
    let chains = counted(all, "chain leads", "chains lead");
    let line = format!("{} of {chains} to a trusted authority", grouped(anchored));
    let line = match unverifiable {
        0 => line,
        n => format!("{line}; {} could not be verified", grouped(n)),
    };
    (all > 0).then_some(line)
}

/// Postures that are conclusions, and from what.
pub(in crate::report) fn concluded(coverage: &Coverage) -> impl Iterator<Item = String> {
    let postures = |count, words: &str| {
        (count > 0).then(|| format!("{} {words}", counted(count, "posture", "postures")))
    };
    [
        postures(coverage.inferred, "inferred from the lengths of encrypted records (TLS 1.3)"),
        postures(coverage.inherited, "inherited from the session that was resumed"),
    ]
    .into_iter()
    .flatten()
}

/// What could not be seen, one line per reason that there is.
pub(in crate::report) fn unseen(coverage: &Coverage) -> Vec<String> {
    let sessions = |count, words: &str| {
        (count > 0).then(|| format!("{} {words}", counted(count, "session", "sessions")))
    };
    let tls = grouped(coverage.tls_sessions);
    [
        (coverage.certificates_hidden > 0).then(|| {
            let hidden = grouped(coverage.certificates_hidden);
            format!("certificates of {hidden} of {tls} TLS sessions: TLS 1.3 encrypts them")
        }),
        sessions(coverage.keys_do_not_fit, "that the keys given for them do not open"),
        sessions(coverage.keys_unsupported, "with keys, whose cipher suite cannot be opened"),
        sessions(coverage.unrecognised, "of a protocol that was not recognised")
            .map(|line| with_looks(line, &coverage.looks)),
        sessions(coverage.midstream, "began before the capture did"),
        sessions(coverage.one_sided, "captured in one direction only"),
        sessions(coverage.gap_sessions, "with holes").map(|line| {
            format!("{line}, {} missing", counted(coverage.gap_bytes, "byte", "bytes"))
        }),
        sessions(coverage.conflicting_sessions, "with overlapping segments that disagree"),
        (coverage.cut_frames > 0).then(|| {
            format!("the end of {}", counted(coverage.cut_frames, "cut frame", "cut frames"))
        }),
        (coverage.half_open > 0).then(|| {
            let attempts = counted(coverage.half_open, "connection attempt", "connection attempts");
            format!("{attempts} without an answer or data")
        }),
        (coverage.origins_forgotten > 0).then(|| {
            let forgotten = grouped(coverage.origins_forgotten);
            format!("the oldest {forgotten} handshakes, where later sessions resume them")
        }),
        sessions(coverage.evicted, "cut short because the flow table was full"),
        (coverage.half_open_evicted > 0).then(|| {
            let attempts = grouped(coverage.half_open_evicted);
            format!("{attempts} connection attempts forgotten because their table was full")
        }),
        (coverage.dropped > 0).then(|| {
            format!("{} lost by the capture", counted(coverage.dropped, "packet", "packets"))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the first bytes of unrecognised protocols look like, behind their number.
fn with_looks(line: String, looks: &Looks) -> String {
    let looks = looks.all().into_iter().filter(|(_, count)| *count > 0);
    let looks: Vec<String> =
        looks.map(|(look, count)| format!("{} {look}", grouped(count))).collect();
    if looks.is_empty() { line } else { format!("{line} (first bytes: {})", looks.join(", ")) }
}

fn write_undecided(coverage: &Coverage, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let most = match style.show {
        Show::All => coverage.not_observable.len(),
        Show::Main => limits::SHOWN_ROWS,
    };
    for rule in coverage.not_observable.iter().take(most) {
        let cases = counted(rule.count, "case", "cases");
        writeln!(out, "  not decided: {} {} in {cases}", rule.rule, rule.rule_name)?;
    }
    Ok(())
}
