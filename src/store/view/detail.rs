//! One thing in full.

use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};

use super::{Datum, Reader};
use crate::model::limits;
use crate::store::StoreError;

/// A finding in full.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FindingDetail {
    /// Its row.
    pub id: i64,
    /// Its identity across runs, as `wlf1:` and digits.
    pub fingerprint: String,
    /// Code of the rule.
    pub rule: String,
    /// Name of the rule.
    pub rule_name: String,
    /// How bad.
    pub severity: String,
    /// How sure.
    pub confidence: String,
    /// The rule's title.
    pub title: String,
    /// What it says.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// Words for filters and standards.
    pub tags: Vec<String>,
    /// Who called, where one did.
    pub client: Option<String>,
    /// Who was called.
    pub server: Option<String>,
    /// On which port.
    pub port: Option<i64>,
    /// What makes it this finding.
    pub subject: Option<String>,
    /// What people decided.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// In how many sessions, in the latest run.
    pub count: i64,
    /// First and last time, over all runs, in microseconds.
    pub seen: (i64, i64),
    /// In how many runs.
    pub runs: i64,
    /// Samples of the latest run.
    pub evidence: Vec<EvidenceLine>,
}

/// One sample.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EvidenceLine {
    /// The connection in words.
    pub connection: String,
    /// Its Community ID.
    pub community_id: String,
    /// The file.
    pub source: String,
    /// Numbers of frames in that file.
    pub frames: Vec<i64>,
    /// Named facts.
    pub facts: Vec<(String, String)>,
}

/// What happened on an edge in an hour.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hour {
    /// When it began, in microseconds.
    pub begin: i64,
    /// The posture.
    pub posture: String,
    /// Sessions.
    pub sessions: i64,
    /// Bytes.
    pub bytes: i64,
}

/// A session beyond what the list says: pairs of a name and a value, in the order to show them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SessionDetail {
    /// Names and values.
    pub facts: Vec<(String, String)>,
}

/// A certificate beyond what the list says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CertificateDetail {
    /// Names and values.
    pub facts: Vec<(String, String)>,
    /// Who shows it: role, service, address and port, sessions.
    pub places: Vec<String>,
}

impl Reader {
    /// A finding in full.
    ///
    /// # Errors
    /// The file is gone or broken, or the question was given up.
    pub fn finding(&self, id: i64) -> Result<Option<FindingDetail>, StoreError> {
        self.answer(|db| {
            let found = db.prepare_cached(FINDING)?.query_row([id], finding).optional()?;
            Ok(found)
        })
    }

    /// A finding as JSON, for others to work on.
    ///
    /// # Errors
    /// As [`Reader::finding`].
    pub fn finding_json(&self, id: i64) -> Result<Option<String>, StoreError> {
        Ok(self.finding(id)?.map(|found| {
            let evidence = found.evidence.iter().map(|line| {
                let facts = line.facts.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
                json!({ "connection": line.connection, "community_id": line.community_id, "source": line.source,
                        "frames": line.frames, "facts": Value::Object(facts.collect()) })
            });
            let time = |micros: i64| crate::model::Timestamp::from_micros(micros).to_string();
            let whole = json!({
                "fingerprint": found.fingerprint, "rule": found.rule, "rule_name": found.rule_name,
                "severity": found.severity, "confidence": found.confidence, "title": found.title,
                "message": found.message, "fix": found.fix, "tags": found.tags, "client": found.client,
                "server": found.server, "port": found.port, "subject": found.subject, "state": found.state,
                "state_reason": found.reason, "count": found.count, "first_seen": time(found.seen.0),
                "last_seen": time(found.seen.1), "runs": found.runs, "evidence": Value::from_iter(evidence),
            });
            format!("{whole:#}\n")
        }))
    }

    /// What happened between two services on a port, by the hour, earliest first.
    ///
    /// # Errors
    /// As [`Reader::finding`].
    pub fn hours(&self, edge: &str) -> Result<Vec<Hour>, StoreError> {
        let mut numbers = edge.split(':').map(|part| part.parse::<i64>().unwrap_or(-1));
        let mut next = || numbers.next().unwrap_or(-1);
        let (server, client, port) = (next(), next(), next());
        self.answer(|db| {
            let mut statement = db.prepare_cached(HOURS)?;
            let most = i64::try_from(limits::VIEW_HOURS).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![server, client, port, most], |row| {
                let (begin, posture) = (row.get(0)?, row.get(1)?);
                Ok(Hour { begin, posture, sessions: row.get(2)?, bytes: row.get(3)? })
            })?;
            let mut hours: Vec<Hour> = rows.collect::<rusqlite::Result<_>>()?;
            hours.reverse();
            Ok(hours)
        })
    }

    /// What the list of sessions has no column for.
    ///
    /// # Errors
    /// As [`Reader::finding`].
    pub fn session(&self, id: i64) -> Result<SessionDetail, StoreError> {
        let mut facts = self.pairs(SESSION, id)?;
        let calls: Vec<(String, String)> = self.answer(|db| {
            let mut statement = db.prepare_cached(CALLS)?;
            let rows = statement.query_map([id], |row| Ok(("call".to_owned(), row.get(0)?)))?;
            rows.collect()
        })?;
        facts.extend(calls);
        Ok(SessionDetail { facts })
    }

    /// A certificate, and who shows it.
    ///
    /// # Errors
    /// As [`Reader::finding`].
    pub fn certificate(&self, id: i64) -> Result<CertificateDetail, StoreError> {
        let facts = self.pairs(CERTIFICATE, id)?;
        let places = self.answer(|db| {
            let mut statement = db.prepare_cached(PLACES)?;
            let rows = statement.query_map([id], |row| row.get(0))?;
            rows.collect()
        })?;
        Ok(CertificateDetail { facts, places })
    }

    /// The columns of one row that have a value, each with its name.
    fn pairs(&self, sql: &str, id: i64) -> Result<Vec<(String, String)>, StoreError> {
        self.answer(|db| {
            let mut statement = db.prepare_cached(sql)?;
            let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let row = statement.query_row([id], |row| {
                (0..names.len()).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Datum>>>()
            });
            let cells = row.optional()?.unwrap_or_default();
            let pairs = names.into_iter().zip(cells).filter_map(|(name, cell)| match cell {
                Datum::Text(text) if !text.is_empty() && text != "[]" && text != "{}" => {
                    Some((name, text))
                }
                Datum::Int(number) => Some((name, number.to_string())),
                _ => None,
            });
            Ok(pairs.collect())
        })
    }
}

fn finding(row: &rusqlite::Row<'_>) -> rusqlite::Result<FindingDetail> {
    let tags: String = row.get("tags")?;
    let evidence: String = row.get("evidence")?;
    Ok(FindingDetail {
        id: row.get("finding_id")?,
        fingerprint: row.get("fingerprint")?,
        rule: row.get("code")?,
        rule_name: row.get("rule_name")?,
        severity: row.get("severity")?,
        confidence: row.get("confidence")?,
        title: row.get("title")?,
        message: row.get("message")?,
        fix: row.get("fix")?,
        tags: serde_json::from_str(&tags).unwrap_or_default(),
        client: row.get("client")?,
        server: row.get("server")?,
        port: row.get("server_port")?,
        subject: row.get("subject")?,
        state: row.get("state")?,
        reason: row.get("state_reason")?,
        count: row.get("count")?,
        seen: (row.get("first_us")?, row.get("last_us")?),
        runs: row.get("runs")?,
        evidence: samples(&evidence),
    })
}

/// The column `evidence`. What is not as the writer writes it is left out.
fn samples(json: &str) -> Vec<EvidenceLine> {
    let Ok(Value::Array(samples)) = serde_json::from_str(json) else { return Vec::new() };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // Those of the first, where they are not said.
    let common = samples.first().and_then(|sample| sample.get("facts"));
    let line = |sample: &Value| EvidenceLine {
        connection: sample.get("connection").map(text).unwrap_or_default(),
        community_id: sample.get("community_id").map(text).unwrap_or_default(),
        source: sample.get("source").map(text).unwrap_or_default(),
        frames: sample
            .get("frames")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|frame| frame.get(0)?.as_i64())
            .collect(),
        facts: sample
            .get("facts")
            .or(common)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    };
    samples.iter().take(limits::EVIDENCE).map(line).collect()
}

const FINDING: &str = "
    SELECT f.finding_id, 'wlf1:' || lower(hex(f.fingerprint)) AS fingerprint, x.code, x.name AS rule_name, f.severity,
           f.confidence, x.title, f.message, x.fix, x.tags, c.name AS client, d.name AS server, f.server_port, f.subject,
           f.state, f.state_reason, r.count, r.evidence,
           (SELECT min(a.first_us) FROM finding_run a WHERE a.finding_id = f.finding_id) AS first_us,
           (SELECT max(a.last_us) FROM finding_run a WHERE a.finding_id = f.finding_id) AS last_us,
           (SELECT count(*) FROM finding_run a WHERE a.finding_id = f.finding_id) AS runs
    FROM finding f
    JOIN rule x ON x.rule_id = f.rule_id
    JOIN finding_run r ON r.finding_id = f.finding_id
     AND r.run_id = (SELECT max(a.run_id) FROM finding_run a WHERE a.finding_id = f.finding_id)
    LEFT JOIN service c ON c.service_id = f.client_service_id
    LEFT JOIN service d ON d.service_id = f.server_service_id
    WHERE f.finding_id = ?1";

const HOURS: &str = "
    SELECT j.value ->> 0, j.value ->> 1, sum(j.value ->> 2), sum(j.value ->> 3)
    FROM edge e, json_each(e.hours) j
    WHERE e.server_service_id = ?1 AND e.client_service_id = ?2 AND e.server_port = ?3
      AND NOT EXISTS (SELECT 1 FROM edge n WHERE n.server_service_id = e.server_service_id
        AND n.client_service_id = e.client_service_id AND n.server_port = e.server_port
        AND n.server_ip = e.server_ip AND n.client_ip = e.client_ip AND n.run_id > e.run_id)
    GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT ?4";

const SESSION: &str = "
    SELECT s.community_id AS community, f.name AS source, s.first_frame - coalesce(f.first_frame, 1) + 1 AS frame,
           s.posture_why AS why, s.confidence, s.inherited_by AS inherited, s.roles AS \"roles by\", s.vlan,
           t.cipher, t.key_group AS \"key group\", t.sni, t.alpn, t.alert, t.client_certificate AS \"client cert\",
           t.inferred, t.inferred_why AS because, t.not_observable AS unseen,
           t.ja4, s.bytes_to_server AS sent, s.bytes_to_client AS received,
           s.gap_bytes AS missing, s.first_bytes AS \"first bytes\"
    FROM session s LEFT JOIN source f ON f.source_id = s.source_id LEFT JOIN tls t ON t.session_id = s.session_id
    WHERE s.session_id = ?1";

const CALLS: &str = "
    SELECT service || '/' || method || ', ' || count || ' times' ||
           CASE WHEN failed > 0 THEN ', ' || failed || ' failed' ELSE '' END
    FROM call WHERE session_id = ?1 ORDER BY position LIMIT 64";

const CERTIFICATE: &str = "
    SELECT subject, issuer, serial, names, spiffe_id AS \"spiffe id\", key_kind AS key, key_bits AS bits,
           key_curve AS curve, signature, is_ca AS \"is an authority\", self_signed AS \"vouches for itself\",
           strftime('%Y-%m-%dT%H:%M:%SZ', not_before_us / 1000000, 'unixepoch') AS \"valid from\",
           strftime('%Y-%m-%dT%H:%M:%SZ', not_after_us / 1000000, 'unixepoch') AS \"valid until\", sha256
    FROM certificate WHERE certificate_id = ?1";

const PLACES: &str = "
    SELECT u.role || ' ' || s.name || ' ' || u.ip || CASE WHEN u.port > 0 THEN ':' || u.port ELSE '' END || ', ' ||
           sum(u.sessions) || ' sessions' || CASE WHEN u.chain_faults <> '[]' THEN ', ' || u.chain_faults ELSE '' END
    FROM certificate_use u JOIN service s ON s.service_id = u.service_id
    WHERE u.certificate_id = ?1
    GROUP BY u.role, u.service_id, u.ip, u.port ORDER BY sum(u.sessions) DESC LIMIT 64";
