//! Finding one's way again behind missing bytes.
//!
//! What is found here is believed, and a record that is none would invent facts. So a place is taken for the beginning of
//! a record only where chance would need billions of bytes to make one.

use super::{ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Header};
use crate::inspect::begins::Begins;
use crate::inspect::reader::Reader;
use crate::model::Direction;

/// How many bytes come before the first place where a record begins or may begin, and which of the two it is.
pub(super) fn find(direction: Direction, bytes: &[u8]) -> (usize, Begins) {
    for passed in 0..bytes.len() {
        match record(direction, bytes.get(passed..).unwrap_or_default()) {
            Begins::No => {}
            found => return (passed, found),
        }
    }
    (bytes.len(), Begins::No)
}

/// Whether a record begins here: one that can be told by its body, or one that another one follows.
fn record(direction: Direction, bytes: &[u8]) -> Begins {
    let Some(header) = Header::read(bytes) else {
        return if is_start_of_header(bytes) { Begins::Perhaps } else { Begins::No };
    };
    let Some((body, next)) = bytes.get(HEADER..).and_then(|b| b.split_at_checked(header.length))
    else {
        return Begins::Perhaps;
    };
    let told = match header.kind {
        CHANGE_CIPHER_SPEC => return if body == [1] { Begins::Yes } else { Begins::No },
        ALERT => matches!(body, [1 | 2, _]),
        HANDSHAKE => messages(direction, body),
        _ => false,
    };
    if told || Header::read(next).is_some() {
        Begins::Yes
    } else if header.length > 0 && is_start_of_header(next) {
        Begins::Perhaps
    } else {
        Begins::No
    }
}

/// Whether these few bytes could become a header.
pub(super) fn is_start_of_header(bytes: &[u8]) -> bool {
    match *bytes {
        [] => true,
        [kind] => is_kind(kind),
        [kind, 3] => is_kind(kind),
        [kind, 3, 0..=4] | [kind, 3, 0..=4, _] => is_kind(kind),
        _ => false,
    }
}

fn is_kind(byte: u8) -> bool {
    (CHANGE_CIPHER_SPEC..=super::HEARTBEAT).contains(&byte)
}

/// Whether a record is whole messages that this side sends, and nothing else.
pub(super) fn messages(direction: Direction, body: &[u8]) -> bool {
    let mut rest = Reader(body);
    while !rest.is_empty() {
        let known = matches!(
            (rest.u8(), direction),
            (Some(1 | 11 | 15 | 16), Direction::ToServer)
                | (Some(2 | 4 | 11 | 12 | 13 | 14 | 22), Direction::ToClient)
        );
        if !known || rest.vec24().is_none() {
            return false;
        }
    }
    !body.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> (usize, Begins) {
        find(Direction::ToClient, bytes)
    }

    #[test]
    fn a_record_is_told_by_its_messages() {
        assert_eq!(found(&[9, 22, 3, 3, 0, 4, 14, 0, 0, 0]), (1, Begins::Yes));
        assert_eq!(found(&[22, 3, 3, 0, 4, 16, 0, 0, 0, 9]), (10, Begins::No), "a client's");
    }

    #[test]
    fn a_record_is_told_by_the_next_one() {
        assert_eq!(found(&[22, 3, 3, 0, 2, 7, 7, 20, 3, 3, 0, 1]), (0, Begins::Yes));
        assert_eq!(found(&[22, 3, 3, 0, 2, 7, 7, 20, 3]), (0, Begins::Perhaps));
        assert_eq!(found(&[22, 3, 3, 0, 2, 7, 7, 99, 3]), (9, Begins::No));
    }

    #[test]
    fn a_change_of_cipher_and_an_alert_are_told_alone() {
        assert_eq!(found(&[0, 0, 20, 3, 3, 0, 1, 1]), (2, Begins::Yes));
        assert_eq!(found(&[21, 3, 3, 0, 2, 2, 40]), (0, Begins::Yes));
        assert_eq!(found(&[20, 3, 3, 0, 1, 7]), (6, Begins::No));
    }

    #[test]
    fn the_beginning_of_a_header_is_waited_for() {
        assert_eq!(found(&[0, 23, 3]), (1, Begins::Perhaps));
        assert_eq!(found(&[23, 3, 3, 0, 2, 1]), (0, Begins::Perhaps));
    }

    #[test]
    fn messages_must_fill_their_record() {
        assert!(messages(Direction::ToClient, &[14, 0, 0, 0]));
        assert!(messages(Direction::ToClient, &[22, 0, 0, 1, 9, 14, 0, 0, 0]));
        assert!(!messages(Direction::ToClient, &[14, 0, 0, 0, 14]));
        assert!(!messages(Direction::ToClient, &[11, 0, 1, 0, 7]));
        assert!(!messages(Direction::ToServer, &[14, 0, 0, 0]), "only servers send it");
        assert!(!messages(Direction::ToServer, &[]));
    }
}
