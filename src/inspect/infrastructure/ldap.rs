//! LDAP version 3 (RFC 4511).
//!
//! Takes both byte streams; gives operations by name and whether they succeeded, simple and SASL logins, and what became
//! of StartTLS. Entries and filters are not looked at.

use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes, Said};
use super::super::reader::Reader;
use super::super::sasl::Sasl;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment, UpgradeState};

/// Directories: OpenLDAP, Active Directory.
pub(in crate::inspect) struct Ldap;

impl Protocol for Ldap {
    fn name(&self) -> ProtocolId {
        "ldap"
    }

    fn class(&self) -> Class {
        Class::Infrastructure
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        // Where the capture joined late, a connection may be at its end, and answers are as good as requests.
        let (asked, said) = match head.from_start {
            true => (request(head.bytes), Some(false)),
            false if is_unbind(head.bytes) => (Some(true), Some(false)),
            false => (request(head.bytes), answer(head.bytes)),
        };
        match (asked, said, head.direction) {
            (Some(true), _, Direction::ToServer) | (_, Some(true), Direction::ToClient) => {
                Probe::Yes
            }
            (Some(true), _, _) if head.from_start => Probe::Reversed,
            (_, Some(true), _) => Probe::Reversed,
            (None, _, _) | (_, None, _) => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;
const EXTENDED: u8 = 0x77;
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// A tag and a length of BER, definite and at most four bytes long.
fn header(rest: &mut Reader<'_>) -> Option<(u8, usize)> {
    let tag = rest.u8()?;
    let length = match rest.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(rest.u8()?),
        0x82 => usize::from(rest.u16()?),
        0x83 => rest.u24()?,
        0x84 => usize::try_from(rest.u32()?).ok()?,
        _ => usize::MAX,
    };
    Some((tag, length))
}

fn value<'a>(rest: &mut Reader<'a>, wanted: u8) -> Option<&'a [u8]> {
    let (tag, length) = header(rest)?;
    if tag == wanted { rest.take(length) } else { None }
}

/// An operation in its message (RFC 4511 section 4.1.1): its tag, its length, and the bytes behind both.
type Operation<'a> = (u8, usize, Reader<'a>);

/// The operation, one of these, of the message that begins here, with lengths that fit into each other. Nothing where
/// more bytes are needed; nothing inside where none begins.
fn operation<'a>(bytes: &'a [u8], tags: &[u8], shortest: usize) -> Option<Option<Operation<'a>>> {
    const LONGEST: usize = 1 << 20;
    if bytes.first().is_some_and(|tag| *tag != 0x30) {
        return Some(None);
    }
    let mut rest = Reader(bytes);
    let (_, outer) = header(&mut rest)?;
    let before = rest.0.len();
    if !(shortest..=LONGEST).contains(&outer) || rest.0.first().is_some_and(|tag| *tag != 2) {
        return Some(None);
    }
    let (_, number) = header(&mut rest)?;
    if !(1..=4).contains(&number) {
        return Some(None);
    }
    rest.skip(number)?;
    let (tag, length) = header(&mut rest)?;
    let used = before.saturating_sub(rest.0.len());
    // Controls may follow.
    let fits = tags.contains(&tag) && used.saturating_add(length) <= outer;
    Some(fits.then_some((tag, length, rest)))
}

/// Whether one of the requests begins here that open a connection.
fn request(bytes: &[u8]) -> Option<bool> {
    let Some((tag, length, mut rest)) = operation(bytes, &[BIND, SEARCH, EXTENDED], 7)? else {
        return Some(false);
    };
    Some(match tag {
        BIND => {
            let start = rest.0.first_chunk::<4>()?;
            matches!(start, [2, 1, 2 | 3, 4])
        }
        EXTENDED => rest
            .0
            .first_chunk::<4>()
            .map(|start| matches!(start, [0x80, 5..=0x7f, b'1' | b'2', b'.']))?,
        _ => {
            let (tag, name) = header(&mut rest)?;
            if tag != 4 || name > length {
                return Some(false);
            }
            rest.skip(name)?;
            let start = rest.0.first_chunk::<6>()?;
            matches!(start, [0x0a, 1, 0..=3, 0x0a, 1, 0..=3])
        }
    })
}

/// Whether these bytes are the whole of the request that ends a connection.
fn is_unbind(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 5, 2, 1, _, 0x42, 0] | [0x30, 6, 2, 2, _, _, 0x42, 0])
}

/// Whether one of the answers begins here that say how a request ended.
fn answer(bytes: &[u8]) -> Option<bool> {
    let Some((_, _, rest)) = operation(bytes, &RESULTS, 10)? else { return Some(false) };
    let start = rest.0.first_chunk::<4>()?;
    Some(matches!(start, [0x0a, 1, 0..=123, 4]))
}

/// Answers that say how a request ended: to bind, search, modify, add, delete, rename, compare, extended.
const RESULTS: [u8; 8] = [0x61, 0x65, 0x67, 0x69, 0x6b, 0x6d, 0x6f, 0x78];

#[derive(Clone, Default)]
struct Conversation {
    sasl: Sasl,
    tls_asked: bool,
    tls_refused: bool,
    anonymous: bool,
    missing: bool,
    /// The highest number of a request.
    asked: u64,
    /// The number of an extended request that was answered before it was seen, and whether that was a yes.
    early: Option<(u64, bool)>,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        if direction == Direction::ToServer && self.tls_asked {
            return Frame::Need;
        }
        let mut rest = Reader(bytes);
        match header(&mut rest) {
            Some((0x30, length)) if length <= 64 << 20 => {
                let before = bytes.len().saturating_sub(rest.0.len());
                Frame::Message(before as u64 + length as u64)
            }
            Some(_) => Frame::Foreign,
            None if bytes.first().is_some_and(|tag| *tag != 0x30) => Frame::Foreign,
            None => Frame::Need,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let mut next = Next::More;
        let mut take = || {
            let mut rest = Reader(message.bytes);
            header(&mut rest)?;
            let number = value(&mut rest, 2)?;
            let number = number.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
            let (tag, length) = header(&mut rest)?;
            let body = Reader(rest.0.get(..length).unwrap_or(rest.0));
            match message.direction {
                Direction::ToServer => {
                    self.request(number, tag, body, (notes, message.at))?;
                    if let Some((_, yes)) = self.early.take_if(|(early, _)| *early == number) {
                        next = self.answered(number, yes, notes, message.at);
                    }
                    Some(())
                }
                Direction::ToClient => {
                    next = self.response(number, tag, body, (notes, message.at))?;
                    Some(())
                }
            }
        };
        let _told = take();
        next
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        let begins = match direction {
            Direction::ToServer => request(bytes),
            Direction::ToClient => answer(bytes),
        };
        begins == Some(true)
    }

    fn upgrading(&self) -> bool {
        self.missing && (self.tls_asked || self.early.is_some_and(|(_, yes)| yes))
    }

    fn lost(&mut self, _: Direction) {
        self.missing = true;
        self.sasl.end();
    }
}

impl Conversation {
    fn request(
        &mut self,
        number: u64,
        tag: u8,
        mut rest: Reader<'_>,
        (notes, at): (&mut Notes, Moment),
    ) -> Option<()> {
        let name = |method| CallName::Rpc { service: b"", method };
        self.asked = self.asked.max(number);
        if tag == EXTENDED && value(&mut rest.clone(), 0x80) == Some(START_TLS) {
            self.tls_asked = true;
            notes.negotiation();
            notes.upgrade(UpgradeState::Asked, at);
            return Some(());
        }
        if self.tls_refused {
            notes.went_on_in_clear(at);
        }
        let method: &[u8] = match tag {
            BIND => b"bind",
            SEARCH => b"search",
            0x66 => b"modify",
            0x68 => b"add",
            0x4a => b"delete",
            0x6c => b"rename",
            0x6e => b"compare",
            EXTENDED => b"extended",
            _ => return None,
        };
        notes.asked(number, name(method), at);
        if tag == BIND {
            value(&mut rest, 2)?;
            let user = value(&mut rest, 4)?;
            let (kind, length) = header(&mut rest)?;
            let secret = rest.take(length)?;
            match kind {
                0x80 => {
                    self.anonymous = secret.is_empty();
                    notes.login(Login::password("ldap simple", "bind", user, secret), at);
                }
                0xa3 => {
                    let mut rest = Reader(secret);
                    let mechanism = value(&mut rest, 4)?;
                    if !self.sasl.is_open() {
                        self.sasl.begin(mechanism);
                    }
                    self.sasl.response(value(&mut rest, 4)?, "bind", notes, at);
                }
                _ => {}
            }
        } else if tag == SEARCH && !self.missing {
            // Everybody may read what the directory says of itself.
            self.anonymous &= !value(&mut rest, 4)?.is_empty();
        }
        Some(())
    }

    /// An extended request is answered, which may have been the one for TLS.
    fn answered(&mut self, number: u64, yes: bool, notes: &mut Notes, at: Moment) -> Next {
        if !std::mem::take(&mut self.tls_asked) {
            notes.answered(number, if yes { Said::Success } else { Said::Failure }, at);
            return Next::More;
        }
        self.tls_refused = !yes;
        notes.negotiation();
        notes.upgrade_answered(yes, at);
        if yes { Next::Switch("tls") } else { Next::More }
    }

    fn response(
        &mut self,
        number: u64,
        tag: u8,
        mut rest: Reader<'_>,
        (notes, at): (&mut Notes, Moment),
    ) -> Option<Next> {
        const IN_PROGRESS: &[u8] = &[14];
        if !RESULTS.contains(&tag) {
            return None;
        }
        let code = value(&mut rest, 0x0a)?;
        let success = code == [0];
        if tag == 0x78 && number > self.asked {
            // What was asked for is not known: it is missing, or was captured later. It may have been TLS.
            notes.negotiation();
            self.early = Some((number, success));
            return Some(Next::More);
        }
        if tag == 0x78 && self.tls_asked {
            return Some(self.answered(number, success, notes, at));
        }
        // Comparisons that found something out are no failures.
        let said = if success || matches!(code, [5 | 6]) || code == IN_PROGRESS {
            Said::Success
        } else {
            Said::Failure
        };
        notes.answered(number, said, at);
        match tag {
            0x61 if code != IN_PROGRESS => {
                notes.credential_judged(success);
                self.sasl.end();
            }
            0x65 if success && self.anonymous && !self.missing => notes.unauthenticated(at),
            _ => {}
        }
        Some(Next::More)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, inspect, server};
    use super::*;

    const START: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

    #[test]
    fn a_simple_bind_is_a_password() {
        let facts = facts(
            "ldap",
            &[
                client(b"\x30\x19\x02\x01\x01\x60\x14\x02\x01\x03\x04\x07cn=root\x80\x06s3cret"),
                server(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\0\x04\0"),
            ],
        );
        let credential = facts.readable.unwrap().credentials.remove(0);
        assert_eq!(
            (credential.principal.as_deref(), credential.accepted),
            (Some("cn=root"), Some(false))
        );
        assert_eq!(facts.calls.unwrap().calls[0].failed, 1);
    }

    #[test]
    fn start_tls_hands_over_when_it_is_taken() {
        let taken = [client(START), server(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0")];
        let (heard, next) = inspect("ldap", &taken, 2);
        assert_eq!((next, heard.plaintext), (Next::Switch("tls"), None));
        let refused = [
            client(START),
            server(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"),
            client(b"\x30\x19\x02\x01\x02\x60\x14\x02\x01\x03\x04\x07cn=root\x80\x06s3cret"),
        ];
        let upgrade = facts("ldap", &refused).readable.unwrap().upgrade.unwrap();
        assert_eq!((upgrade.state, upgrade.clear_after.is_some()), (UpgradeState::Refused, true));
    }

    #[test]
    fn an_answer_that_was_captured_before_its_request_belongs_to_it() {
        let yes = server(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0");
        let (heard, next) = inspect("ldap", &[yes.clone(), client(START)], 100);
        assert_eq!((next, heard.plaintext), (Next::Switch("tls"), None));
        let other = client(b"\x30\x0d\x02\x01\x01\x77\x08\x80\x061.3.99");
        let (heard, next) = inspect("ldap", &[yes, other], 100);
        assert_eq!((next, heard.calls.unwrap().responses), (Next::More, 1));
    }
}
