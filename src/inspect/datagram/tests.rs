//! Datagrams put together from the specifications; none was captured.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;
use crate::model::{Endpoint, Moment};

fn heard(datagrams: &[(u16, Vec<u8>)]) -> DatagramFacts {
    let mut all = Datagrams::default();
    for (port, payload) in datagrams {
        let end = |port| Endpoint::new([10, 0, 0, 9].into(), port);
        let at = Moment::default();
        all.read(&Datagram {
            at,
            from: end(40000),
            to: end(*port),
            vlan: None,
            hops: 64,
            network: None,
            payload,
            missing: 0,
        });
    }
    all.finish()
}

fn told(facts: &DatagramFacts) -> Vec<(&str, bool, &str, &str)> {
    let all = facts.announcements.iter().map(|one| &one.registration);
    all.map(|one| (one.registry, one.write, &*one.service, &*one.address)).collect()
}

fn name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.') {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend(label.as_bytes());
    }
    [&out[..], &[0]].concat()
}

fn record(owner: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [owner, &[0, kind, 0, 1, 0, 0, 0, 60], &length, data].concat()
}

fn answer(questions: &[Vec<u8>], records: &[Vec<u8>]) -> Vec<u8> {
    let counts = [0, questions.len() as u8, 0, records.len() as u8, 0, 0, 0, 0];
    [&[0, 7, 0x84, 0], &counts[..], &questions.concat(), &records.concat()].concat()
}

#[test]
fn names_in_answers_are_learned() {
    let question = [name("orders.service.consul"), vec![0, 33, 0, 1]].concat();
    let host = name("h1.node.consul");
    let service = [&[0, 1, 0, 1, 0x1f, 0x90][..], &host].concat();
    let records = [record(&[0xc0, 12], 33, &service), record(&host, 1, &[10, 0, 0, 7])];
    let facts = heard(&[(53, answer(&[question], &records)), (53, vec![0; 40])]);
    let expected = [
        ("dns", false, "orders.service.consul", "10.0.0.7:8080"),
        ("dns", false, "h1.node.consul", "10.0.0.7"),
    ];
    assert_eq!(told(&facts), expected);
}

#[test]
fn go_micro_announcements_are_opened() {
    let json = br#"{"Service":"go.micro.srv.orders","Version":"latest","Metadata":{"token":"x"}}"#;
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(json).unwrap();
    let digits: String = zlib.finish().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(digits.starts_with("789c"));
    let texts = digits.as_bytes().chunks(255);
    let text: Vec<u8> = texts.flat_map(|text| [&[text.len() as u8], text].concat()).collect();
    let node = name("orders-1.orders.micro");
    let service = [&[0, 10, 0, 1, 0x9c, 0x40][..], &name("orders-1")].concat();
    let records = [
        record(&node, 33, &service),
        record(&node, 16, &text),
        record(&name("orders-1"), 1, &[10, 0, 0, 9]),
    ];
    let facts = heard(&[(5353, answer(&[], &records)), (5353, answer(&[], &records))]);
    let announced = ("mdns", true, "go.micro.srv.orders", "10.0.0.9:40000");
    assert_eq!(told(&facts)[1], announced);
    let one = &facts.announcements[1];
    assert!(one.registration.holds_credential);
    assert_eq!(one.count, 2, "the same again is counted");
}

#[test]
fn gossip_names_nodes() {
    let alive = b"\x04\x84\xabIncarnation\x01\xa4Node\xa2n1\xa4Addr\xc4\x04\x0a\x00\x00\x05\xa4Port\xcd\x20\xfd";
    let length = [0, u8::try_from(alive.len()).unwrap()];
    let compound = [&[7, 2, 0, 2][..], &length, b"\x02\x80", alive].concat();
    let checked = [&[12, 1, 2, 3, 4][..], alive].concat();
    let facts = heard(&[(8301, alive.to_vec()), (8301, compound), (8301, checked)]);
    assert_eq!(told(&facts), [("memberlist", false, "n1", "10.0.0.5:8445")]);
    assert_eq!(facts.announcements[0].count, 3);
}

#[test]
fn quic_is_counted() {
    let initial = [&[0xc3, 0, 0, 0, 1, 8][..], &[1; 8], &[0], &[0; 100]].concat();
    let short = [&[0x43][..], &[1; 100]].concat();
    assert_eq!(heard(&[(443, initial), (443, short)]).quic, 1);
}

#[test]
fn any_bytes_are_survived() {
    let mut x = 1u32;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 24) as u8
    };
    let question = [name("a.b"), vec![0, 1, 0, 1]].concat();
    let sound = answer(&[question], &[record(&[0xc0, 12], 1, &[1, 2, 3, 4])]);
    let mut all = Vec::new();
    for n in 0..20_000 {
        let mut bytes = sound.clone();
        for _ in 0..1 + n % 4 {
            let place = usize::from(next()) % bytes.len();
            bytes[place] = next();
        }
        all.push((53, bytes));
        let noise: Vec<u8> = (0..next()).map(|_| next()).collect();
        all.push((53, noise));
    }
    assert!(heard(&all).announcements.len() <= limits::ANNOUNCEMENTS);
    // A name that leads into itself.
    let endless = [&[0, 7, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0][..], &record(&[0xc0, 12], 1, &[1; 4])];
    assert_eq!(told(&heard(&[(53, endless.concat())])), []);
}
