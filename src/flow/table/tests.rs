//! Connections written as lines: `> flags seq ack payload`, client `>` and server `<`.

mod ends;

use super::*;
use crate::decode::TcpFlags;
use crate::flow::Want;
use crate::model::{Direction, Endpoint, FrameNo, Roles};

/// Writes down what it is given: `>abc` from the client, `<abc` from the server, `!3` for a hole.
#[derive(Debug, Default)]
struct Scribe {
    text: String,
    midstream: bool,
}

impl StreamReader for Scribe {
    fn read(&mut self, direction: Direction, bytes: &[u8], _: Moment) -> (usize, Want) {
        if bytes.starts_with(b"server:") && direction == Direction::ToServer {
            return (0, Want::Reverse);
        }
        self.text.push(if direction == Direction::ToServer { '>' } else { '<' });
        self.text.push_str(std::str::from_utf8(bytes).unwrap());
        let want = if bytes.ends_with(b"stop") { Want::Nothing } else { Want::More };
        (bytes.len(), want)
    }

    fn gap(&mut self, _: Direction, missing: u64, _: Moment) -> Want {
        self.text.push_str(&format!("!{missing}"));
        Want::More
    }

    fn joined_midstream(&mut self) {
        self.midstream = true;
    }
}

struct Lab {
    table: Table<Scribe>,
    frame: u64,
    seconds: i64,
    /// Beside the seconds.
    millis: i64,
    client_port: u16,
    hops: u8,
}

impl Lab {
    fn new() -> Self {
        let table = Table::default();
        Self { table, frame: 0, seconds: 0, millis: 0, client_port: 40_000, hops: 64 }
    }

    fn play(&mut self, lines: &[&str]) -> &mut Self {
        for line in lines {
            self.line(line);
        }
        self
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let client = Endpoint::new([10, 0, 0, 1].into(), self.client_port);
        let server = Endpoint::new([10, 0, 0, 2].into(), 443);
        let (from, to) = if words[0] == ">" { (client, server) } else { (server, client) };
        let bits = words[1].chars().map(|flag| match flag {
            'S' => TcpFlags::SYN,
            'A' => TcpFlags::ACK,
            'F' => TcpFlags::FIN,
            'R' => TcpFlags::RST,
            _ => 0,
        });
        self.frame += 1;
        let at = Moment { time: self.now(), frame: FrameNo(self.frame) };
        let segment = Segment {
            at,
            from,
            to,
            sequence: words[2].parse().unwrap(),
            acknowledgement: words[3].parse().unwrap(),
            flags: TcpFlags(bits.fold(0, |all, bit| all | bit)),
            vlan: None,
            hops: self.hops,
            payload: words.get(4).map_or(&[], |text| text.as_bytes()),
            missing: words.get(5).map_or(0, |text| text.parse().unwrap()),
        };
        let (key, swapped) = FlowKey::of(from, to);
        self.table.segment(key, swapped, &segment);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds).plus_micros(self.millis * 1000)
    }

    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.seconds += seconds;
        self.tick(self.now())
    }

    fn wait_millis(&mut self, millis: i64) -> &mut Self {
        self.millis += millis;
        self.tick(self.now())
    }

    fn tick(&mut self, time: Timestamp) -> &mut Self {
        self.table.tick(Moment { time, frame: FrameNo(self.frame) });
        self
    }

    fn ended(&mut self) -> Vec<Ended<Scribe>> {
        self.table.drain_ended().map(|ended| *ended).collect()
    }

    /// Ends the capture and gives the only connection.
    fn only(&mut self) -> Ended<Scribe> {
        self.table.finish();
        let mut all = self.ended();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

fn text_of(lines: &[&str]) -> String {
    Lab::new().play(lines).only().reader.text
}

const HELLO: [&str; 3] = ["> S 100 0", "< SA 500 101", "> A 101 501"];

#[test]
fn a_whole_connection_is_read_and_ends_by_fin() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&[
        "> A 101 501 ask",
        "< A 501 104 answer",
        "> FA 104 507",
        "< FA 507 105",
    ]);
    let one = lab.only();
    assert_eq!(one.reader.text, ">ask<answer");
    assert_eq!((one.session.end, one.session.roles), (EndState::Fin, Roles::Syn));
    assert!(one.session.start_seen && !one.reader.midstream);
    assert_eq!(one.session.traffic.to_server.packets, 4);
    assert_eq!(one.session.traffic.to_client.bytes, 6);
    assert_eq!(one.session.first.frame, FrameNo(1));
}

#[test]
fn order_repetition_and_overlap_do_not_change_what_is_read() {
    let tails: [&[&str]; 7] = [
        &["> A 101 501 abc", "> A 104 501 def"],
        &["> A 104 501 def", "> A 101 501 abc"],
        &["> A 101 501 abc", "> A 101 501 abc", "> A 102 501 bcdef"],
        &["> A 105 501 ef", "> A 103 501 cd", "> A 101 501 ab"],
        &["> A 101 501 abc", "> A 100 501 x", "> A 104 501 def"],
        &["> A 103 501 cdef", "> A 101 501 abXd"],
        &["> A 104 501 def", "> A 101 501 abcX"],
    ];
    for tail in tails {
        let text = text_of(&[&HELLO[..], tail].concat());
        assert_eq!(text.replace('>', ""), "abcdef", "{tail:?}");
    }
}

#[test]
fn a_conflicting_overlap_is_counted() {
    let one = Lab::new().play(&HELLO).play(&["> A 103 501 cdef", "> A 101 501 abXd"]).only();
    assert_eq!(one.session.stream.conflicting_overlaps, 1);
}

#[test]
fn data_before_the_syn_ack_waits_for_it() {
    let text = text_of(&["> S 100 0", "< A 504 101 def", "< SA 500 101", "< A 501 101 abc"]);
    assert_eq!(text, "<abcdef");
}

#[test]
fn data_on_the_syn_is_read_once() {
    let text = text_of(&["> S 100 0 abc", "< SA 500 101", "> A 101 501 abc", "> A 104 501 d"]);
    assert_eq!(text, ">abc>d");
}

#[test]
fn sequence_numbers_wrap_at_their_end() {
    let text = text_of(&[
        "> S 4294967293 0",
        "< SA 500 4294967294",
        "> A 0 501 cd",
        "> A 4294967294 501 ab",
        "> A 2 501 ef",
    ]);
    assert_eq!(text, ">abcd>ef");
}

#[test]
fn a_hole_is_reported_when_the_connection_ends() {
    let one = Lab::new().play(&HELLO).play(&["> A 101 501 ab", "> A 106 501 fg"]).only();
    assert_eq!(one.reader.text, ">ab!3>fg");
    assert_eq!(one.session.stream.gap_bytes.to_server, 3);
}

#[test]
fn a_segment_cut_by_the_snapshot_length_is_a_hole_at_once() {
    let text = text_of(&[&HELLO[..], &["> A 101 501 ab 3", "> A 106 501 fg"]].concat());
    assert_eq!(text, ">ab!3>fg");
}

#[test]
fn a_cut_segment_loses_no_byte_that_another_segment_brought() {
    let mut lines = HELLO.to_vec();
    lines.extend(["> A 105 501 ef", "> A 101 501 ab 4", "> A 107 501 g"]);
    assert_eq!(text_of(&lines), ">ab!2>ef>g");
}

#[test]
fn what_was_held_for_a_start_that_never_came_is_all_read() {
    let text = text_of(&["> S 100 0", "< A 501 101 abc", "< A 507 101 ghi"]);
    assert_eq!(text, "<abc!3<ghi");
}

#[test]
fn a_keep_alive_changes_nothing() {
    let text = text_of(
        &[&HELLO[..], &["> A 101 501 ab", "> A 102 501 b", "> A 102 501", "> A 103 501 c"]]
            .concat(),
    );
    assert_eq!(text, ">ab>c");
}

#[test]
fn joining_late_says_so_and_guesses_by_port() {
    let one = Lab::new().play(&["< A 501 104 answer", "> A 104 507 ask"]).only();
    assert_eq!(one.reader.text, "<answer>ask");
    assert!(one.reader.midstream && !one.session.start_seen);
    assert_eq!((one.session.roles, one.session.server.port), (Roles::Guess, 443));
}

#[test]
fn content_turns_a_wrong_guess_round() {
    let one = Lab::new().play(&["> A 101 501 server:hi", "< A 501 110 client"]).only();
    assert_eq!(one.reader.text, "<server:hi>client");
    assert_eq!((one.session.roles, one.session.client.port), (Roles::Content, 443));
    assert_eq!(one.session.traffic.to_client.bytes, 9);
}

#[test]
fn a_new_syn_on_the_same_ports_is_a_new_connection() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 one"]);
    lab.play(&["> S 9000 0", "< SA 7000 9001", "> A 9001 7001 two"]);
    lab.table.finish();
    let texts: Vec<_> = lab.ended().into_iter().map(|one| one.reader.text).collect();
    assert_eq!(texts, [">one", ">two"]);
}

#[test]
fn a_repeated_syn_is_not_a_new_connection() {
    let text =
        text_of(&["> S 100 0", "> S 100 0", "< SA 500 101", "< SA 500 101", "> A 101 501 one"]);
    assert_eq!(text, ">one");
}

#[test]
fn simultaneous_open_is_one_connection() {
    let text = text_of(&[
        "> S 100 0",
        "< S 500 0",
        "> SA 100 501",
        "< SA 500 101",
        "> A 101 501 hi",
        "< A 501 103 ho",
    ]);
    assert_eq!(text, ">hi<ho");
}

#[test]
fn a_place_that_another_connection_has_taken_is_not_taken_for_the_first_ones() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "> R 104 501"]).wait(5);
    assert_eq!(lab.ended().len(), 1);
    lab.client_port = 40_001;
    lab.play(&HELLO).play(&["> A 101 501 other"]);
    lab.client_port = 40_000;
    lab.play(&["> A 101 501 ask"]);
    assert_eq!(lab.table.counts().strays, 1);
    assert_eq!(lab.only().reader.text, ">other");
}

#[test]
fn silence_ends_a_connection_by_packet_time() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask"]);
    lab.wait(limits::IDLE_SECONDS - 1).play(&["> A 104 501 more"]);
    lab.wait(limits::IDLE_SECONDS - 1);
    assert!(lab.ended().is_empty());
    lab.wait(2);
    assert_eq!(lab.ended()[0].session.end, EndState::Timeout);
}

#[test]
fn a_late_packet_after_silence_begins_a_new_connection_without_a_tick() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask"]);
    lab.seconds += limits::IDLE_SECONDS + 1;
    lab.play(&["> A 104 501 more"]);
    lab.table.finish();
    assert_eq!(lab.ended().len(), 2);
}

#[test]
fn lone_syns_are_counted_and_are_no_connections() {
    let mut lab = Lab::new();
    lab.play(&["> S 100 0"]).client_port = 40_001;
    lab.play(&["> S 100 0", "< RA 0 101"]);
    lab.table.finish();
    assert!(lab.ended().is_empty());
    assert_eq!(lab.table.counts().half_open, 2);
}

#[test]
fn a_full_table_ends_the_connection_that_was_quiet_longest() {
    let mut lab = Lab::new();
    lab.table = Table::with_capacity(2);
    for port in 1..=3 {
        lab.client_port = 40_000 + port;
        lab.seconds += 1;
        lab.play(&HELLO).play(&["> A 101 501 x"]);
    }
    let all = lab.ended();
    assert_eq!((all.len(), all[0].session.client.port), (1, 40_001));
    assert_eq!(lab.table.counts().evicted, 1);
}

#[test]
fn a_reader_that_wants_nothing_more_costs_no_memory() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 stop", "> A 200 501 zz", "> A 105 501 more"]);
    let one = lab.only();
    assert_eq!((one.reader.text.as_str(), one.session.traffic.to_server.bytes), (">stop", 10));
}

#[test]
fn a_direction_that_never_becomes_whole_stays_bounded() {
    let mut lab = Lab::new();
    lab.play(&HELLO);
    let junk = "x".repeat(1000);
    for n in 0..2_000u32 {
        lab.line(&format!("> A {} 501 {junk}", 103 + n * 1001));
        let held: usize = lab.table.held;
        assert!(held <= limits::PENDING_BYTES + 2000, "{held}");
    }
    let one = lab.only();
    assert!(one.session.stream.gap_bytes.to_server > 1000);
}

#[test]
fn bytes_that_the_receiver_has_and_the_capture_does_not_are_missing() {
    let lines = ["> A 101 501 ask", "< A 501 114 answer", "> FA 114 507", "< FA 507 115"];
    let one = Lab::new().play(&HELLO).play(&lines).only();
    assert_eq!(one.session.stream.gap_bytes.to_server, 10);
    assert_eq!(one.session.stream.gap_bytes.to_client, 0);
    assert!(one.reader.text.ends_with("!10"), "{}", one.reader.text);
}

#[test]
fn a_direction_that_was_not_captured_has_no_hole() {
    let one = Lab::new().play(&["< SA 500 101", "< A 501 104 answer", "< FA 507 105"]).only();
    assert_eq!(one.session.stream.gap_bytes.to_server, 0);
    assert!(one.session.one_sided(), "a SYN-ACK is a packet of the server");
    assert_eq!(one.session.traffic.to_client.packets, 3);
}

#[test]
fn hops_are_those_of_the_first_payload_and_not_of_what_answers_the_syn() {
    let mut lab = Lab::new();
    lab.play(&["> S 0 0"]);
    lab.hops = 255;
    lab.play(&["< SA 0 1"]);
    lab.hops = 61;
    lab.play(&["> A 1 1 hello", "< A 1 6 answer"]);
    lab.hops = 7;
    lab.play(&["< A 7 6 more"]);
    let hops = lab.only().session.hops;
    assert_eq!((hops.to_server, hops.to_client), (61, 61));
}
