//! What is noted with an entry of the header table comes to the same as the field itself.

use super::*;
use crate::model::Facts;

/// Writes every field as a literal that is put into no table.
fn literals(lines: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    lines.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// A request as numbers: method, path, kind of content, credential, caller; and its answer: status, status of gRPC.
type Asked = ((usize, usize, usize, usize, usize), (usize, usize));

const METHODS: [&str; 2] = ["POST", "GET"];
const PATHS: [&str; 6] = [
    "/shop.Orders/Get",
    "/shop.Orders/Create",
    "/shop.Orders/Get?key=s3cr3t-v4lu3",
    "/etcdserverpb.KV/Range",
    "http://ada:pw@shop/shop.Orders/Get",
    "/plain",
];
const CONTENTS: [&str; 4] = ["", "application/grpc", "application/connect+proto", "text/html"];
const CREDENTIALS: [&str; 3] = ["", "Bearer t0ken-0f-n0body", "Basic YWRhOnB3"];
const CALLERS: [&str; 2] = ["grpc-go/1.70.0", "curl/8"];
const STATUSES: [&str; 3] = ["200", "401", "103"];
const GRPC_STATUSES: [&str; 3] = ["", "0", "16"];
const BODY: &[u8] = b"\0\0\0\0\x1efour and twenty bytes and more";

fn conversation(asked: &[Asked], mut write: impl FnMut(Direction, Lines<'_>) -> Vec<u8>) -> Facts {
    let mut events = vec![client(preface()), server(frame(4, 0, 0, &[]))];
    for (number, ((method, path, content, credential, caller), (status, grpc))) in
        asked.iter().enumerate()
    {
        let stream = u32::try_from(number).unwrap() * 2 + 1;
        let head = [
            (":method", METHODS[*method]),
            (":path", PATHS[*path]),
            ("content-type", CONTENTS[*content]),
            ("authorization", CREDENTIALS[*credential]),
            ("user-agent", CALLERS[*caller]),
        ];
        let head: Vec<_> = head.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let head = write(Direction::ToServer, &head);
        events.push(client(frame(frames::HEADERS, WHOLE, stream, &head)));
        events.push(client(frame(frames::DATA, END, stream, BODY)));
        let answer = [
            (":status", STATUSES[*status]),
            ("content-type", CONTENTS[*content]),
            ("grpc-status", GRPC_STATUSES[*grpc]),
        ];
        let answer: Vec<_> = answer.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let answer = write(Direction::ToClient, &answer);
        events.push(server(frame(frames::HEADERS, WHOLE | END, stream, &answer)));
    }
    facts("h2", &events)
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn a_connection_comes_to_the_same_whether_its_fields_are_indexed_or_not(
        asked in proptest::collection::vec(
            ((0_usize..2, 0_usize..6, 0_usize..4, 0_usize..3, 0_usize..2), (0_usize..3, 0_usize..3)),
            0..24,
        ),
    ) {
        let mut peers = PerDirection { to_server: Peer::new(), to_client: Peer::new() };
        let indexed = conversation(&asked, |side, lines| peers[side].block(lines));
        let spelled = conversation(&asked, |_, lines| literals(lines));
        prop_assert_eq!(indexed, spelled);
    }
}
