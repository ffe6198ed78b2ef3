//! The lists: what a row is, its columns, and how each is asked of the database.
//!
//! A column is shown, sorted by and filtered with under one name, which is the rules' name for the same thing where they
//! have one. Adding a column is one line here.

use crate::model::Severity;

/// Which list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ListName {
    /// What rules found.
    Findings,
    /// Who was called.
    Services,
    /// Who called whom, by port.
    Edges,
    /// What was shown to prove an identity.
    Certificates,
    /// Kept connections.
    Sessions,
}

/// How values of a column compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// The name of a service; the column has its number.
    Service(&'static str),
    /// A whole number.
    Number,
    /// Microseconds, compared with dates.
    Time,
    /// One of these words, least first.
    Word(&'static [&'static str]),
}

/// One column of a list.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, as rules and filters say it.
    pub name: &'static str,
    /// A short form of the name for filters.
    pub short: &'static str,
    /// How its values compare.
    pub kind: Kind,
    /// What it means.
    pub doc: &'static str,
    pub(super) sql: &'static str,
    /// What rows are put in order by, never NULL.
    pub(super) sort: &'static str,
}

/// One list.
#[derive(Debug)]
pub struct List {
    /// Which.
    pub name: ListName,
    /// Its columns.
    pub columns: &'static [Column],
    /// The column that it is in the order of at first.
    pub order: &'static str,
    /// Whether the order is from the largest down.
    pub descending: bool,
    /// What stands after FROM.
    pub(super) rows: &'static str,
    /// The same for counting all rows, which need nothing of what is joined.
    pub(super) all: &'static str,
    /// What tells rows apart.
    pub(super) id: &'static str,
}

impl List {
    /// The place of a column, by its name or short form.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name || column.short == name)
    }
}

/// The list of that name.
#[must_use]
pub fn list(name: ListName) -> &'static List {
    match name {
        ListName::Findings => &FINDINGS,
        ListName::Services => &SERVICES,
        ListName::Edges => &EDGES,
        ListName::Certificates => &CERTIFICATES,
        ListName::Sessions => &SESSIONS,
    }
}

const SEVERITIES: Kind = Kind::Word(&["info", "low", "medium", "high", "critical"]);
const CONFIDENCES: Kind = Kind::Word(&["low", "medium", "high"]);
const POSTURES: Kind = Kind::Word(&["mtls", "tls-opaque", "tls", "unknown", "plaintext"]);
const STATES: Kind = Kind::Word(&["open", "acknowledged", "ignored", "baseline", "fixed"]);
const SHARES: Kind = Kind::Word(&["all", "hidden", "some", "none"]);
const ROLES: Kind = Kind::Word(&["client", "server"]);

/// Every name of a severity is a word of the column, in the same order.
const _: () = assert!(Severity::ALL.len() == 5);

#[rustfmt::skip]
static FINDINGS: List = List {
    name: ListName::Findings,
    order: "severity",
    descending: true,
    id: "f.finding_id",
    all: "finding",
    rows: "finding f
      LEFT JOIN rule x ON x.rule_id = f.rule_id
      LEFT JOIN service c ON c.service_id = f.client_service_id
      LEFT JOIN service d ON d.service_id = f.server_service_id",
    columns: &[
        Column { name: "severity", short: "sev", kind: SEVERITIES, sql: "f.severity", sort: "CASE f.severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END * 1000000 - f.rule_id", doc: "how bad it is" },
        Column { name: "confidence", short: "conf", kind: CONFIDENCES, sql: "f.confidence", sort: "f.confidence", doc: "how sure it is" },
        Column { name: "rule", short: "code", kind: Kind::Text, sql: "x.code", sort: "ifnull(x.code, '')", doc: "code of the rule" },
        Column { name: "rule.name", short: "name", kind: Kind::Text, sql: "x.name", sort: "ifnull(x.name, '')", doc: "name of the rule" },
        Column { name: "client.service", short: "client", kind: Kind::Service("f.client_service_id"), sql: "c.name", sort: "ifnull(c.name, '')", doc: "who called" },
        Column { name: "server.service", short: "server", kind: Kind::Service("f.server_service_id"), sql: "d.name", sort: "ifnull(d.name, '')", doc: "who was called" },
        Column { name: "server.port", short: "port", kind: Kind::Number, sql: "f.server_port", sort: "ifnull(f.server_port, -1)", doc: "on which port" },
        Column { name: "finding.count", short: "count", kind: Kind::Number, sql: "(SELECT a.count FROM finding_run a WHERE a.finding_id = f.finding_id ORDER BY a.run_id DESC LIMIT 1)", sort: "ifnull((SELECT a.count FROM finding_run a WHERE a.finding_id = f.finding_id ORDER BY a.run_id DESC LIMIT 1), 0)", doc: "in how many sessions, certificates or endpoints" },
        Column { name: "packet.time", short: "last", kind: Kind::Time, sql: "(SELECT max(a.last_us) FROM finding_run a WHERE a.finding_id = f.finding_id)", sort: "ifnull((SELECT max(a.last_us) FROM finding_run a WHERE a.finding_id = f.finding_id), 0)", doc: "when it was last true" },
        Column { name: "state", short: "state", kind: STATES, sql: "f.state", sort: "f.state", doc: "what people decided" },
        Column { name: "subject", short: "subject", kind: Kind::Text, sql: "f.subject", sort: "ifnull(f.subject, '')", doc: "what makes it this finding besides the parties" },
        Column { name: "message", short: "message", kind: Kind::Text, sql: "f.message", sort: "f.message", doc: "what it says" },
    ],
};

#[rustfmt::skip]
static SERVICES: List = List {
    name: ListName::Services,
    all: "(SELECT DISTINCT server_service_id FROM edge)",
    order: "finding.open",
    descending: true,
    id: "v.id",
    rows: "(SELECT s.service_id AS id, s.name AS name, s.how AS how, x.*, ifnull(f.open, 0) AS open, ifnull(f.worst, 0) AS worst, z.not_after, z.last,
        (SELECT max(g.grade) FROM service_grade g WHERE g.service_id = x.sid AND NOT EXISTS (SELECT 1 FROM service_grade n
           WHERE n.service_id = g.service_id AND n.endpoint = g.endpoint AND n.run_id > g.run_id)) AS grade
      FROM (SELECT e.server_service_id AS sid, count(DISTINCT e.client_service_id) AS clients, sum(e.mtls) AS mtls, sum(e.tls) AS tls,
              sum(e.tls_opaque) AS opaque, sum(e.plaintext) AS plaintext, sum(e.unknown) AS unknown, sum(e.bytes) AS bytes, max(e.last_us) AS last_us,
              sum(e.mtls + e.tls + e.tls_opaque + e.plaintext + e.unknown) AS sessions
            FROM edge e
            WHERE NOT EXISTS (SELECT 1 FROM edge n WHERE n.server_service_id = e.server_service_id AND n.client_service_id = e.client_service_id
              AND n.server_port = e.server_port AND n.server_ip = e.server_ip AND n.client_ip = e.client_ip AND n.run_id > e.run_id)
            GROUP BY 1) x
      JOIN service s ON s.service_id = x.sid
      LEFT JOIN (SELECT server_service_id AS sid, count(*) AS open,
                   max(CASE severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END) AS worst
                 FROM finding WHERE state = 'open' AND server_service_id IS NOT NULL GROUP BY 1) f ON f.sid = x.sid
      LEFT JOIN (SELECT u.service_id AS sid, min(y.not_after_us) AS not_after, max(u.last_us) AS last
                 FROM certificate_use u JOIN certificate y ON y.certificate_id = u.certificate_id
                 WHERE u.role = 'server' AND u.position = 0 GROUP BY 1) z ON z.sid = x.sid) v",
    columns: &[
        Column { name: "server.service", short: "server", kind: Kind::Text, sql: "v.name", sort: "v.name", doc: "the service, or its address" },
        Column { name: "server.named_by", short: "named", kind: Kind::Text, sql: "v.how", sort: "v.how", doc: "how its name is known" },
        Column { name: "endpoint.grade", short: "grade", kind: Kind::Text, sql: "v.grade", sort: "ifnull(v.grade, '')", doc: "the worst grade of its addresses and ports, A to F" },
        Column { name: "endpoint.clients", short: "clients", kind: Kind::Number, sql: "v.clients", sort: "v.clients", doc: "distinct clients" },
        Column { name: "endpoint.sessions", short: "sessions", kind: Kind::Number, sql: "v.sessions", sort: "v.sessions", doc: "sessions with it" },
        Column { name: "endpoint.mtls", short: "mtls", kind: Kind::Number, sql: "v.mtls", sort: "v.mtls", doc: "of them mutual TLS" },
        Column { name: "endpoint.tls", short: "tls", kind: Kind::Number, sql: "v.tls", sort: "v.tls", doc: "of them TLS without a client certificate" },
        Column { name: "endpoint.tls_opaque", short: "opaque", kind: Kind::Number, sql: "v.opaque", sort: "v.opaque", doc: "of them TLS, client authentication not told" },
        Column { name: "endpoint.plaintext", short: "plaintext", kind: Kind::Number, sql: "v.plaintext", sort: "v.plaintext", doc: "of them readable" },
        Column { name: "endpoint.unknown", short: "unknown", kind: Kind::Number, sql: "v.unknown", sort: "v.unknown", doc: "of them not told" },
        Column { name: "endpoint.bytes", short: "bytes", kind: Kind::Number, sql: "v.bytes", sort: "v.bytes", doc: "bytes in both directions" },
        Column { name: "finding.open", short: "open", kind: Kind::Number, sql: "v.open", sort: "v.worst * 1000000 + v.open", doc: "open findings about it, sorted by the worst" },
        Column { name: "finding.worst", short: "worst", kind: Kind::Number, sql: "v.worst", sort: "v.worst", doc: "the worst of them, 1 for info to 5 for critical" },
        Column { name: "cert.days_left", short: "left", kind: Kind::Number, sql: "(v.not_after - v.last) / 86400000000", sort: "ifnull((v.not_after - v.last) / 86400000000, 999999)", doc: "days that its first certificate to end had left when last seen" },
        Column { name: "packet.time", short: "last", kind: Kind::Time, sql: "v.last_us", sort: "v.last_us", doc: "last packet" },
    ],
};

#[rustfmt::skip]
static EDGES: List = List {
    name: ListName::Edges,
    all: "(SELECT DISTINCT server_service_id, client_service_id, server_port FROM edge)",
    order: "edge.posture",
    descending: true,
    id: "v.id",
    rows: "(SELECT e.server_service_id || ':' || e.client_service_id || ':' || e.server_port AS id,
        c.name AS client, d.name AS server, e.server_port AS port, max(e.protocols) AS protocols,
        max(e.client_ip) AS client_ip, max(e.server_ip) AS server_ip, count(*) AS places,
        sum(e.mtls) AS mtls, sum(e.tls) AS tls, sum(e.tls_opaque) AS opaque, sum(e.plaintext) AS plaintext, sum(e.unknown) AS unknown,
        sum(e.mtls + e.tls + e.tls_opaque + e.plaintext + e.unknown) AS sessions,
        CASE WHEN sum(e.plaintext) > 0 THEN 'plaintext' WHEN sum(e.unknown) > 0 THEN 'unknown' WHEN sum(e.tls) > 0 THEN 'tls'
             WHEN sum(e.tls_opaque) > 0 THEN 'tls-opaque' ELSE 'mtls' END AS posture,
        CASE WHEN sum(e.mtls) > 0 AND sum(e.tls + e.tls_opaque + e.plaintext + e.unknown) = 0 THEN 'all'
             WHEN sum(e.mtls) > 0 THEN 'some'
             WHEN sum(e.plaintext + e.tls) > 0 THEN 'none' ELSE 'hidden' END AS mutual,
        sum(e.bytes) AS bytes, min(e.first_us) AS first_us, max(e.last_us) AS last_us
      FROM edge e JOIN service c ON c.service_id = e.client_service_id JOIN service d ON d.service_id = e.server_service_id
      WHERE NOT EXISTS (SELECT 1 FROM edge n WHERE n.server_service_id = e.server_service_id AND n.client_service_id = e.client_service_id
        AND n.server_port = e.server_port AND n.server_ip = e.server_ip AND n.client_ip = e.client_ip AND n.run_id > e.run_id)
      GROUP BY e.server_service_id, e.client_service_id, e.server_port) v",
    columns: &[
        Column { name: "client.service", short: "client", kind: Kind::Text, sql: "v.client", sort: "v.client", doc: "who called" },
        Column { name: "server.service", short: "server", kind: Kind::Text, sql: "v.server", sort: "v.server", doc: "who was called" },
        Column { name: "server.port", short: "port", kind: Kind::Number, sql: "v.port", sort: "v.port", doc: "on which port" },
        Column { name: "edge.protocols", short: "protocol", kind: Kind::Text, sql: "v.protocols", sort: "v.protocols", doc: "protocols seen" },
        Column { name: "edge.posture", short: "posture", kind: POSTURES, sql: "v.posture", sort: "CASE v.posture WHEN 'plaintext' THEN 5 WHEN 'unknown' THEN 4 WHEN 'tls' THEN 3 WHEN 'tls-opaque' THEN 2 ELSE 1 END * 1000000000000 + min(v.sessions, 999999999999)", doc: "the worst posture of its sessions" },
        Column { name: "edge.mutual", short: "mutual", kind: SHARES, sql: "v.mutual", sort: "v.mutual", doc: "how many of its sessions were mutual TLS" },
        Column { name: "edge.sessions", short: "sessions", kind: Kind::Number, sql: "v.sessions", sort: "v.sessions", doc: "sessions between the two" },
        Column { name: "edge.mtls", short: "mtls", kind: Kind::Number, sql: "v.mtls", sort: "v.mtls", doc: "of them mutual TLS" },
        Column { name: "edge.tls", short: "tls", kind: Kind::Number, sql: "v.tls", sort: "v.tls", doc: "of them TLS without a client certificate" },
        Column { name: "edge.tls_opaque", short: "opaque", kind: Kind::Number, sql: "v.opaque", sort: "v.opaque", doc: "of them TLS, client authentication not told" },
        Column { name: "edge.plaintext", short: "plaintext", kind: Kind::Number, sql: "v.plaintext", sort: "v.plaintext", doc: "of them readable" },
        Column { name: "edge.unknown", short: "unknown", kind: Kind::Number, sql: "v.unknown", sort: "v.unknown", doc: "of them not told" },
        Column { name: "edge.bytes", short: "bytes", kind: Kind::Number, sql: "v.bytes", sort: "v.bytes", doc: "bytes in both directions" },
        Column { name: "client.addr", short: "client_ip", kind: Kind::Text, sql: "v.client_ip", sort: "v.client_ip", doc: "an address that called" },
        Column { name: "server.addr", short: "server_ip", kind: Kind::Text, sql: "v.server_ip", sort: "v.server_ip", doc: "an address that was called" },
        Column { name: "edge.places", short: "places", kind: Kind::Number, sql: "v.places", sort: "v.places", doc: "pairs of addresses" },
        Column { name: "edge.first_seen", short: "first", kind: Kind::Time, sql: "v.first_us", sort: "v.first_us", doc: "first packet" },
        Column { name: "packet.time", short: "last", kind: Kind::Time, sql: "v.last_us", sort: "v.last_us", doc: "last packet" },
    ],
};

#[rustfmt::skip]
static CERTIFICATES: List = List {
    name: ListName::Certificates,
    all: "(SELECT DISTINCT certificate_id, role, service_id FROM certificate_use)",
    order: "cert.days_left",
    descending: false,
    id: "v.id",
    rows: "(SELECT u.certificate_id || ':' || u.role || ':' || u.service_id AS id, s.name AS service, u.role AS role, min(u.position) AS position,
        x.certificate_id AS number, x.subject, x.issuer, x.common_name, x.spiffe_id, x.key_kind, x.key_bits, x.key_curve, x.is_ca, x.self_signed, x.sha256,
        x.not_before_us, x.not_after_us, sum(u.sessions) AS sessions, max(u.last_us) AS last_us, min(u.first_us) AS first_us,
        max(u.chain_trust) AS trust, max(u.chain_faults) AS faults, max(u.port) AS port, count(*) AS places
      FROM certificate_use u JOIN certificate x ON x.certificate_id = u.certificate_id JOIN service s ON s.service_id = u.service_id
      WHERE NOT EXISTS (SELECT 1 FROM certificate_use n WHERE n.certificate_id = u.certificate_id AND n.role = u.role AND n.position = u.position
        AND n.service_id = u.service_id AND n.ip = u.ip AND n.port = u.port AND n.run_id > u.run_id)
      GROUP BY u.certificate_id, u.role, u.service_id) v",
    columns: &[
        Column { name: "cert.service", short: "service", kind: Kind::Text, sql: "v.service", sort: "v.service", doc: "who showed it" },
        Column { name: "cert.role", short: "role", kind: ROLES, sql: "v.role", sort: "v.role", doc: "as a server or as a client" },
        Column { name: "cert.subject", short: "subject", kind: Kind::Text, sql: "ifnull(nullif(v.spiffe_id, ''), v.subject)", sort: "ifnull(ifnull(nullif(v.spiffe_id, ''), v.subject), '')", doc: "its SPIFFE ID, else its subject" },
        Column { name: "cert.issuer", short: "issuer", kind: Kind::Text, sql: "CASE WHEN v.self_signed = 1 THEN 'itself' ELSE v.issuer END", sort: "ifnull(v.issuer, '')", doc: "who issued it" },
        Column { name: "cert.key_kind", short: "key", kind: Kind::Text, sql: "v.key_kind", sort: "ifnull(v.key_kind, '')", doc: "kind of its key" },
        Column { name: "cert.key_bits", short: "bits", kind: Kind::Number, sql: "v.key_bits", sort: "ifnull(v.key_bits, -1)", doc: "bits of its key" },
        Column { name: "cert.position", short: "position", kind: Kind::Number, sql: "v.position", sort: "v.position", doc: "place in the chain, 0 for the leaf" },
        Column { name: "cert.days_left", short: "left", kind: Kind::Number, sql: "(v.not_after_us - v.last_us) / 86400000000", sort: "ifnull((v.not_after_us - v.last_us) / 86400000000, 99999999)", doc: "days it had left when last seen" },
        Column { name: "cert.not_after", short: "until", kind: Kind::Time, sql: "v.not_after_us", sort: "ifnull(v.not_after_us, 0)", doc: "the end of its validity" },
        Column { name: "cert.not_before", short: "since", kind: Kind::Time, sql: "v.not_before_us", sort: "ifnull(v.not_before_us, 0)", doc: "the begin of its validity" },
        Column { name: "cert.self_signed", short: "self", kind: Kind::Number, sql: "v.self_signed", sort: "ifnull(v.self_signed, -1)", doc: "1 when it vouches for itself" },
        Column { name: "cert.chain_trust", short: "trust", kind: Kind::Text, sql: "v.trust", sort: "ifnull(v.trust, '')", doc: "whether a given authority stands behind it" },
        Column { name: "cert.chain_faults", short: "faults", kind: Kind::Text, sql: "v.faults", sort: "v.faults", doc: "what is wrong with its chain" },
        Column { name: "cert.sessions", short: "sessions", kind: Kind::Number, sql: "v.sessions", sort: "v.sessions", doc: "sessions that showed it" },
        Column { name: "cert.places", short: "places", kind: Kind::Number, sql: "v.places", sort: "v.places", doc: "addresses and ports that showed it" },
        Column { name: "cert.sha256", short: "sha256", kind: Kind::Text, sql: "v.sha256", sort: "v.sha256", doc: "its digest" },
        Column { name: "packet.time", short: "last", kind: Kind::Time, sql: "v.last_us", sort: "v.last_us", doc: "when it was last seen" },
        Column { name: "cert.number", short: "number", kind: Kind::Number, sql: "v.number", sort: "v.number", doc: "its row" },
    ],
};

#[rustfmt::skip]
static SESSIONS: List = List {
    name: ListName::Sessions,
    order: "packet.time",
    descending: true,
    id: "s.session_id",
    all: "session",
    rows: "session s
      LEFT JOIN service c ON c.service_id = s.client_service_id
      LEFT JOIN service d ON d.service_id = s.server_service_id
      LEFT JOIN tls t ON t.session_id = s.session_id",
    columns: &[
        Column { name: "packet.time", short: "last", kind: Kind::Time, sql: "s.last_us", sort: "s.last_us", doc: "last packet" },
        Column { name: "client.service", short: "client", kind: Kind::Service("s.client_service_id"), sql: "c.name", sort: "ifnull(c.name, '')", doc: "who called" },
        Column { name: "server.service", short: "server", kind: Kind::Service("s.server_service_id"), sql: "d.name", sort: "ifnull(d.name, '')", doc: "who was called" },
        Column { name: "server.port", short: "port", kind: Kind::Number, sql: "s.server_port", sort: "s.server_port", doc: "on which port" },
        Column { name: "session.protocol", short: "protocol", kind: Kind::Text, sql: "s.protocol", sort: "ifnull(s.protocol, '')", doc: "what carried the application's bytes" },
        Column { name: "session.posture", short: "posture", kind: POSTURES, sql: "s.posture", sort: "s.posture", doc: "how private it was" },
        Column { name: "session.evidence", short: "evidence", kind: Kind::Text, sql: "s.evidence", sort: "s.evidence", doc: "how that is known" },
        Column { name: "session.client_auth", short: "auth", kind: Kind::Text, sql: "s.client_auth", sort: "ifnull(s.client_auth, '')", doc: "what the client did to prove who it is" },
        Column { name: "tls.version", short: "version", kind: Kind::Text, sql: "t.version", sort: "ifnull(t.version, '')", doc: "the version of TLS" },
        Column { name: "tls.cipher", short: "cipher", kind: Kind::Text, sql: "t.cipher", sort: "ifnull(t.cipher, '')", doc: "the cipher suite" },
        Column { name: "tls.sni", short: "sni", kind: Kind::Text, sql: "t.sni", sort: "ifnull(t.sni, '')", doc: "the server name that the client asked for" },
        Column { name: "session.end", short: "end", kind: Kind::Text, sql: "s.end_state", sort: "s.end_state", doc: "how it ended" },
        Column { name: "client.addr", short: "client_ip", kind: Kind::Text, sql: "s.client_ip", sort: "s.client_ip", doc: "the address that called" },
        Column { name: "client.port", short: "client_port", kind: Kind::Number, sql: "s.client_port", sort: "s.client_port", doc: "from which port" },
        Column { name: "server.addr", short: "server_ip", kind: Kind::Text, sql: "s.server_ip", sort: "s.server_ip", doc: "the address that was called" },
        Column { name: "session.bytes_to_server", short: "sent", kind: Kind::Number, sql: "s.bytes_to_server", sort: "s.bytes_to_server", doc: "payload bytes from the client" },
        Column { name: "session.bytes_to_client", short: "received", kind: Kind::Number, sql: "s.bytes_to_client", sort: "s.bytes_to_client", doc: "payload bytes from the server" },
        Column { name: "session.gap_bytes", short: "gap", kind: Kind::Number, sql: "s.gap_bytes", sort: "s.gap_bytes", doc: "bytes that were not captured" },
        Column { name: "session.community_id", short: "community", kind: Kind::Text, sql: "s.community_id", sort: "s.community_id", doc: "its Community ID" },
        Column { name: "session.run", short: "run", kind: Kind::Number, sql: "s.run_id", sort: "s.run_id", doc: "the run that saw it" },
        Column { name: "session.posture_why", short: "why", kind: Kind::Text, sql: "s.posture_why", sort: "s.posture_why", doc: "why it has this posture" },
        Column { name: "session.transport", short: "transport", kind: Kind::Text, sql: "s.transport", sort: "s.transport", doc: "what it went over: tcp or udp" },
    ],
};
