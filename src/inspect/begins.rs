//! Whether something begins at the first of some bytes, when there may be too few of them to say.

/// Whether something begins here, as far as the bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Begins {
    /// It does.
    Yes,
    /// It may; the bytes end too early.
    Perhaps,
    /// It does not.
    No,
}

/// Whether a TLS alert record begins here (RFC 8446 sections 5.1 and 6): what a TLS server says to a client that speaks
/// something else.
pub(super) fn tls_alert(bytes: &[u8]) -> Begins {
    const LAST_MINOR_VERSION: u8 = 4;
    let fits = |(place, byte): (usize, &u8)| match place {
        0 => *byte == 21,
        1 => *byte == 3,
        2 => *byte <= LAST_MINOR_VERSION,
        3 => *byte == 0,
        4 => *byte == 2,
        _ => matches!(*byte, 1 | 2),
    };
    const JUDGED: usize = 6;
    if !bytes.iter().take(JUDGED).enumerate().all(fits) {
        Begins::No
    } else if bytes.len() < JUDGED {
        Begins::Perhaps
    } else {
        Begins::Yes
    }
}

/// Whether a TLS record with the beginning of a ClientHello begins here (RFC 8446 sections 4 and 5.1).
pub(super) fn client_hello(bytes: &[u8]) -> Begins {
    const LAST_MINOR_VERSION: u8 = 4;
    let fits = |(place, byte): (usize, &u8)| match place {
        0 => *byte == 22,
        1 => *byte == 3,
        2 => *byte <= LAST_MINOR_VERSION,
        3 => *byte <= 0x48,
        5 => *byte == 1,
        6 => *byte == 0,
        _ => true,
    };
    const JUDGED: usize = 7;
    if !bytes.iter().take(JUDGED).enumerate().all(fits) {
        Begins::No
    } else if bytes.len() < JUDGED {
        Begins::Perhaps
    } else {
        Begins::Yes
    }
}

/// Whether a TLS record with the beginning of a ServerHello begins here.
pub(super) fn server_record(bytes: &[u8]) -> Begins {
    const SERVER_HELLO: [std::ops::RangeInclusive<u8>; 7] =
        [22..=22, 3..=3, 0..=4, 0..=0x48, 0..=0xff, 2..=2, 0..=0];
    let fits = SERVER_HELLO.iter().zip(bytes).all(|(range, byte)| range.contains(byte));
    match fits {
        false => Begins::No,
        true if bytes.len() < SERVER_HELLO.len() => Begins::Perhaps,
        true => Begins::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_recognised_by_its_record_and_level() {
        let alert = [21, 3, 3, 0, 2, 2, 40];
        assert_eq!(tls_alert(&alert), Begins::Yes);
        for end in 0..6 {
            assert_eq!(tls_alert(&alert[..end]), Begins::Perhaps);
        }
        assert_eq!(tls_alert(&[22, 3, 3, 0, 2, 2]), Begins::No, "a handshake record");
        assert_eq!(tls_alert(&[21, 3, 3, 0, 26, 2]), Begins::No, "an encrypted alert");
    }
}
