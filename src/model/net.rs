//! Addresses, directions and the names that other tools give to a connection.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::{Index, IndexMut};

use base64::Engine as _;
use sha1::{Digest as _, Sha1};
use smallvec::SmallVec;

use super::Timestamp;

/// The position of a frame in everything that was read in one run, from 1: the logical clock of a run.
///
/// With one capture file it equals Wireshark's `frame.number`; with several, [`super::Located`] says which file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FrameNo(pub u64);

/// When and where in the capture something was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment {
    /// Packet time.
    pub time: Timestamp,
    /// The frame that completed what was seen.
    pub frame: FrameNo,
}

/// Which way bytes travel within a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// Both directions, client's first.
    pub const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];

    /// The other way.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }

    /// The side that sends in this direction.
    #[must_use]
    pub fn sender(self) -> &'static str {
        match self {
            Self::ToServer => "client",
            Self::ToClient => "server",
        }
    }
}

/// What carries a conversation from port to port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Transport {
    /// One stream of bytes each way (RFC 9293).
    #[default]
    Tcp,
    /// Single datagrams (RFC 768), of which a protocol above makes a conversation.
    Udp,
}

impl Transport {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// The number in headers of IP.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

/// One value for each direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PerDirection<T> {
    /// What belongs to bytes from the client.
    pub to_server: T,
    /// What belongs to bytes from the server.
    pub to_client: T,
}

impl<T> PerDirection<T> {
    /// Exchanges the two values, for when client and server turn out to be the other way round.
    pub fn swap(&mut self) {
        std::mem::swap(&mut self.to_server, &mut self.to_client);
    }
}

impl<T> Index<Direction> for PerDirection<T> {
    type Output = T;
    fn index(&self, direction: Direction) -> &T {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }
}

impl<T> IndexMut<Direction> for PerDirection<T> {
    fn index_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}

/// One end of a connection.
///
/// Two ends are the same where addresses, ports and realms are: who is at a port does not depend on what carries the
/// bytes there. [`FlowKey`](super::FlowKey) tells the transports apart.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Internet address.
    pub addr: IpAddr,
    /// Port of TCP or UDP.
    pub port: u16,
    /// What tells it from another one with the same address and port.
    pub realm: Realm,
    /// What it spoke over; no part of what it is.
    pub transport: Transport,
}

impl PartialEq for Endpoint {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.addr == other.addr && self.port == other.port && self.realm == other.realm
    }
}

impl Eq for Endpoint {}

impl PartialOrd for Endpoint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Endpoint {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.addr, self.port, self.realm).cmp(&(other.addr, other.port, other.realm))
    }
}

/// In three words: every session looks its ends up several times.
impl Hash for Endpoint {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (addr, family) = (address_bits(self.addr), u64::from(self.addr.is_ipv6()));
        state.write_u64(high(addr));
        state.write_u64(low(addr));
        state.write_u64(u64::from(self.realm.0) << 32 | family << 16 | u64::from(self.port));
    }
}

impl Endpoint {
    /// An endpoint of TCP from its parts, in the realm that everything is in of which nothing else is known.
    #[must_use]
    pub fn new(addr: IpAddr, port: u16) -> Self {
        Self { addr, port, realm: Realm::default(), transport: Transport::Tcp }
    }

    /// The same, speaking over this transport.
    #[must_use]
    pub fn over(self, transport: Transport) -> Self {
        Self { transport, ..self }
    }

    /// The same, in another realm.
    #[must_use]
    pub fn within(self, realm: Realm) -> Self {
        Self { realm, ..self }
    }

    /// The host alone, whatever its port.
    #[must_use]
    pub fn host(self) -> Self {
        Self { port: 0, ..self }
    }
}

/// Tells equal addresses apart that do not mean the same host: those of two virtual networks, and those that were given
/// to another host at some time. Only what the user's services file tells apart is told apart, because one connection may
/// have one network number on its way there and another on its way back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Realm(pub(super) u32);

impl Realm {
    /// Bits of a network number, and one for whether there is one.
    const NETWORK_BITS: u32 = 25;
    /// Periods that can be told apart at one address.
    pub const PERIODS: u32 = (1 << (32 - Self::NETWORK_BITS)) - 1;

    /// The realm of a virtual network (RFC 7348, RFC 8926: 24 bits).
    #[must_use]
    pub fn of_network(number: u32) -> Self {
        Self((number & 0x00ff_ffff) + 1)
    }

    /// The network's number, in a virtual network.
    #[must_use]
    pub fn network(self) -> Option<u32> {
        (self.0 & ((1 << Self::NETWORK_BITS) - 1)).checked_sub(1)
    }

    /// The same network in the period with this number, from 0; the last one has all that follow it.
    #[must_use]
    pub fn in_period(self, period: u32) -> Self {
        let network = self.0 & ((1 << Self::NETWORK_BITS) - 1);
        Self(network | (period.min(Self::PERIODS) << Self::NETWORK_BITS))
    }

    /// The number of the period.
    #[must_use]
    pub fn period(self) -> u32 {
        self.0 >> Self::NETWORK_BITS
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addr {
            IpAddr::V4(addr) => f.write_str(V4Text::with_port(addr, self.port).as_str()),
            IpAddr::V6(addr) => write!(f, "[{addr}]:{}", self.port),
        }
    }
}

impl Endpoint {
    /// Puts it behind a text.
    pub(crate) fn push_to(&self, text: &mut String) {
        match self.addr {
            IpAddr::V4(addr) => text.push_str(V4Text::with_port(addr, self.port).as_str()),
            // A text takes all that is written to it.
            IpAddr::V6(_) => drop(write!(text, "{self}")),
        }
    }
}

/// `10.0.0.1` or `10.0.0.1:443` on the stack, digit by digit: every session and every piece of evidence in a database has
/// two of them, and the formatting machinery costs more than all else of them.
pub(crate) struct V4Text {
    bytes: [u8; 24],
    length: usize,
}

impl V4Text {
    /// The four numbers.
    pub(crate) fn of(addr: Ipv4Addr) -> Self {
        let mut text = Self { bytes: [0; 24], length: 0 };
        for octet in addr.octets() {
            let Some((digits, length)) = OCTETS.get(usize::from(octet)) else { continue };
            let place = text.bytes.get_mut(text.length..).and_then(<[u8]>::first_chunk_mut);
            if let Some(place) = place {
                *place = *digits;
                text.length = text.length.saturating_add(*length);
            }
        }
        // There is no dot behind the last.
        text.length = text.length.saturating_sub(1);
        text
    }

    /// The same with a port.
    fn with_port(addr: Ipv4Addr, port: u16) -> Self {
        let mut text = Self::of(addr);
        text.push(b':');
        text.number(port);
        text
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }

    fn number(&mut self, number: u16) {
        for place in [10_000, 1000, 100, 10] {
            if number >= place {
                self.push(b'0' + (number / place % 10) as u8);
            }
        }
        self.push(b'0' + (number % 10) as u8);
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length = self.length.saturating_add(1);
        }
    }
}

/// Every octet as its digits with a dot behind them, and how many bytes these are.
static OCTETS: [([u8; 4], usize); 256] = octets();

const fn octets() -> [([u8; 4], usize); 256] {
    let mut all = [([0; 4], 0); 256];
    let mut rest = all.as_mut_slice();
    let mut octet: u8 = 0;
    while let Some((one, others)) = rest.split_first_mut() {
        let [hundreds, tens, units] =
            [b'0' + octet / 100, b'0' + octet / 10 % 10, b'0' + octet % 10];
        *one = match octet {
            0..10 => ([units, b'.', 0, 0], 2),
            10..100 => ([tens, units, b'.', 0], 3),
            _ => ([hundreds, tens, units, b'.'], 4),
        };
        rest = others;
        octet = octet.wrapping_add(1);
    }
    all
}

/// An address as a number.
pub(super) fn address_bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => u128::from(u32::from(addr)),
        IpAddr::V6(addr) => u128::from(addr),
    }
}

/// The upper half.
pub(super) fn high(bits: u128) -> u64 {
    (bits >> 64) as u64
}

/// The lower half.
pub(super) fn low(bits: u128) -> u64 {
    bits as u64
}

/// Community ID version 1, seed 0: the name that Zeek, Suricata and Wireshark give to the same connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommunityId([u8; 20]);

impl CommunityId {
    /// The id of the connection between two endpoints over `one`'s transport, the same from either end.
    #[must_use]
    pub fn of(one: Endpoint, other: Endpoint) -> Self {
        let (first, second) = if in_order(one, other) { (one, other) } else { (other, one) };
        let mut hash = Sha1::new();
        hash.update([0, 0]);
        for end in [first, second] {
            match end.addr {
                IpAddr::V4(addr) => hash.update(addr.octets()),
                IpAddr::V6(addr) => hash.update(addr.octets()),
            }
        }
        hash.update([one.transport.number(), 0]);
        hash.update(first.port.to_be_bytes());
        hash.update(second.port.to_be_bytes());
        Self(hash.finalize().into())
    }
}

/// By the octets of the addresses, then by port.
fn in_order(one: Endpoint, other: Endpoint) -> bool {
    let octets = |addr: IpAddr| match addr {
        IpAddr::V4(addr) => SmallVec::<[u8; 16]>::from_slice(&addr.octets()),
        IpAddr::V6(addr) => SmallVec::from_slice(&addr.octets()),
    };
    (octets(one.addr), one.port) <= (octets(other.addr), other.port)
}

impl fmt::Display for CommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"1:0000000000000000000000000000";
        let digits = text.get_mut(2..).unwrap_or_default();
        let written = base64::engine::general_purpose::STANDARD.encode_slice(self.0, digits);
        debug_assert_eq!(written, Ok(28), "20 bytes are 28 digits");
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Whether an address cannot be reached from the public internet: RFC 1918, RFC 6598, RFC 4193, link-local, loopback,
/// and what laboratories use (RFC 5737, RFC 3849, RFC 2544).
#[must_use]
pub fn is_internal(addr: IpAddr) -> bool {
    match addr.to_canonical() {
        IpAddr::V4(addr) => {
            let [a, b, ..] = addr.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmark = a == 198 && matches!(b, 18 | 19);
            let local = addr.is_private() || addr.is_link_local() || addr.is_loopback();
            local || addr.is_documentation() || shared || benchmark
        }
        IpAddr::V6(addr) => {
            let documentation = matches!(addr.segments(), [0x2001, 0xdb8, ..]);
            let local = addr.is_unique_local() || addr.is_unicast_link_local();
            local || addr.is_loopback() || documentation
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_written_as_its_address_and_port() {
        for octet in 0..=u8::MAX {
            let addr = Ipv4Addr::new(octet, octet.wrapping_mul(7), 255 - octet, octet / 2);
            assert_eq!(V4Text::of(addr).as_str(), addr.to_string());
            for port in [0, 9, 80, u16::from(octet) * 257] {
                let mut text = String::new();
                Endpoint::new(addr.into(), port).push_to(&mut text);
                assert_eq!(text, format!("{addr}:{port}"));
            }
        }
        let mut text = String::new();
        Endpoint::new("fd00::1".parse().unwrap(), 443).push_to(&mut text);
        assert_eq!(text, "[fd00::1]:443");
    }

    #[test]
    fn addresses_that_the_internet_cannot_reach_are_internal() {
        let private = "10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 127.0.0.1 ::1 fd00::1 fe80::1";
        let laboratory = "198.51.100.5 198.18.0.1 2001:db8::1 ::ffff:10.0.0.1";
        for own in private.split(' ').chain(laboratory.split(' ')) {
            assert!(is_internal(own.parse().unwrap()), "{own}");
        }
        for other in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1"] {
            assert!(!is_internal(other.parse().unwrap()), "{other}");
        }
    }

    fn endpoint(text: &str, port: u16) -> Endpoint {
        Endpoint::new(text.parse().unwrap(), port)
    }

    #[test]
    fn community_id_equals_the_published_vectors() {
        // From the Community ID specification's baseline for TCP, seed 0.
        let id = CommunityId::of(endpoint("128.232.110.120", 34855), endpoint("66.35.250.204", 80));
        assert_eq!(id.to_string(), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let back =
            CommunityId::of(endpoint("66.35.250.204", 80), endpoint("128.232.110.120", 34855));
        assert_eq!(back, id);
        // And for UDP.
        let udp = |addr, port| endpoint(addr, port).over(Transport::Udp);
        let id = CommunityId::of(udp("192.168.1.52", 54585), udp("8.8.8.8", 53));
        assert_eq!(id.to_string(), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    }
}
