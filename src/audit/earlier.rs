//! What runs before this one saw of its edges: protection that was there, and is not any more.

use std::net::IpAddr;

use super::inventory::Map;
use crate::identity::Directory;
use crate::model::{Earlier, EarlierEdge, EdgeFacts, Moment, Posture, Text, Timestamp};

/// What the database says of edges: by the names of their ends, and by their addresses.
#[derive(Debug, Default)]
pub(super) struct EarlierRuns {
    named: Map<(Text, Text, u16), Earlier>,
    placed: Map<(IpAddr, IpAddr, u16), Earlier>,
}

impl EarlierRuns {
    pub(super) fn new(edges: Vec<EarlierEdge>) -> Self {
        let mut known = Self::default();
        for EarlierEdge { client, server, port, client_addr, server_addr, seen } in edges {
            known.named.entry((client, server, port)).or_default().add(&seen);
            known.placed.entry((client_addr, server_addr, port)).or_default().add(&seen);
        }
        known
    }

    /// Tells edges, by their final names, what came before. Packets decide what is before, not the order of runs: a
    /// capture may be read long after a newer one.
    pub(super) fn tell(&self, edges: &mut [EdgeFacts]) {
        for edge in edges.iter_mut().filter(|_| !self.named.is_empty()) {
            if let Some(earlier) = self.of(edge) {
                descend(edge, &earlier);
            }
        }
    }

    /// A client that stops showing its certificate is not known by it any more: names that were learned are not enough.
    fn of(&self, edge: &EdgeFacts) -> Option<Earlier> {
        let EdgeFacts { client, server, port, .. } = edge;
        let named = self.named.get(&(client.service.clone(), server.service.clone(), *port));
        let placed = self.placed.get(&(client.addr, server.addr, *port));
        let declared = Directory::is_final(client) && Directory::is_final(server);
        let known = [named, placed.filter(|_| !declared)];
        known.into_iter().flatten().copied().reduce(|one, other| Earlier {
            mtls: one.mtls.max(other.mtls),
            tls: one.tls.max(other.tls),
            last_mtls: one.last_mtls.max(other.last_mtls),
            last_tls: one.last_tls.max(other.last_tls),
        })
    }
}

fn descend(edge: &mut EdgeFacts, earlier: &Earlier) {
    let began = edge.first.time;
    let before = |last: Option<Timestamp>| last.filter(|last| *last < began);
    let moment = |time| Moment { time, ..Moment::default() };
    let refused = edge.used.particulars.refused;
    let readable = edge.postures.plaintext.saturating_sub(refused);
    let mut weaker = None;
    if let (Some(last), None) = (before(earlier.last_mtls), edge.descent.last_mtls) {
        edge.descent.earlier_mtls = earlier.mtls;
        edge.descent.last_mtls = Some(moment(last));
        edge.descent.without_certificate = edge.postures.tls + readable;
        weaker = Some(Posture::Tls);
    }
    if let (Some(last), None) = (before(earlier.last_tls), edge.descent.last_tls) {
        edge.descent.earlier_tls = earlier.tls;
        edge.descent.last_tls = Some(moment(last));
        edge.descent.readable = readable;
    }
    if readable > 0 && edge.descent.readable > 0 {
        weaker = Some(Posture::Plaintext);
    }
    let used = edge.used.postures.iter().find(|used| Some(used.what) == weaker);
    if let (Some(used), [None, None]) = (used, &edge.descent.samples) {
        edge.descent.samples = [None, Some(used.first)];
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::audit::{Auditor, CaptureFacts, KeepSessions};
    use crate::identity::Directory;
    use crate::model::{Earlier, EarlierEdge, Outcome, RunInfo, Timestamp, fixture};
    use crate::rule::RuleSet;

    /// A run of one readable session, after what an earlier run saw of its edge.
    fn after(seen: Earlier) -> Outcome {
        let session = fixture::plaintext(1).session;
        let edge = EarlierEdge {
            client: "who had a certificate then".into(),
            server: "payments".into(),
            port: session.server.port,
            client_addr: session.client.addr,
            server_addr: session.server.addr,
            seen,
        };
        let rules = Arc::new(RuleSet::built_in().unwrap());
        let auditor = Auditor::new(rules, Directory::new(), KeepSessions::None);
        let mut auditor = auditor.with_earlier_runs(vec![edge]);
        auditor.session(session, &mut |_| {});
        auditor.finish(RunInfo::default(), CaptureFacts::default())
    }

    fn regressions(outcome: &Outcome) -> usize {
        outcome.findings.iter().filter(|finding| finding.rule == "WL4011").count()
    }

    #[test]
    fn an_edge_that_was_mutual_in_an_earlier_run_and_is_readable_now_is_told() {
        let long_ago = Some(Timestamp::from_micros(1));
        let mutual = Earlier { mtls: 4, tls: 4, last_mtls: long_ago, last_tls: long_ago };
        let outcome = after(mutual);
        assert_eq!(regressions(&outcome), 1);
        let found = outcome.findings.iter().find(|finding| finding.rule == "WL4011").unwrap();
        assert_eq!(found.evidence.len(), 1, "the session that is weaker");
    }

    #[test]
    fn what_was_read_before_but_happened_later_is_no_regression() {
        let later = Some(Timestamp::from_seconds(40_000_000_000));
        let mutual = Earlier { mtls: 4, tls: 4, last_mtls: later, last_tls: later };
        assert_eq!(regressions(&after(mutual)), 0);
        assert_eq!(regressions(&after(Earlier::default())), 0);
    }
}
