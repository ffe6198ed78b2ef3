//! Any segments between two hosts, in any order and with any flags: connections are followed to their end, nothing is
//! kept behind, and doing it again gives the same sessions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint::decode::{Segment, TcpFlags};
use wirelint::flow::Table;
use wirelint::inspect::Dialogue;
use wirelint::model::{FlowKey, Session};
use wirelint_fuzz::{Script, endpoint, follow_twice, moment, session};

fuzz_target!(|data: &[u8]| follow_twice(data, follow));

fn follow(mut script: Script<'_>) -> Vec<Session> {
    let mut table: Table<Dialogue> = Table::with_capacity(4);
    // The next sequence number of each side of each of four port pairs.
    let mut next = [[u32::MAX - 500, 1000]; 4];
    let mut index = 0_usize;
    let mut sessions = Vec::new();
    while !script.is_over() {
        let kind = script.byte();
        let (pair, side) = (usize::from(kind & 3), usize::from(kind >> 2 & 1));
        let flags = TcpFlags(script.byte());
        let back = u32::from(if kind & 8 != 0 { script.short() } else { 0 });
        let missing = u32::from(if kind & 16 != 0 { script.byte() } else { 0 });
        let length = script.short();
        let payload = script.bytes(length.into());
        index += if kind & 32 != 0 { 70_000 } else { 1 };
        let ends = [endpoint(1, 40_000 + pair as u16), endpoint(2, 443)];
        let sequence = next[pair][side].wrapping_add(32_768).wrapping_sub(back);
        let sequence = if back == 0 { next[pair][side] } else { sequence };
        let segment = Segment {
            at: moment(index),
            from: ends[side],
            to: ends[1 - side],
            sequence,
            acknowledgement: next[pair][1 - side],
            flags,
            vlan: None,
            hops: 64,
            payload,
            missing,
        };
        let (key, swapped) = FlowKey::of(segment.from, segment.to);
        table.segment(key, swapped, &segment);
        let opens = u32::from(flags.syn());
        next[pair][side] = sequence.wrapping_add(payload.len() as u32 + missing + opens);
        if kind & 64 != 0 {
            table.tick(moment(index));
        }
        sessions.extend(table.drain_ended().map(session));
    }
    table.finish();
    sessions.extend(table.drain_ended().map(session));
    sessions
}
