//! What is told of a connection that is not all there: joined late, with holes, out of order.

use super::*;

#[test]
fn a_connection_joined_late_counts_what_it_cannot_name() {
    let late = conversation(6).split_off(4);
    let found = facts("h2", &late);
    let calls = found.calls.unwrap();
    assert_eq!((calls.requests, calls.unnamed), (5, 5));
    assert!(calls.calls.is_empty());
    assert_eq!(calls.authorities, Vec::<String>::new());
}

#[test]
fn a_method_first_called_after_joining_late_is_named() {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    to_server.headers(END, 1, GRPC);
    let new: Lines<'_> = &[(":method", "POST"), (":path", "/a.B/C"), GRPC[4]];
    let found = calls(&[
        client([to_server.headers(END, 3, GRPC), to_server.headers(END, 5, new)].concat()),
        server([to_client.headers(0, 3, GRPC_HEAD), to_client.headers(END, 3, GRPC_OK)].concat()),
        client([to_server.headers(END, 7, new), frame(6, 0, 0, &[0; 8])].concat()),
    ]);
    assert_eq!((found.requests, found.unnamed), (3, 1));
    assert_eq!(listed(&found), ["a.B/C 2 0 0"], "by its look: its content type was said before");
}

#[test]
fn answers_to_requests_that_nobody_saw_are_unnamed_requests() {
    let mut to_client = Peer::new();
    let found = calls(&[server(
        [
            frame(4, 0, 0, &[]),
            to_client.headers(0, 1, GRPC_HEAD),
            to_client.headers(END, 1, GRPC_OK),
        ]
        .concat(),
    )]);
    assert_eq!((found.requests, found.responses, found.unnamed), (0, 1, 1));
}

#[test]
fn an_answer_that_is_read_before_its_request_is_counted_once() {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    let found = calls(&[
        client(preface()),
        server([frame(4, 0, 0, &[]), to_client.headers(0, 1, GRPC_HEAD)].concat()),
        client(to_server.headers(END, 1, GRPC)),
        server(to_client.headers(END, 1, GRPC_OK)),
    ]);
    assert_eq!((found.requests, found.responses), (1, 1));
    assert_eq!(listed(&found), ["helloworld.Greeter/SayHello 1 1 0"]);
}

#[test]
fn a_hole_within_data_loses_nothing() {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    let mut first = [preface(), to_server.headers(0, 1, GRPC), data(END, 1, 1000)].concat();
    let rest = first.split_off(first.len() - 10);
    first.truncate(first.len() - 500);
    let second = [rest, to_server.headers(END, 3, GRPC)].concat();
    let found = calls(&[
        client(first),
        Event::Gap(Direction::ToServer, 500),
        client(second),
        server(frame(4, 0, 0, &[])),
        server([to_client.headers(0, 3, GRPC_HEAD), to_client.headers(END, 3, GRPC_OK)].concat()),
    ]);
    assert_eq!(listed(&found), ["helloworld.Greeter/SayHello 2 1 0"]);
}

#[test]
fn behind_a_lost_header_block_calls_are_counted_but_not_named() {
    let mut peer = Peer::new();
    let first = [preface(), peer.headers(END, 1, GRPC)].concat();
    let lost = peer.headers(END, 3, GRPC);
    let garbage = vec![0xee; 50];
    let behind = [peer.headers(END, 5, GRPC), peer.headers(END, 7, GRPC), data(END, 7, 3)].concat();
    let found = calls(&[
        client(first),
        Event::Gap(Direction::ToServer, lost.len() as u64),
        client([garbage, behind].concat()),
    ]);
    assert_eq!((found.requests, found.unnamed), (3, 2));
    assert_eq!(listed(&found), ["helloworld.Greeter/SayHello 1 0 0"]);
}

#[test]
fn a_hole_never_invents_a_call() {
    let events = conversation(8);
    let whole = calls(&events);
    for holed in 1..events.len() {
        for keep in [0, 5, 9, 20, 45] {
            let mut events = events.clone();
            let Event::Bytes(direction, bytes) = &mut events[holed] else { unreachable!() };
            let lost = bytes.len().saturating_sub(keep) as u64;
            let (direction, _) = (*direction, bytes.truncate(keep));
            events.insert(holed + 1, Event::Gap(direction, lost));
            let found = calls(&events);
            assert!(found.requests <= whole.requests && found.responses <= whole.responses);
            for call in &found.calls {
                let same = whole.calls.iter().find(|c| c.method == call.method);
                let same = same.expect("a call that was made");
                assert!(call.count <= same.count && call.succeeded <= same.succeeded);
                assert_eq!(call.failed, 0);
            }
        }
    }
}
