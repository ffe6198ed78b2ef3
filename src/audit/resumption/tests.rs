use super::*;
use crate::audit::judge;
use crate::model::{
    Answer, ClientHello, Confidence, FrameNo, Inference, ServerHello, Timestamp, Why, fixture,
};

/// A TLS session whose hellos are at this frame.
fn session(frame: u64, version: u16, id: &[u8], resumed: bool) -> Session {
    let at = Moment { time: Timestamp::from_micros(1_000_000), frame: FrameNo(frame) };
    let hello =
        ServerHello { at, session_id: id.into(), ..Answer { version, ..Answer::default() }.into() };
    let mut tls = TlsFacts {
        client_hello: Seen::Value(Box::new(ClientHello { at, ..ClientHello::default() })),
        server_hello: Seen::Value(Box::new(hello)),
        established: Seen::Value(true),
        resumed: Seen::Value(resumed),
        ..TlsFacts::default()
    };
    let hidden = if resumed { Why::Resumed } else { Why::Encrypted };
    tls.client_chain.hide(hidden);
    tls.certificate_request.hide(hidden);
    let mut session = fixture::session(frame, Posture::Unknown).session;
    (session.first, session.last) = (at, at);
    session.facts.tls = Some(Box::new(tls));
    session
}

fn full12(frame: u64, id: &[u8]) -> Session {
    let mut session = session(frame, 0x0303, id, false);
    let tls = tls_of(&mut session);
    tls.client_chain = Seen::Absent;
    tls.certificate_request = Seen::Absent;
    session
}

fn full13(frame: u64, inferred: crate::model::ClientStep) -> Session {
    let mut session = session(frame, 0x0304, b"", false);
    tls_of(&mut session).inferred = Some(Inference {
        client: inferred,
        confidence: Confidence::High,
        server: crate::model::ServerStep::WentOn,
        server_confidence: Confidence::High,
        ..Inference::unknown("")
    });
    session
}

fn tls_of(session: &mut Session) -> &mut TlsFacts {
    session.facts.tls.as_deref_mut().unwrap()
}

/// What comes of sessions in this order: frame of the hello, posture, evidence, number inherited from.
fn judged(sessions: Vec<Session>) -> Vec<(u64, Posture, &'static str, Option<u64>)> {
    let (mut all, mut told) = (Resumption::default(), Vec::new());
    let mut number = 0;
    let mut admit = |all: &mut Resumption, session: Session| {
        let mut verdict = judge(&session);
        let inherited = all.inherit(&session, &mut verdict);
        number += 1;
        let frame = session.first.frame.0;
        told.push((frame, verdict.posture, verdict.evidence, inherited.as_ref().map(|it| it.from)));
        let mut audited = fixture::session(number, verdict.posture);
        audited.session = session;
        audited.client_auth = verdict.client_auth;
        audited.inherited = inherited;
        all.remember(&audited);
    };
    for session in sessions {
        let now = session.last;
        if let Some(session) = all.hold(session) {
            admit(&mut all, session);
        }
        while let Some(session) = all.release(now) {
            admit(&mut all, session);
        }
    }
    while let Some(session) = all.release_oldest() {
        admit(&mut all, session);
    }
    assert!(all.awaited.is_empty() && all.waiting.is_empty());
    told
}

use crate::model::ClientStep::{NotRequested, Presented, Unknown};

#[test]
fn a_session_id_ties_a_resumed_session_to_its_origin() {
    let told = judged(vec![full12(1, b"one"), session(9, 0x0303, b"one", true)]);
    assert_eq!(told[1], (9, Posture::Tls, "inherited", Some(1)));
}

#[test]
fn a_session_whose_origin_was_not_seen_stays_opaque() {
    let told = judged(vec![full12(1, b"one"), session(9, 0x0303, b"two", true)]);
    assert_eq!(told[1], (9, Posture::TlsOpaque, "observed", None));
}

#[test]
fn another_server_may_give_out_the_same_id() {
    let mut other = session(9, 0x0303, b"one", true);
    other.server.port += 1;
    assert_eq!(judged(vec![full12(1, b"one"), other])[1].1, Posture::TlsOpaque);
}

#[test]
fn a_resumed_session_that_ends_first_waits_for_its_origin() {
    let told = judged(vec![session(9, 0x0303, b"one", true), full12(10, b"x"), full12(1, b"one")]);
    assert_eq!(told[0].0, 10);
    assert_eq!(told[2], (9, Posture::Tls, "inherited", Some(2)));
}

#[test]
fn nothing_is_inherited_from_a_later_handshake() {
    let told = judged(vec![session(3, 0x0303, b"one", true), full12(7, b"one")]);
    assert_eq!(told[1], (3, Posture::TlsOpaque, "observed", None));
}

#[test]
fn a_ticket_given_out_in_a_resumed_session_leads_back_to_the_full_handshake() {
    let ticket = |text: &str| Some(Handle::of(1, text.as_bytes()));
    let resumed = |frame, offered: &str, issued| {
        let mut session = session(frame, 0x0303, b"echo", true);
        let tls = tls_of(&mut session);
        tls.client_hello.value_mut().unwrap().ticket_handle = ticket(offered);
        tls.ticket_handle = ticket(issued);
        session
    };
    let mut full = full12(1, b"");
    tls_of(&mut full).ticket_handle = ticket("first");
    let told = judged(vec![resumed(20, "second", "third"), full, resumed(9, "first", "second")]);
    assert_eq!(told[1], (9, Posture::Tls, "inherited", Some(1)));
    assert_eq!(told[2], (20, Posture::Tls, "inherited", Some(1)));
}

#[test]
fn under_tls_1_3_all_earlier_handshakes_between_the_ends_have_to_agree() {
    let resumed = || session(50, 0x0304, b"", true);
    let agreeing = judged(vec![full13(1, Presented), full13(2, Presented), resumed()]);
    assert_eq!(agreeing[2], (50, Posture::Mtls, "inherited", Some(2)));
    for other in [NotRequested, Unknown] {
        let told = judged(vec![full13(1, Presented), full13(2, other), resumed()]);
        assert_eq!(told[2], (50, Posture::TlsOpaque, "observed", None), "{other:?}");
    }
    let mut named = resumed();
    let hello = tls_of(&mut named).client_hello.value_mut().unwrap();
    Arc::make_mut(&mut hello.offer).sni = Some("other.test".to_owned());
    assert_eq!(judged(vec![full13(1, Presented), named])[1].1, Posture::TlsOpaque);
}

#[test]
fn a_ticket_of_tls_1_3_lives_for_a_week() {
    let mut late = session(50, 0x0304, b"", true);
    late.first.time = Timestamp::from_micros((TICKET_SECONDS + 2) * 1_000_000);
    late.last.time = late.first.time;
    assert_eq!(judged(vec![full13(1, Presented), late])[1].1, Posture::TlsOpaque);
}

#[test]
fn a_link_by_the_ends_alone_is_not_sure() {
    let mut all = Resumption::default();
    let mut audited = fixture::session(1, Posture::Mtls);
    audited.session = full13(1, Presented);
    audited.client_auth = Seen::Value(crate::model::ClientAuth::Presented);
    all.remember(&audited);
    let resumed = session(5, 0x0304, b"", true);
    let mut verdict = judge(&resumed);
    let inherited = all.inherit(&resumed, &mut verdict).unwrap();
    assert_eq!((verdict.confidence, inherited.link.name()), (Confidence::Medium, "ends"));
}

#[test]
fn what_is_remembered_and_what_waits_is_bounded() {
    let many = limits::AWAITING_ORIGIN as u64 + 10;
    let resumed = (0..many).map(|n| session(n + 2, 0x0303, &n.to_be_bytes(), true));
    let mut all = Resumption::default();
    let mut released = 0;
    for session in resumed {
        let now = session.last;
        assert!(all.hold(session).is_none());
        released += std::iter::from_fn(|| all.release(now)).count();
    }
    assert_eq!((released, all.waiting.len()), (10, limits::AWAITING_ORIGIN));
    let shown = all.shown(&{
        let mut audited = fixture::session(1, Posture::Tls);
        audited.client_auth = Seen::Value(crate::model::ClientAuth::NotRequested);
        audited
    });
    for n in 0..limits::ORIGINS as u64 + 5 {
        all.add(Handle::of(9, n), (n, Moment::default()), shown.clone());
    }
    assert_eq!((all.origins.len(), all.forgotten), (limits::ORIGINS, 5));
}
