//! What stands above the lists: counts, runs, coverage, the timeline of certificates.

use rusqlite::Connection;
use serde_json::Value;

use super::Reader;
use crate::model::{Posture, Postures, limits};
use crate::store::StoreError;

/// Everything that screens show besides lists.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overview {
    /// Sessions by posture, over all edges as the latest runs left them.
    pub postures: Postures,
    /// Open findings, from info to critical.
    pub open: [u64; 5],
    /// Of them, those that no earlier run had, when there was one.
    pub new: [u64; 5],
    /// Findings that are not open, by state.
    pub settled: Vec<(String, u64)>,
    /// Runs, latest first; a bounded number.
    pub runs: Vec<RunSummary>,
    /// How many runs there are.
    pub run_count: u64,
    /// Edges that are mutual TLS throughout, in part, not at all, and untold.
    pub mutual: [u64; 4],
    /// Leaf certificates of servers and of clients by the days they had left: ended, under 7, 14, 30, 90, 365, longer.
    pub expiry: [[u64; 7]; 2],
    /// Services that have TLS sessions and of which no certificate was seen.
    pub without_certificate: u64,
    /// Kept sessions.
    pub kept: u64,
    /// Findings that were last seen most recently: severity, rule, message.
    pub latest: Vec<(String, String, String, i64)>,
    /// Size of the database in bytes.
    pub size: u64,
}

/// One run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunSummary {
    /// Its number.
    pub run: i64,
    /// The command.
    pub command: String,
    /// What was read.
    pub sources: String,
    /// The filter.
    pub filter: Option<String>,
    /// Whether it ended.
    pub ended: bool,
    /// Its first and last packet, in microseconds.
    pub packets: (Option<i64>, Option<i64>),
    /// Frames and bytes.
    pub frames: (u64, u64),
    /// Packets lost by the capture.
    pub dropped: u64,
    /// Sessions.
    pub sessions: u64,
    /// Sessions by posture.
    pub postures: Postures,
    /// Connection attempts without data.
    pub half_open: u64,
    /// Bytes in holes.
    pub gap_bytes: u64,
    /// Named counts of what was and was not seen.
    pub coverage: Vec<(String, u64)>,
    /// Frames by what they carried.
    pub kinds: Vec<(String, u64)>,
    /// How often a rule could not decide, most first.
    pub undecided: Vec<(String, u64)>,
    /// What makes the evidence incomplete.
    pub incomplete: Vec<String>,
    /// How many rules were in force.
    pub rules: u64,
}

impl RunSummary {
    /// A named count of the coverage; 0 when it is not there.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.coverage.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count)
    }
}

impl Reader {
    /// What stands above the lists.
    ///
    /// # Errors
    /// The file is gone or broken, or the question was given up.
    pub fn overview(&self) -> Result<Overview, StoreError> {
        self.answer(|db| {
            let transaction = db.unchecked_transaction()?;
            let mut overview = Overview::default();
            edges(&transaction, &mut overview)?;
            findings(&transaction, &mut overview)?;
            certificates(&transaction, &mut overview)?;
            overview.runs = runs(&transaction)?;
            overview.run_count = count(&transaction, "SELECT count(*) FROM run")?;
            overview.kept = count(&transaction, "SELECT count(*) FROM session")?;
            overview.size = count(
                &transaction,
                "SELECT c.page_count * s.page_size FROM pragma_page_count c, pragma_page_size s",
            )?;
            Ok(overview)
        })
    }
}

fn count(db: &Connection, sql: &str) -> rusqlite::Result<u64> {
    db.prepare_cached(sql)?.query_row([], |row| row.get(0)).map(unsigned)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn edges(db: &Connection, overview: &mut Overview) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "SELECT total(mtls), total(tls), total(tls_opaque), total(plaintext), total(unknown),
           count(*) FILTER (WHERE mtls > 0 AND rest = 0), count(*) FILTER (WHERE mtls > 0 AND rest > 0),
           count(*) FILTER (WHERE mtls = 0 AND plaintext + tls > 0), count(*) FILTER (WHERE mtls = 0 AND plaintext + tls = 0)
         FROM (SELECT sum(e.mtls) AS mtls, sum(e.tls) AS tls, sum(e.tls_opaque) AS tls_opaque, sum(e.plaintext) AS plaintext,
                 sum(e.unknown) AS unknown, sum(e.tls + e.tls_opaque + e.plaintext + e.unknown) AS rest
               FROM edge e
               WHERE NOT EXISTS (SELECT 1 FROM edge n WHERE n.server_service_id = e.server_service_id
                 AND n.client_service_id = e.client_service_id AND n.server_port = e.server_port
                 AND n.server_ip = e.server_ip AND n.client_ip = e.client_ip AND n.run_id > e.run_id)
               GROUP BY e.server_service_id, e.client_service_id, e.server_port)",
    )?;
    statement.query_row([], |row| {
        // total() is a float; these are counts.
        let of = |at: usize| row.get::<_, f64>(at).map(|count| count as u64);
        overview.postures = Postures {
            mtls: of(0)?,
            tls: of(1)?,
            tls_opaque: of(2)?,
            plaintext: of(3)?,
            unknown: of(4)?,
        };
        for (at, mutual) in overview.mutual.iter_mut().enumerate() {
            *mutual = unsigned(row.get(5 + at)?);
        }
        Ok(())
    })
}

fn findings(db: &Connection, overview: &mut Overview) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "SELECT severity, state, count(*) FROM finding GROUP BY severity, state ORDER BY state, severity",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (severity, state): (String, String) = (row.get(0)?, row.get(1)?);
        let many = unsigned(row.get(2)?);
        if state == "open" {
            add(&mut overview.open, &severity, many);
        } else if let Some(known) = overview.settled.iter_mut().find(|(name, _)| *name == state) {
            known.1 += many;
        } else {
            overview.settled.push((state, many));
        }
    }
    let mut statement = db.prepare_cached(
        "SELECT f.severity, count(*) FROM finding_run r JOIN finding f ON f.finding_id = r.finding_id
         WHERE f.state = 'open' AND r.run_id = (SELECT max(run_id) FROM run) AND (SELECT count(*) FROM run) > 1
           AND NOT EXISTS (SELECT 1 FROM finding_run a WHERE a.finding_id = r.finding_id AND a.run_id < r.run_id)
         GROUP BY 1",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        add(&mut overview.new, &row.get::<_, String>(0)?, unsigned(row.get(1)?));
    }
    let mut statement = db.prepare_cached(
        "SELECT f.severity, x.code || ' ' || x.name, f.message, r.last_us
         FROM (SELECT finding_id, last_us FROM finding_run ORDER BY last_us DESC, finding_id LIMIT 64) r
         JOIN finding f ON f.finding_id = r.finding_id JOIN rule x ON x.rule_id = f.rule_id
         WHERE f.state = 'open' ORDER BY r.last_us DESC, r.finding_id LIMIT 16",
    )?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    overview.latest = rows.collect::<rusqlite::Result<_>>()?;
    Ok(())
}

fn add(counts: &mut [u64; 5], severity: &str, many: u64) {
    let place = crate::model::Severity::ALL.iter().position(|known| known.name() == severity);
    if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
        *count += many;
    }
}

fn certificates(db: &Connection, overview: &mut Overview) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "SELECT role, CASE WHEN days < 0 THEN 0 WHEN days < 7 THEN 1 WHEN days < 14 THEN 2 WHEN days < 30 THEN 3
             WHEN days < 90 THEN 4 WHEN days < 365 THEN 5 ELSE 6 END AS bucket, count(*)
         FROM (SELECT u.role AS role, (x.not_after_us - max(u.last_us)) / 86400e6 AS days
               FROM certificate_use u JOIN certificate x ON x.certificate_id = u.certificate_id
               WHERE u.position = 0 AND x.readable = 1 GROUP BY u.role, u.certificate_id)
         GROUP BY 1, 2",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let role: String = row.get(0)?;
        let bucket = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        let [servers, clients] = &mut overview.expiry;
        let row_of = if role == "server" { servers } else { clients };
        if let Some(cell) = row_of.get_mut(bucket) {
            *cell = unsigned(row.get(2)?);
        }
    }
    overview.without_certificate = count(
        db,
        "SELECT count(DISTINCT server_service_id) FROM edge WHERE mtls + tls + tls_opaque > 0
         AND server_service_id NOT IN (SELECT service_id FROM certificate_use WHERE role = 'server')",
    )?;
    Ok(())
}

fn runs(db: &Connection) -> rusqlite::Result<Vec<RunSummary>> {
    let most = i64::try_from(limits::VIEW_RUNS).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(
        "SELECT r.*, (SELECT group_concat(name, ', ') FROM (SELECT name FROM source s WHERE s.run_id = r.run_id
           ORDER BY s.position LIMIT 8)) AS sources
         FROM run r ORDER BY run_id DESC LIMIT ?1",
    )?;
    let mut found = Vec::new();
    let mut rows = statement.query([most])?;
    while let Some(row) = rows.next()? {
        found.push(run(row)?);
    }
    Ok(found)
}

fn run(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunSummary> {
    let number = |name: &str| row.get::<_, i64>(name).map(unsigned);
    let coverage: String = row.get("coverage")?;
    let coverage: Value = serde_json::from_str(&coverage).unwrap_or_default();
    let incomplete: String = row.get("incomplete")?;
    let incomplete: Value = serde_json::from_str(&incomplete).unwrap_or_default();
    let messages = incomplete.as_array().into_iter().flatten();
    let mut undecided = counts(coverage.get("not_observable"));
    undecided.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(RunSummary {
        run: row.get("run_id")?,
        command: row.get("command")?,
        sources: row.get::<_, Option<String>>("sources")?.unwrap_or_default(),
        filter: row.get("filter")?,
        ended: row.get::<_, Option<i64>>("ended_us")?.is_some(),
        packets: (row.get("first_us")?, row.get("last_us")?),
        frames: (number("frames")?, number("bytes")?),
        dropped: number("dropped")?,
        sessions: number("sessions")?,
        postures: Postures {
            mtls: number(Posture::Mtls.name())?,
            tls: number(Posture::Tls.name())?,
            tls_opaque: number("tls_opaque")?,
            plaintext: number(Posture::Plaintext.name())?,
            unknown: number(Posture::Unknown.name())?,
        },
        half_open: number("half_open")?,
        gap_bytes: number("gap_bytes")?,
        kinds: counts(coverage.get("frame_kinds")),
        undecided,
        coverage: counts(Some(&coverage)),
        incomplete: messages
            .filter_map(|one| one.get("message")?.as_str().map(str::to_owned))
            .take(limits::VIEW_REASONS)
            .collect(),
        rules: number("rules")?,
    })
}

/// The numbers of a JSON object.
fn counts(object: Option<&Value>) -> Vec<(String, u64)> {
    let entries = object.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), value.as_u64()?))).collect()
}
