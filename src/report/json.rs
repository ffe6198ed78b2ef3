//! One document with everything (`wirelint.report/1`).

use std::io;

use serde::Serialize;

use super::Style;
use super::body::{
    AnnouncementBody, CertificateUse, CoverageBody, CredentialBody, EdgeBody, FindingBody, RunBody,
    ServiceBody, SessionBody, SourceBody, VerdictBody,
};
use crate::model::Outcome;

/// The name and version of what this writes.
const SCHEMA: &str = "wirelint.report/1";

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    run: RunBody<'a>,
    sources: Vec<SourceBody<'a>>,
    verdict: VerdictBody,
    findings: Vec<FindingBody<'a>>,
    services: Vec<ServiceBody<'a>>,
    edges: Vec<EdgeBody<'a>>,
    certificates: Vec<CertificateUse<'a>>,
    credentials: Vec<CredentialBody<'a>>,
    announcements: Vec<AnnouncementBody<'a>>,
    coverage: CoverageBody<'a>,
    sessions: Vec<SessionBody<'a>>,
}

pub(super) fn write(outcome: &Outcome, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let run = &outcome.run;
    let announcements = outcome.announcements.iter().map(|one| AnnouncementBody::of(run, one));
    let report = Report {
        schema: SCHEMA,
        run: RunBody::of(run),
        sources: SourceBody::all(run),
        verdict: VerdictBody::of(outcome),
        findings: outcome.findings.iter().map(|row| FindingBody::of(run, row)).collect(),
        services: outcome.services.iter().map(ServiceBody::of).collect(),
        edges: outcome.edges.iter().map(EdgeBody::of).collect(),
        certificates: outcome.certificates.iter().map(|row| CertificateUse::of(run, row)).collect(),
        credentials: outcome.credentials.iter().map(|row| CredentialBody::of(run, row)).collect(),
        announcements: announcements.collect(),
        coverage: CoverageBody::of(&outcome.coverage),
        sessions: outcome.sessions.iter().map(|row| SessionBody::of(run, row)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}
