//! What is taken of one header block.

use smallvec::SmallVec;

use super::hpack::{EntryNo, Field, Sink};
use crate::inspect::calls::frameworks::{self, FrameworkField};
use crate::inspect::calls::target::without_query;
use crate::inspect::calls::{CallId, Calls, HeaderName, Used};
use crate::model::{Direction, Moment, limits};

/// The fields of one header block that say which call it is and how it ended. Has no `Debug`: it holds raw bytes from
/// the wire.
#[derive(Clone, Default)]
pub(super) struct Message {
    /// The method is the one of every gRPC call; then it is not kept.
    post: bool,
    method: SmallVec<[u8; 8]>,
    path: SmallVec<[u8; 128]>,
    /// The entry of the header table that the path is.
    path_entry: Option<EntryNo>,
    /// The path is the name of this gRPC call. Then it is not kept.
    call_by_path: Option<NamedCall>,
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

    /// The entry of the header table of which the path is all there is to know of a gRPC call: no host, no query, not
    /// cut.
    pub(super) fn path_entry(&self) -> Option<EntryNo> {
        let path = &*self.path;
        let whole = path.len() < limits::TEXT_BYTES && without_query(path) == path;
        self.path_entry.filter(|_| whole && path.starts_with(b"/"))
    }

    /// The gRPC call that the path was the name of when it came before.
    pub(super) fn call_by_path(&self) -> Option<NamedCall> {
        self.call_by_path
    }

    /// Takes the path, which is known as the name of a call.
    pub(super) fn spell(&mut self, name: &[u8]) {
        self.call_by_path = None;
        keep(&mut self.path, name);
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

/// A gRPC call that is known by its path.
#[derive(Clone, Copy)]
pub(super) struct NamedCall {
    pub(super) id: CallId,
    /// Its name says that it changes something.
    pub(super) changes: bool,
}

/// What a field comes to that came before.
#[derive(Clone, Copy)]
pub(super) enum Note {
    /// Nothing that it did not come to then.
    Nothing,
    /// `:method: POST`
    Post,
    /// A field of requests.
    Request,
    /// `:path`, the name of this gRPC call.
    Call(NamedCall),
    /// `content-type`, and whether it is gRPC's, or else one that says that the path names service and method.
    Content { grpc: bool, call: bool },
    /// A field that carries these credentials.
    Credentials(Used),
    /// The request may come again.
    Repeatable,
    /// `:status`
    Status(Option<u16>),
    /// `grpc-status`
    GrpcStatus(Option<u16>),
}

/// Takes fields as they are decoded.
pub(super) struct Taking<'a> {
    message: &'a mut Message,
    calls: &'a mut Calls,
    direction: Direction,
    at: Moment,
}

impl Sink for Taking<'_> {
    type Note = Note;

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
    fn field(&mut self, field: &Field<'_>) -> Option<Note> {
        match (field.name, field.value, self.direction) {
            (HeaderName::Other, ..) => Some(Note::Nothing),
            (_, None, _) => {
                self.message.unknown = true;
                None
            }
            (_, Some(value), Direction::ToServer) => self.of_request(field, value),
            (name, Some(value), Direction::ToClient) => self.of_response(name, value),
        }
    }

    #[inline]
    fn again(&mut self, note: Note) {
        let message = &mut *self.message;
        match note {
            Note::Nothing => {}
            Note::Post => (message.request, message.post) = (true, true),
            Note::Request => message.request = true,
            Note::Call(call) => {
                message.request = true;
                message.path.clear();
                (message.path_entry, message.call_by_path) = (None, Some(call));
            }
            Note::Content { grpc, call } => {
                message.typed = true;
                message.grpc = grpc;
                message.call |= call;
            }
            Note::Credentials(used) => message.used.add(used),
            Note::Repeatable => message.repeatable = true,
            Note::Status(status) => message.status = status,
            Note::GrpcStatus(status) => message.grpc_status = status,
        }
    }
}

impl Taking<'_> {
    fn of_request(&mut self, field: &Field<'_>, value: &[u8]) -> Option<Note> {
        let (name, message) = (field.name, &mut *self.message);
        match name {
            HeaderName::Method => {
                message.request = true;
                message.post = value == b"POST";
                if message.post {
                    return Some(Note::Post);
                }
                keep(&mut message.method, value);
            }
            HeaderName::Path => {
                message.request = true;
                message.spell(value);
                message.path_entry = field.entry;
                message.used.add(self.calls.credential(name, value));
            }
            HeaderName::Scheme => {
                message.request = true;
                return Some(Note::Request);
            }
            HeaderName::Authority => {
                self.calls.authority(value);
                return Some(Note::Nothing);
            }
            HeaderName::UserAgent => {
                self.calls.user_agent(value);
                return Some(Note::Nothing);
            }
            HeaderName::ContentType => {
                let grpc = is_grpc(value);
                let note = Note::Content { grpc, call: !grpc && frameworks::is_connect(value) };
                self.again(note);
                return Some(note);
            }
            HeaderName::Framework(field) => {
                message.call |= field.marks_a_call();
                self.calls.framework(field, value, Direction::ToServer, self.at);
            }
            HeaderName::Credential(_) | HeaderName::App | HeaderName::Referer => {
                return Some(self.credential(field, value));
            }
            HeaderName::Repeatable => {
                message.repeatable = true;
                return Some(Note::Repeatable);
            }
            HeaderName::Unknown => message.unknown = true,
            _ => return Some(Note::Nothing),
        }
        None
    }

    fn credential(&mut self, field: &Field<'_>, value: &[u8]) -> Note {
        let name = field.name;
        if name == HeaderName::App {
            self.calls.framework(FrameworkField::App, value, Direction::ToServer, self.at);
        }
        let used = self.calls.credential(name, value);
        self.message.used.add(used);
        if let Some(code) = field.code {
            self.calls.credential_has_code(name, code, used);
        }
        Note::Credentials(used)
    }

    fn of_response(&mut self, name: HeaderName, value: &[u8]) -> Option<Note> {
        let note = match name {
            HeaderName::Status => Note::Status(number(value)),
            HeaderName::GrpcStatus => Note::GrpcStatus(number(value)),
            HeaderName::ContentType => Note::Content { grpc: is_grpc(value), call: false },
            HeaderName::Server => {
                self.calls.server_product(value);
                Note::Nothing
            }
            HeaderName::Framework(field) => {
                self.calls.framework(field, value, Direction::ToClient, self.at);
                return None;
            }
            HeaderName::SetCookie => {
                self.calls.set_cookie(value, self.at);
                Note::Nothing
            }
            HeaderName::Unknown => {
                self.message.unknown = true;
                return None;
            }
            _ => Note::Nothing,
        };
        self.again(note);
        Some(note)
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
