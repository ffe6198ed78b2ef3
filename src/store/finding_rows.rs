//! Rows of findings: one per identity, a count and the earliest evidence per run.

use std::fmt::Display;

use rusqlite::params;
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::flat;
use super::write::{Writer, int, texts};
use crate::model::{Evidence, Finding, FindingId, Moment, NamedFacts, RunInfo, limits};

impl Writer<'_> {
    /// Writes findings. What is the same in all runs is written as the latest run says it, and so is whether a baseline
    /// accepts it; any other state is people's, not the run's, and stays.
    pub(super) fn write_findings(
        &mut self,
        run: &RunInfo,
        findings: &[Finding],
    ) -> rusqlite::Result<()> {
        // In the order of their numbers, rows are appended to the tree and need not be searched for.
        let mut ordered: Vec<(i64, &Finding)> =
            findings.iter().map(|finding| (number(finding.id), finding)).collect();
        ordered.sort_unstable_by_key(|(id, _)| *id);
        let none = "SELECT NOT EXISTS (SELECT 1 FROM finding)";
        let none = self.db.prepare_cached(none)?.query_row([], |row| row.get(0))?;
        let mut insert = self.db.prepare_cached(&finding(none))?;
        let mut count = self.db.prepare_cached(&finding_run(none))?;
        let mut evidence = Vec::new();
        for (id, finding) in ordered {
            let rule = self.rule(finding)?;
            let client = finding.client.as_ref().map(|party| self.service(party)).transpose()?;
            let server = finding.server.as_ref().map(|party| self.service(party)).transpose()?;
            insert.execute(params![
                id,
                finding.id.0,
                rule,
                finding.severity.name(),
                finding.confidence.name(),
                finding.message.as_str(),
                client,
                server,
                finding.server_port,
                finding.subject,
                finding.state(),
                finding.accepted.as_ref().map(|accepted| &accepted.reason),
            ])?;
            evidence.clear();
            // Nothing in it has keys but texts, and a list of bytes takes all that is written.
            let _ = serde_json::to_writer(&mut evidence, &Samples { run, finding });
            count.execute(params![
                id,
                self.run.0,
                int(finding.count),
                finding.first.time.micros(),
                finding.last.time.micros(),
                std::str::from_utf8(&evidence).unwrap_or("[]"),
            ])?;
        }
        Ok(())
    }

    /// The row of a finding's rule, new or known.
    fn rule(&mut self, finding: &Finding) -> rusqlite::Result<i64> {
        if let Some(known) = self.known.rules.get(finding.rule.as_str()) {
            return Ok(*known);
        }
        let id = self
            .db
            .prepare_cached(
                "INSERT INTO rule (code, name, title, fix, tags) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (code) DO UPDATE SET name = excluded.name, title = excluded.title,
                   fix = excluded.fix, tags = excluded.tags RETURNING rule_id",
            )?
            .query_row(
                params![
                    finding.rule.as_str(),
                    finding.rule_name.as_str(),
                    finding.title.as_str(),
                    finding.fix.as_str(),
                    texts(&finding.tags)
                ],
                |row| row.get(0),
            )?;
        self.known.rules.insert(finding.rule.to_string(), id);
        Ok(id)
    }
}

/// The row number of a finding: 63 bits of its fingerprint, which is a digest. Two findings that share them are not to
/// be expected before a database holds thousands of millions.
fn number(id: FindingId) -> i64 {
    let both = u128::from_be_bytes(id.0);
    let folded = (both >> 64) ^ both;
    (folded as u64).cast_signed() & i64::MAX
}

/// How a row is written. Where none is there yet, nothing is to be replaced, and SQLite need not keep what every single
/// statement would take back.
fn finding(none: bool) -> String {
    format!("{FINDING} {}", if none { "ON CONFLICT DO NOTHING" } else { FINDING_KNOWN })
}

/// The same for the row of a finding in a run.
fn finding_run(none: bool) -> String {
    format!("INSERT {} {FINDING_RUN}", if none { "OR IGNORE" } else { "OR REPLACE" })
}

const FINDING: &str = "
    INSERT INTO finding (finding_id, fingerprint, rule_id, severity, confidence, message, client_service_id,
      server_service_id, server_port, subject, state, state_reason)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const FINDING_KNOWN: &str = "
    ON CONFLICT (finding_id) DO UPDATE SET rule_id = excluded.rule_id, severity = excluded.severity,
      confidence = excluded.confidence, message = excluded.message,
      client_service_id = excluded.client_service_id, server_service_id = excluded.server_service_id,
      server_port = excluded.server_port, subject = excluded.subject,
      state_reason = CASE WHEN excluded.state <> 'open' OR finding.state IN ('baseline', 'ignored')
        THEN excluded.state_reason ELSE finding.state_reason END,
      state = CASE WHEN excluded.state <> 'open' OR finding.state IN ('baseline', 'ignored')
        THEN excluded.state ELSE finding.state END";

const FINDING_RUN: &str = "
    INTO finding_run (finding_id, run_id, count, first_us, last_us, evidence)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// The evidence of a finding as the column has it.
struct Samples<'a> {
    run: &'a RunInfo,
    finding: &'a Finding,
}

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { run, finding } = self;
        let samples = finding.evidence.iter().take(limits::EVIDENCE);
        serializer.collect_seq(samples.map(|evidence| Sample { run, finding, evidence }))
    }
}

/// One piece of evidence.
struct Sample<'a> {
    run: &'a RunInfo,
    finding: &'a Finding,
    evidence: &'a Evidence,
}

impl Serialize for Sample<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { run, finding, evidence } = self;
        let first = evidence.frames.first().copied().unwrap_or(finding.first);
        let source = flat::place(run, first.frame).map(|(source, _)| source);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("community_id", &Shown(evidence.community_id()))?;
        map.serialize_entry("connection", &evidence.connection())?;
        map.serialize_entry("source", &source)?;
        map.serialize_entry("frames", &Frames { run, source, frames: &evidence.frames })?;
        let known = finding.evidence.first().filter(|first| !std::ptr::eq(*first, *evidence));
        if known.is_none_or(|first| first.facts != evidence.facts) {
            map.serialize_entry("facts", &Facts(&evidence.facts))?;
        }
        map.end()
    }
}

/// Something in words.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Frames as `[number, microseconds]`; one that is in another source than the first has its name behind.
struct Frames<'a> {
    run: &'a RunInfo,
    source: Option<&'a str>,
    frames: &'a [Moment],
}

impl Serialize for Frames<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.frames.len()))?;
        for moment in self.frames {
            let place = flat::place(self.run, moment.frame);
            let number = place.map_or(moment.frame.0, |(_, number)| number);
            let micros = moment.time.micros();
            match place.map(|(source, _)| source) {
                source if source == self.source => seq.serialize_element(&(number, micros))?,
                other => seq.serialize_element(&(number, micros, other))?,
            }
        }
        seq.end()
    }
}

struct Facts<'a>(&'a NamedFacts);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
