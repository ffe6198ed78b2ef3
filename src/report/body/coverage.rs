//! The run, its verdict, and what was judged.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Text, Time};
use crate::model::{Coverage, Outcome, Posture, Postures, RunInfo, SourceInfo};
use crate::report::{Verdict, layout};

/// How a run came about.
#[derive(Serialize)]
pub(in crate::report) struct RunBody<'a> {
    version: &'a str,
    ruleset_sha256: &'a str,
    rules: usize,
    filter: Option<&'a str>,
    fail_on: Option<&'static str>,
}

impl<'a> RunBody<'a> {
    pub(in crate::report) fn of(run: &'a RunInfo) -> Self {
        Self {
            version: &run.version,
            ruleset_sha256: &run.ruleset,
            rules: run.rules,
            filter: run.filter.as_deref(),
            fail_on: run.fail_on.map(|severity| severity.name()),
        }
    }
}

/// One file that was read.
#[derive(Serialize)]
pub(in crate::report) struct SourceBody<'a> {
    name: &'a str,
    first_frame: u64,
    frames: u64,
    bytes: u64,
    link_types: &'a [String],
}

impl<'a> SourceBody<'a> {
    pub(in crate::report) fn all(run: &'a RunInfo) -> Vec<Self> {
        run.sources.iter().map(Self::of).collect()
    }

    fn of(source: &'a SourceInfo) -> Self {
        Self {
            name: &source.name,
            first_frame: source.first_frame.0,
            frames: source.frames,
            bytes: source.bytes,
            link_types: &source.link_types,
        }
    }
}

/// What the run comes to.
#[derive(Serialize)]
pub(in crate::report) struct VerdictBody {
    verdict: &'static str,
    exit_code: u8,
    findings: BTreeMap<&'static str, u64>,
    accepted: BTreeMap<&'static str, u64>,
    unlisted: u64,
}

impl VerdictBody {
    pub(in crate::report) fn of(outcome: &Outcome) -> Self {
        let verdict = Verdict::of(outcome);
        let counts = layout::severities(outcome);
        let of = |state| outcome.findings.iter().filter(|f| f.state() == state).count() as u64;
        Self {
            verdict: verdict.name(),
            exit_code: verdict.exit_code(),
            findings: counts.into_iter().map(|(severity, n)| (severity.name(), n)).collect(),
            accepted: ["baseline", "ignored"].into_iter().map(|state| (state, of(state))).collect(),
            unlisted: outcome.run.unlisted,
        }
    }
}

/// Sessions by posture.
pub(in crate::report) fn postures(postures: &Postures) -> BTreeMap<&'static str, u64> {
    Posture::ALL.into_iter().map(|posture| (posture.name(), postures.of(posture))).collect()
}

/// What was judged, and what could not be seen.
#[derive(Serialize)]
pub(in crate::report) struct CoverageBody<'a> {
    frames: u64,
    bytes: u64,
    frame_kinds: BTreeMap<&'static str, u64>,
    cut_frames: u64,
    first: Option<Time>,
    last: Option<Time>,
    sessions: u64,
    half_open: u64,
    postures: BTreeMap<&'static str, u64>,
    midstream: u64,
    one_sided: u64,
    gap_sessions: u64,
    gap_bytes: u64,
    conflicting_sessions: u64,
    tls_sessions: u64,
    certificates_hidden: u64,
    decrypted: u64,
    keys_do_not_fit: u64,
    keys_unsupported: u64,
    inferred: u64,
    inherited: u64,
    origins_forgotten: u64,
    unrecognised: u64,
    unrecognised_by_look: BTreeMap<&'static str, u64>,
    evicted: u64,
    half_open_evicted: u64,
    dropped: u64,
    not_observable: Vec<Undecided<'a>>,
    incomplete: Vec<IncompleteBody<'a>>,
}

#[derive(Serialize)]
struct Undecided<'a> {
    rule: &'a str,
    rule_name: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct IncompleteBody<'a> {
    code: &'static str,
    message: &'a str,
}

impl<'a> CoverageBody<'a> {
    pub(in crate::report) fn of(coverage: &'a Coverage) -> Self {
        let any = coverage.frames > 0;
        let undecided = coverage.not_observable.iter();
        let incomplete = coverage.incomplete.iter();
        Self {
            frames: coverage.frames,
            bytes: coverage.bytes,
            frame_kinds: coverage.frame_kinds.iter().copied().collect(),
            cut_frames: coverage.cut_frames,
            first: any.then_some(Text(coverage.first)),
            last: any.then_some(Text(coverage.last)),
            sessions: coverage.sessions,
            half_open: coverage.half_open,
            postures: postures(&coverage.postures),
            midstream: coverage.midstream,
            one_sided: coverage.one_sided,
            gap_sessions: coverage.gap_sessions,
            gap_bytes: coverage.gap_bytes,
            conflicting_sessions: coverage.conflicting_sessions,
            tls_sessions: coverage.tls_sessions,
            certificates_hidden: coverage.certificates_hidden,
            decrypted: coverage.decrypted,
            keys_do_not_fit: coverage.keys_do_not_fit,
            keys_unsupported: coverage.keys_unsupported,
            inferred: coverage.inferred,
            inherited: coverage.inherited,
            origins_forgotten: coverage.origins_forgotten,
            unrecognised: coverage.unrecognised,
            unrecognised_by_look: coverage.looks.all().into_iter().collect(),
            evicted: coverage.evicted,
            half_open_evicted: coverage.half_open_evicted,
            dropped: coverage.dropped,
            not_observable: undecided
                .map(|rule| Undecided {
                    rule: &rule.rule,
                    rule_name: &rule.rule_name,
                    count: rule.count,
                })
                .collect(),
            incomplete: incomplete
                .map(|what| IncompleteBody { code: what.code, message: &what.message })
                .collect(),
        }
    }
}
