//! Whether a datagram begins a QUIC connection (RFC 9000 section 17.2, RFC 8999, RFC 9369).

/// Whether these bytes are a packet with a long header of a version that is in use.
#[inline]
pub(super) fn begins(bytes: &[u8]) -> bool {
    /// The shortest that an endpoint may send is longer by far.
    const SHORTEST: usize = 21;
    const LONGEST_ID: usize = 20;
    let [first, a, b, c, d, destination, ..] = bytes else { return false };
    if first & 0xc0 != 0xc0 || bytes.len() < SHORTEST {
        return false;
    }
    let known = match [*a, *b, *c, *d] {
        [0, 0, 0, 1] | [0x6b, 0x33, 0x43, 0xcf] => true,
        [0xff, 0, 0, draft] => (20..=34).contains(&draft),
        [b'Q' | b'T', b'0', tens, ones] => tens.is_ascii_digit() && ones.is_ascii_digit(),
        _ => false,
    };
    let destination = usize::from(*destination);
    let source = bytes.get(destination.saturating_add(6)).map_or(usize::MAX, |id| usize::from(*id));
    known && destination <= LONGEST_ID && source <= LONGEST_ID
}
