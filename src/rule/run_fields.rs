//! Fields of a whole run: what was read, and what could not be seen.

use crate::model::told::int;
use crate::model::{Coverage, Field, Getter, Judged, Kind, Seen, Subject, Value, field};

/// The fields of a run. One line declares one.
#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    count("run.frames", "120000", "frames read", |s| read(s, |run| run.frames)),
    count("run.bytes", "90000000", "captured bytes in them", |s| read(s, |run| run.bytes)),
    count("run.cut_frames", "12", "frames shorter than they were on the wire", |s| read(s, |run| run.cut_frames)),
    count("run.dropped", "0", "packets that the capture says it lost", |s| read(s, |run| run.dropped)),
    count("run.sessions", "800", "TCP connections with data", |s| read(s, |run| run.sessions)),
    count("run.half_open", "3", "connection attempts without an answer or data", |s| read(s, |run| run.half_open)),
    count("run.mtls", "10", "sessions that were mutual TLS", |s| read(s, |run| run.postures.mtls)),
    count("run.tls", "10", "sessions that were TLS without a client certificate", |s| read(s, |run| run.postures.tls)),
    count("run.tls_opaque", "10", "TLS sessions whose client authentication could not be told", |s| read(s, |run| run.postures.tls_opaque)),
    count("run.plaintext", "10", "sessions that were readable", |s| read(s, |run| run.postures.plaintext)),
    count("run.unknown", "10", "sessions of which not enough was seen", |s| read(s, |run| run.postures.unknown)),
    count("run.midstream", "4", "sessions that began before the capture did", |s| read(s, |run| run.midstream)),
    count("run.one_sided", "4", "sessions captured in one direction only", |s| read(s, |run| run.one_sided)),
    count("run.gap_sessions", "4", "sessions with holes", |s| read(s, |run| run.gap_sessions)),
    count("run.gap_bytes", "2896", "bytes in these holes", |s| read(s, |run| run.gap_bytes)),
    count("run.conflicting_sessions", "0", "sessions in which overlapping segments say different things", |s| read(s, |run| run.conflicting_sessions)),
    count("run.tls_sessions", "600", "TLS sessions", |s| read(s, |run| run.tls_sessions)),
    count("run.inferred", "120", "sessions whose posture was inferred from the lengths of encrypted records", |s| read(s, |run| run.inferred)),
    count("run.inherited", "40", "sessions whose posture was inherited from the session that they resume", |s| read(s, |run| run.inherited)),
    count("run.certificates_hidden", "550", "TLS sessions whose certificates are encrypted", |s| read(s, |run| run.certificates_hidden)),
    count("run.leaves", "12", "distinct certificates of services and clients that were seen", |s| read(s, |run| run.leaves)),
    count("run.leaf_places", "14", "servers and clients that showed them", |s| read(s, |run| run.leaf_places)),
    field::<Coverage>("run.next_expiry", Kind::Time, "2026-02-01T00:00:00Z", "the first end of validity among those that were valid when last shown; absent when none was", |s| Coverage::of(s, |run| run.next_expiry.map(Value::Time).into())),
    count("run.unrecognised", "2", "sessions whose protocol was not recognised", |s| read(s, |run| run.unrecognised)),
    count("run.unrecognised_text", "1", "of them, those whose first bytes are printable", |s| read(s, |run| run.looks.text)),
    count("run.unrecognised_binary", "1", "of them, those whose first bytes are not printable and have structure", |s| read(s, |run| run.looks.binary)),
    count("run.unrecognised_high_entropy", "0", "of them, those whose first bytes are as random as encrypted ones", |s| read(s, |run| run.looks.high_entropy)),
    count("run.evicted", "0", "sessions closed because the flow table was full", |s| read(s, |run| run.evicted)),
    count("run.half_open_evicted", "0", "connection attempts forgotten because their table was full", |s| read(s, |run| run.half_open_evicted)),
    field::<Coverage>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet of the run", |s| Coverage::of(s, |run| Seen::Value(Value::Time(run.last)))),
];

const fn count(path: &'static str, example: &'static str, doc: &'static str, get: Getter) -> Field {
    field::<Coverage>(path, Kind::Int, example, doc, get)
}

fn read<'a>(subject: &Subject<'a>, count: impl FnOnce(&Coverage) -> u64) -> Seen<Value<'a>> {
    Coverage::of(subject, |run| int(count(run)))
}
