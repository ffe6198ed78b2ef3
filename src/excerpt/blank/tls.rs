//! TLS records: handshakes and alerts stay, application data does not.

/// Whether these bytes begin a record.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let Some([20..=23, 3, minor, high, low]) = bytes.first_chunk::<5>() else { return false };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    *minor <= 4 && length > 0 && length <= LARGEST
}

/// Whether these bytes begin TLS: a record that is no handshake message, or one of a type that there is. Behind the first
/// record they are encrypted and have any type.
pub(super) fn opens(bytes: &[u8]) -> bool {
    let known = matches!(bytes.get(HEADER), None | Some(0..=2 | 4 | 8 | 11..=16 | 20..=25));
    begins(bytes) && (bytes.first() != Some(&HANDSHAKE) || known)
}

const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
const HEADER: usize = 5;
/// RFC 5246 section 6.2.3.
const LARGEST: usize = (1 << 14) + 2048;

/// Blanks records up to the end or to what is none, and says how far it came.
pub(super) fn blank(bytes: &mut [u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = bytes.get_mut(at..).filter(|rest| begins(rest)) {
        let Some([kind, _, _, high, low]) = rest.first_chunk::<5>().copied() else { break };
        let end = HEADER.saturating_add(usize::from(u16::from_be_bytes([high, low])));
        let end = end.min(rest.len());
        if kind == DATA
            && let Some(body) = rest.get_mut(HEADER..end)
        {
            body.fill(b'x');
        }
        at = at.saturating_add(end);
    }
    // What is no record any longer was never understood.
    if let Some(rest) = bytes.get_mut(at..) {
        rest.fill(b'x');
    }
    bytes.len()
}
