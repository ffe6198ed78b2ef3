//! What the byte streams say: one file or folder per protocol, and the table of protocols.
//!
//! An inspector is given the bytes of a connection in order and says how many it used; it sees the rest again with
//! more. It keeps no buffer of its own where it can avoid it, has no clock, and never panics: `tests/conformance.rs`
//! feeds every protocol of the table the same way and checks that the facts do not depend on how the bytes are cut,
//! that any bytes whatever are survived, and that a hole never invents a fact.
//!
//! **To add a protocol**: one file beside its neighbours, one line in [`PROTOCOLS`], a sample.

mod begins;
mod broker;
mod calls;
mod database;
mod datagram;
mod dialogue;
mod exchange;
#[cfg(test)]
mod feeder;
mod fields;
mod gather;
mod http1;
mod http2;
mod infrastructure;
mod json;
mod mesh;
mod programs;
mod protobuf;
mod readable_fields;
mod reader;
mod rpc;
mod sasl;
mod sensitive;
#[cfg(test)]
mod tests;
pub mod tls;

pub use calls::merge_calls;
pub use datagram::Datagrams;
pub use dialogue::Dialogue;
pub use fields::SESSION_FIELDS;
pub use http2::blank_header_block;
pub use mesh::MESH_FIELDS;
pub use readable_fields::READABLE_FIELDS;
pub use tls::conclude;

use std::sync::Arc;

use crate::flow::Hail;
use crate::model::{Direction, Facts, Field, Moment};
use tls::KeyLog;

/// The table of protocols, in the order in which probes are asked.
#[rustfmt::skip] // One line each: every protocol is added and merged on its own.
pub static PROTOCOLS: &[&dyn Protocol] = &[
    &tls::Tls,
    &http2::Http2,
    &http1::Http1,
    &rpc::dubbo::Dubbo,
    &rpc::brpc::Brpc,
    &rpc::trpc::Trpc,
    &rpc::rpcx::Rpcx,
    &rpc::ttheader::TtHeader,
    &rpc::thrift::Thrift,
    &rpc::gob_rpc::GobRpc,
    &rpc::json_rpc::JsonRpc,
    &rpc::msgpack_rpc::MsgpackRpc,
    &rpc::nestjs::NestJs,
    &rpc::capnproto::CapnProto,
    &broker::amqp::Amqp,
    &broker::mqtt::Mqtt,
    &broker::kafka::Kafka,
    &database::redis::Redis,
    &database::postgresql::Postgresql,
    &database::mysql::Mysql,
    &database::mongodb::Mongodb,
    &database::memcached::Memcached,
    &broker::nats::Nats,
    &database::zookeeper::Zookeeper,
    &infrastructure::serf::Serf,
    &infrastructure::consul::Consul,
    &infrastructure::linkerd::Linkerd,
    &infrastructure::proxy::Proxy,
    &infrastructure::mail::Smtp,
    &infrastructure::mail::Imap,
    &infrastructure::mail::Pop3,
    &infrastructure::ldap::Ldap,
    &infrastructure::ssh::Ssh,
    &infrastructure::openvpn::OpenVpn,
    &broker::pulsar::Pulsar,
    &broker::stomp::Stomp,
    &database::cassandra::Cassandra,
];

/// The name of a protocol in the table.
pub type ProtocolId = &'static str;

/// A protocol: how to recognise it and how to read it.
pub trait Protocol: Sync {
    /// Its name in rules and outputs.
    fn name(&self) -> ProtocolId;

    /// What it is for.
    fn class(&self) -> Class;

    /// Whether these first bytes of one direction are its own.
    ///
    /// `head.bytes` holds everything buffered of that direction, at most [`crate::model::limits::PROBE_BYTES`]. Must
    /// answer [`Probe::No`] as soon as it can: a connection waits while any protocol is unsure.
    fn probe(&self, head: &Head<'_>) -> Probe;

    /// A reader for one connection.
    fn inspector(&self, context: &Context) -> Box<dyn Inspector>;

    /// The fields that rules can ask because of it.
    fn fields(&self) -> &'static [Field] {
        &[]
    }
}

/// What a protocol is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// It carries others (TLS).
    Channel,
    /// Calls from service to service.
    Rpc,
    /// Databases and caches.
    Datastore,
    /// Message brokers and streams.
    Broker,
    /// Where services find each other and keep their configuration, and the gossip of clusters.
    Registry,
    /// Names, mail, directories, shells: what every network has.
    Infrastructure,
}

impl Class {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Rpc => "rpc",
            Self::Datastore => "datastore",
            Self::Broker => "broker",
            Self::Registry => "registry",
            Self::Infrastructure => "infrastructure",
        }
    }
}

/// Names that inspectors give to special cases of a protocol of the table, with what these are for.
static SPECIAL: &[(ProtocolId, Class)] =
    &[("grpc", Class::Rpc), ("mdns", Class::Registry), ("memberlist", Class::Registry)];

/// What the protocol with this name is for.
#[must_use]
pub fn class_of(name: &str) -> Option<Class> {
    let special = || SPECIAL.iter().find(|(special, _)| *special == name).map(|(_, class)| *class);
    protocol(name).map(Protocol::class).or_else(special)
}

/// The first bytes of one direction of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Who sent them, if the roles are what they seem.
    pub direction: Direction,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whether these are the connection's first bytes, or the capture joined later.
    pub from_start: bool,
}

impl Head<'_> {
    /// What a probe says where it knows that these bytes are its protocol's, and which side sends such.
    #[must_use]
    pub fn sent_by(&self, sender: Direction) -> Probe {
        if sender == self.direction { Probe::Yes } else { Probe::Reversed }
    }

    /// What a probe says where it asked twice: whether a client begins like this, and whether a server does.
    #[must_use]
    pub fn of_sides(&self, client: Probe, server: Probe) -> Probe {
        match (client, server) {
            (Probe::Yes, _) => self.sent_by(Direction::ToServer),
            (_, Probe::Yes) => self.sent_by(Direction::ToClient),
            _ => client.or(server),
        }
    }
}

/// What an inspector is told of its connection before the first byte.
#[derive(Clone, Debug)]
pub struct Context {
    /// Keys that were given to decrypt with.
    pub keys: Option<Arc<KeyLog>>,
    /// Whether what it is given begins with the connection's first bytes, or the capture joined later.
    pub from_start: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self { keys: None, from_start: true }
    }
}

/// What a probe says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// These bytes are this protocol's, sent in the direction that was given.
    Yes,
    /// They are this protocol's, but the other side must have sent them: client and server are the other way round.
    Reversed,
    /// More bytes are needed.
    Unsure,
    /// They are not.
    No,
}

impl Probe {
    /// Whether bytes begin with one of these texts, as far as they go.
    #[must_use]
    pub fn begins<T: AsRef<[u8]>>(bytes: &[u8], texts: &[T]) -> Self {
        let mut texts = texts.iter().map(AsRef::as_ref);
        if texts.clone().any(|text| bytes.starts_with(text)) {
            Self::Yes
        } else if texts.any(|text| text.starts_with(bytes)) {
            Self::Unsure
        } else {
            Self::No
        }
    }

    /// What two probes of one side's bytes say together.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, said) | (said, Self::No) => said,
            (Self::Unsure, said) | (said, Self::Unsure) => said,
            (said, _) => said,
        }
    }
}

/// What an inspector wants next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// More bytes.
    More,
    /// Nothing: it learned what it came for, and the connection need not be reassembled any longer.
    Done,
    /// From the next byte of each direction on, the connection speaks this protocol.
    Switch(ProtocolId),
    /// From the next byte of each direction on, the connection may speak anything: ask the probes again.
    Reprobe,
}

/// Reads one connection.
pub trait Inspector: Send {
    /// Reads bytes that come next in one direction, and says how many of them it used.
    ///
    /// The rest is given again with more bytes behind it. At most [`crate::model::limits::PENDING_BYTES`] can be left
    /// over; an inspector that leaves more loses the connection.
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Next);

    /// Takes note that `missing` bytes of one direction are not in the capture. What it had left over is gone with
    /// them.
    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) -> Next;

    /// Bytes it holds that peers can inflate: message parts, certificates.
    fn held(&self) -> usize {
        0
    }

    /// Another one that stands where this one does, to ask what was learned so far; `None` when there can be none.
    fn copy(&self) -> Option<Box<dyn Inspector>> {
        None
    }

    /// Gives what it learned. Called once, last.
    fn finish(self: Box<Self>) -> Facts;
}

/// What the content of a datagram says of the conversation that it is part of: those of OpenVPN are followed.
#[inline]
#[must_use]
pub fn hail(datagram: &[u8]) -> Option<Hail> {
    infrastructure::openvpn::hail(datagram)
}

/// The entry of the table with this name.
#[must_use]
pub fn protocol(name: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS.iter().copied().find(|protocol| protocol.name() == name)
}
