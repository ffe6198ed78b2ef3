//! Any sequence of operations on the assembler, beside a model that keeps single bytes.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use wirelint::flow::{Assembler, Bounds};
use wirelint_fuzz::Script;

const BOUNDS: Bounds = Bounds { bytes: 600, pieces: 12 };

fuzz_target!(|data: &[u8]| {
    let mut script = Script(data);
    // Offsets begin where `flow` lets them begin: billions of segments away from either end.
    let start = 1 << 33;
    let mut assembler = Assembler::starting_at(start);
    let mut model = Model { base: start, bytes: BTreeMap::new() };
    let mut counter = 0_u8;
    while !script.is_over() {
        let operation = script.byte();
        let at = model.base.saturating_add(u64::from(script.byte())).saturating_sub(64);
        let n = u64::from(script.byte());
        let piece: Vec<u8> = (0..n)
            .map(|_| {
                counter = counter.wrapping_add(1);
                counter
            })
            .collect();
        match operation % 8 {
            0 | 1 => insert(&mut assembler, &mut model, at, &piece),
            2 => pass(&mut assembler, &mut model, at, &piece, usize::from(operation >> 3)),
            3 | 4 => {
                assembler.consume(n as usize);
                model.consume(n);
            }
            5 => assert_eq!(assembler.skip_gap(), model.skip_gap()),
            6 => {
                let lost = model.lose(n);
                assert_eq!(assembler.lose(n), lost);
            }
            _ => {
                assembler.restart_at(at);
                model.restart_at(at);
            }
        }
        check(&assembler, &model);
    }
});

fn insert(assembler: &mut Assembler, model: &mut Model, at: u64, piece: &[u8]) {
    let (held, pieces) = (assembler.held(), assembler.pending_pieces());
    if assembler.insert(at, piece, BOUNDS).is_ok() {
        model.insert(at, piece);
    } else {
        assert!(
            held + piece.len() > BOUNDS.bytes || pieces >= BOUNDS.pieces,
            "refused for nothing"
        );
    }
}

fn pass(assembler: &mut Assembler, model: &mut Model, at: u64, piece: &[u8], left: usize) {
    let Some(fresh) = assembler.pass(at, piece) else { return };
    assert!(model.bytes.is_empty(), "passed although bytes are held");
    model.insert(at, piece);
    assert_eq!(fresh, model.ready());
    let (_, rest) = fresh.split_at(fresh.len().saturating_sub(left));
    model.consume((fresh.len() - rest.len()) as u64);
    assembler.hold(rest);
}

fn check(assembler: &Assembler, model: &Model) {
    assert_eq!(assembler.ready(), model.ready());
    assert_eq!(assembler.held(), model.bytes.len());
    assert_eq!(assembler.next_offset(), model.next());
    let holes = model.runs().iter().filter(|(first, _)| *first != model.base).count();
    assert_eq!(assembler.pending_pieces(), holes);
    assert_eq!(assembler.pending_bytes(), model.bytes.len() - model.ready().len());
}

/// Every byte held, by its offset. The first byte seen at an offset stays.
struct Model {
    base: u64,
    bytes: BTreeMap<u64, u8>,
}

impl Model {
    fn insert(&mut self, at: u64, piece: &[u8]) {
        for (n, byte) in (0..).zip(piece) {
            if at + n >= self.base {
                self.bytes.entry(at + n).or_insert(*byte);
            }
        }
    }

    /// First and one past last offset of each run of bytes.
    fn runs(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for offset in self.bytes.keys() {
            match runs.last_mut() {
                Some((_, end)) if end == offset => *end += 1,
                _ => runs.push((*offset, offset + 1)),
            }
        }
        runs
    }

    fn next(&self) -> u64 {
        let first = self.runs().first().copied();
        first.filter(|(first, _)| *first == self.base).map_or(self.base, |(_, end)| end)
    }

    fn ready(&self) -> Vec<u8> {
        self.bytes.range(self.base..self.next()).map(|(_, byte)| *byte).collect()
    }

    fn drop_before(&mut self, offset: u64) {
        self.base = offset;
        self.bytes = self.bytes.split_off(&offset);
    }

    fn consume(&mut self, n: u64) {
        self.drop_before(self.base.saturating_add(n).min(self.next()));
    }

    fn skip_gap(&mut self) -> Option<u64> {
        let next = self.next();
        let first = self.bytes.range(next..).next().map(|(offset, _)| *offset)?;
        self.drop_before(first);
        Some(first - next)
    }

    /// The loss ends where bytes are known.
    fn lose(&mut self, n: u64) -> u64 {
        let next = self.next();
        let until = self.bytes.range(next..).next().map_or(u64::MAX, |(offset, _)| *offset);
        let end = next.saturating_add(n).min(until);
        self.drop_before(end);
        end - next
    }

    /// Runs that begin earlier are dropped whole.
    fn restart_at(&mut self, offset: u64) {
        if self.next() != self.base {
            return;
        }
        for (first, end) in self.runs() {
            if first < offset {
                self.bytes.retain(|at, _| !(first..end).contains(at));
            }
        }
        self.base = offset;
    }
}
