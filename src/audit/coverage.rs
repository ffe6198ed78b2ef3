//! What was judged, and what could not be seen: counted session by session.

use crate::model::{AuditedSession, Coverage, Keys, Seen, Why};

/// The sessions' part of a coverage.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) coverage: Coverage,
}

impl Tally {
    /// Counts a session.
    pub(super) fn add(&mut self, audited: &AuditedSession) {
        let session = &audited.session;
        let coverage = &mut self.coverage;
        coverage.sessions += 1;
        coverage.postures.add(audited.posture);
        coverage.midstream += u64::from(!session.start_seen);
        coverage.one_sided += u64::from(session.one_sided());
        let gaps = session.stream.gap_bytes.to_server + session.stream.gap_bytes.to_client;
        coverage.gap_sessions += u64::from(gaps > 0);
        coverage.gap_bytes += gaps;
        coverage.conflicting_sessions += u64::from(session.stream.conflicting_overlaps > 0);
        if let Some(tls) = &session.facts.tls {
            coverage.tls_sessions += 1;
            let hidden = tls.server_chain == Seen::Hidden(Why::Encrypted);
            coverage.certificates_hidden += u64::from(hidden);
            match tls.decryption.keys {
                Keys::None => {}
                Keys::Fit => coverage.decrypted += 1,
                Keys::DoNotFit => coverage.keys_do_not_fit += 1,
                Keys::Unsupported => coverage.keys_unsupported += 1,
            }
        }
        coverage.inferred += u64::from(audited.evidence == "inferred");
        coverage.inherited += u64::from(audited.evidence == "inherited");
        let unknown = session.protocol.is_none() && session.facts.first_bytes.is_some();
        coverage.unrecognised += u64::from(unknown);
        if let Some(look) = session.facts.first_bytes.filter(|_| unknown) {
            coverage.looks.add(look);
        }
    }

    /// Takes back what [`Self::add`] counted: the session is told of anew.
    pub(super) fn remove(&mut self, audited: &AuditedSession) {
        let mut one = Self::default();
        one.add(audited);
        self.coverage.take_sessions(&one.coverage);
    }

    /// Joins what the sessions and what the capture say.
    pub(super) fn joined(&self, capture: Coverage) -> Coverage {
        let sessions = &self.coverage;
        Coverage {
            sessions: sessions.sessions,
            half_open: sessions.half_open + capture.half_open,
            postures: sessions.postures,
            midstream: sessions.midstream,
            one_sided: sessions.one_sided,
            gap_sessions: sessions.gap_sessions,
            gap_bytes: sessions.gap_bytes,
            conflicting_sessions: sessions.conflicting_sessions,
            certificates_hidden: sessions.certificates_hidden,
            decrypted: sessions.decrypted,
            keys_do_not_fit: sessions.keys_do_not_fit,
            keys_unsupported: sessions.keys_unsupported,
            inferred: sessions.inferred,
            inherited: sessions.inherited,
            tls_sessions: sessions.tls_sessions,
            unrecognised: sessions.unrecognised,
            looks: sessions.looks,
            ..capture
        }
    }
}
