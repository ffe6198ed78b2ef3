//! What is told, by name. Names are a promise: alerts are written on them.

use std::sync::Arc;

use super::text::{Kind, Page, Seconds};
use crate::capture::SourceReport;
use crate::edge::deliver::{ReceiverReport, Report};
use crate::engine::{ByRule, Snapshot, WriteTimes};
use crate::model::Posture;

/// What there is to tell at one moment.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What the audit published last.
    pub snapshot: Arc<Snapshot>,
    /// How writing the database goes, where there is one.
    pub writes: Option<WriteTimes>,
    /// Bytes of the database and what belongs to it, where there is one.
    pub database_bytes: Option<u64>,
    /// Bytes of memory in use.
    pub resident: u64,
    /// Events that could not be written to where they were to go.
    pub events_lost: u64,
    /// How delivery is going, where there is somebody to deliver to.
    pub delivery: Option<Report>,
    /// Why the watch is not ready, in a few words: nothing when it is.
    pub unready: Option<String>,
    /// Why the watch does not live any more although its process does: nothing when it does.
    pub stuck: Option<String>,
}

/// The page of a reading.
#[must_use]
pub fn page(reading: &Reading) -> String {
    let mut page = Page::default();
    process(&mut page, reading);
    capture(&mut page, &reading.snapshot);
    flows(&mut page, &reading.snapshot);
    sessions(&mut page, &reading.snapshot);
    findings(&mut page, &reading.snapshot);
    storage(&mut page, reading);
    if let Some(report) = &reading.delivery {
        delivery(&mut page, report);
    }
    page.end()
}

fn process(page: &mut Page, reading: &Reading) {
    let version = env!("CARGO_PKG_VERSION");
    let ruleset: String = reading.snapshot.run.ruleset.chars().take(8).collect();
    page.family(
        "wirelint_build_info",
        Kind::Gauge,
        "Version of the running program, and its rules.",
    )
    .sample(&[("version", version), ("ruleset", &ruleset)], 1);
    let help = "Bytes of memory in use.";
    page.family("process_resident_memory_bytes", Kind::Gauge, help).sample(&[], reading.resident);
    let help = "1 while packets are read and what is found is stored.";
    let ready = u8::from(reading.unready.is_none());
    page.family("wirelint_ready", Kind::Gauge, help).sample(&[], ready);
}

fn capture(page: &mut Page, snapshot: &Snapshot) {
    let sources = &snapshot.pulse.sources;
    let mut each = |name, kind, help, value: &dyn Fn(&SourceReport) -> u64| {
        page.family(name, kind, help);
        for source in sources {
            page.sample(&[("source", &source.name)], value(source));
        }
    };
    let help = "1 while packets can be read from the source.";
    each("wirelint_capture_up", Kind::Gauge, help, &|one| u64::from(!one.is_down));
    let help = "How often the source went away.";
    each("wirelint_capture_outages_total", Kind::Counter, help, &|one| one.outages);
    let help = "Packets read from the source.";
    each("wirelint_packets_total", Kind::Counter, help, &|one| one.frames);
    let help = "Bytes in them, as captured.";
    each("wirelint_packet_bytes_total", Kind::Counter, help, &|one| one.bytes);
    let help = "Packets lost before they were looked at. With any, every pass is weaker.";
    page.family("wirelint_packets_dropped_total", Kind::Counter, help);
    for one in sources {
        let lost = [
            ("kernel", one.dropped_by_kernel),
            ("interface", one.dropped_by_interface),
            ("engine", one.dropped_here),
        ];
        for (place, count) in lost {
            page.sample(&[("source", &one.name), ("where", place)], count);
        }
    }
    let help =
        "TCP segments dropped because the thread that follows their connections had no room.";
    page.family("wirelint_segments_dropped_total", Kind::Counter, help)
        .sample(&[], snapshot.pulse.dropped_by_worker.iter().sum::<u64>());
    let help = "Packets shorter than they were on the wire.";
    page.family("wirelint_packets_cut_total", Kind::Counter, help)
        .sample(&[], snapshot.pulse.coverage.cut_frames);
    if snapshot.pulse.frames > 0 {
        let help = "Time of the newest packet.";
        page.family("wirelint_last_packet_timestamp_seconds", Kind::Gauge, help)
            .sample(&[], Seconds(snapshot.pulse.coverage.last.micros()));
    }
}

fn flows(page: &mut Page, snapshot: &Snapshot) {
    let pulse = &snapshot.pulse;
    let help = "TCP connections that are followed.";
    page.family("wirelint_flows_active", Kind::Gauge, help).sample(&[], pulse.flows);
    let help = "Bytes held back for them, out of order.";
    page.family("wirelint_reassembly_held_bytes", Kind::Gauge, help).sample(&[], pulse.held);
    let help = "Connections given up before they ended, for want of room.";
    page.family("wirelint_flows_evicted_total", Kind::Counter, help)
        .sample(&[("reason", "max_flows")], pulse.coverage.evicted)
        .sample(&[("reason", "half_open")], pulse.coverage.half_open_evicted);
    let help = "Bytes of ended streams that were never seen.";
    page.family("wirelint_reassembly_gap_bytes_total", Kind::Counter, help)
        .sample(&[], snapshot.tally.gap_bytes);
    let help = "Connections whose reader failed: a bug in wirelint.";
    page.family("wirelint_reader_failures_total", Kind::Counter, help)
        .sample(&[], pulse.failed_readers);
}

fn sessions(page: &mut Page, snapshot: &Snapshot) {
    page.family("wirelint_sessions_total", Kind::Counter, "Sessions that ended, by posture.");
    for posture in Posture::ALL {
        let count = snapshot.tally.ended.of(posture);
        page.sample(&[("posture", posture.name())], count);
    }
    let help = "Pairs of a client and a server's port in the run at hand, by their worst posture.";
    page.family("wirelint_edges", Kind::Gauge, help);
    for posture in Posture::ALL {
        page.sample(&[("posture", posture.name())], snapshot.standing.edges.of(posture));
    }
    let help = "TLS handshakes of sessions that ended, by version and what came of them.";
    page.family("wirelint_tls_handshakes_total", Kind::Counter, help);
    for ((version, result), count) in &snapshot.tally.handshakes {
        page.sample(&[("version", version), ("result", result)], count);
    }
}

fn findings(page: &mut Page, snapshot: &Snapshot) {
    let mut by_rule = |name, kind, help, all: &ByRule| {
        page.family(name, kind, help);
        for ((rule, severity), count) in all {
            page.sample(&[("rule", rule), ("severity", severity.name())], count);
        }
    };
    let help = "Findings of the run at hand that nobody accepted.";
    by_rule("wirelint_findings", Kind::Gauge, help, &snapshot.standing.findings);
    let help = "How often a rule was true, repeats included.";
    by_rule("wirelint_finding_hits_total", Kind::Counter, help, &snapshot.tally.hits);
    let help =
        "End of validity of the leaf that a service showed last. Alert on (x - time()) < 14*86400.";
    let name = "wirelint_certificate_not_after_timestamp_seconds";
    page.family(name, Kind::Gauge, help);
    for ((service, role), end) in &snapshot.standing.leaves {
        page.sample(&[("service", service), ("role", role)], Seconds(end.micros()));
    }
}

fn storage(page: &mut Page, reading: &Reading) {
    let help = "Events that could not be written to where they were to go.";
    page.family("wirelint_events_lost_total", Kind::Counter, help).sample(&[], reading.events_lost);
    let help = "Sessions that could not be stored and were given up.";
    page.family("wirelint_sessions_unstored_total", Kind::Counter, help)
        .sample(&[], reading.snapshot.unstored.sessions);
    let help = "Runs whose last results could not be stored and were given up.";
    page.family("wirelint_runs_unstored_total", Kind::Counter, help)
        .sample(&[], reading.snapshot.unstored.runs);
    if let Some(bytes) = reading.database_bytes {
        let help = "Size of the database and of the files beside it.";
        page.family("wirelint_db_size_bytes", Kind::Gauge, help).sample(&[], bytes);
    }
    let Some(writes) = &reading.writes else { return };
    let help = "Time that one transaction took.";
    page.family("wirelint_db_write_duration_seconds", Kind::Histogram, help);
    let mut so_far = 0_u64;
    let bounds = WriteTimes::BOUNDS.iter().map(|bound| bound_text(*bound));
    for (count, bound) in writes.counts.iter().zip(bounds.chain(["+Inf".to_owned()])) {
        so_far = so_far.saturating_add(*count);
        page.part("_bucket", &[("le", &bound)], so_far);
    }
    page.part("_sum", &[], Seconds(i64::try_from(writes.micros).unwrap_or(i64::MAX))).part(
        "_count",
        &[],
        so_far,
    );
}

fn delivery(page: &mut Page, report: &Report) {
    let mut each = |name, kind, help, value: &dyn Fn(&ReceiverReport) -> u64| {
        page.family(name, kind, help);
        for one in &report.receivers {
            page.sample(&[("receiver", one.name)], value(one));
        }
    };
    let help = "1 while the receiver takes events, or there were none for it.";
    each("wirelint_delivery_up", Kind::Gauge, help, &|one| u64::from(one.trouble.is_none()));
    let help = "Events that wait for the receiver.";
    each("wirelint_delivery_queue_events", Kind::Gauge, help, &|one| one.waiting);
    let help = "Events that the receiver has taken.";
    each("wirelint_delivery_sent_events_total", Kind::Counter, help, &|one| one.sent);
    let help =
        "Events that were given up before the receiver had them, over the life of the spool.";
    each("wirelint_delivery_dropped_events_total", Kind::Counter, help, &|one| one.dropped);
    let help = "Attempts that failed, each of which is made again.";
    each("wirelint_delivery_retries_total", Kind::Counter, help, &|one| one.failures);
    let help = "Bytes of the events in the spool.";
    page.family("wirelint_spool_bytes", Kind::Gauge, help).sample(&[], report.spool_bytes);
    let help = "Events that were given up before they were in the spool.";
    page.family("wirelint_spool_lost_events_total", Kind::Counter, help)
        .sample(&[], report.unspooled);
}

/// Microseconds as the shortest number of seconds: `0.01`, `5`.
fn bound_text(micros: u64) -> String {
    let seconds = Seconds(i64::try_from(micros).unwrap_or(i64::MAX)).to_string();
    seconds.trim_end_matches('0').trim_end_matches('.').to_owned()
}
