//! Rows of credentials: one per secret and place, a count per run. The secret is not among them.

use rusqlite::params;

use super::fingerprint::Key;
use super::write::{Writer, int, texts};
use crate::model::{CredentialRow, Exposure, address_text};

impl Writer<'_> {
    /// Writes what one run saw of a credential at a server.
    pub(super) fn write_credential(
        &mut self,
        row: &CredentialRow,
        key: &Key,
    ) -> rusqlite::Result<()> {
        let (at, credential) = (&row.at, &row.at.credential);
        let service = self.service(&at.server)?;
        // What is made anew for each request has nothing that could be matched.
        let same = credential.exposure == Exposure::Readable;
        let fingerprint = same.then(|| key.fingerprint(&credential.secret)).flatten();
        let id: i64 = self.db.prepare_cached(CREDENTIAL)?.query_row(
            params![
                fingerprint.unwrap_or_default(),
                credential.kind.name(),
                credential.mechanism,
                credential.place,
                credential.principal.as_deref().unwrap_or_default(),
                service,
                address_text(at.server.addr).as_str(),
                at.port,
                credential.secret.length(),
                credential.exposure.name(),
                credential.default,
            ],
            |row| row.get(0),
        )?;
        let clients: Vec<String> = row.clients.iter().map(ToString::to_string).collect();
        self.db.prepare_cached(USE)?.execute(params![
            id,
            self.run.0,
            int(at.ordinal),
            texts(&clients),
            int(at.sessions),
            int(at.in_clear),
            int(at.count),
            at.accepted.value(),
            at.token.as_ref().and_then(|token| token.expires).map(|end| end.micros()),
            at.first.time.micros(),
            at.last.time.micros(),
            int(at.first.frame.0),
        ])?;
        Ok(())
    }
}

const CREDENTIAL: &str = "
    INSERT INTO credential (fingerprint, kind, mechanism, place, principal, service_id, ip, port, length,
      exposure, is_default)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (service_id, ip, port, kind, mechanism, place, principal, fingerprint)
    DO UPDATE SET length = excluded.length RETURNING credential_id";

const USE: &str = "
    INSERT INTO credential_use (credential_id, run_id, number, clients, sessions, in_clear, count, accepted,
      expires_us, first_us, last_us, first_frame)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT (credential_id, run_id) DO UPDATE SET number = excluded.number, clients = excluded.clients,
      sessions = excluded.sessions, in_clear = excluded.in_clear, count = excluded.count,
      accepted = excluded.accepted, expires_us = excluded.expires_us, first_us = excluded.first_us,
      last_us = excluded.last_us, first_frame = excluded.first_frame";
