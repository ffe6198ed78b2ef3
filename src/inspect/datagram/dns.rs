//! Answers of name servers and announcements by multicast (RFC 1035, RFC 6762, RFC 6763).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::go_micro;
use crate::inspect::reader::Reader;
use crate::model::{Moment, Registration, escape_bytes};

const HEADER_BYTES: usize = 12;
/// Records of one message that are read.
const RECORDS: usize = 64;
/// Labels of one name, pointers included, that are followed.
const LABELS: usize = 64;

const A: u16 = 1;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;

/// Whether these bytes begin like an answer without an error: the flags and counts that answers have.
#[inline]
pub(super) fn may_be_an_answer(bytes: &[u8]) -> bool {
    let [_, _, high, low, q1, q0, a1, _, _, _, e1, _, ..] = bytes else { return false };
    // An answer to a query of the usual kind; no reserved bit; no error; few of everything.
    high & 0xf8 == 0x80 && low & 0x4f == 0 && *q1 == 0 && *q0 <= 4 && *a1 == 0 && *e1 == 0
}

/// One record. Its data may be followed into the rest of the message.
struct Record<'a> {
    name: Vec<u8>,
    kind: u16,
    data: &'a [u8],
    /// Where its data begins in the message.
    at: usize,
}

/// Gives every name with an address, every service with its place, and what go-micro's nodes say of themselves: that is
/// an announcement, the others are answers.
pub(super) fn answers(bytes: &[u8], at: Moment, give: &mut dyn FnMut(Registration)) {
    let Some(records) = records(bytes) else { return };
    let answer = |service: &[u8], address: String| Registration {
        registry: "dns",
        write: false,
        service: escape_bytes(service),
        address,
        at,
        holds_credential: false,
    };
    let place = |name: &[u8]| {
        let of = |record: &&Record<'_>| record.kind == SRV && record.name == name;
        service_address(bytes, records.iter().find(of)?, &records)
    };
    for record in &records {
        match record.kind {
            A | AAAA => {
                if let Some(address) = address(record) {
                    give(answer(&record.name, address.to_string()));
                }
            }
            SRV => {
                if let Some(address) = service_address(bytes, record, &records) {
                    give(answer(&record.name, address));
                }
            }
            TXT => {
                let Some(said) = go_micro::announced(&record.name, record.data) else { continue };
                let address = place(&record.name).unwrap_or_default();
                let holds_credential = said.holds_credential;
                let answer = answer(&said.service, address);
                give(Registration { registry: "mdns", write: true, holds_credential, ..answer });
            }
            _ => {}
        }
    }
}

/// All records of a message that makes sense to its end.
fn records(bytes: &[u8]) -> Option<Vec<Record<'_>>> {
    let mut header = Reader::at(bytes, 4);
    let questions = header.u16()?;
    let counts = [header.u16()?, header.u16()?, header.u16()?];
    let mut place = HEADER_BYTES;
    for _ in 0..questions {
        place = name(bytes, place)?.1.checked_add(4)?;
    }
    let count: usize = counts.into_iter().map(usize::from).sum();
    let mut all = Vec::new();
    for _ in 0..count.min(RECORDS) {
        let (name, behind) = name(bytes, place)?;
        let mut reader = Reader::at(bytes, behind);
        let (kind, _class, _lifetime) = (reader.u16()?, reader.u16()?, reader.u32()?);
        let length = usize::from(reader.u16()?);
        let data = reader.take(length)?;
        let at = behind.checked_add(10)?;
        place = at.checked_add(length)?;
        all.push(Record { name, kind, data, at });
    }
    (count > 0 && (count > RECORDS || place == bytes.len())).then_some(all)
}

/// A name as people write it, without the last dot, and where it ends. Pointers only lead backwards.
fn name(bytes: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    const LONGEST: usize = 255;
    let (mut out, mut place, mut end) = (Vec::new(), start, None);
    for _ in 0..LABELS {
        let length = *bytes.get(place)?;
        match length {
            0 => return Some((out, end.unwrap_or(place.checked_add(1)?))),
            1..=63 => {
                let label = place.checked_add(1)?;
                place = label.checked_add(usize::from(length))?;
                if !out.is_empty() {
                    out.push(b'.');
                }
                out.extend_from_slice(bytes.get(label..place)?);
                if out.len() > LONGEST {
                    return None;
                }
            }
            0xc0.. => {
                let low = *bytes.get(place.checked_add(1)?)?;
                end = end.or(place.checked_add(2));
                let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                if target >= place {
                    return None;
                }
                place = target;
            }
            _ => return None,
        }
    }
    None
}

fn address(record: &Record<'_>) -> Option<IpAddr> {
    match record.kind {
        A => record.data.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes).into()),
        AAAA => record.data.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes).into()),
        _ => None,
    }
}

/// Where a service is: the address of the host that its record names, where that is in the same message, else its name.
fn service_address(bytes: &[u8], record: &Record<'_>, all: &[Record<'_>]) -> Option<String> {
    let port = Reader::at(record.data, 4).u16()?;
    let (target, _) = name(bytes, record.at.checked_add(6)?)?;
    let known = all.iter().filter(|one| one.name == target).find_map(address);
    Some(match known {
        Some(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        Some(address) => format!("{address}:{port}"),
        None => format!("{}:{port}", escape_bytes(&target)),
    })
}
