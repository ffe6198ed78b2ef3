use super::*;
use crate::model::FrameNo;

fn at(frame: u64) -> Moment {
    Moment { frame: FrameNo(frame), ..Moment::default() }
}

fn http(target: &str) -> CallName<'_> {
    CallName::Http { method: b"GET", target: target.as_bytes() }
}

#[test]
fn a_call_is_listed_once_however_often_it_is_made() {
    let mut calls = Calls::default();
    for frame in 1..=5 {
        let id = calls.request(CallName::Grpc(b"/pkg.Service/Method"), at(frame));
        calls.response(at(frame));
        calls.outcome(id, Status::Grpc(if frame == 5 { 7 } else { 0 }));
    }
    let facts = calls.into_facts().unwrap();
    let call = Call {
        service: "pkg.Service".into(),
        method: "Method".into(),
        count: 5,
        succeeded: 4,
        succeeded_authenticated: 0,
        failed: 1,
        last_status: Some(7),
        first: at(1),
    };
    assert_eq!(facts.calls, [call]);
    assert_eq!((facts.requests, facts.responses, facts.unnamed), (5, 5, 0));
    assert_eq!(facts.first_request, Some(at(1)));
}

#[test]
fn requests_that_differ_in_their_query_only_are_one_call() {
    let mut calls = Calls::default();
    let one = calls.request(http("/a?token=1"), at(1));
    let two = calls.request(http("/a?token=2"), at(2));
    assert_eq!(one, two);
    assert_eq!(calls.into_facts().unwrap().calls.len(), 1);
}

#[test]
fn the_list_of_calls_is_bounded_and_the_rest_is_counted() {
    let mut calls = Calls::default();
    for n in 0..1000 {
        calls.request(http(&format!("/x{n}")), at(n));
    }
    let facts = calls.into_facts().unwrap();
    assert_eq!(facts.calls.len(), limits::CALLS);
    assert_eq!((facts.requests, facts.unnamed), (1000, 0));
    assert!(facts.cut);
}

#[test]
fn names_are_bounded_escaped_and_listed_once() {
    let mut calls = Calls::default();
    calls.request(http("/"), at(1));
    for n in 0..100 {
        calls.user_agent(format!("agent/{n}\u{1b}[31m").as_bytes());
        calls.user_agent(b"agent/0\x1b[31m");
    }
    calls.authority(&[b'h'; 10_000]);
    let facts = calls.into_facts().unwrap();
    assert_eq!(facts.user_agents.len(), limits::NAMES);
    assert_eq!(facts.user_agents[0], "agent/0\\u{1b}[31m");
    assert_eq!(facts.authorities[0].len(), limits::TEXT_BYTES);
    assert!(facts.cut);
}

#[test]
fn userinfo_of_an_authority_is_dropped() {
    let mut calls = Calls::default();
    calls.request(http("/"), at(1));
    calls.authority(b"user:pass@host:80");
    assert_eq!(calls.into_facts().unwrap().authorities, ["host:80"]);
}

#[test]
fn a_connection_without_messages_has_no_calls() {
    assert_eq!(Calls::default().into_facts(), None);
}

#[test]
fn what_follows_an_upgrade_is_added_to_what_came_before() {
    let call = |target: &str, frame| {
        let mut calls = Calls::default();
        calls.request(http(target), at(frame));
        calls.authority(b"host");
        calls.scheme(b"Bearer x");
        *calls.into_facts().unwrap()
    };
    let mut first = call("/a", 1);
    merge_calls(&mut first, call("/a", 2));
    merge_calls(&mut first, call("/b", 3));
    assert_eq!(first.calls.iter().map(|call| call.count).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((first.requests, first.first_request), (3, Some(at(1))));
    assert_eq!(
        (&first.authorities[..], &first.auth_schemes[..]),
        (&["host".into()][..], &["bearer".into()][..])
    );
}
