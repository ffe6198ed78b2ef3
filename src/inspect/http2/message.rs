//! What is taken of one header block.

use smallvec::SmallVec;

use super::hpack::{Field, Sink};
use crate::inspect::calls::frameworks::{self, FrameworkField};
use crate::inspect::calls::{Calls, HeaderName, Used};
use crate::model::{Direction, Moment, limits};

/// The fields of one header block that say which call it is and how it ended. Has no `Debug`: it holds raw bytes from
/// the wire.
#[derive(Clone, Default)]
pub(super) struct Message {
    /// The method is the one of every gRPC call; then it is not kept.
    post: bool,
    method: SmallVec<[u8; 8]>,
    path: SmallVec<[u8; 128]>,
    /// A field of requests was there.
    pub(super) request: bool,
    /// A field could not be seen.
    pub(super) unknown: bool,
    /// `:status`
    pub(super) status: Option<u16>,
    /// `content-type` says gRPC.
    pub(super) grpc: bool,
    /// `content-type` was there.
    typed: bool,
    /// A framework says that the path names service and method.
    pub(super) call: bool,
    /// `grpc-status`
    pub(super) grpc_status: Option<u16>,
    /// The credentials that were there.
    pub(super) used: Used,
    /// A field says that the request may come again.
    pub(super) repeatable: bool,
}

impl Message {
    /// `:method`, if it was seen.
    pub(super) fn method(&self) -> Option<&[u8]> {
        if self.post {
            return Some(b"POST");
        }
        Some(&*self.method).filter(|method| !method.is_empty())
    }

    /// `:path`, if it was seen.
    pub(super) fn path(&self) -> Option<&[u8]> {
        Some(&*self.path).filter(|path| !path.is_empty())
    }

    /// Whether a request whose `content-type` could not be seen looks like gRPC: a POST to `/package.Service/Method`.
    pub(super) fn may_be_grpc(&self) -> bool {
        let Some((service, method)) = self
            .path
            .strip_prefix(b"/")
            .and_then(|path| path.split_at_checked(memchr::memchr(b'/', path)?))
        else {
            return false;
        };
        let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/');
        self.unknown
            && !self.typed
            && self.post
            && service.contains(&b'.')
            && method.iter().all(name)
            && memchr::memrchr(b'/', method) == Some(0)
    }

    /// Takes the fields of a block that is sent in this direction.
    pub(super) fn sink<'a>(
        &'a mut self,
        calls: &'a mut Calls,
        direction: Direction,
        at: Moment,
    ) -> Taking<'a> {
        Taking { message: self, calls, direction, at }
    }
}

/// Takes fields as they are decoded.
pub(super) struct Taking<'a> {
    message: &'a mut Message,
    calls: &'a mut Calls,
    direction: Direction,
    at: Moment,
}

impl Sink for Taking<'_> {
    #[inline]
    fn wants(&self, name: HeaderName) -> usize {
        match name {
            HeaderName::Other => 0,
            HeaderName::Credential(_) | HeaderName::Path | HeaderName::Referer => {
                limits::CREDENTIAL_BYTES
            }
            _ => limits::TEXT_BYTES,
        }
    }

    #[inline]
    fn knows(&mut self, name: HeaderName, code: &[u8]) -> bool {
        if self.direction == Direction::ToClient {
            return false;
        }
        match self.calls.credential_as_code(name, code) {
            Some(used) => {
                self.message.used.add(used);
                true
            }
            None => false,
        }
    }

    #[inline]
    fn field(&mut self, field: &Field<'_>) {
        match field.name {
            HeaderName::Other => return,
            // These are gathered, so what was given before adds nothing.
            HeaderName::Authority
            | HeaderName::UserAgent
            | HeaderName::Server
            | HeaderName::SetCookie
            | HeaderName::App
                if field.again =>
            {
                return;
            }
            _ => {}
        }
        match (field.value, self.direction) {
            (None, _) => self.message.unknown = true,
            (Some(value), Direction::ToServer) => self.of_request(field.name, value, field.code),
            (Some(value), Direction::ToClient) => self.of_response(field.name, value),
        }
    }
}

impl Taking<'_> {
    fn of_request(&mut self, name: HeaderName, value: &[u8], code: Option<&[u8]>) {
        let message = &mut *self.message;
        match name {
            HeaderName::Method => {
                message.request = true;
                message.post = value == b"POST";
                if !message.post {
                    keep(&mut message.method, value);
                }
            }
            HeaderName::Path => {
                message.request = true;
                keep(&mut message.path, value);
                message.used.add(self.calls.credential(name, value));
            }
            HeaderName::Scheme => message.request = true,
            HeaderName::Authority => self.calls.authority(value),
            HeaderName::UserAgent => self.calls.user_agent(value),
            HeaderName::ContentType => {
                message.typed = true;
                message.grpc = is_grpc(value);
                message.call |= !message.grpc && frameworks::is_connect(value);
            }
            HeaderName::Framework(field) => {
                message.call |= field.marks_a_call();
                self.calls.framework(field, value, Direction::ToServer, self.at);
            }
            HeaderName::Credential(_) | HeaderName::App | HeaderName::Referer => {
                if name == HeaderName::App {
                    self.calls.framework(FrameworkField::App, value, Direction::ToServer, self.at);
                }
                let used = self.calls.credential(name, value);
                message.used.add(used);
                if let Some(code) = code {
                    self.calls.credential_has_code(name, code, used);
                }
            }
            HeaderName::Repeatable => message.repeatable = true,
            HeaderName::Unknown => message.unknown = true,
            _ => {}
        }
    }

    fn of_response(&mut self, name: HeaderName, value: &[u8]) {
        match name {
            HeaderName::Status => self.message.status = number(value),
            HeaderName::GrpcStatus => self.message.grpc_status = number(value),
            HeaderName::ContentType => self.message.grpc = is_grpc(value),
            HeaderName::Server => self.calls.server_product(value),
            HeaderName::Framework(field) => {
                self.calls.framework(field, value, Direction::ToClient, self.at);
            }
            HeaderName::SetCookie => self.calls.set_cookie(value, self.at),
            HeaderName::Unknown => self.message.unknown = true,
            _ => {}
        }
    }
}

fn keep<A: smallvec::Array<Item = u8>>(kept: &mut SmallVec<A>, value: &[u8]) {
    kept.clear();
    kept.extend_from_slice(value.get(..limits::TEXT_BYTES).unwrap_or(value));
}

/// `application/grpc` with any suffix, but not the gRPC-Web that browsers speak.
fn is_grpc(value: &[u8]) -> bool {
    value
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

fn number(value: &[u8]) -> Option<u16> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte & 0x0f));
    let first = digit(value.first()?)?;
    value
        .iter()
        .skip(1)
        .try_fold(first, |number, byte| number.checked_mul(10)?.checked_add(digit(byte)?))
}
