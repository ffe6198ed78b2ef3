//! ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1; the SSLv2 framing of RFC 5246 appendix E.2).
//!
//! Extensions are walked one by one; one that cannot be read is noted and does not hide the others.

use super::names::is_grease;
use super::recent::{self, Own};
use crate::inspect::reader::{Reader, numbers};
use crate::model::{ClientHello, ClientOffer, Handle, Moment, ServerHello, escape_bytes, limits};

/// The random that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

const FALLBACK_SCSV: u16 = 0x5600;
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// Extension types that are looked into.
pub(super) mod extension {
    pub(in crate::inspect::tls) const SERVER_NAME: u16 = 0;
    pub(in crate::inspect::tls) const STATUS_REQUEST: u16 = 5;
    pub(in crate::inspect::tls) const GROUPS: u16 = 10;
    pub(in crate::inspect::tls) const POINT_FORMATS: u16 = 11;
    pub(in crate::inspect::tls) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(in crate::inspect::tls) const ALPN: u16 = 16;
    pub(in crate::inspect::tls) const ENCRYPT_THEN_MAC: u16 = 22;
    pub(in crate::inspect::tls) const EXTENDED_MASTER_SECRET: u16 = 23;
    pub(in crate::inspect::tls) const SESSION_TICKET: u16 = 35;
    pub(in crate::inspect::tls) const PRE_SHARED_KEY: u16 = 41;
    pub(in crate::inspect::tls) const EARLY_DATA: u16 = 42;
    pub(in crate::inspect::tls) const SUPPORTED_VERSIONS: u16 = 43;
    pub(in crate::inspect::tls) const PSK_MODES: u16 = 45;
    pub(in crate::inspect::tls) const POST_HANDSHAKE_AUTH: u16 = 49;
    pub(in crate::inspect::tls) const KEY_SHARE: u16 = 51;
    pub(in crate::inspect::tls) const ECH: u16 = 0xfe0d;
    pub(in crate::inspect::tls) const RENEGOTIATION_INFO: u16 = 0xff01;
    /// key_share of TLS 1.3 up to draft 22.
    pub(in crate::inspect::tls) const KEY_SHARE_DRAFT: u16 = 40;
}

/// A ServerHello message is one of two things.
#[derive(Clone)]
pub(super) enum HelloOfServer {
    Hello(Box<ServerHello>),
    Retry,
}

/// Reads the body of a ClientHello; `None` when its fixed part makes no sense.
pub(super) fn client_hello(body: &[u8], at: Moment) -> Option<Box<ClientHello>> {
    let (offer, own) = recent::offer(body, read_offer)?;
    let Own { session_id, ticket_handle, psk_handle } = own;
    Some(Box::new(ClientHello { at, session_id, ticket_handle, psk_handle, offer }))
}

/// Reads what a ClientHello with this body offers.
pub(super) fn read_offer(body: &[u8]) -> Option<ClientOffer> {
    let mut r = Reader(body);
    let mut offer = ClientOffer { legacy_version: r.u16()?, ..ClientOffer::default() };
    r.take(32)?;
    r.vec8()?;
    let suites = r.vec16()?;
    offer.compressions = r.vec8()?.into();
    offer.cut = suites.len() / 2 > limits::HELLO_ENTRIES;
    note_suites(&mut offer, &numbers(suites, limits::HELLO_ENTRIES));
    if let Some(extensions) = r.vec16() {
        walk(extensions, |kind, body| read_client_extension(&mut offer, kind, body))
            .unwrap_or_else(|| offer.malformed = true);
    } else {
        offer.malformed |= !r.is_empty();
    }
    Some(offer)
}

/// Reads a ClientHello in SSLv2 framing, behind the two-byte header.
pub(super) fn sslv2_hello(body: &[u8], at: Moment) -> Option<Box<ClientHello>> {
    let mut r = Reader(body);
    if r.u8()? != 1 {
        return None;
    }
    let legacy_version = r.u16()?;
    let (suites, session, challenge) = (r.u16()?, r.u16()?, r.u16()?);
    let suites = r.take(usize::from(suites))?;
    r.take(usize::from(session))?;
    r.take(usize::from(challenge))?;
    let mut offer = ClientOffer { sslv2: true, legacy_version, ..ClientOffer::default() };
    // Three bytes a suite: those of SSLv3 and later have a zero before their number.
    let tls: Vec<u16> = suites
        .as_chunks::<3>()
        .0
        .iter()
        .filter(|[first, ..]| *first == 0)
        .map(|[_, high, low]| u16::from_be_bytes([*high, *low]))
        .collect();
    note_suites(&mut offer, &tls);
    Some(Box::new(ClientHello { at, ..offer.into() }))
}

/// Reads the body of a ServerHello or HelloRetryRequest.
pub(super) fn server_hello(body: &[u8], at: Moment) -> Option<HelloOfServer> {
    let mut r = Reader(body);
    let version = r.u16()?;
    let random = r.take(32)?;
    if random == RETRY_RANDOM {
        return Some(HelloOfServer::Retry);
    }
    let mut hello = Box::new(ServerHello { at, legacy_version: version, ..ServerHello::default() });
    hello.version = version;
    hello.downgrade_sentinel = match random.last_chunk() {
        Some(b"DOWNGRD\x01") => Some(1),
        Some(b"DOWNGRD\x00") => Some(0),
        _ => None,
    };
    // Drafts of TLS 1.3 before the 22nd have neither session id nor compression method, and may say 1.3 right here.
    if matches!(version, 0x0304 | 0x7f00..0x7f16) {
        hello.suite = r.u16()?;
    } else {
        hello.session_id = r.vec8()?.into();
        hello.suite = r.u16()?;
        hello.compression = r.u8()?;
    }
    if let Some(extensions) = r.vec16() {
        walk(extensions, |kind, body| read_server_extension(&mut hello, kind, body))
            .unwrap_or_else(|| hello.malformed = true);
    }
    Some(HelloOfServer::Hello(hello))
}

/// What EncryptedExtensions says that is looked into (RFC 8446 section 4.3.1).
#[derive(Clone, Debug, Default)]
pub(super) struct EncryptedExtensions {
    pub(super) alpn: Option<String>,
    /// Early data was accepted.
    pub(super) early_data: bool,
}

/// Reads the body of EncryptedExtensions.
pub(super) fn encrypted_extensions(body: &[u8]) -> Option<EncryptedExtensions> {
    let mut read = EncryptedExtensions::default();
    walk(Reader(body).vec16()?, |kind, body| {
        match kind {
            extension::ALPN => {
                let names = protocol_names(Reader(body).vec16()?, &mut false)?;
                read.alpn = names.into_iter().next();
            }
            extension::EARLY_DATA => read.early_data = true,
            _ => {}
        }
        Some(())
    })?;
    Some(read)
}

fn note_suites(hello: &mut ClientOffer, suites: &[u16]) {
    hello.suites.reserve_exact(suites.len());
    for &suite in suites {
        match suite {
            FALLBACK_SCSV => hello.fallback = true,
            RENEGOTIATION_SCSV => hello.secure_renegotiation = true,
            _ if is_grease(suite) => hello.grease = true,
            _ => hello.suites.push(suite),
        }
        if matches!(suite, FALLBACK_SCSV | RENEGOTIATION_SCSV) {
            // At most HELLO_ENTRIES, which fits.
            let place = u16::try_from(hello.suites.len()).unwrap_or(u16::MAX);
            hello.suite_signals.push((place, suite));
        }
    }
}

/// Calls `read` for each extension; `None` when one of them, or the list, could not be read.
pub(super) fn walk(
    extensions: &[u8],
    mut read: impl FnMut(u16, &[u8]) -> Option<()>,
) -> Option<()> {
    let mut r = Reader(extensions);
    let mut readable = Some(());
    for _ in 0..limits::HELLO_ENTRIES {
        if r.is_empty() {
            break;
        }
        let kind = r.u16()?;
        let body = r.vec16()?;
        readable = read(kind, body).and(readable);
    }
    readable
}

fn read_client_extension(hello: &mut ClientOffer, kind: u16, body: &[u8]) -> Option<()> {
    if is_grease(kind) {
        hello.grease = true;
        return Some(());
    }
    hello.extensions.push(kind);
    hello.cut |= hello.extensions.len() >= limits::HELLO_ENTRIES;
    let mut r = Reader(body);
    match kind {
        extension::SERVER_NAME => hello.sni = server_name(&mut r)?,
        extension::STATUS_REQUEST => hello.wants_staple = true,
        extension::GROUPS => {
            hello.cut |= body.len() / 2 > limits::HELLO_ENTRIES;
            hello.groups = without_grease(r.vec16()?, &mut hello.grease);
        }
        extension::SIGNATURE_ALGORITHMS => {
            hello.cut |= body.len() / 2 > limits::HELLO_ENTRIES;
            hello.signature_schemes = without_grease(r.vec16()?, &mut hello.grease);
        }
        extension::POINT_FORMATS => hello.point_formats = r.vec8()?.into(),
        extension::ALPN => {
            let list = r.vec16()?;
            hello.alpn_ends = alpn_ends(list);
            hello.alpn = protocol_names(list, &mut hello.grease)?;
        }
        extension::ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
        extension::EXTENDED_MASTER_SECRET => hello.extended_master_secret = true,
        extension::SESSION_TICKET => hello.ticket |= !body.is_empty(),
        extension::PRE_SHARED_KEY => hello.psk = true,
        extension::EARLY_DATA => hello.early_data = true,
        extension::SUPPORTED_VERSIONS => {
            hello.versions = without_grease(r.vec8()?, &mut hello.grease);
        }
        extension::PSK_MODES => hello.psk_modes = r.vec8()?.into(),
        extension::POST_HANDSHAKE_AUTH => hello.post_handshake_auth = true,
        extension::KEY_SHARE | extension::KEY_SHARE_DRAFT => {
            key_shares(r.vec16()?, hello)?;
        }
        extension::ECH => hello.ech = body.first() == Some(&0),
        extension::RENEGOTIATION_INFO => hello.secure_renegotiation = true,
        _ => {}
    }
    Some(())
}

fn read_server_extension(hello: &mut ServerHello, kind: u16, body: &[u8]) -> Option<()> {
    hello.extensions.push(kind);
    let mut r = Reader(body);
    match kind {
        extension::ALPN => {
            hello.alpn = protocol_names(r.vec16()?, &mut false)?.into_iter().next();
        }
        extension::ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
        extension::EXTENDED_MASTER_SECRET => hello.extended_master_secret = true,
        extension::SESSION_TICKET => hello.ticket = true,
        extension::PRE_SHARED_KEY => hello.psk = true,
        extension::SUPPORTED_VERSIONS => hello.version = r.u16()?,
        extension::KEY_SHARE | extension::KEY_SHARE_DRAFT => hello.group = Some(r.u16()?),
        extension::RENEGOTIATION_INFO => hello.secure_renegotiation = true,
        _ => {}
    }
    Some(())
}

fn server_name(r: &mut Reader<'_>) -> Option<Option<String>> {
    if r.is_empty() {
        return Some(None);
    }
    let mut list = Reader(r.vec16()?);
    while !list.is_empty() {
        let kind = list.u8()?;
        let name = list.vec16()?;
        if kind == 0 {
            return Some(Some(text(name)));
        }
    }
    Some(None)
}

fn protocol_names(list: &[u8], grease: &mut bool) -> Option<Vec<String>> {
    let mut r = Reader(list);
    let mut names = Vec::new();
    while !r.is_empty() && names.len() < limits::HELLO_ENTRIES {
        let name = r.vec8()?;
        match name {
            [a, b] if is_grease(u16::from_be_bytes([*a, *b])) => *grease = true,
            _ => names.push(text(name)),
        }
    }
    Some(names)
}

/// First and last byte of the first protocol that is no GREASE.
fn alpn_ends(list: &[u8]) -> Option<(u8, u8)> {
    let mut r = Reader(list);
    while let Some(name) = r.vec8() {
        match name {
            [a, b] if is_grease(u16::from_be_bytes([*a, *b])) => {}
            name => return Some((*name.first()?, *name.last()?)),
        }
    }
    None
}

fn key_shares(list: &[u8], hello: &mut ClientOffer) -> Option<()> {
    let mut r = Reader(list);
    while !r.is_empty() && hello.key_shares.len() < limits::HELLO_ENTRIES {
        let group = r.u16()?;
        r.vec16()?;
        if is_grease(group) {
            hello.grease = true;
        } else {
            hello.key_shares.push(group);
        }
    }
    Some(())
}

fn without_grease(bytes: &[u8], grease: &mut bool) -> Vec<u16> {
    let mut all = numbers(bytes, limits::HELLO_ENTRIES);
    let before = all.len();
    all.retain(|number| !is_grease(*number));
    *grease |= all.len() < before;
    all
}

/// What stands for a ticket of TLS 1.3. Shorter identities are names of keys that were agreed on by other means (RFC 8446
/// section 2.2), and meant to be sent by several.
pub(super) fn psk_handle(identity: &[u8]) -> Option<Handle> {
    const PSK: u64 = 4;
    const SHORTEST_TICKET: usize = 32;
    (identity.len() >= SHORTEST_TICKET).then(|| Handle::of(PSK, identity))
}

/// What stands for the name of the key of a ticket that is made as RFC 5077 section 4 recommends: behind the name are an
/// IV of 16 bytes, a length, and a MAC of 32.
pub(super) fn ticket_key(ticket: &[u8]) -> Option<Handle> {
    const KEY_NAME: u64 = 5;
    const SHORTEST: usize = 16 + 16 + 2 + 32;
    let name = ticket.first_chunk::<16>()?;
    (ticket.len() >= SHORTEST).then(|| Handle::of(KEY_NAME, name))
}

/// What stands for a ticket before TLS 1.3.
pub(super) fn ticket_handle(ticket: &[u8]) -> Handle {
    const TICKET: u64 = 1;
    Handle::of(TICKET, ticket)
}

/// Text from the wire, bounded and inert.
pub(super) fn text(bytes: &[u8]) -> String {
    escape_bytes(bytes.get(..limits::TEXT_BYTES).unwrap_or(bytes))
}

/// A distinguished name, or its bytes as text where it cannot be read.
pub(super) fn name_of(der: &[u8]) -> String {
    crate::pki::name_text(der).unwrap_or_else(|| text(der))
}
