//! The one finished result of a run. Every report and the store are made from it, so that they agree.

use std::sync::Arc;

use super::{
    Announcement, AuditedSession, Certificate, ChainFaults, CredentialAt, EdgeUse, Finding,
    FirstBytes, FrameNo, Graded, Moment, Particulars, Party, PolicyStanding, Posture, RuleText,
    SeenChain, Severity, SuiteRow, Timestamp, Undecided,
};

/// Everything a run found out.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How the run came about.
    pub run: RunInfo,
    /// Findings by severity (worst first), then rule, then key.
    pub findings: Vec<Finding>,
    /// One row per server endpoint's service, by name.
    pub services: Vec<ServiceRow>,
    /// One row per client, server and port, by names.
    pub edges: Vec<EdgeRow>,
    /// One row per certificate and place it was used, by digest.
    pub certificates: Vec<CertificateRow>,
    /// One row per credential and server that it was shown to, in the order of the servers.
    pub credentials: Vec<CredentialRow>,
    /// Kept sessions in the order they ended: samples, or all when that was asked for.
    pub sessions: Vec<AuditedSession>,
    /// Services that datagrams named, in the order of their first frame.
    pub announcements: Vec<Announcement>,
    /// What was judged, and what could not be seen and why.
    pub coverage: Coverage,
    /// Versions and cipher suites that servers agreed on, by server, port and version.
    pub suites: Vec<SuiteRow>,
    /// The rules in force, by code.
    pub rules: Vec<RuleText>,
    /// Where rules could not decide.
    pub undecided: Undecided,
    /// What became of the user's policy, where there is one and the run is over.
    pub policy: Option<PolicyStanding>,
}

/// How a run came about.
#[derive(Clone, Debug, Default)]
pub struct RunInfo {
    /// The version of wirelint.
    pub version: String,
    /// SHA-256 over the rules in force.
    pub ruleset: String,
    /// The BPF filter, if any.
    pub filter: Option<String>,
    /// What was read, in order.
    pub sources: Vec<SourceInfo>,
    /// The lowest severity that fails the run; `None` for never.
    pub fail_on: Option<Severity>,
    /// What else passes the run.
    pub accept: Accept,
    /// How many rules were in force.
    pub rules: usize,
    /// What the user calls this run where several come together, as `staging`; empty for nothing. Escaped.
    pub category: String,
    /// Findings that were left out because the user asked for worse or surer ones only.
    pub unlisted: u64,
}

/// What passes a run although it is no proof that all is well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Accept {
    /// Evidence that is incomplete through no fault of wirelint.
    pub incomplete: bool,
    /// Not a single session.
    pub empty: bool,
}

/// One file or stream that was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceInfo {
    /// Path as the user gave it, or `-`. Escaped.
    pub name: String,
    /// The run's number of its first frame.
    pub first_frame: FrameNo,
    /// Frames read from it, before any filter.
    pub frames: u64,
    /// Captured bytes in them.
    pub bytes: u64,
    /// Link types in it, by name.
    pub link_types: Vec<String>,
    /// The times of its earliest and its latest frame.
    pub times: Option<[Timestamp; 2]>,
    /// SHA-256 of the file as it is stored, hexadecimal; empty where nobody asked for it.
    pub digest: String,
}

/// A frame as a person can find it: in this file, with this number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Located {
    /// The file.
    pub source: String,
    /// Number within the file, from 1, as Wireshark's `frame.number`.
    pub number: u64,
}

impl RunInfo {
    /// Which file a frame is in, and its number there.
    #[must_use]
    pub fn locate(&self, frame: FrameNo) -> Option<Located> {
        let at = self.sources.partition_point(|source| source.first_frame <= frame);
        let source = self.sources.get(at.checked_sub(1)?)?;
        let number = frame.0.checked_sub(source.first_frame.0)? + 1;
        (number <= source.frames).then(|| Located { source: source.name.clone(), number })
    }
}

/// Sessions by posture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Postures {
    /// Both ends presented certificates.
    pub mtls: u64,
    /// TLS, and the client did not authenticate with a certificate.
    pub tls: u64,
    /// TLS, and whether the client authenticated could not be told.
    pub tls_opaque: u64,
    /// Application bytes crossed readable.
    pub plaintext: u64,
    /// Not enough was seen, or the protocol is not recognised.
    pub unknown: u64,
}

impl Postures {
    /// Counts one session.
    pub fn add(&mut self, posture: Posture) {
        *self.count_mut(posture) += 1;
    }

    /// Takes back what [`Self::add`] counted.
    pub fn remove(&mut self, posture: Posture) {
        let count = self.count_mut(posture);
        *count = count.saturating_sub(1);
    }

    /// How many sessions have this posture.
    #[must_use]
    pub fn of(&self, posture: Posture) -> u64 {
        match posture {
            Posture::Mtls => self.mtls,
            Posture::Tls => self.tls,
            Posture::TlsOpaque => self.tls_opaque,
            Posture::Plaintext => self.plaintext,
            Posture::Unknown => self.unknown,
        }
    }

    /// How many sessions there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        Posture::ALL.into_iter().map(|posture| self.of(posture)).sum()
    }

    /// What should alarm first of these sessions.
    #[must_use]
    pub fn worst(&self) -> Posture {
        const ALARM: [Posture; 4] =
            [Posture::Plaintext, Posture::Unknown, Posture::Tls, Posture::TlsOpaque];
        let some = ALARM.into_iter().find(|posture| self.of(*posture) > 0);
        some.unwrap_or(Posture::Mtls)
    }

    /// Adds another count to this one.
    pub fn merge(&mut self, other: &Self) {
        for posture in Posture::ALL {
            *self.count_mut(posture) += other.of(posture);
        }
    }

    fn count_mut(&mut self, posture: Posture) -> &mut u64 {
        match posture {
            Posture::Mtls => &mut self.mtls,
            Posture::Tls => &mut self.tls,
            Posture::TlsOpaque => &mut self.tls_opaque,
            Posture::Plaintext => &mut self.plaintext,
            Posture::Unknown => &mut self.unknown,
        }
    }
}

/// One service as its clients see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceRow {
    /// Who it is.
    pub service: Party,
    /// Its address and port in words.
    pub endpoint: String,
    /// Distinct client addresses.
    pub clients: u64,
    /// Sessions by posture.
    pub postures: Postures,
    /// Application protocols seen, by name.
    pub protocols: Vec<String>,
    /// Open findings about it.
    pub findings: u64,
    /// The worst of them.
    pub worst: Option<Severity>,
    /// Versions, and how postures are known.
    pub particulars: Particulars,
    /// What it comes to.
    pub grade: Graded,
}

impl ServiceRow {
    /// The port at the end of its endpoint.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.endpoint.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
    }
}

/// One client talking to one server endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EdgeRow {
    /// Who calls.
    pub client: Party,
    /// Who is called.
    pub server: Party,
    /// On which port.
    pub server_port: u16,
    /// Application protocols seen, by name.
    pub protocols: Vec<String>,
    /// Sessions by posture.
    pub postures: Postures,
    /// Sessions and bytes by the hour they began in (its first moment), and posture.
    pub hours: Vec<(Timestamp, Posture, u64, u64)>,
    /// Bytes in both directions.
    pub bytes: u64,
    /// First and last packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// What its sessions used: versions, who the ends are, what is called.
    pub used: Arc<EdgeUse>,
    /// What it comes to.
    pub grade: Graded,
}

/// One certificate in one place.
#[derive(Clone, Debug)]
pub struct CertificateRow {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// Whether a server or a client presented it.
    pub role: &'static str,
    /// Its place in the chain, 0 for the leaf.
    pub position: usize,
    /// Who presented it.
    pub party: Party,
    /// The server's port, for servers.
    pub port: Option<u16>,
    /// First session in which it was seen.
    pub first: Moment,
    /// Last session in which it was seen.
    pub last: Moment,
    /// In how many sessions.
    pub sessions: u64,
    /// What is right and wrong with the chain of this leaf, when it was last shown here; absent for other certificates.
    pub outcome: SeenChain,
    /// What was wrong with it in any session here.
    pub faults: ChainFaults,
}

/// One credential at one server. The secret is not in it, and cannot be found by what is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialRow {
    /// Everything that is known of it.
    pub at: CredentialAt,
    /// Addresses that showed it to the server, bounded, sorted.
    pub clients: Vec<std::net::IpAddr>,
}

/// What was judged, what could not be seen, and why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// Frames read and let through the filter.
    pub frames: u64,
    /// Captured bytes in them.
    pub bytes: u64,
    /// Frames by what they carried: `tcp`, `udp`, `arp`, `fragment`, `malformed`...; sorted by name.
    pub frame_kinds: Vec<(&'static str, u64)>,
    /// Frames shorter than they were on the wire.
    pub cut_frames: u64,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// TCP connections with data.
    pub sessions: u64,
    /// Connection attempts without an answer or data.
    pub half_open: u64,
    /// Sessions by posture.
    pub postures: Postures,
    /// Sessions that began before the capture did.
    pub midstream: u64,
    /// Sessions of which only one direction was captured.
    pub one_sided: u64,
    /// Sessions with holes.
    pub gap_sessions: u64,
    /// Bytes in these holes.
    pub gap_bytes: u64,
    /// Sessions in which overlapping segments said different things.
    pub conflicting_sessions: u64,
    /// TLS sessions whose certificates are encrypted.
    pub certificates_hidden: u64,
    /// Distinct leaf certificates that were seen.
    pub leaves: u64,
    /// Places that showed a leaf.
    pub leaf_places: u64,
    /// The first end of validity among those that were valid when last shown.
    pub next_expiry: Option<Timestamp>,
    /// TLS sessions that keys opened.
    pub decrypted: u64,
    /// TLS sessions that their keys do not open.
    pub keys_do_not_fit: u64,
    /// TLS sessions with keys whose cipher suite cannot be opened.
    pub keys_unsupported: u64,
    /// Sessions whose posture was inferred from the lengths of encrypted records.
    pub inferred: u64,
    /// Sessions whose posture was inherited from the session that they resume.
    pub inherited: u64,
    /// Full handshakes that were forgotten, for want of room, before a session could resume them.
    pub origins_forgotten: u64,
    /// TLS sessions.
    pub tls_sessions: u64,
    /// Sessions whose protocol was not recognised.
    pub unrecognised: u64,
    /// The same, by what their first bytes look like.
    pub looks: Looks,
    /// Sessions closed because the flow table was full.
    pub evicted: u64,
    /// Half-open connections forgotten because their table was full.
    pub half_open_evicted: u64,
    /// Rules that could not decide, and in how many cases; sorted by rule.
    pub not_observable: Vec<NotObservable>,
    /// What makes the evidence incomplete, in the order it was met.
    pub incomplete: Vec<Incomplete>,
    /// Packets lost by the capture, as far as it says so.
    pub dropped: u64,
}

impl Coverage {
    /// Takes back what sessions added to it.
    pub fn take_sessions(&mut self, other: &Self) {
        let less = |count: &mut u64, by: u64| *count = count.saturating_sub(by);
        less(&mut self.sessions, other.sessions);
        less(&mut self.midstream, other.midstream);
        less(&mut self.one_sided, other.one_sided);
        less(&mut self.gap_sessions, other.gap_sessions);
        less(&mut self.gap_bytes, other.gap_bytes);
        less(&mut self.conflicting_sessions, other.conflicting_sessions);
        less(&mut self.certificates_hidden, other.certificates_hidden);
        less(&mut self.decrypted, other.decrypted);
        less(&mut self.keys_do_not_fit, other.keys_do_not_fit);
        less(&mut self.keys_unsupported, other.keys_unsupported);
        less(&mut self.inferred, other.inferred);
        less(&mut self.inherited, other.inherited);
        less(&mut self.tls_sessions, other.tls_sessions);
        less(&mut self.unrecognised, other.unrecognised);
        less(&mut self.looks.text, other.looks.text);
        less(&mut self.looks.binary, other.looks.binary);
        less(&mut self.looks.high_entropy, other.looks.high_entropy);
        for posture in Posture::ALL {
            (0..other.postures.of(posture)).for_each(|_| self.postures.remove(posture));
        }
    }
}

/// Sessions of protocols that were not recognised, by what their first bytes look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Looks {
    /// Printable.
    pub text: u64,
    /// Not printable, with structure.
    pub binary: u64,
    /// As random as encrypted or compressed bytes are.
    pub high_entropy: u64,
}

impl Looks {
    /// Counts one session.
    pub fn add(&mut self, look: FirstBytes) {
        match look {
            FirstBytes::Text => self.text += 1,
            FirstBytes::Binary => self.binary += 1,
            FirstBytes::HighEntropy => self.high_entropy += 1,
        }
    }

    /// What there is of each, in a fixed order, with its word.
    #[must_use]
    pub fn all(&self) -> [(&'static str, u64); 3] {
        [
            (FirstBytes::Text.name(), self.text),
            (FirstBytes::Binary.name(), self.binary),
            (FirstBytes::HighEntropy.name(), self.high_entropy),
        ]
    }
}

/// How often a rule could not decide.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotObservable {
    /// The rule's code.
    pub rule: String,
    /// The rule's name.
    pub rule_name: String,
    /// How many sessions (certificates, endpoints) it could not decide.
    pub count: u64,
}

/// Something that makes the evidence incomplete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Incomplete {
    /// A stable kebab-case word: `truncated-capture`, `corrupt-record`, `snaplen-too-small`, `interrupted`.
    pub code: &'static str,
    /// One sentence for people. Escaped.
    pub message: String,
}
