//! Frames and methods of AMQP 0-9-1.

use crate::inspect::calls::CallName;
use crate::inspect::exchange::{Login, Message, Notes, Said};
use crate::inspect::reader::Reader;
use crate::inspect::sasl::Sasl;
use crate::model::{Direction, Moment};

const CONNECTION: u16 = 10;
const CHANNEL: u16 = 20;

/// Takes what a frame says.
pub(super) fn frame(message: &Message<'_>, sasl: &mut Sasl, notes: &mut Notes) -> Option<()> {
    let mut rest = Reader(message.bytes);
    if rest.u8()? != 1 {
        return None;
    }
    let channel = rest.u16()?;
    rest.skip(4)?;
    let (class, method) = (rest.u16()?, rest.u16()?);
    match message.direction {
        Direction::ToServer if class == CONNECTION => {
            connection(method, rest, sasl, (notes, message.at))
        }
        Direction::ToServer => request(channel, (class, method), rest, (notes, message.at)),
        Direction::ToClient => answer(channel, (class, method), rest, (notes, message.at)),
    }
}

fn connection(
    method: u16,
    mut rest: Reader<'_>,
    sasl: &mut Sasl,
    (notes, at): (&mut Notes, Moment),
) -> Option<()> {
    match method {
        11 => {
            let properties = rest.vec32()?;
            introduction(properties, Direction::ToServer, notes, at);
            let (mechanism, response) = (rest.vec8()?, rest.vec32()?);
            const PLACE: &str = "Connection.StartOk";
            if mechanism.eq_ignore_ascii_case(b"AMQPLAIN") {
                let (user, password) = (text(response, b"LOGIN"), text(response, b"PASSWORD"));
                let login = Login::password("amqplain", PLACE, user, password);
                notes.login(login.shipped_as(b"guest", b"guest"), at);
            } else if let (true, Some((user, password))) =
                (mechanism.eq_ignore_ascii_case(b"PLAIN"), crate::inspect::sasl::plain(response))
            {
                let login = Login::password("sasl plain", PLACE, user, password);
                notes.login(login.shipped_as(b"guest", b"guest"), at);
            } else {
                sasl.begin(mechanism);
                sasl.response(response, PLACE, notes, at);
            }
        }
        21 => sasl.response(rest.vec32()?, "Connection.SecureOk", notes, at),
        40 => notes.asked(
            number(0, (CONNECTION, 40)),
            CallName::Rpc { service: rest.vec8()?, method: b"Connection.Open" },
            at,
        ),
        _ => {}
    }
    Some(())
}

/// Methods of clients that say something: class, number, name, whether they are answered.
const METHODS: [(u16, u16, &[u8], bool); 14] = [
    (40, 10, b"Exchange.Declare", true),
    (40, 20, b"Exchange.Delete", true),
    (40, 30, b"Exchange.Bind", true),
    (50, 10, b"Queue.Declare", true),
    (50, 20, b"Queue.Bind", true),
    (50, 30, b"Queue.Purge", true),
    (50, 40, b"Queue.Delete", true),
    (50, 50, b"Queue.Unbind", true),
    (60, 20, b"Basic.Consume", true),
    (60, 40, b"Basic.Publish", false),
    (60, 70, b"Basic.Get", true),
    (85, 10, b"Confirm.Select", true),
    (90, 10, b"Tx.Select", true),
    (90, 20, b"Tx.Commit", true),
];

/// Who sends the frame with a method that begins here, if it is all there: the methods of the list, their answers, and
/// deliveries.
pub(super) fn sender(bytes: &[u8]) -> Option<Direction> {
    const DELIVERY: [(u16, u16); 3] = [(60, 50), (60, 60), (60, 71)];
    const END: u8 = 0xce;
    let mut rest = Reader(bytes);
    let (kind, _, payload, end) = (rest.u8()?, rest.u16()?, rest.vec32()?, rest.u8()?);
    let mut rest = Reader(payload);
    let method = (rest.u16()?, rest.u16()?);
    let asked = |number: u16| {
        let mut methods = METHODS.iter();
        methods.any(|(class, known, _, answered)| {
            (*class, *known) == (method.0, number) && (number == method.1 || *answered)
        })
    };
    match (kind, end) {
        (1, END) if DELIVERY.contains(&method) => Some(Direction::ToClient),
        (1, END) if asked(method.1) => Some(Direction::ToServer),
        (1, END) if asked(method.1.checked_sub(1)?) => Some(Direction::ToClient),
        _ => None,
    }
}

fn request(
    channel: u16,
    method: (u16, u16),
    mut rest: Reader<'_>,
    (notes, at): (&mut Notes, Moment),
) -> Option<()> {
    let (_, _, name, answered) =
        METHODS.iter().find(|(class, number, ..)| (*class, *number) == method)?;
    let service = match method.0 {
        40..=60 => {
            rest.skip(2)?;
            match rest.vec8()? {
                // The default exchange sends to the queue that the routing key names.
                b"" if method == (60, 40) => rest.vec8()?,
                service => service,
            }
        }
        _ => b"",
    };
    // Servers name queues whose clients give no name; nobody else means anything by it.
    let service = if service.starts_with(b"amq.gen-") { b"amq.gen-*" } else { service };
    let name = CallName::Rpc { service, method: name };
    if *answered {
        notes.asked(number(channel, method), name, at);
    } else {
        notes.request(name, at);
    }
    Some(())
}

fn answer(
    channel: u16,
    (class, method): (u16, u16),
    mut rest: Reader<'_>,
    (notes, at): (&mut Notes, Moment),
) -> Option<()> {
    match (class, method) {
        (CONNECTION, 10) => {
            rest.skip(2)?;
            introduction(rest.vec32()?, Direction::ToClient, notes, at);
        }
        (CONNECTION, 30) => notes.credential_judged(true),
        (CONNECTION | CHANNEL, 50 | 40) if (class, method) != (CONNECTION, 40) => {
            let code = rest.u16()?;
            rest.vec8()?;
            let failed = (rest.u16()?, rest.u16()?);
            if code == 403 && failed == (0, 0) {
                notes.credential_judged(false);
            } else if failed != (0, 0) && failed != (60, 40) {
                let channel = if failed.0 == CONNECTION { 0 } else { channel };
                notes.answered(number(channel, failed), Said::Failure, at);
            }
        }
        (60, 72) => notes.answered(number(channel, (60, 70)), Said::Success, at),
        (CONNECTION | 40..=90, _) => {
            let asked = (class, method.checked_sub(1)?);
            let known = METHODS.iter().any(|(class, number, ..)| (*class, *number) == asked);
            if known || asked == (CONNECTION, 40) {
                notes.answered(number(channel, asked), Said::Success, at);
            }
        }
        _ => {}
    }
    Some(())
}

fn number(channel: u16, (class, method): (u16, u16)) -> u64 {
    u64::from(channel) << 32 | u64::from(class) << 16 | u64::from(method)
}

/// What a table of properties says of the program that sent it.
fn introduction(properties: &[u8], side: Direction, notes: &mut Notes, at: Moment) {
    let product = text(properties, b"product").to_ascii_lowercase();
    notes.program(&product, text(properties, b"version"), side);
    if side == Direction::ToServer {
        notes.caller(text(properties, b"connection_name"), "amqp connection_name", at);
    }
}

/// The text with this name in a table.
fn text<'a>(table: &'a [u8], name: &[u8]) -> &'a [u8] {
    let mut rest = Reader(table);
    let mut find = || {
        loop {
            let key = rest.vec8()?;
            let kind = rest.u8()?;
            let value = match kind {
                b'S' | b'x' | b'F' | b'A' => rest.vec32()?,
                b't' | b'b' | b'B' => rest.take(1)?,
                b's' | b'u' | b'U' => rest.take(2)?,
                b'I' | b'i' | b'f' => rest.take(4)?,
                b'D' => rest.take(5)?,
                b'l' | b'L' | b'd' | b'T' => rest.take(8)?,
                b'V' => b"",
                _ => return None,
            };
            if key == name && kind == b'S' {
                return Some(value);
            }
        }
    };
    find().unwrap_or_default()
}
