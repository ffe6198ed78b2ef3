//! Frames and performatives of AMQP 1.0.

use crate::inspect::calls::CallName;
use crate::inspect::exchange::{Message, Notes};
use crate::inspect::reader::Reader;
use crate::inspect::sasl::Sasl;
use crate::model::Direction;

const DESCRIBED: u8 = 0;

/// Takes what a frame says.
pub(super) fn frame(message: &Message<'_>, sasl: &mut Sasl, notes: &mut Notes) -> Option<()> {
    let mut rest = Reader(message.bytes);
    rest.skip(4)?;
    let offset = usize::from(rest.u8()?).checked_mul(4)?;
    let mut rest = Reader(message.bytes.get(offset..)?);
    let (performative, fields) = described(&mut rest)?;
    let fields: Vec<(u8, &[u8])> = fields.take(8).collect();
    let field = |n: usize| fields.get(n).map(|(_, bytes)| *bytes).unwrap_or_default();
    let at = message.at;
    match (message.direction, performative) {
        (Direction::ToServer, 0x41) => {
            sasl.begin(field(0));
            sasl.response(field(1), "sasl-init", notes, at);
        }
        (Direction::ToServer, 0x43) => sasl.response(field(0), "sasl-response", notes, at),
        (Direction::ToClient, 0x44) => notes.credential_judged(field(0) == [0]),
        (Direction::ToServer, 0x10) => notes.caller(field(0), "amqp container-id", at),
        // A link: its role says whether the peer's address is its source or its target.
        (Direction::ToServer, 0x12) => {
            let receives =
                fields.get(2).is_some_and(|(code, bytes)| *code == 0x41 || *bytes == [1]);
            let terminus = field(if receives { 5 } else { 6 });
            let address =
                described(&mut Reader(terminus)).and_then(|(_, mut fields)| fields.next());
            let service = address.map(|(_, bytes)| bytes).unwrap_or_default();
            let method: &[u8] = if receives { b"receive" } else { b"send" };
            notes.request(CallName::Rpc { service, method }, at);
        }
        _ => {}
    }
    Some(())
}

/// A described list: the number that describes it, and its fields.
fn described<'a>(
    rest: &mut Reader<'a>,
) -> Option<(u64, impl Iterator<Item = (u8, &'a [u8])> + use<'a>)> {
    if rest.u8()? != DESCRIBED {
        return None;
    }
    let (_, descriptor) = value(rest)?;
    let number = descriptor.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    let (code, list) = value(rest)?;
    let mut fields = Reader(list);
    // Behind the length stands the number of fields.
    fields.skip(match code {
        0xc0 => 1,
        0xd0 => 4,
        0x45 => 0,
        _ => return None,
    })?;
    Some((number, std::iter::from_fn(move || value(&mut fields))))
}

/// A value: its code and its bytes; of a described one, all of it.
fn value<'a>(rest: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let whole = rest.0;
    let code = rest.u8()?;
    let bytes = match code >> 4 {
        0 if code == DESCRIBED => {
            plain(rest)?;
            plain(rest)?;
            whole.get(..whole.len().checked_sub(rest.0.len())?)?
        }
        _ => body(code, rest)?,
    };
    Some((code, bytes))
}

/// A value that is not described; a descriptor is never described itself, nor are the termini of links doubly.
fn plain(rest: &mut Reader<'_>) -> Option<()> {
    let code = rest.u8()?;
    body(code, rest).map(|_| ())
}

fn body<'a>(code: u8, rest: &mut Reader<'a>) -> Option<&'a [u8]> {
    match code >> 4 {
        4 => Some(b""),
        5 => rest.take(1),
        6 => rest.take(2),
        7 => rest.take(4),
        8 => rest.take(8),
        9 => rest.take(16),
        0xa | 0xc | 0xe => rest.vec8(),
        0xb | 0xd | 0xf => rest.vec32(),
        _ => None,
    }
}
