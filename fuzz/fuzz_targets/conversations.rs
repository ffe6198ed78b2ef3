//! Any datagrams between two hosts: those of conversations are followed to their end, each begins with a question and its
//! answer, and doing it again gives the same sessions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint::decode::Datagram;
use wirelint::flow::{Conversations, Ended, Table};
use wirelint::inspect::{Dialogue, hail};
use wirelint::model::{Endpoint, Session, Transport};
use wirelint_fuzz::{Script, endpoint, follow_twice, moment, session};

fuzz_target!(|data: &[u8]| follow_twice(data, follow));

fn follow(mut script: Script<'_>) -> Vec<Session> {
    let mut conversations = Conversations::default();
    let mut table: Table<Dialogue> = Table::with_capacity(4);
    let (mut index, mut followed) = (0_usize, 0_u64);
    let mut sessions = Vec::new();
    while !script.is_over() {
        let kind = script.byte();
        let missing = u32::from(if kind & 8 != 0 { script.byte() } else { 0 });
        let length = script.short();
        index += if kind & 16 != 0 { 70_000 } else { 1 };
        // The clock beats where so much time has gone by, before what comes then.
        if kind & (16 | 32) != 0 {
            conversations.tick(moment(index).time);
            table.tick(moment(index));
        }
        let (client, server) = (end(1, 40_000 + u16::from(kind & 3)), end(2, 1194));
        let (from, to) = if kind & 4 == 0 { (client, server) } else { (server, client) };
        let datagram = Datagram {
            at: moment(index),
            from,
            to,
            vlan: None,
            hops: 64,
            network: None,
            payload: script.bytes(length.into()),
            missing,
        };
        let heard = hail(datagram.payload).and_then(|hail| conversations.take(&datagram, hail));
        if let Some(heard) = heard {
            assert_eq!((heard.turn.from, heard.turn.to), (from, to));
            if let Some(ask) = &heard.ask {
                assert_eq!((ask.turn().from, ask.turn().to), (to, from));
                table.datagram(heard.key, &ask.turn());
                followed += 1;
            }
            table.datagram(heard.key, &heard.turn);
            followed += 1;
        }
        sessions.extend(table.drain_ended().map(whole));
    }
    assert_eq!(conversations.heard(), followed);
    conversations.finish();
    table.finish();
    sessions.extend(table.drain_ended().map(whole));
    sessions
}

fn whole(ended: Box<Ended<Dialogue>>) -> Session {
    let session = session(ended);
    let traffic = &session.traffic;
    assert!(traffic.to_server.packets > 0 && traffic.to_client.packets > 0);
    session
}

fn end(host: u8, port: u16) -> Endpoint {
    endpoint(host, port).over(Transport::Udp)
}
