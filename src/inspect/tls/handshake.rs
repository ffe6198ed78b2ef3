//! What the handshake says: readable messages in, facts out. Knows nothing of records.

use super::decrypt::Agreed;
use super::hello::{HelloOfServer, client_hello, name_of, server_hello, ticket_handle, ticket_key};
use super::hidden::Hidden;
use super::names::is_tls13;
use super::recent;
use crate::inspect::reader::{Reader, numbers};
use crate::model::{
    Alert, CertificateRequest, ClientHello, Der, Direction, KeyExchange, Moment, PerDirection,
    RecordFact, Seen, TlsFacts, Why, limits,
};

/// A client record this long after ServerHello holds a Finished message, not an alert (RFC 8446: at least 32 bytes of
/// verify data, 4 of header, 1 of content type and 16 of tag; an alert has 2).
const FINISHED_RECORD: u16 = 50;

/// Content type of application data.
const DATA: u8 = 23;

/// As many encrypted records as most short connections have.
const USUAL_RECORDS: usize = 24;

/// Handshake message types (RFC 8446 section 4, RFC 5246 section 7.4, RFC 6066).
pub(super) mod kind {
    pub(in crate::inspect::tls) const CLIENT_HELLO: u8 = 1;
    pub(in crate::inspect::tls) const SERVER_HELLO: u8 = 2;
    pub(in crate::inspect::tls) const NEW_SESSION_TICKET: u8 = 4;
    /// HelloRetryRequest of TLS 1.3 before draft 22.
    pub(in crate::inspect::tls) const HELLO_RETRY_DRAFT: u8 = 6;
    pub(in crate::inspect::tls) const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub(in crate::inspect::tls) const CERTIFICATE: u8 = 11;
    pub(in crate::inspect::tls) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(in crate::inspect::tls) const CERTIFICATE_REQUEST: u8 = 13;
    pub(in crate::inspect::tls) const SERVER_HELLO_DONE: u8 = 14;
    pub(in crate::inspect::tls) const CERTIFICATE_VERIFY: u8 = 15;
    pub(in crate::inspect::tls) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(in crate::inspect::tls) const FINISHED: u8 = 20;
    pub(in crate::inspect::tls) const CERTIFICATE_STATUS: u8 = 22;
    pub(in crate::inspect::tls) const COMPRESSED_CERTIFICATE: u8 = 25;
}

/// The handshake of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Handshake {
    /// In the box in which the session has them: they are large.
    pub(super) facts: Box<TlsFacts>,
    encrypted_handshakes: PerDirection<u32>,
    client_finished: bool,
    pub(super) chain_bytes: usize,
    /// Bytes of a direction are missing.
    pub(super) gaps: bool,
    pub(super) agreed: Agreed,
    pub(super) hidden: Hidden,
}

impl Handshake {
    /// The negotiated version; 0 before ServerHello.
    #[inline]
    pub(super) fn version(&self) -> u16 {
        self.facts.server_hello.value().map_or(0, |hello| hello.version)
    }

    /// Whether records of this direction cannot be read any more.
    #[inline]
    pub(super) fn is_encrypted(&self, direction: Direction) -> bool {
        is_tls13(self.version()) || self.facts.change_cipher[direction].is_some()
    }

    /// Whether ChangeCipherSpec says nothing: TLS 1.3 has it for the sake of middleboxes (RFC 8446 appendix D.4), and
    /// sends it right after a HelloRetryRequest.
    fn ignores_change_cipher(&self) -> bool {
        is_tls13(self.version()) || self.facts.hello_retry.is_some()
    }

    /// The SSLv2 framing holds a ClientHello.
    pub(super) fn sslv2(&mut self, hello: Box<ClientHello>) {
        self.letter(Direction::ToServer, 'c');
        if !self.facts.client_hello.is_value() {
            self.facts.client_hello = Seen::Value(hello);
        }
    }

    /// A readable message.
    pub(super) fn message(&mut self, direction: Direction, kind: u8, body: &[u8], at: Moment) {
        match kind {
            kind::CLIENT_HELLO => self.client_hello(body, at),
            kind::SERVER_HELLO => self.server_hello(body, at),
            kind::HELLO_RETRY_DRAFT if direction == Direction::ToClient => self.retry(at),
            kind::NEW_SESSION_TICKET => self.ticket(body),
            kind::CERTIFICATE => self.certificate(direction, body, at),
            kind::CERTIFICATE_STATUS => self.status(body),
            kind::SERVER_KEY_EXCHANGE => self.key_exchange(body, at),
            kind::CERTIFICATE_REQUEST => self.request(body, at),
            kind::SERVER_HELLO_DONE => self.server_done(),
            kind::CERTIFICATE_VERIFY => self.verify(direction, body),
            kind::CLIENT_KEY_EXCHANGE => self.client_exchange(),
            _ => {}
        }
    }

    /// The body of a message was too long to keep, or part of it is missing.
    pub(super) fn unreadable(&mut self, direction: Direction, kind: u8, why: Why) {
        let facts = &mut self.facts;
        match (kind, direction) {
            (kind::CLIENT_HELLO, _) => facts.client_hello.hide(why),
            (kind::SERVER_HELLO, _) => facts.server_hello.hide(why),
            (kind::CERTIFICATE, Direction::ToClient) => facts.server_chain.hide(why),
            (kind::CERTIFICATE, Direction::ToServer) => facts.client_chain.hide(why),
            (kind::SERVER_KEY_EXCHANGE, _) => facts.key_exchange.hide(why),
            (kind::CERTIFICATE_REQUEST, _) => facts.certificate_request.hide(why),
            _ => {}
        }
    }

    /// Bytes of a direction are missing.
    pub(super) fn lost(&mut self, direction: Direction) {
        self.gaps = true;
        let kept = u16::try_from(self.facts.records.len()).unwrap_or(u16::MAX);
        self.facts.records_gap[direction].get_or_insert(kept);
    }

    /// A ChangeCipherSpec record.
    pub(super) fn change_cipher(&mut self, direction: Direction, at: Moment) {
        if self.ignores_change_cipher() {
            return;
        }
        self.letter(direction, 'i');
        if self.facts.change_cipher[direction].is_some() {
            self.facts.renegotiations += u32::from(direction == Direction::ToServer);
            return;
        }
        self.facts.change_cipher[direction] = Some(at);
        // A server that changes ciphers before it said anything else resumes an earlier session.
        let abbreviated = direction == Direction::ToClient
            && self.facts.server_hello.is_value()
            && !self.gaps
            && self.facts.resumed == Seen::NotReached
            && self.facts.change_cipher.to_server.is_none();
        if abbreviated {
            self.facts.resumed = Seen::Value(true);
        }
        self.note_established();
    }

    /// Before TLS 1.3, both sides change ciphers at the end. In TLS 1.3 that says nothing; where the version was not
    /// seen, encrypted handshake records, which TLS 1.3 does not have, tell the two apart.
    fn note_established(&mut self) {
        let changed = Direction::BOTH.iter().all(|way| self.facts.change_cipher[*way].is_some());
        let told = self.version() != 0
            || Direction::BOTH.iter().all(|way| self.encrypted_handshakes[*way] > 0);
        if changed && told && !is_tls13(self.version()) {
            self.facts.established = Seen::Value(true);
        }
    }

    /// A readable alert.
    pub(super) fn alert(&mut self, direction: Direction, level: u8, description: u8, at: Moment) {
        self.letter(direction, 'l');
        if self.facts.alerts.len() < limits::ALERTS {
            self.facts.alerts.push(Alert { direction, level, description, at });
        }
    }

    /// The header of an encrypted record.
    pub(super) fn encrypted(&mut self, record: RecordFact) {
        const ALERT: u8 = 21;
        const HANDSHAKE: u8 = 22;
        let direction = record.direction;
        if self.facts.records.is_empty() {
            self.facts.records.reserve(USUAL_RECORDS);
        }
        if self.facts.records.len() < limits::RECORD_FACTS {
            self.facts.records.push(record);
        } else {
            self.facts.records_cut = true;
        }
        match record.content_type {
            ALERT => self.facts.encrypted_alerts[direction] += 1,
            HANDSHAKE => {
                self.encrypted_handshakes[direction] += 1;
                if self.encrypted_handshakes[direction] == 1 {
                    self.letter(direction, 'f');
                    self.note_established();
                }
            }
            DATA if is_tls13(self.version()) => self.encrypted_13(record),
            DATA => self.data(direction, record.at),
            _ => {}
        }
    }

    /// Whether nothing more can be learned of this connection.
    pub(super) fn is_settled(&self) -> bool {
        self.facts.records_cut
    }

    /// Bytes of certificates that are kept.
    pub(super) fn held(&self) -> usize {
        self.chain_bytes
    }

    /// Gives the facts, with a reason for everything that was not seen.
    pub(super) fn finish(mut self) -> Box<TlsFacts> {
        self.settle_hidden();
        let version = self.version();
        let why = self.why_not(version);
        let facts = &mut self.facts;
        let resumed = facts.resumed == Seen::Value(true);
        if is_tls13(version) {
            facts.resumed.hide(Why::Gap);
            facts.server_chain.hide(Why::Encrypted);
            facts.client_chain.hide(Why::Encrypted);
            facts.certificate_request.hide(Why::Encrypted);
            facts.ocsp_staple.hide(Why::Encrypted);
            facts.client_verify.hide(Why::Encrypted);
            settle_established(&mut facts.established, self.client_finished, why);
            return self.facts;
        }
        let why = if resumed { Some(Why::Resumed) } else { why };
        settle_established(&mut facts.established, false, why);
        if let Some(why) = why {
            facts.client_hello.hide(why);
            facts.server_hello.hide(why);
            facts.server_chain.hide(why);
            facts.client_chain.hide(why);
            facts.certificate_request.hide(why);
            facts.key_exchange.hide(why);
            facts.ocsp_staple.hide(why);
            facts.resumed.hide(why);
            facts.client_verify.hide(why);
        }
        self.facts
    }

    /// Why things may be missing that do not depend on encryption.
    fn why_not(&self, version: u16) -> Option<Why> {
        if self.gaps {
            Some(Why::Gap)
        } else if self.facts.midstream {
            Some(Why::MidStream)
        } else if version != 0 && !self.facts.client_hello.is_value() {
            Some(Why::OneSided)
        } else {
            None
        }
    }

    pub(super) fn letter(&mut self, direction: Direction, letter: char) {
        if self.facts.history.len() < 32 {
            let client = direction == Direction::ToServer;
            self.facts.history.push(if client { letter.to_ascii_uppercase() } else { letter });
        }
    }

    fn client_hello(&mut self, body: &[u8], at: Moment) {
        self.letter(Direction::ToServer, 'c');
        self.agreed.note_client(body);
        if self.facts.client_hello.is_value() {
            return;
        }
        match client_hello(body, at) {
            Some(hello) => {
                self.agreed.early_data = hello.early_data;
                self.facts.client_hello = Seen::Value(hello);
            }
            None => self.facts.client_hello.hide(Why::Malformed),
        }
    }

    fn server_hello(&mut self, body: &[u8], at: Moment) {
        match server_hello(body, at) {
            Some(HelloOfServer::Retry) => self.retry(at),
            Some(HelloOfServer::Hello(hello)) => {
                self.letter(Direction::ToClient, 's');
                self.agreed.note_server(body, &hello);
                if self.facts.server_hello.is_value() {
                    return;
                }
                if is_tls13(hello.version) {
                    self.facts.change_cipher = PerDirection::default();
                    self.records_before_hello();
                    self.facts.resumed = Seen::Value(hello.psk);
                    self.facts.key_exchange = match hello.group {
                        Some(group) => Seen::Value(KeyExchange {
                            at,
                            group: Some(group),
                            ..KeyExchange::default()
                        }),
                        None => Seen::Absent,
                    };
                }
                self.facts.server_hello = Seen::Value(hello);
            }
            None => self.facts.server_hello.hide(Why::Malformed),
        }
    }

    fn retry(&mut self, at: Moment) {
        self.letter(Direction::ToClient, 'j');
        // A client with early data has sent its ChangeCipherSpec by now; its second hello is readable all the same.
        self.facts.change_cipher = PerDirection::default();
        self.facts.hello_retry.get_or_insert(at);
    }

    pub(super) fn ticket(&mut self, body: &[u8]) {
        self.letter(Direction::ToClient, 't');
        self.facts.tickets += 1;
        let mut r = Reader(body);
        self.facts.ticket_lifetime = r.u32();
        let ticket = r.vec16().filter(|ticket| !ticket.is_empty());
        self.facts.ticket_handle = ticket.map(ticket_handle);
        self.facts.ticket_key = ticket.and_then(ticket_key);
    }

    fn certificate(&mut self, direction: Direction, body: &[u8], at: Moment) {
        self.letter(direction, 'x');
        self.keep_chain(direction, recent::chain(body), at);
        if direction == Direction::ToClient && self.facts.resumed == Seen::NotReached {
            self.facts.resumed = Seen::Value(false);
        }
    }

    pub(super) fn keep_chain(&mut self, direction: Direction, chain: Option<Vec<Der>>, at: Moment) {
        let (seen, place) = match direction {
            Direction::ToClient => (&mut self.facts.server_chain, &mut self.facts.server_chain_at),
            Direction::ToServer => (&mut self.facts.client_chain, &mut self.facts.client_chain_at),
        };
        if seen.is_value() {
            return;
        }
        match chain {
            Some(chain) => {
                self.chain_bytes += chain.iter().map(|der| der.0.len()).sum::<usize>();
                *seen = Seen::Value(chain);
            }
            None => seen.hide(Why::Malformed),
        }
        place.get_or_insert(at);
    }

    fn key_exchange(&mut self, body: &[u8], at: Moment) {
        self.letter(Direction::ToClient, 'k');
        let Some(hello) = self.facts.server_hello.value() else {
            // Without the suite nobody can tell what the message says.
            return self.facts.key_exchange.hide(Why::Gap);
        };
        let (suite, version) = (hello.suite, hello.version);
        match key_exchange(body, suite, version, at) {
            Some(exchange) => self.facts.key_exchange = Seen::Value(exchange),
            None => self.facts.key_exchange.hide(Why::Malformed),
        }
    }

    fn request(&mut self, body: &[u8], at: Moment) {
        self.letter(Direction::ToClient, 'r');
        match certificate_request(body, self.version(), at) {
            Some(request) => self.facts.certificate_request = Seen::Value(request),
            None => self.facts.certificate_request.hide(Why::Malformed),
        }
    }

    /// The server said all it has to say: what did not come by now is not there.
    fn server_done(&mut self) {
        if self.facts.resumed == Seen::NotReached {
            self.facts.resumed = Seen::Value(false);
        }
        if !self.gaps {
            let facts = &mut self.facts;
            facts.server_chain.settle_absent();
            facts.certificate_request.settle_absent();
            facts.key_exchange.settle_absent();
            facts.ocsp_staple.settle_absent();
            if facts.certificate_request == Seen::Absent {
                facts.client_chain.settle_absent();
                facts.client_verify.settle_absent();
            }
        }
    }

    fn verify(&mut self, direction: Direction, body: &[u8]) {
        self.letter(direction, 'v');
        if direction == Direction::ToServer {
            // Before TLS 1.2 the message begins with the signature itself.
            self.facts.client_verify = match self.version() {
                0 => Seen::Hidden(Why::Gap),
                0x0303 => Reader(body).u16().into(),
                _ => Seen::Value(0),
            };
        }
    }

    fn client_exchange(&mut self) {
        if !self.gaps && self.facts.certificate_request.is_observed() {
            self.facts.client_chain.settle_absent();
        }
    }

    fn data(&mut self, direction: Direction, at: Moment) {
        if direction == Direction::ToServer && !self.facts.server_hello.is_observed() {
            self.facts.early_data.get_or_insert(at);
        }
        if self.facts.application_data[direction].is_none() {
            self.facts.application_data[direction] = Some(at);
            self.letter(direction, 'd');
        }
    }

    /// Under TLS 1.3 the rest of the handshake travels in records of type application data.
    fn encrypted_13(&mut self, record: RecordFact) {
        if self.client_finished {
            self.data(record.direction, record.at);
        }
        let from_client = record.direction == Direction::ToServer;
        self.client_finished |= from_client && record.length >= FINISHED_RECORD;
        let records = &self.facts.records;
        let server_spoke = records.iter().any(|one| one.direction == Direction::ToClient);
        if self.client_finished && server_spoke {
            self.facts.established = Seen::Value(true);
        }
    }

    /// A client cannot finish before it has the server's hello; where the capture has it so, it is out of order. Early
    /// data looks the same.
    fn records_before_hello(&mut self) {
        if self.facts.client_hello.value().is_none_or(|hello| hello.early_data) {
            return;
        }
        self.facts.application_data = PerDirection::default();
        self.client_finished = self.facts.records.iter().any(|one| {
            one.direction == Direction::ToServer
                && one.content_type == DATA
                && one.length >= FINISHED_RECORD
        });
    }
}

fn settle_established(established: &mut Seen<bool>, maybe: bool, why: Option<Why>) {
    match why {
        Some(why) => established.hide(why),
        None if maybe => established.hide(Why::Encrypted),
        None if *established == Seen::NotReached => *established = Seen::Value(false),
        None => {}
    }
}

/// ServerKeyExchange. Which form it has depends on the suite: ECDHE names a group, DHE sends the prime.
fn key_exchange(body: &[u8], suite: u16, version: u16, at: Moment) -> Option<KeyExchange> {
    const NAMED_CURVE: u8 = 3;
    let mut r = Reader(body);
    let mut exchange = KeyExchange { at, ..KeyExchange::default() };
    let method = super::suite_name(suite);
    if method.contains("ECDH") {
        if r.u8()? != NAMED_CURVE {
            return Some(exchange);
        }
        exchange.group = Some(r.u16()?);
        r.vec8()?;
    } else if method.contains("_DHE_") || method.contains("_DH_anon_") {
        exchange.dh_bits = Some(bits(r.vec16()?));
        r.vec16()?;
        r.vec16()?;
    } else {
        return Some(exchange);
    }
    if version == 0x0303 && !r.is_empty() {
        exchange.signature_scheme = Some(r.u16()?);
    }
    Some(exchange)
}

/// Bits of a big-endian number.
fn bits(number: &[u8]) -> u32 {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let Some(first) = number.get(zeros) else { return 0 };
    let whole = u32::try_from(number.len() - zeros).unwrap_or(u32::MAX).saturating_mul(8);
    whole.saturating_sub(first.leading_zeros())
}

fn certificate_request(body: &[u8], version: u16, at: Moment) -> Option<CertificateRequest> {
    let request = match version {
        0x0303 => recent::request(body, |body| read_request(body, version)),
        _ => read_request(body, version),
    };
    Some(CertificateRequest { at, ..request? })
}

fn read_request(body: &[u8], version: u16) -> Option<CertificateRequest> {
    let mut r = Reader(body);
    let mut request =
        CertificateRequest { types: r.vec8()?.into(), ..CertificateRequest::default() };
    if version == 0x0303 {
        request.signature_schemes = numbers(r.vec16()?, limits::HELLO_ENTRIES).into();
    }
    let mut list = Reader(r.vec16()?);
    while !list.is_empty() && request.authorities.len() < limits::HELLO_ENTRIES {
        request.authorities.push(name_of(list.vec16()?));
    }
    Some(request)
}
