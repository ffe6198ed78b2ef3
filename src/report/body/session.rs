//! A session: everything that is known of one connection.

use serde::Serialize;

use super::credential::ReadableBody;
use super::tls::TlsBody;
use super::{CertificateBody, PartyBody, Place, Text, Time, file_and_number};
use crate::model::{
    AuditedSession, Call, CallFacts, CommunityId, Evident, Inherited, RunInfo, Seen, Session,
    Transport,
};
use crate::store::flat;

/// One connection with its verdict.
#[derive(Serialize)]
pub(in crate::report) struct SessionBody<'a> {
    flow_id: u64,
    community_id: Text<CommunityId>,
    src_ip: Text<std::net::IpAddr>,
    src_port: u16,
    dest_ip: Text<std::net::IpAddr>,
    dest_port: u16,
    proto: &'static str,
    app_proto: Option<&'static str>,
    pcap_filename: Option<String>,
    pcap_cnt: u64,
    vlan: Option<u16>,
    client: PartyBody<'a>,
    server: PartyBody<'a>,
    roles: &'static str,
    posture: &'static str,
    posture_why: &'static str,
    posture_evidence: &'static str,
    posture_confidence: &'static str,
    inherited: Option<InheritedBody<'a>>,
    client_auth: Option<&'static str>,
    client_auth_hidden: Option<&'static str>,
    flow: Flow,
    tls: Option<TlsBody<'a>>,
    calls: Option<CallsBody<'a>>,
    readable: Option<ReadableBody<'a>>,
    plaintext: Option<Place>,
    first_bytes: Option<&'static str>,
    mismatch: Option<Mismatch>,
}

#[derive(Serialize)]
struct Flow {
    start: Time,
    end: Time,
    last_pcap_cnt: u64,
    pkts_toserver: u64,
    pkts_toclient: u64,
    bytes_toserver: u64,
    bytes_toclient: u64,
    state: &'static str,
    start_seen: bool,
    one_sided: bool,
    gap_bytes_toserver: u64,
    gap_bytes_toclient: u64,
    retransmitted_bytes: u64,
    conflicting_overlaps: u32,
    cut_segments: u32,
    bound_reached: bool,
}

/// The full handshake that a resumed session continues, and what it showed.
#[derive(Serialize)]
struct InheritedBody<'a> {
    flow_id: u64,
    at: Place,
    link: &'static str,
    posture_evidence: &'static str,
    server_certificates: Vec<CertificateBody<'a>>,
    client_certificates: Vec<CertificateBody<'a>>,
}

#[derive(Serialize)]
struct Mismatch {
    what: &'static str,
    at: Place,
}

#[derive(Serialize)]
struct CallsBody<'a> {
    requests: u64,
    responses: u64,
    unnamed: u64,
    authenticated: u64,
    authorities: &'a [String],
    user_agents: &'a [String],
    auth_schemes: &'a [String],
    server_products: &'a [String],
    cut: bool,
    first_request: Option<Place>,
    calls: Vec<CallBody<'a>>,
}

#[derive(Serialize)]
struct CallBody<'a> {
    service: &'a str,
    method: &'a str,
    count: u64,
    ok: u64,
    failed: u64,
    status: Option<u16>,
    first: Place,
}

impl<'a> SessionBody<'a> {
    pub(in crate::report) fn of(run: &RunInfo, audited: &'a AuditedSession) -> Self {
        let session = &audited.session;
        let (pcap_filename, pcap_cnt) = file_and_number(run, session.first);
        let facts = &session.facts;
        Self {
            flow_id: audited.number,
            community_id: Text(session.community_id()),
            src_ip: Text(session.client.addr),
            src_port: session.client.port,
            dest_ip: Text(session.server.addr),
            dest_port: session.server.port,
            proto: match session.transport() {
                Transport::Tcp => "TCP",
                Transport::Udp => "UDP",
            },
            app_proto: session.protocol,
            pcap_filename,
            pcap_cnt,
            vlan: session.vlan,
            client: PartyBody::of(&audited.client),
            server: PartyBody::of(&audited.server),
            roles: session.roles.name(),
            posture: audited.posture.name(),
            posture_why: audited.posture_why,
            posture_evidence: audited.evidence,
            posture_confidence: audited.confidence.name(),
            inherited: audited.inherited.as_deref().map(|it| InheritedBody::of(run, it)),
            client_auth: audited.client_auth.value().map(|auth| auth.name()),
            client_auth_hidden: match &audited.client_auth {
                Seen::Hidden(why) => Some(flat::why_code(*why)),
                Seen::NotReached => Some("not-reached"),
                Seen::Value(_) | Seen::Absent => None,
            },
            flow: Flow::of(run, session),
            tls: facts.tls.as_ref().map(|tls| TlsBody::of(run, audited, tls)),
            calls: facts.calls.as_ref().map(|calls| CallsBody::of(run, calls)),
            readable: facts.readable.as_deref().map(|all| ReadableBody::of(run, all)),
            plaintext: facts.plaintext.map(|at| Place::of(run, at)),
            first_bytes: facts.first_bytes.map(|kind| kind.name()),
            mismatch: facts
                .mismatch
                .map(|Evident { value, at }| Mismatch { what: value, at: Place::of(run, at) }),
        }
    }
}

impl<'a> InheritedBody<'a> {
    fn of(run: &RunInfo, inherited: &'a Inherited) -> Self {
        let shown = &inherited.shown;
        Self {
            flow_id: inherited.from,
            at: Place::of(run, inherited.at),
            link: inherited.link.name(),
            posture_evidence: shown.evidence,
            server_certificates: shown
                .server_chain
                .iter()
                .map(|one| CertificateBody::of(one))
                .collect(),
            client_certificates: shown
                .client_chain
                .iter()
                .map(|one| CertificateBody::of(one))
                .collect(),
        }
    }
}

impl Flow {
    fn of(run: &RunInfo, session: &Session) -> Self {
        let (traffic, stream) = (&session.traffic, &session.stream);
        Self {
            start: Text(session.first.time),
            end: Text(session.last.time),
            last_pcap_cnt: file_and_number(run, session.last).1,
            pkts_toserver: traffic.to_server.packets,
            pkts_toclient: traffic.to_client.packets,
            bytes_toserver: traffic.to_server.bytes,
            bytes_toclient: traffic.to_client.bytes,
            state: session.end.name(),
            start_seen: session.start_seen,
            one_sided: session.one_sided(),
            gap_bytes_toserver: stream.gap_bytes.to_server,
            gap_bytes_toclient: stream.gap_bytes.to_client,
            retransmitted_bytes: stream.retransmitted,
            conflicting_overlaps: stream.conflicting_overlaps,
            cut_segments: stream.cut_segments,
            bound_reached: stream.bound_reached,
        }
    }
}

impl<'a> CallsBody<'a> {
    fn of(run: &RunInfo, facts: &'a CallFacts) -> Self {
        Self {
            requests: facts.requests,
            responses: facts.responses,
            unnamed: facts.unnamed,
            authenticated: facts.authenticated,
            authorities: &facts.authorities,
            user_agents: &facts.user_agents,
            auth_schemes: &facts.auth_schemes,
            server_products: &facts.server_products,
            cut: facts.cut,
            first_request: facts.first_request.map(|at| Place::of(run, at)),
            calls: facts.calls.iter().map(|call| CallBody::of(run, call)).collect(),
        }
    }
}

impl<'a> CallBody<'a> {
    fn of(run: &RunInfo, call: &'a Call) -> Self {
        Self {
            service: &call.service,
            method: &call.method,
            count: call.count,
            ok: call.succeeded,
            failed: call.failed,
            status: call.last_status,
            first: Place::of(run, call.first),
        }
    }
}
