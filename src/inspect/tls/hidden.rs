//! Handshake messages that were encrypted and could be read: those that TLS 1.3 hides (RFC 8446 section 4), and the
//! handshakes that earlier versions begin again under the keys of the first.

use super::decrypt::Agreed;
use super::failure::FATAL;
use super::handshake::{Handshake, kind};
use super::hello::{encrypted_extensions, name_of};
use super::names::is_tls13;
use crate::inspect::reader::{Reader, numbers};
use crate::model::{
    CertificateRequest, Der, Direction, Moment, PerDirection, Seen, TlsFacts, Why, limits,
};

/// What opened records showed of a TLS 1.3 connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Hidden {
    finished: PerDirection<bool>,
    data: PerDirection<Option<Moment>>,
    /// The server sent a ticket or data after the client had finished.
    accepted: bool,
    /// The server broke off before it had accepted the client.
    refused: bool,
    /// Every record of the direction so far was opened.
    pub(super) whole: PerDirection<bool>,
}

impl Handshake {
    /// What the hellos agreed on.
    pub(super) fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// A message from an opened record.
    pub(super) fn opened_message(
        &mut self,
        direction: Direction,
        kind: u8,
        body: &[u8],
        at: Moment,
    ) {
        let decides = matches!(
            kind,
            kind::CERTIFICATE | kind::COMPRESSED_CERTIFICATE | kind::CERTIFICATE_REQUEST
        );
        if !is_tls13(self.version()) {
            self.facts.decryption.decided |= decides;
            return self.message(direction, kind, body, at);
        }
        self.facts.decryption.decided |= decides || kind == kind::FINISHED;
        match kind {
            kind::ENCRYPTED_EXTENSIONS => self.extensions_13(body),
            kind::CERTIFICATE => self.certificate_13(direction, body, at),
            kind::COMPRESSED_CERTIFICATE => self.compressed_13(direction, body, at),
            kind::CERTIFICATE_REQUEST => self.request_13(body, at),
            kind::CERTIFICATE_VERIFY => self.verify_13(direction, body, at),
            kind::FINISHED => self.finished_13(direction),
            kind::NEW_SESSION_TICKET => {
                // Some servers send them before the client has finished.
                self.hidden.accepted |= self.hidden.finished.to_server;
                self.ticket(body);
                // Those of TLS 1.3 are laid out otherwise (RFC 8446 section 4.6.1).
                (self.facts.ticket_handle, self.facts.ticket_key) = (None, None);
            }
            _ => {}
        }
    }

    /// An alert from an opened record.
    pub(super) fn opened_alert(&mut self, direction: Direction, body: &[u8], at: Moment) {
        const CLOSE_NOTIFY: u8 = 0;
        const USER_CANCELED: u8 = 90;
        for &[level, description] in body.as_chunks().0 {
            self.alert(direction, level, description, at);
            let closing = matches!(description, CLOSE_NOTIFY | USER_CANCELED);
            // A client has finished before the server judges its certificate.
            if direction == Direction::ToClient && !closing && !self.hidden.accepted {
                self.hidden.refused = true;
            }
        }
    }

    /// Application data from an opened record.
    pub(super) fn opened_data(&mut self, direction: Direction, at: Moment) {
        // Early data and what a server sends before the client has finished say nothing of how it judges the client.
        if self.hidden.finished.to_server && is_tls13(self.version()) {
            self.hidden.data[direction].get_or_insert(at);
            self.hidden.accepted |= direction == Direction::ToClient;
        }
    }

    /// Replaces by what was read what was told from lengths.
    pub(super) fn settle_hidden(&mut self) {
        let hidden = &self.hidden;
        let facts = &mut self.facts;
        // After a fatal alert in clear nothing is established, although what follows it may not be TLS.
        let fatal = facts.alerts.iter().any(|one| one.level == FATAL);
        if fatal && facts.established == Seen::NotReached {
            facts.established = Seen::Value(false);
        }
        if !is_tls13(facts.server_hello.value().map_or(0, |hello| hello.version)) {
            return;
        }
        if hidden.refused {
            facts.established = Seen::Value(false);
        }
        // A key log may lack the client's last keys: a server derives them when the client has finished.
        if !hidden.whole.to_server || !hidden.whole.to_client {
            return;
        }
        let both = hidden.finished.to_server && hidden.finished.to_client;
        facts.established = Seen::Value(both && !hidden.refused);
        facts.application_data = hidden.data;
    }

    fn extensions_13(&mut self, body: &[u8]) {
        let Some(read) = encrypted_extensions(body) else { return };
        self.facts.decryption.extensions = true;
        self.facts.decryption.early_data_accepted = read.early_data;
        if let Some(hello) = self.facts.server_hello.value_mut() {
            hello.alpn = read.alpn;
        }
    }

    /// CertificateStatus (RFC 6066 section 8): one byte of type and the response.
    pub(super) fn status(&mut self, body: &[u8]) {
        const OCSP: u8 = 1;
        let mut r = Reader(body);
        let response = r.u8().filter(|kind| *kind == OCSP).and_then(|_| r.vec24());
        match response {
            Some(response) => self.keep_staple(response),
            None => self.facts.ocsp_staple.hide(Why::Malformed),
        }
    }

    /// Keeps an OCSP response for whoever judges the chain.
    fn keep_staple(&mut self, response: &[u8]) {
        if response.len() > limits::OCSP_STAPLE_BYTES {
            return self.facts.ocsp_staple.hide(Why::Bound);
        }
        self.chain_bytes += response.len();
        self.facts.ocsp_staple = Seen::Value(response.into());
    }

    fn certificate_13(&mut self, direction: Direction, body: &[u8], at: Moment) {
        self.letter(direction, 'x');
        let read = certificate_list(body);
        if direction == Direction::ToClient
            && let Some((_, staple)) = &read
        {
            match staple {
                Some(response) => self.keep_staple(response),
                None => self.facts.ocsp_staple = Seen::Absent,
            }
        }
        self.keep_chain(direction, read.map(|(chain, _)| chain), at);
    }

    /// CompressedCertificate (RFC 8879).
    fn compressed_13(&mut self, direction: Direction, body: &[u8], at: Moment) {
        match super::decrypt::decompress(body) {
            Some(body) => self.certificate_13(direction, &body, at),
            None => {
                self.letter(direction, 'x');
                self.unreadable(direction, kind::CERTIFICATE, Why::Unverifiable);
            }
        }
    }

    fn request_13(&mut self, body: &[u8], at: Moment) {
        self.letter(Direction::ToClient, 'r');
        match certificate_request(body, at) {
            Some(request) => self.facts.certificate_request = Seen::Value(request),
            None => self.facts.certificate_request.hide(Why::Malformed),
        }
    }

    fn verify_13(&mut self, direction: Direction, body: &[u8], at: Moment) {
        self.letter(direction, 'v');
        let scheme = Reader(body).u16();
        match direction {
            Direction::ToServer => self.facts.client_verify = scheme.into(),
            Direction::ToClient => {
                if let Some(exchange) = self.facts.key_exchange.value_mut() {
                    exchange.signature_scheme = scheme;
                    exchange.at = at;
                }
            }
        }
    }

    /// A side said all it has to say in the handshake: what did not come by now is not there.
    fn finished_13(&mut self, direction: Direction) {
        self.letter(direction, 'f');
        self.hidden.finished[direction] = true;
        let whole = self.hidden.whole[direction];
        let facts = &mut self.facts;
        // What is asked for was said in the session that is resumed.
        if facts.resumed == Seen::Value(true) {
            return hide_resumed(facts);
        }
        match direction {
            _ if !whole => {}
            Direction::ToClient => {
                facts.server_chain.settle_absent();
                facts.ocsp_staple.settle_absent();
                facts.certificate_request.settle_absent();
                if facts.certificate_request == Seen::Absent {
                    facts.client_chain.settle_absent();
                    facts.client_verify.settle_absent();
                }
            }
            Direction::ToServer if facts.certificate_request.is_observed() => {
                facts.client_chain.settle_absent();
                facts.client_verify.settle_absent();
            }
            Direction::ToServer => {}
        }
    }
}

fn hide_resumed(facts: &mut TlsFacts) {
    facts.server_chain.hide(Why::Resumed);
    facts.client_chain.hide(Why::Resumed);
    facts.certificate_request.hide(Why::Resumed);
    facts.ocsp_staple.hide(Why::Resumed);
    facts.client_verify.hide(Why::Resumed);
}

/// Certificate: each one with its extensions. The first one's may hold an OCSP response.
fn certificate_list(body: &[u8]) -> Option<(Vec<Der>, Option<&[u8]>)> {
    const STATUS_REQUEST: u16 = 5;
    let mut r = Reader(body);
    r.vec8()?;
    let mut list = Reader(r.vec24()?);
    let (mut chain, mut staple) = (Vec::new(), None);
    while !list.is_empty() {
        let der = list.vec24()?;
        let mut extensions = Reader(list.vec16()?);
        while chain.is_empty() && !extensions.is_empty() {
            let (kind, body) = (extensions.u16()?, extensions.vec16()?);
            if kind == STATUS_REQUEST {
                let mut status = Reader(body);
                staple = status.u8().and_then(|_| status.vec24());
            }
        }
        if chain.len() < limits::CHAIN_CERTIFICATES {
            chain.push(Der(der.into()));
        }
    }
    Some((chain, staple))
}

fn certificate_request(body: &[u8], at: Moment) -> Option<CertificateRequest> {
    const SIGNATURE_ALGORITHMS: u16 = 13;
    const CERTIFICATE_AUTHORITIES: u16 = 47;
    let mut r = Reader(body);
    r.vec8()?;
    let mut request = CertificateRequest { at, ..CertificateRequest::default() };
    let mut extensions = Reader(r.vec16()?);
    while !extensions.is_empty() {
        let (kind, body) = (extensions.u16()?, extensions.vec16()?);
        let mut body = Reader(body);
        match kind {
            SIGNATURE_ALGORITHMS => {
                request.signature_schemes = numbers(body.vec16()?, limits::HELLO_ENTRIES).into();
            }
            CERTIFICATE_AUTHORITIES => {
                let mut list = Reader(body.vec16()?);
                while !list.is_empty() && request.authorities.len() < limits::HELLO_ENTRIES {
                    request.authorities.push(name_of(list.vec16()?));
                }
            }
            _ => {}
        }
    }
    Some(request)
}
