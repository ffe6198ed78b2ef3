//! Any conversation, in whatever protocol it turns out to be, through the probes, changes of protocol and the turning of
//! client and server: it comes to an end, and uses no more than it was given.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint::flow::{StreamReader as _, Want};
use wirelint::inspect::Dialogue;
use wirelint::model::{Direction, Moment, PerDirection, limits};
use wirelint_fuzz::{Conversation, Event, moment};

fuzz_target!(|data: &[u8]| {
    let conversation = Conversation::parse(data);
    let mut connection = Connection::default();
    if conversation.cut % 7 == 0 {
        connection.dialogue.joined_midstream();
    }
    for (index, event) in conversation.events.iter().enumerate() {
        match event {
            Event::Bytes(direction, bytes) => {
                for piece in bytes.chunks(conversation.cut) {
                    connection.take(*direction, piece, moment(index));
                }
            }
            Event::Gap(direction, n) => connection.gap(*direction, *n, moment(index)),
        }
    }
    let (name, facts) = connection.dialogue.finish();
    assert!(name.is_some() || facts.tls.is_none(), "TLS facts of no protocol");
});

#[derive(Default)]
struct Connection {
    dialogue: Dialogue,
    left: PerDirection<Vec<u8>>,
    turned: bool,
    over: bool,
}

impl Connection {
    fn direction(&self, direction: Direction) -> Direction {
        if self.turned { direction.reversed() } else { direction }
    }

    fn take(&mut self, from: Direction, bytes: &[u8], at: Moment) {
        let direction = self.direction(from);
        self.left[direction].extend_from_slice(bytes);
        self.read(direction, at);
        assert!(self.over || self.left[direction].len() <= limits::PENDING_BYTES);
    }

    fn gap(&mut self, from: Direction, missing: u64, at: Moment) {
        if self.over {
            return;
        }
        let direction = self.direction(from);
        self.left[direction].clear();
        let want = self.dialogue.gap(direction, missing, at);
        self.follow(direction, want, at);
    }

    fn read(&mut self, direction: Direction, at: Moment) {
        // A reader may change its mind a few times about the same bytes, and not for ever.
        for _ in 0..100_000 {
            if self.over || self.left[direction].is_empty() {
                return;
            }
            let (used, want) = self.step(direction, at);
            self.follow(direction, want, at);
            if used == 0 && want != Want::Both {
                return;
            }
        }
        panic!("reading goes on without end");
    }

    fn step(&mut self, direction: Direction, at: Moment) -> (usize, Want) {
        let left = &mut self.left[direction];
        let (used, want) = self.dialogue.read(direction, left, at);
        assert!(used <= left.len(), "used {used} of {}", left.len());
        left.drain(..used);
        (used, want)
    }

    fn follow(&mut self, direction: Direction, want: Want, at: Moment) {
        match want {
            Want::More => {}
            Want::Nothing => self.over = true,
            Want::Both if self.left[direction.reversed()].is_empty() => {}
            Want::Both => {
                let (_, want) = self.step(direction.reversed(), at);
                self.over |= want == Want::Nothing;
            }
            Want::Reverse if self.turned => self.over = true,
            Want::Reverse => {
                self.turned = true;
                let PerDirection { to_server, to_client } = &mut self.left;
                std::mem::swap(to_server, to_client);
                for direction in Direction::BOTH {
                    self.read(direction, at);
                }
            }
        }
    }
}
