//! What equal bytes were read as before.
//!
//! Takes the bytes of a message and how to read them; gives what they say, read only when they were not read lately.
//! Nearly every handshake repeats the offer, the certificates and the request of another one: comparing bytes is cheaper
//! than reading them again, and sessions that said the same hold it once. What is given depends on the bytes alone. A
//! thread remembers a fixed number of messages, each in one of the few places where its hash puts it, so nobody can make
//! looking one up slow.

use std::cell::RefCell;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::hello::{extension, psk_handle, ticket_handle, walk};
use super::names::is_grease;
use crate::inspect::reader::Reader;
use crate::model::{CertificateRequest, ClientOffer, Der, Handle, limits};

thread_local! {
    static OFFERS: RefCell<Offers> = RefCell::default();
    static CERTIFICATES: RefCell<Certificates> = RefCell::default();
    static REQUESTS: RefCell<Requests> = RefCell::default();
}

/// The last outline, whose memory is used again, and offers by their outlines.
type Offers = (Vec<u8>, Recent<Box<[u8]>, Arc<ClientOffer>>);
type Certificates = Recent<Arc<[u8]>, Arc<[u8]>>;
type Requests = Recent<Box<[u8]>, CertificateRequest>;

/// What a connection has of its own in its ClientHello, whatever it offers.
#[derive(Default)]
pub(super) struct Own {
    /// The legacy session id.
    pub(super) session_id: SmallVec<[u8; 32]>,
    /// What stands for the session ticket.
    pub(super) ticket_handle: Option<Handle>,
    /// What stands for the first identity of pre_shared_key.
    pub(super) psk_handle: Option<Handle>,
}

/// What a ClientHello with this body offers, by `read`, and what the connection has of its own. `None` when the fixed part
/// of the body makes no sense.
pub(super) fn offer(
    body: &[u8],
    read: fn(&[u8]) -> Option<ClientOffer>,
) -> Option<(Arc<ClientOffer>, Own)> {
    let mut own = Own::default();
    let offer = OFFERS.with_borrow_mut(|(outline, offers)| {
        outline.clear();
        if !write_outline(body, &mut own, outline)? {
            return read(body).map(Arc::new);
        }
        offers.find(outline, outline, |outline| Some((outline.into(), Arc::new(read(body)?))))
    })?;
    Some((offer, own))
}

/// The certificates of a Certificate message before TLS 1.3, each sharing its bytes with others that are equal.
pub(super) fn chain(body: &[u8]) -> Option<Vec<Der>> {
    let mut list = Reader(Reader(body).vec24()?);
    let mut chain = Vec::new();
    while !list.is_empty() {
        let der = list.vec24()?;
        if chain.len() < limits::CHAIN_CERTIFICATES {
            chain.push(certificate(der));
        }
    }
    Some(chain)
}

fn certificate(der: &[u8]) -> Der {
    // The end of a certificate is its signature, in which no two are the same.
    const MARK: usize = 32;
    let mark = der.last_chunk::<MARK>().map_or(der, |mark| mark.as_slice());
    let shared = |der: &[u8]| {
        let bytes: Arc<[u8]> = der.into();
        Some((Arc::clone(&bytes), bytes))
    };
    let known = CERTIFICATES.with_borrow_mut(|recent| recent.find(mark, der, shared));
    Der(known.unwrap_or_else(|| der.into()))
}

/// What a CertificateRequest with this body says, by `read`.
pub(super) fn request(
    body: &[u8],
    read: impl FnOnce(&[u8]) -> Option<CertificateRequest>,
) -> Option<CertificateRequest> {
    REQUESTS
        .with_borrow_mut(|recent| recent.find(body, body, |body| Some((body.into(), read(body)?))))
}

/// Places that a hash leads to. With one, two messages that come all the time may take each other's place every time.
const WAYS: usize = 4;
const SETS: usize = limits::RECENT_MESSAGES / WAYS;

/// A fixed number of places in sets, each set for the bytes that came there last, the latest first, and what they were
/// read as.
struct Recent<K, T> {
    hasher: RandomState,
    sets: Vec<[Option<Known<K, T>>; WAYS]>,
}

struct Known<K, T> {
    hash: u64,
    bytes: K,
    said: T,
}

impl<K, T> Default for Recent<K, T> {
    fn default() -> Self {
        let sets = std::iter::repeat_with(Default::default).take(SETS).collect();
        Self { hasher: RandomState::default(), sets }
    }
}

impl<K: AsRef<[u8]>, T: Clone> Recent<K, T> {
    /// What `read` makes of these bytes, which it also gives to remember. `mark` decides their place; it need not tell
    /// all bytes apart.
    fn find(
        &mut self,
        mark: &[u8],
        bytes: &[u8],
        read: impl FnOnce(&[u8]) -> Option<(K, T)>,
    ) -> Option<T> {
        let hash = self.hasher.hash_one(mark);
        let set = self.sets.get_mut(usize::try_from(hash >> 32).unwrap_or(0) % SETS)?;
        let is = |known: &&Known<K, T>| known.hash == hash && known.bytes.as_ref() == bytes;
        if let Some(known) = set.iter().flatten().find(is) {
            return Some(known.said.clone());
        }
        let (known, said) = read(bytes)?;
        if bytes.len() <= limits::RECENT_BYTES {
            set.rotate_right(1);
            let [latest, ..] = set;
            *latest = Some(Known { hash, bytes: known, said: said.clone() });
        }
        Some(said)
    }
}

/// Stands for every value that RFC 8701 reserves: which one a client takes says nothing.
const GREASE: u16 = 0x0a0a;

/// Writes what decides the offer of a ClientHello so that different ones never look alike, and what a connection has of
/// its own into `own`. `Some(false)` when a part of it cannot be read and the outline therefore leaves something out.
fn write_outline(body: &[u8], own: &mut Own, outline: &mut Vec<u8>) -> Option<bool> {
    let mut r = Reader(body);
    outline.extend_from_slice(r.take(2)?);
    r.take(32)?;
    own.session_id = SmallVec::from_slice(r.vec8()?);
    write_numbers(0, r.vec16()?, outline);
    write_bytes(r.vec8()?, outline);
    let Some(extensions) = r.vec16() else { return Some(false) };
    let whole = walk(extensions, |kind, body| write_extension(kind, body, own, outline));
    Some(whole.is_some())
}

fn write_extension(kind: u16, body: &[u8], own: &mut Own, outline: &mut Vec<u8>) -> Option<()> {
    write_number(kind, outline);
    match kind {
        extension::SERVER_NAME
        | extension::POINT_FORMATS
        | extension::ALPN
        | extension::PSK_MODES => write_bytes(body, outline),
        extension::GROUPS | extension::SIGNATURE_ALGORITHMS => write_numbers(2, body, outline),
        extension::SUPPORTED_VERSIONS => write_numbers(1, body, outline),
        extension::ECH => outline.push(u8::from(body.first() == Some(&0))),
        extension::SESSION_TICKET => {
            outline.push(u8::from(body.is_empty()));
            if !body.is_empty() {
                own.ticket_handle = Some(ticket_handle(body));
            }
        }
        extension::PRE_SHARED_KEY => {
            let identity = Reader(body).vec16().and_then(|list| Reader(list).vec16());
            own.psk_handle = identity.and_then(psk_handle);
        }
        extension::KEY_SHARE | extension::KEY_SHARE_DRAFT => {
            let mut shares = Reader(Reader(body).vec16()?);
            write_length(shares.0, outline);
            while !shares.is_empty() {
                write_number(shares.u16()?, outline);
                write_length(shares.vec16()?, outline);
            }
        }
        _ => {}
    }
    Some(())
}

fn write_length(bytes: &[u8], outline: &mut Vec<u8>) {
    // Nothing in a hello has a length of more than 16 bits.
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    outline.extend_from_slice(&length.to_be_bytes());
}

fn write_bytes(bytes: &[u8], outline: &mut Vec<u8>) {
    write_length(bytes, outline);
    outline.extend_from_slice(bytes);
}

fn write_number(number: u16, outline: &mut Vec<u8>) {
    let number = if is_grease(number) { GREASE } else { number };
    outline.extend_from_slice(&number.to_be_bytes());
}

/// Writes a list of numbers behind so many bytes of its own length.
fn write_numbers(head: usize, bytes: &[u8], outline: &mut Vec<u8>) {
    write_length(bytes, outline);
    let begin = outline.len().saturating_add(head);
    outline.extend_from_slice(bytes);
    let (pairs, _) = outline.get_mut(begin..).unwrap_or_default().as_chunks_mut();
    for pair in pairs {
        if is_grease(u16::from_be_bytes(*pair)) {
            *pair = GREASE.to_be_bytes();
        }
    }
}
