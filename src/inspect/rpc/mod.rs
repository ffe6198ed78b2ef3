//! Protocols of remote procedure calls: who calls which method of which service, and what the frameworks say besides.
//!
//! One file per protocol. What several of them are made of is in files of its own: [`reader`], [`protobuf`], [`json`],
//! and [`secrets`] for the keys of metadata whose values let a caller in.

pub(super) mod brpc;
pub(super) mod capnproto;
pub(super) mod dubbo;
pub(super) mod gob_rpc;
mod hessian;
pub(super) mod json_rpc;
pub(super) mod msgpack;
pub(super) mod msgpack_rpc;
pub(super) mod nestjs;
pub(super) mod rpcx;
pub(super) mod secrets;
#[cfg(test)]
mod tests;
pub(super) mod thrift;
mod thrift_end;
pub(super) mod trpc;
pub(super) mod ttheader;

use super::calls::CallName;

/// What bytes that may be cut off turned out to be.
#[derive(Clone, Copy)]
enum Known<T> {
    /// This.
    Yes(T),
    /// More bytes are needed to say.
    Later,
    /// Something else.
    No,
}

/// Whether these bytes may be the name of a service or a method: printable, without blanks.
fn is_name(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_graphic)
}

/// The call that a path `/service/method`, or `service:method`, names by its last separator.
fn split_name(name: &[u8], between: u8) -> CallName<'_> {
    let name = name.strip_prefix(b"/").unwrap_or(name);
    let split = memchr::memrchr(between, name).and_then(|at| name.split_at_checked(at));
    match split {
        Some((service, method)) => {
            CallName::Rpc { service, method: method.get(1..).unwrap_or_default() }
        }
        None => CallName::Rpc { service: b"", method: name },
    }
}

/// Whether `bytes` agree with `pattern` as far as both go.
fn agrees(bytes: &[u8], pattern: &[u8]) -> bool {
    bytes.iter().zip(pattern).all(|(byte, expected)| byte == expected)
}
