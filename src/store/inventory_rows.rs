//! Rows that outlive runs or sum them up: services, certificates, edges.

use rusqlite::{OptionalExtension as _, params};

use super::flat;
use super::write::{Writer, int, texts};
use crate::model::{Certificate, CertificateDetails, CertificateRow, EdgeRow, Party, Posture};

impl Writer<'_> {
    /// The row of a service, new or known.
    pub(super) fn service(&mut self, party: &Party) -> rusqlite::Result<i64> {
        if let Some(known) = self.known.services.get(&party.service) {
            return Ok(*known);
        }
        let id = self
            .db
            .prepare_cached(
                "INSERT INTO service (name, how) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET how = excluded.how RETURNING service_id",
            )?
            .query_row(params![party.service, party.how], |row| row.get(0))?;
        self.known.services.insert(party.service.clone(), id);
        Ok(id)
    }

    /// The row of a certificate, new or known.
    pub(super) fn certificate(&mut self, certificate: &Certificate) -> rusqlite::Result<i64> {
        if let Some(known) = self.known.certificates.get(&certificate.sha256) {
            return Ok(*known);
        }
        let sha256 = certificate.sha256.to_string();
        let known = self
            .db
            .prepare_cached("SELECT certificate_id FROM certificate WHERE sha256 = ?1")?
            .query_row([&sha256], |row| row.get(0));
        let id = match known {
            Ok(id) => id,
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                self.insert_certificate(&sha256, certificate)?
            }
            Err(error) => return Err(error),
        };
        self.known.certificates.insert(certificate.sha256, id);
        Ok(id)
    }

    fn insert_certificate(&self, sha256: &str, certificate: &Certificate) -> rusqlite::Result<i64> {
        let Some(details) = &certificate.details else {
            self.db
                .prepare_cached("INSERT INTO certificate (sha256, readable) VALUES (?1, 0)")?
                .execute([sha256])?;
            return Ok(self.db.last_insert_rowid());
        };
        self.db
            .prepare_cached(
                "INSERT INTO certificate (sha256, readable, subject, issuer, common_name, serial,
                   not_before_us, not_after_us, names, spiffe_id, key_kind, key_bits, key_curve,
                   spki_sha256, signature, is_ca, self_signed)
                 VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            )?
            .execute(params![
                sha256,
                details.subject,
                details.issuer,
                details.common_name,
                details.serial,
                details.not_before.micros(),
                details.not_after.micros(),
                names(details),
                certificate.spiffe_id(),
                details.key.kind.name(),
                details.key.bits,
                details.key.curve,
                details.spki_sha256.to_string(),
                details.signature.name,
                details.is_ca,
                flat::yes_no(&details.self_signed),
            ])?;
        Ok(self.db.last_insert_rowid())
    }

    pub(super) fn write_certificate_use(&mut self, row: &CertificateRow) -> rusqlite::Result<()> {
        let certificate = self.certificate(&row.certificate)?;
        let service = self.service(&row.party)?;
        let chain = row.outcome.value();
        self.db
            .prepare_cached(
                "INSERT INTO certificate_use (certificate_id, run_id, role, position, service_id,
                   ip, port, sessions, first_us, last_us, first_frame, chain_trust, chain_bundle,
                   chain_faults, revocation, staple)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
                 ON CONFLICT (certificate_id, role, position, service_id, ip, port, run_id)
                 DO UPDATE SET sessions = excluded.sessions, first_us = excluded.first_us,
                   last_us = excluded.last_us, first_frame = excluded.first_frame,
                   chain_trust = excluded.chain_trust, chain_bundle = excluded.chain_bundle,
                   chain_faults = excluded.chain_faults, revocation = excluded.revocation,
                   staple = excluded.staple",
            )?
            .execute(params![
                certificate,
                self.run.0,
                row.role,
                i64::try_from(row.position).unwrap_or(i64::MAX),
                service,
                row.party.addr.to_string(),
                row.port.unwrap_or(0),
                int(row.sessions),
                row.first.time.micros(),
                row.last.time.micros(),
                int(row.first.frame.0),
                chain.map(|chain| chain.trust.name()),
                chain.and_then(|chain| chain.trust.bundle()),
                texts(&row.faults.names().collect::<Vec<_>>()),
                chain.map(|chain| chain.revocation.name()),
                chain.and_then(|chain| chain.staple.value().copied()),
            ])?;
        Ok(())
    }

    pub(super) fn write_edge(&mut self, edge: &EdgeRow) -> rusqlite::Result<()> {
        let client = self.service(&edge.client)?;
        let server = self.service(&edge.server)?;
        let of = |posture| int(edge.postures.of(posture));
        let (client_ip, server_ip) = (edge.client.addr.to_string(), edge.server.addr.to_string());
        let known = self
            .db
            .prepare_cached(EDGE_ID)?
            .query_row(
                params![server, client, edge.server_port, server_ip, client_ip, self.run.0],
                |row| row.get(0),
            )
            .optional()?;
        self.db.prepare_cached(EDGE)?.execute(params![
            self.run.0,
            client,
            server,
            client_ip,
            server_ip,
            edge.server_port,
            texts(&edge.protocols),
            of(Posture::Mtls),
            of(Posture::Tls),
            of(Posture::TlsOpaque),
            of(Posture::Plaintext),
            of(Posture::Unknown),
            int(edge.bytes),
            edge.first.micros(),
            edge.last.micros(),
        ])?;
        let id: i64 = known.unwrap_or_else(|| self.db.last_insert_rowid());
        let mut hour = self.db.prepare_cached(
            "INSERT INTO edge_hour (edge_id, hour_us, posture, sessions, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (edge_id, hour_us, posture) DO UPDATE SET
               sessions = excluded.sessions, bytes = excluded.bytes",
        )?;
        for (begin, posture, sessions, bytes) in &edge.hours {
            hour.execute(params![id, begin.micros(), posture.name(), int(*sessions), int(*bytes)])?;
        }
        Ok(())
    }
}

const EDGE: &str = "
    INSERT INTO edge (run_id, client_service_id, server_service_id, client_ip, server_ip, server_port,
      protocols, mtls, tls, tls_opaque, plaintext, unknown, bytes, first_us, last_us)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
    ON CONFLICT (server_service_id, client_service_id, server_port, server_ip, client_ip, run_id)
    DO UPDATE SET protocols = excluded.protocols, mtls = excluded.mtls, tls = excluded.tls,
      tls_opaque = excluded.tls_opaque, plaintext = excluded.plaintext, unknown = excluded.unknown,
      bytes = excluded.bytes, first_us = excluded.first_us, last_us = excluded.last_us";

const EDGE_ID: &str = "
    SELECT edge_id FROM edge WHERE server_service_id = ?1 AND client_service_id = ?2 AND server_port = ?3
      AND server_ip = ?4 AND client_ip = ?5 AND run_id = ?6";

fn names(details: &CertificateDetails) -> String {
    let names: Vec<String> = details.names.iter().map(ToString::to_string).collect();
    texts(&names)
}
