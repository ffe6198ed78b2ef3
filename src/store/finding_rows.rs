//! Rows of findings: one per identity, a count per run, the earliest evidence.

use rusqlite::{OptionalExtension as _, params};
use serde_json::json;

use super::flat;
use super::write::{Writer, int, texts};
use crate::model::{Evidence, Finding, RunInfo, limits};

impl Writer<'_> {
    pub(super) fn write_finding(
        &mut self,
        run: &RunInfo,
        finding: &Finding,
    ) -> rusqlite::Result<()> {
        let (id, new) = self.upsert_finding(finding)?;
        self.db
            .prepare_cached(
                "INSERT INTO finding_run (finding_id, run_id, count, first_us, last_us)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (finding_id, run_id) DO UPDATE SET count = excluded.count,
                   first_us = excluded.first_us, last_us = excluded.last_us",
            )?
            .execute(params![
                id,
                self.run.0,
                int(finding.count),
                finding.first.time.micros(),
                finding.last.time.micros(),
            ])?;
        for evidence in finding.evidence.iter().take(limits::EVIDENCE) {
            self.write_evidence(run, id, finding, evidence)?;
        }
        if new { Ok(()) } else { self.keep_earliest_evidence(id) }
    }

    /// Writes what is the same in all runs, as the latest run says it, and says whether it is new. Its state is people's,
    /// not the run's.
    ///
    /// Two plain statements: one with RETURNING makes SQLite build a table in memory for each row it gives back, which
    /// cost more than the writing.
    fn upsert_finding(&mut self, finding: &Finding) -> rusqlite::Result<(i64, bool)> {
        let client = finding.client.as_ref().map(|party| self.service(party)).transpose()?;
        let server = finding.server.as_ref().map(|party| self.service(party)).transpose()?;
        let fingerprint = finding.id.to_string();
        let known = self
            .db
            .prepare_cached("SELECT finding_id FROM finding WHERE fingerprint = ?1")?
            .query_row([&fingerprint], |row| row.get(0))
            .optional()?;
        self.db.prepare_cached(FINDING)?.execute(params![
            fingerprint,
            finding.rule,
            finding.rule_name,
            finding.severity.name(),
            finding.confidence.name(),
            finding.title,
            finding.message,
            finding.fix,
            client,
            server,
            finding.server_port,
            finding.subject,
            texts(&finding.tags),
        ])?;
        Ok((known.unwrap_or_else(|| self.db.last_insert_rowid()), known.is_none()))
    }

    fn write_evidence(
        &self,
        run: &RunInfo,
        finding_id: i64,
        finding: &Finding,
        evidence: &Evidence,
    ) -> rusqlite::Result<()> {
        let first = evidence.frames.first().copied().unwrap_or(finding.first);
        let place = flat::locate(run, first.frame);
        self.db
            .prepare_cached(
                "INSERT INTO evidence (finding_id, run_id, community_id, ts_us, connection, source_name,
                   frame, frames, facts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (finding_id, ts_us, community_id) DO NOTHING",
            )?
            .execute(params![
                finding_id,
                self.run.0,
                evidence.community_id,
                first.time.micros(),
                evidence.connection,
                place.as_ref().map(|place| place.source.as_str()),
                place.as_ref().map(|place| int(place.number)),
                frames(run, evidence),
                facts(evidence),
            ])?;
        Ok(())
    }

    fn keep_earliest_evidence(&self, finding_id: i64) -> rusqlite::Result<()> {
        let keep = i64::try_from(limits::EVIDENCE).unwrap_or(i64::MAX);
        self.db
            .prepare_cached(
                "DELETE FROM evidence WHERE evidence_id IN (
                   SELECT evidence_id FROM evidence WHERE finding_id = ?1
                   ORDER BY ts_us, community_id LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![finding_id, keep])?;
        Ok(())
    }
}

const FINDING: &str = "
    INSERT INTO finding (fingerprint, rule, rule_name, severity, confidence, title, message, fix,
      client_service_id, server_service_id, server_port, subject, tags)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT (fingerprint) DO UPDATE SET rule = excluded.rule, rule_name = excluded.rule_name,
      severity = excluded.severity, confidence = excluded.confidence, title = excluded.title,
      message = excluded.message, fix = excluded.fix, client_service_id = excluded.client_service_id,
      server_service_id = excluded.server_service_id, server_port = excluded.server_port,
      subject = excluded.subject, tags = excluded.tags";

fn frames(run: &RunInfo, evidence: &Evidence) -> String {
    let place = |moment: &crate::model::Moment| {
        let place = flat::locate(run, moment.frame);
        json!({
            "source": place.as_ref().map(|place| &place.source),
            "frame": place.as_ref().map_or(moment.frame.0, |place| place.number),
            "us": moment.time.micros(),
        })
    };
    serde_json::Value::from_iter(evidence.frames.iter().map(place)).to_string()
}

fn facts(evidence: &Evidence) -> String {
    let facts: serde_json::Map<_, _> =
        evidence.facts.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    serde_json::Value::Object(facts).to_string()
}
