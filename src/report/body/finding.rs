//! A finding.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{PartyBody, Place, Text};
use crate::model::{Acceptance, CommunityId, Evidence, Finding, FindingId, RunInfo, Timestamp};
use crate::report::wireshark::in_files;

/// A finding, however often it was seen.
#[derive(Serialize)]
pub(in crate::report) struct FindingBody<'a> {
    id: Text<FindingId>,
    rule: &'a str,
    rule_name: &'a str,
    severity: &'static str,
    confidence: &'static str,
    title: &'a str,
    message: &'a str,
    client: Option<PartyBody<'a>>,
    server: Option<PartyBody<'a>>,
    server_port: Option<u16>,
    subject: Option<&'a str>,
    state: &'static str,
    accepted: Option<AcceptanceBody<'a>>,
    count: u64,
    first_seen: Place,
    last_seen: Place,
    evidence: Vec<EvidenceBody<'a>>,
    fix: &'a str,
    tags: &'a [String],
}

/// On whose word a finding is accepted.
#[derive(Serialize)]
struct AcceptanceBody<'a> {
    by: &'static str,
    reason: &'a str,
    until: Option<Text<Timestamp>>,
    file: &'a str,
    line: usize,
}

impl<'a> AcceptanceBody<'a> {
    fn of(accepted: &'a Acceptance) -> Self {
        Self {
            by: accepted.by.name(),
            reason: &accepted.reason,
            until: accepted.until.map(Text),
            file: &accepted.place.path,
            line: accepted.place.line,
        }
    }
}

#[derive(Serialize)]
struct EvidenceBody<'a> {
    community_id: Text<CommunityId>,
    connection: String,
    frames: Vec<Place>,
    wireshark: Vec<FilterBody>,
    facts: BTreeMap<&'a str, &'a str>,
}

/// A display filter of Wireshark, for one file.
#[derive(Serialize)]
struct FilterBody {
    pcap_filename: String,
    filter: String,
}

impl<'a> FindingBody<'a> {
    pub(in crate::report) fn of(run: &RunInfo, finding: &'a Finding) -> Self {
        Self {
            id: Text(finding.id),
            rule: &finding.rule,
            rule_name: &finding.rule_name,
            severity: finding.severity.name(),
            confidence: finding.confidence.name(),
            title: &finding.title,
            message: &finding.message,
            client: finding.client.as_ref().map(PartyBody::of),
            server: finding.server.as_ref().map(PartyBody::of),
            server_port: finding.server_port,
            subject: finding.subject.as_deref(),
            state: finding.state(),
            accepted: finding.accepted.as_deref().map(AcceptanceBody::of),
            count: finding.count,
            first_seen: Place::of(run, finding.first),
            last_seen: Place::of(run, finding.last),
            evidence: finding.evidence.iter().map(|sample| EvidenceBody::of(run, sample)).collect(),
            fix: &finding.fix,
            tags: &finding.tags,
        }
    }
}

impl<'a> EvidenceBody<'a> {
    fn of(run: &RunInfo, evidence: &'a Evidence) -> Self {
        let facts = evidence.facts.iter();
        Self {
            community_id: Text(evidence.community_id()),
            connection: evidence.connection(),
            frames: evidence.frames.iter().map(|moment| Place::of(run, *moment)).collect(),
            wireshark: in_files(run, evidence)
                .into_iter()
                .map(|found| FilterBody { pcap_filename: found.file, filter: found.filter })
                .collect(),
            facts: facts.map(|(name, value)| (*name, value.as_str())).collect(),
        }
    }
}
