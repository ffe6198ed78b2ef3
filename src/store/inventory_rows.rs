//! Rows that outlive runs or sum them up: services, certificates, edges.

use rusqlite::params;

use super::flat;
use super::write::{Writer, int, json, texts};
use crate::inspect::tls::version_name;
use crate::model::{
    Certificate, CertificateDetails, CertificateRow, EdgeRow, Grade, Graded, Particulars, Party,
    Posture, ServiceRow, Severity, address_text,
};

impl Writer<'_> {
    /// The row of a service, new or known.
    pub(super) fn service(&mut self, party: &Party) -> rusqlite::Result<i64> {
        if let Some(known) = self.known.services.get(party.service.as_str()) {
            return Ok(*known);
        }
        let id = self
            .db
            .prepare_cached(
                "INSERT INTO service (name, how) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET how = excluded.how RETURNING service_id",
            )?
            .query_row(params![party.service.as_str(), party.how], |row| row.get(0))?;
        self.known.services.insert(party.service.to_string(), id);
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
                "INSERT OR REPLACE INTO certificate_use (certificate_id, run_id, role, position, service_id,
                   ip, port, sessions, first_us, last_us, first_frame, chain_trust, chain_bundle,
                   chain_faults, revocation, staple)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            )?
            .execute(params![
                certificate,
                self.run.0,
                row.role,
                i64::try_from(row.position).unwrap_or(i64::MAX),
                service,
                address_text(row.party.addr).as_str(),
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

    pub(super) fn write_edges(&mut self, edges: &[EdgeRow]) -> rusqlite::Result<()> {
        let mut ordered = Vec::with_capacity(edges.len());
        for edge in edges {
            let (server, client) = (self.service(&edge.server)?, self.service(&edge.client)?);
            ordered.push(((server, client, edge.server_port), edge));
        }
        // In the order of their key, rows are appended to the tree and need not be searched for.
        ordered.sort_by_key(|(key, _)| *key);
        let mut insert = self.db.prepare_cached(EDGE)?;
        for ((server, client, port), edge) in ordered {
            let of = |posture| int(edge.postures.of(posture));
            insert.execute(params![
                server,
                client,
                port,
                address_text(edge.server.addr).as_str(),
                address_text(edge.client.addr).as_str(),
                self.run.0,
                texts(&edge.protocols),
                of(Posture::Mtls),
                of(Posture::Tls),
                of(Posture::TlsOpaque),
                of(Posture::Plaintext),
                of(Posture::Unknown),
                int(edge.bytes),
                edge.first.micros(),
                edge.last.micros(),
                hours(edge),
                versions(&edge.used.particulars),
                edge.grade.grade.map(Grade::name),
                edge.grade.certainty.name(),
            ])?;
        }
        Ok(())
    }
}

impl Writer<'_> {
    pub(super) fn write_grade(&mut self, row: &ServiceRow) -> rusqlite::Result<()> {
        let service = self.service(&row.service)?;
        let of = |posture| int(row.postures.of(posture));
        let graded = &row.grade;
        self.db.prepare_cached(GRADE)?.execute(params![
            service,
            row.endpoint,
            self.run.0,
            int(row.clients),
            texts(&row.protocols),
            versions(&row.particulars),
            of(Posture::Mtls),
            of(Posture::Tls),
            of(Posture::TlsOpaque),
            of(Posture::Plaintext),
            of(Posture::Unknown),
            int(row.findings),
            row.worst.map(Severity::name),
            graded.grade.map(Grade::name),
            graded.certainty.name(),
            texts(&graded.doubts),
            reasons(graded),
            json(&graded.lifts().iter().map(|one| (one.step, one.to.name())).collect::<Vec<_>>()),
        ])?;
        Ok(())
    }
}

fn reasons(graded: &Graded) -> String {
    let told = graded.reasons.iter().map(|one| {
        (one.ceiling.code, one.ceiling.grade.name(), &one.rule, &one.what, one.accepted)
    });
    json(&told.collect::<Vec<_>>())
}

fn versions(particulars: &Particulars) -> String {
    let names = particulars.carried().map(|version| version_name(version).to_string());
    texts(&names.collect::<Vec<_>>())
}

const GRADE: &str = "
    INSERT OR REPLACE INTO service_grade (service_id, endpoint, run_id, clients, protocols, versions, mtls, tls,
      tls_opaque, plaintext, unknown, findings, worst, grade, certainty, doubts, reasons, lifts)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

const EDGE: &str = "
    INSERT OR REPLACE INTO edge (server_service_id, client_service_id, server_port, server_ip, client_ip, run_id,
      protocols, mtls, tls, tls_opaque, plaintext, unknown, bytes, first_us, last_us, hours, versions,
      grade, certainty)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

fn hours(edge: &EdgeRow) -> String {
    let hours = edge.hours.iter();
    let hours = hours.map(|(begin, posture, sessions, bytes)| {
        (begin.micros(), posture.name(), int(*sessions), int(*bytes))
    });
    json(&hours.collect::<Vec<_>>())
}

fn names(details: &CertificateDetails) -> String {
    let names: Vec<String> = details.names.iter().map(ToString::to_string).collect();
    texts(&names)
}
