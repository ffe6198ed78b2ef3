//! The static table (RFC 7541 Appendix A).

use crate::inspect::calls::HeaderName;

/// Entries of the table; the dynamic table's indices begin behind it.
pub(super) const ENTRIES: usize = TEXTS.len();

/// One entry of the table.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: HeaderName,
    pub(super) name_text: &'static [u8],
    pub(super) value: &'static [u8],
}

/// The entry with this index, counted from 1.
#[inline]
pub(super) fn entry(index: usize) -> Option<&'static Entry> {
    TABLE.get(index.checked_sub(1)?)
}

static TABLE: [Entry; ENTRIES] = table();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn table() -> [Entry; ENTRIES] {
    let mut table = [Entry { name: HeaderName::Other, name_text: b"", value: b"" }; ENTRIES];
    let mut n = 0;
    while n < ENTRIES {
        let (name, value) = TEXTS[n];
        let name_text = name.as_bytes();
        table[n] = Entry { name: HeaderName::of(name_text), name_text, value: value.as_bytes() };
        n += 1;
    }
    table
}

const TEXTS: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];
