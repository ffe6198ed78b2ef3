//! One event per line (`wirelint.event/1`), for programs that read while wirelint still does.
//!
//! The order: `run`, a `session` for each connection in the order they ended, a `certificate` for each certificate and
//! place, a `credential` for each credential and server, an `announcement` for each service that a datagram named, a
//! `finding` for each finding, `stats`. Names of the envelope are those of Suricata's EVE, with `src` always the client.

use std::io;

use serde::Serialize;

use super::Style;
use super::body::{
    AnnouncementBody, CertificateUse, CoverageBody, CredentialBody, EdgeBody, FindingBody, RunBody,
    ServiceBody, SessionBody, SourceBody, Text, Time, VerdictBody, file_and_number,
};
use crate::model::{AuditedSession, CommunityId, Finding, Outcome, RunInfo, Timestamp};

/// The name and version of what this writes.
const SCHEMA: &str = "wirelint.event/1";

/// Writes events while a run goes on.
///
/// The same sessions in the same order give the same bytes, whether they are written one by one or all at the end.
#[derive(Debug)]
pub struct SessionWriter<W: io::Write> {
    out: W,
    begun: bool,
}

impl<W: io::Write> SessionWriter<W> {
    /// A writer that has written nothing yet.
    pub fn new(out: W) -> Self {
        Self { out, begun: false }
    }

    /// Gives back what it wrote to.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Writes the event of one session. `run` must name the sources that have been begun.
    ///
    /// # Errors
    /// What writing says.
    pub fn session(&mut self, run: &RunInfo, audited: &AuditedSession) -> io::Result<()> {
        self.begin(run, Some(audited.session.first.time))?;
        let at = audited.session.last.time;
        self.event("session", Some(at), SessionBody::of(run, audited))
    }

    /// Writes the event of one finding, while the run goes on.
    ///
    /// # Errors
    /// What writing says.
    pub fn finding(&mut self, run: &RunInfo, finding: &Finding) -> io::Result<()> {
        self.begin(run, Some(finding.first.time))?;
        self.event("finding", Some(finding.last.time), FindingEvent::of(run, finding))
    }

    /// Writes where a run stands that goes on.
    ///
    /// # Errors
    /// What writing says.
    pub fn stats(&mut self, outcome: &Outcome) -> io::Result<()> {
        let any = outcome.coverage.frames > 0;
        self.begin(&outcome.run, any.then_some(outcome.coverage.first))?;
        let stats = Stats {
            verdict: VerdictBody::of(outcome),
            coverage: CoverageBody::of(&outcome.coverage),
            sources: SourceBody::all(&outcome.run),
        };
        self.event("stats", any.then_some(outcome.coverage.last), StatsEvent { stats })?;
        self.out.flush()
    }

    /// Another run begins: the next event is preceded by one that names it.
    pub fn begin_run(&mut self) {
        self.begun = false;
    }

    /// Writes to something else from here on, and gives back what it wrote to.
    pub fn reopen(&mut self, out: W) -> W {
        std::mem::replace(&mut self.out, out)
    }

    /// Hands on what was written.
    ///
    /// # Errors
    /// What writing says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes the events that are known at the end: services, edges, certificates, credentials, announcements, findings,
    /// statistics.
    ///
    /// # Errors
    /// What writing says.
    pub fn finish(&mut self, outcome: &Outcome) -> io::Result<()> {
        let run = &outcome.run;
        let (first, last) = (outcome.coverage.first, outcome.coverage.last);
        let any = outcome.coverage.frames > 0;
        self.begin(run, any.then_some(first))?;
        for row in &outcome.services {
            let service = ServiceBody::of(row);
            self.event("service", any.then_some(last), ServiceEvent { service })?;
        }
        for row in &outcome.edges {
            self.event("edge", Some(row.last), EdgeEvent { edge: EdgeBody::of(row) })?;
        }
        for row in &outcome.certificates {
            let certificate = CertificateUse::of(run, row);
            self.event("certificate", Some(row.last.time), CertificateEvent { certificate })?;
        }
        for row in &outcome.credentials {
            let credential = CredentialBody::of(run, row);
            self.event("credential", Some(row.at.last.time), CredentialEvent { credential })?;
        }
        for one in &outcome.announcements {
            let announcement = AnnouncementBody::of(run, one);
            self.event("announcement", Some(one.last.time), AnnouncementEvent { announcement })?;
        }
        for finding in &outcome.findings {
            self.event("finding", Some(finding.first.time), FindingEvent::of(run, finding))?;
        }
        let stats = Stats {
            verdict: VerdictBody::of(outcome),
            coverage: CoverageBody::of(&outcome.coverage),
            sources: SourceBody::all(run),
        };
        self.event("stats", any.then_some(last), StatsEvent { stats })?;
        self.out.flush()
    }

    fn begin(&mut self, run: &RunInfo, at: Option<Timestamp>) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        self.event("run", at, RunEvent { run: RunBody::of(run) })
    }

    fn event(
        &mut self,
        event_type: &'static str,
        at: Option<Timestamp>,
        body: impl Serialize,
    ) -> io::Result<()> {
        let event = Event { schema: SCHEMA, timestamp: at.map(Text), event_type, body };
        serde_json::to_writer(&mut self.out, &event)?;
        self.out.write_all(b"\n")
    }
}

pub(super) fn write(outcome: &Outcome, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = SessionWriter::new(out);
    for session in &outcome.sessions {
        writer.session(&outcome.run, session)?;
    }
    writer.finish(outcome)
}

#[derive(Serialize)]
struct Event<T> {
    schema: &'static str,
    timestamp: Option<Time>,
    event_type: &'static str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct RunEvent<'a> {
    run: RunBody<'a>,
}

#[derive(Serialize)]
struct ServiceEvent<'a> {
    service: ServiceBody<'a>,
}

#[derive(Serialize)]
struct EdgeEvent<'a> {
    edge: EdgeBody<'a>,
}

#[derive(Serialize)]
struct CertificateEvent<'a> {
    certificate: CertificateUse<'a>,
}

#[derive(Serialize)]
struct CredentialEvent<'a> {
    credential: CredentialBody<'a>,
}

#[derive(Serialize)]
struct AnnouncementEvent<'a> {
    announcement: AnnouncementBody<'a>,
}

#[derive(Serialize)]
struct StatsEvent<'a> {
    stats: Stats<'a>,
}

#[derive(Serialize)]
struct Stats<'a> {
    verdict: VerdictBody,
    coverage: CoverageBody<'a>,
    sources: Vec<SourceBody<'a>>,
}

/// A finding with the envelope of its first sample, so that it can be joined with events of other tools.
#[derive(Serialize)]
struct FindingEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    community_id: Option<Text<CommunityId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<Text<std::net::IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<Text<std::net::IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    pcap_filename: Option<String>,
    pcap_cnt: u64,
    finding: FindingBody<'a>,
}

impl<'a> FindingEvent<'a> {
    fn of(run: &RunInfo, finding: &'a Finding) -> Self {
        let sample = finding.evidence.first();
        let first = sample.and_then(|evidence| evidence.frames.first()).unwrap_or(&finding.first);
        let (pcap_filename, pcap_cnt) = file_and_number(run, *first);
        Self {
            community_id: sample.map(|evidence| Text(evidence.community_id())),
            src_ip: finding.client.as_ref().map(|party| Text(party.addr)),
            dest_ip: finding.server.as_ref().map(|party| Text(party.addr)),
            dest_port: finding.server_port,
            pcap_filename,
            pcap_cnt,
            finding: FindingBody::of(run, finding),
        }
    }
}
