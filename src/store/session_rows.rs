//! Rows of kept sessions: the connection, its handshake, its calls.

use std::collections::BTreeMap;

use rusqlite::params;

use super::flat;
use super::write::{Writer, int, json, texts};
use crate::inspect::tls::{group_name, suite_name, version_name};
use crate::model::{AuditedSession, Call, Direction, RunInfo, TlsFacts, address_text};

impl Writer<'_> {
    /// Writes a session, in the place of what the run has of it already.
    pub(super) fn write_session(
        &mut self,
        run: &RunInfo,
        audited: &AuditedSession,
    ) -> rusqlite::Result<()> {
        let facts = &audited.session.facts;
        let id = self.insert_session(run, audited)?;
        if let Some(tls) = &facts.tls {
            self.write_tls(id, audited, tls)?;
        }
        for (position, call) in facts.calls.iter().flat_map(|calls| &calls.calls).enumerate() {
            self.write_call(id, position, call)?;
        }
        Ok(())
    }

    fn insert_session(&mut self, run: &RunInfo, audited: &AuditedSession) -> rusqlite::Result<i64> {
        let session = &audited.session;
        let client = self.service(&audited.client)?;
        let server = self.service(&audited.server)?;
        let source = flat::source_position(run, session.first.frame);
        let id = (self.run.0 << SESSION_BITS) | int(audited.number);
        // Where the run begins with what is written there is none to replace, and SQLite need not keep what every single
        // statement would take back.
        let insert = if self.begun { NEW_SESSION } else { SESSION };
        self.db.prepare_cached(insert)?.execute(params![
            id,
            self.run.0,
            int(audited.number),
            source.and_then(|at| self.sources.get(at)),
            int(session.first.frame.0),
            session.community_id().to_string(),
            session.first.time.micros(),
            session.last.time.micros(),
            address_text(session.client.addr).as_str(),
            session.client.port,
            address_text(session.server.addr).as_str(),
            session.server.port,
            client,
            server,
            session.roles.name(),
            session.vlan,
            session.protocol,
            audited.posture.name(),
            audited.posture_why,
            audited.evidence,
            audited.confidence.name(),
            audited.inherited.as_deref().map(|inherited| int(inherited.from)),
            audited.inherited.as_deref().map(|inherited| inherited.link.name()),
            audited.client_auth.value().map(|auth| auth.name()),
            int(session.traffic.to_server.packets),
            int(session.traffic.to_client.packets),
            int(session.traffic.to_server.bytes),
            int(session.traffic.to_client.bytes),
            session.start_seen,
            session.end.name(),
            int(flat::gap_bytes(session)),
            session.facts.first_bytes.map(|kind| kind.name()),
            session.transport().name(),
        ])?;
        Ok(id)
    }

    fn write_tls(
        &mut self,
        id: i64,
        audited: &AuditedSession,
        tls: &TlsFacts,
    ) -> rusqlite::Result<()> {
        let leaf = |end: Direction| audited.leaf(end).cloned();
        let mut row = |leaf: Option<std::sync::Arc<_>>| match leaf {
            Some(leaf) => self.certificate(&leaf).map(Some),
            None => Ok(None),
        };
        let server_certificate = row(leaf(Direction::ToClient))?;
        let client_certificate = row(leaf(Direction::ToServer))?;
        let [ja3, ja3s, ja4] = self.known.fingerprints.of(tls);
        let client_hello = tls.client_hello.value();
        let server_hello = tls.server_hello.value();
        self.db.prepare_cached(TLS)?.execute(params![
            id,
            flat::version(tls).map(version_name),
            server_hello.map(|hello| suite_name(hello.suite)),
            flat::group(tls).map(group_name),
            client_hello.and_then(|hello| hello.sni.as_deref()),
            server_hello.and_then(|hello| hello.alpn.as_deref()),
            client_hello.map_or_else(|| "[]".to_owned(), |hello| texts(&hello.alpn)),
            flat::yes_no(&tls.resumed),
            tls.hello_retry.is_some(),
            flat::yes_no(&tls.established),
            flat::client_certificate_requested(tls),
            flat::client_certificate(tls),
            server_certificate,
            client_certificate,
            flat::last_alert(tls),
            tls.history,
            not_observable(tls),
            tls.inferred.map(|inference| inference.verdict()),
            tls.inferred.map(|inference| inference.verdict_confidence().name()),
            tls.inferred.map(|inference| inference.why),
            ja3,
            ja3s,
            ja4,
        ])?;
        Ok(())
    }

    fn write_call(&self, id: i64, position: usize, call: &Call) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "INSERT INTO call (session_id, position, service, method, count, succeeded, failed,
                   last_status, first_us, first_frame)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                id,
                i64::try_from(position).unwrap_or(i64::MAX),
                call.service,
                call.method,
                int(call.count),
                int(call.succeeded),
                int(call.failed),
                call.last_status,
                call.first.time.micros(),
                int(call.first.frame.0),
            ])?;
        Ok(())
    }
}

/// The statement that writes a session, with these first words.
macro_rules! insert_session {
    ($insert:literal) => {
        concat!(
            $insert,
            "
    INTO session (session_id, run_id, number, source_id, first_frame, community_id, first_us, last_us,
      client_ip, client_port, server_ip, server_port, client_service_id, server_service_id, roles, vlan,
      protocol, posture, posture_why, evidence, confidence, inherited_from, inherited_by, client_auth,
      packets_to_server, packets_to_client, bytes_to_server, bytes_to_client, start_seen, end_state, gap_bytes, first_bytes,
      transport)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
      ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33)"
        )
    };
}

const NEW_SESSION: &str = insert_session!("INSERT");
const SESSION: &str = insert_session!("INSERT OR REPLACE");

/// Bits of a row's number that are the session's within its run.
const SESSION_BITS: u32 = 40;

const TLS: &str = "
    INSERT INTO tls (session_id, version, cipher, key_group, sni, alpn, alpn_offered, resumed, hello_retry,
      established, client_certificate_requested, client_certificate, server_certificate_id,
      client_certificate_id, alert, history, not_observable, inferred, inferred_confidence, inferred_why,
      ja3, ja3s, ja4)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
      ?21, ?22, ?23)";

fn not_observable(tls: &TlsFacts) -> String {
    json(&BTreeMap::from_iter(flat::not_observable(tls)))
}
