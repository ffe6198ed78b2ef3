//! What formats for programs say, once: `json` and `ndjson` write the same objects.
//!
//! The names of keys are a promise (`docs/output.md`, `docs/event.schema.json`): keys are added, never renamed or given
//! another meaning. A key that answers yes or no is `null` when the answer could not be seen.

mod announcement;
mod certificate;
mod chain;
mod coverage;
mod credential;
mod finding;
mod grade;
mod inventory;
mod session;
mod tls;

pub(super) use announcement::AnnouncementBody;
pub(super) use certificate::{CertificateBody, CertificateUse};
pub(super) use coverage::{CoverageBody, RunBody, SourceBody, VerdictBody, postures};
pub(super) use credential::CredentialBody;
pub(super) use finding::FindingBody;
pub(super) use inventory::{EdgeBody, ServiceBody, versions};
pub(super) use session::SessionBody;

use std::fmt::Display;

use serde::{Serialize, Serializer};

use crate::model::{Moment, Party, RunInfo};
use crate::store::flat;

/// Anything that has words, as a JSON string.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Packet time.
pub(super) type Time = Text<crate::model::Timestamp>;

/// A moment of the capture, as a person finds it.
#[derive(Serialize)]
pub(super) struct Place {
    timestamp: Time,
    pcap_filename: Option<String>,
    pcap_cnt: u64,
}

impl Place {
    pub(super) fn of(run: &RunInfo, moment: Moment) -> Self {
        let (pcap_filename, pcap_cnt) = file_and_number(run, moment);
        Self { timestamp: Text(moment.time), pcap_filename, pcap_cnt }
    }
}

/// The file that a frame is in, and its number there; its number within the run when there is no file.
pub(super) fn file_and_number(run: &RunInfo, moment: Moment) -> (Option<String>, u64) {
    match flat::locate(run, moment.frame) {
        Some(found) => (Some(found.source), found.number),
        None => (None, moment.frame.0),
    }
}

/// Who one end is.
#[derive(Serialize)]
pub(super) struct PartyBody<'a> {
    service: &'a str,
    ip: Text<std::net::IpAddr>,
    mapped: bool,
    how: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vni: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
}

impl<'a> PartyBody<'a> {
    pub(super) fn of(party: &'a Party) -> Self {
        Self {
            service: &party.service,
            ip: Text(party.addr),
            mapped: party.is_mapped(),
            how: party.how,
            vni: party.realm.network(),
            owner: party.owner(),
            tier: party.profile.as_deref().and_then(|profile| profile.tier.as_deref()),
            kind: party.profile.as_deref().and_then(|profile| profile.kind.as_deref()),
        }
    }
}
