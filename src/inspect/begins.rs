//! Whether something begins at the first of some bytes, when there may be too few of them to say.

use super::Probe;

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

impl Begins {
    /// Whether each of the first `judged` bytes fits its place.
    pub(super) fn judge(bytes: &[u8], judged: usize, fits: impl Fn(usize, u8) -> bool) -> Self {
        if !bytes.iter().take(judged).enumerate().all(|(place, byte)| fits(place, *byte)) {
            Self::No
        } else if bytes.len() < judged {
            Self::Perhaps
        } else {
            Self::Yes
        }
    }
}

impl From<Begins> for Probe {
    fn from(begins: Begins) -> Self {
        match begins {
            Begins::Yes => Self::Yes,
            Begins::Perhaps => Self::Unsure,
            Begins::No => Self::No,
        }
    }
}

/// Whether a TLS alert record begins here (RFC 8446 sections 5.1 and 6): what a TLS server says to a client that speaks
/// something else.
pub(super) fn tls_alert(bytes: &[u8]) -> Begins {
    Begins::judge(bytes, 6, |place, byte| match place {
        0 => byte == 21,
        1 => byte == 3,
        2 => byte <= LAST_MINOR_VERSION,
        3 => byte == 0,
        4 => byte == 2,
        _ => matches!(byte, 1 | 2),
    })
}

/// Whether a TLS record with the beginning of a ClientHello begins here (RFC 8446 sections 4 and 5.1).
pub(super) fn client_hello(bytes: &[u8]) -> Begins {
    record(bytes, CLIENT_HELLO)
}

/// Whether a TLS record with the beginning of a ServerHello begins here.
pub(super) fn server_record(bytes: &[u8]) -> Begins {
    record(bytes, SERVER_HELLO)
}

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const LAST_MINOR_VERSION: u8 = 4;

/// Whether a record begins here with a handshake message of this type, which is shorter than 64 KiB.
fn record(bytes: &[u8], message: u8) -> Begins {
    Begins::judge(bytes, 7, |place, byte| match place {
        0 => byte == 22,
        1 => byte == 3,
        2 => byte <= LAST_MINOR_VERSION,
        3 => byte <= 0x48,
        5 => byte == message,
        6 => byte == 0,
        _ => true,
    })
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
