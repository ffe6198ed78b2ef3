//! A policy that what was seen keeps to: the first draft of one that people write.
//!
//! Takes the edges of an outcome; gives entries. Client ports, times and the order of sessions do not enter.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    EdgeRow, EdgeUse, EndIdentity, EndUse, Posture, Postures, Timestamp, Used, counted,
};
use crate::rule::{Demand, Draft, Require, Terms, exactly};

/// How a policy is learned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Learn {
    /// Edges with fewer sessions are left out.
    pub min_sessions: u64,
    /// One entry for all callers of a server's port.
    pub group_clients: bool,
}

/// What was learned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Learned {
    /// The entries, by the names of the ends and the port.
    pub drafts: Vec<Draft>,
    /// Edges that were left out for want of sessions, in words.
    pub left_out: Vec<String>,
}

/// Learns from the edges of a run.
#[must_use]
pub fn learn(edges: &[EdgeRow], how: Learn) -> Learned {
    let mut named: BTreeMap<(String, String, u16), Together> = BTreeMap::new();
    for edge in edges {
        let client = if how.group_clients { "*".to_owned() } else { exactly(&edge.client.service) };
        let key = (client, exactly(&edge.server.service), edge.server_port);
        named.entry(key).or_default().add(edge);
    }
    let mut learned = Learned { drafts: Vec::new(), left_out: Vec::new() };
    for ((client, server, port), seen) in named {
        let sessions = seen.postures.total();
        if sessions < how.min_sessions {
            learned.left_out.push(format!("{client} -> {server}:{port} ({sessions} sessions)"));
            continue;
        }
        let terms = seen.terms(client, server, port);
        learned.drafts.push(Draft { terms, comment: seen.comment() });
    }
    learned
}

/// All that was seen between the same names on the same port.
#[derive(Default)]
struct Together {
    postures: Postures,
    used: EdgeUse,
    time: Option<(Timestamp, Timestamp)>,
    callers: BTreeSet<String>,
}

impl Together {
    fn add(&mut self, edge: &EdgeRow) {
        self.postures.merge(&edge.postures);
        self.used.merge(&edge.used);
        let (first, last) = self.time.unwrap_or((edge.first, edge.last));
        self.time = Some((first.min(edge.first), last.max(edge.last)));
        self.callers.insert(edge.client.service.to_string());
    }

    fn terms(&self, client: String, server: String, port: u16) -> Terms {
        let demand = Demand { require: self.require(), tls_min: self.tls_min() };
        let identities = |used: &[Used<EndUse>], needs: Require| {
            let enough = demand.require >= needs;
            let all = counted(used).map(|used| &used.what.identity);
            let certified = all.filter(|identity| matches!(identity, EndIdentity::Certificate(_)));
            let best = certified.filter_map(|identity| identity.names().into_iter().next());
            let names: BTreeSet<String> = best.map(|name| exactly(&name)).collect();
            if enough { names.into_iter().collect() } else { Vec::new() }
        };
        Terms {
            from: vec![client],
            to: vec![server],
            ports: vec![port],
            deny: false,
            demand,
            clients: identities(&self.used.callers, Require::Mtls),
            servers: identities(&self.used.servers, Require::Tls),
            methods: self.methods(),
            reason: String::new(),
            until: None,
        }
    }

    /// The most that every session kept to, as far as could be seen.
    fn require(&self) -> Require {
        let Postures { mtls, tls, tls_opaque, plaintext, .. } = self.postures;
        match () {
            () if plaintext > 0 || mtls + tls + tls_opaque == 0 => Require::Any,
            () if tls > 0 || mtls == 0 => Require::Tls,
            () => Require::Mtls,
        }
    }

    /// The lowest version that was seen, as far as a policy can ask for it; never more than the defaults demand.
    fn tls_min(&self) -> u16 {
        let seen = counted(&self.used.particulars.versions).map(|used| used.what.number);
        let least = seen.chain([Demand::default().tls_min]).min().unwrap_or_default();
        if least < LOWEST { 0 } else { least }
    }

    /// The methods that were called, when they are methods of services and all are known: the paths of plain HTTP are
    /// without end.
    fn methods(&self) -> Vec<String> {
        let methods = || counted(&self.used.methods).map(|used| &used.what);
        if self.used.cut || methods().any(|method| !method.rpc) {
            return Vec::new();
        }
        let names: BTreeSet<String> = methods().map(|method| exactly(&method.name)).collect();
        names.into_iter().collect()
    }

    fn comment(&self) -> String {
        let total = self.postures.total();
        let shares = Posture::ALL.into_iter().filter(|posture| self.postures.of(*posture) > 0);
        let shares: Vec<String> = shares
            .map(|posture| {
                let count = self.postures.of(posture);
                format!("{} {}%", spelt(posture), count.saturating_mul(100) / total.max(1))
            })
            .collect();
        let plural = if total == 1 { "" } else { "s" };
        let callers = match self.callers.len() {
            0 | 1 => String::new(),
            callers => format!(" of {callers} callers"),
        };
        let days = self.time.map(|(first, last)| (day(first), day(last)));
        let days = days.map_or_else(String::new, |(first, last)| format!(", {first} .. {last}"));
        format!("{total} session{plural}{callers}, {}{days}", shares.join(", "))
    }
}

/// The lowest version that a policy can name.
const LOWEST: u16 = 0x0301;

fn spelt(posture: Posture) -> &'static str {
    match posture {
        Posture::Mtls => "mTLS",
        Posture::Tls => "TLS",
        Posture::TlsOpaque => "TLS with client authentication not told",
        Posture::Plaintext => "plaintext",
        Posture::Unknown => "unknown",
    }
}

fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('T').map_or_else(|| text.clone(), |(day, _)| day.to_owned())
}
