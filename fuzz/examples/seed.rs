//! Fills `fuzz/corpus/` from the samples: whole captures, and what the targets further in take of them.
//!
//! `fuzz/seed` runs it. Seeds are named by their content, so doing it again adds nothing.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use wirelint::capture::{CaptureFile, FrameSource as _, LinkType};
use wirelint::decode::{Decoded, Decoder};
use wirelint::flow::{StreamReader, Table, Want};
use wirelint::inspect::{Dialogue, hail};
use wirelint::model::{Direction, Endpoint, FlowKey, Moment, Seen};
use wirelint_fuzz::{Conversation, Event};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Larger seeds make fuzzing slow and are no better.
const LARGEST: usize = 64 * 1024;

/// Frames of one sample that become seeds of `decode_frame` and `flow`.
const FRAMES: usize = 40;

fn main() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus = Corpus(root.join("fuzz/corpus"));
    for sample in files(&root.join("samples"), &["pcap", "pcapng"])? {
        let bytes = fs::read(&sample)?;
        corpus.add("whole", &bytes)?;
        corpus.add("capture_file", &[&[7], bytes.as_slice()].concat())?;
        conversations(&corpus, &sample)?;
        frames(&corpus, &sample)?;
    }
    for seed in wirelint_fuzz::keyed::seeds() {
        corpus.add("keys", &seed)?;
    }
    for rule in files(&root.join("rules"), &["toml"])? {
        let text = fs::read_to_string(rule)?;
        corpus.add("rule_file", text.as_bytes())?;
        for line in text.lines() {
            if let Some(condition) = line.strip_prefix("when = ") {
                corpus.add("rule_file", condition.trim_matches(['\'', '"']).as_bytes())?;
            }
        }
    }
    let made = root.join("src/pki/testdata");
    let read = |name: &str| fs::read(made.join(format!("openssl-{name}")));
    let (authority, crl, staple) = (read("ca.der")?, read("crl.pem")?, read("ocsp.der")?);
    for leaf in ["good.der", "revoked.der"] {
        corpus.add("chain", &chain_seed(&[&authority, &crl, &staple, &read(leaf)?]))?;
        corpus.add("chain", &chain_seed(&[b"", b"", b"", &read(leaf)?, &authority]))?;
    }
    Ok(())
}

/// Options, then a bundle, a revocation list, a staple and the certificates of a chain, divided as the target does.
fn chain_seed(parts: &[&[u8]]) -> Vec<u8> {
    [&[0], parts.join(&b"\n##\n"[..]).as_slice()].concat()
}

struct Corpus(PathBuf);

impl Corpus {
    fn add(&self, target: &str, seed: &[u8]) -> Result {
        if seed.len() > LARGEST {
            return Ok(());
        }
        let folder = self.0.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{:016x}", fnv(seed))), seed)?;
        Ok(())
    }
}

/// FNV-1a: a name that depends on the content alone.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let paths: std::io::Result<Vec<PathBuf>> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let ends = |path: &PathBuf| {
        path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known))
    };
    Ok(paths?.into_iter().filter(ends).collect())
}

/// Writes down what a connection's reader is given, while a dialogue tells which protocol it is.
#[derive(Default)]
struct Recorder {
    events: Vec<Event>,
    dialogue: Dialogue,
}

impl StreamReader for Recorder {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Want) {
        self.events.push(Event::Bytes(direction, bytes.to_vec()));
        let _told = self.dialogue.read(direction, bytes, at);
        (bytes.len(), Want::More)
    }

    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) -> Want {
        self.events.push(Event::Gap(direction, missing));
        let _told = self.dialogue.gap(direction, missing, at);
        Want::More
    }

    fn joined_midstream(&mut self) {
        self.dialogue.joined_midstream();
    }
}

fn conversations(corpus: &Corpus, sample: &Path) -> Result {
    let mut file = CaptureFile::new("sample", fs::File::open(sample)?)?;
    let mut decoder = Decoder::new();
    let mut table: Table<Recorder> = Table::default();
    while let Some(frame) = file.next()? {
        if let Decoded::Segment(segment) = decoder.decode(&frame) {
            let (key, swapped) = FlowKey::of(segment.from, segment.to);
            table.segment(key, swapped, &segment);
        }
    }
    table.finish();
    for ended in table.drain_ended() {
        let Recorder { events, dialogue } = ended.reader;
        let (protocol, facts) = dialogue.finish();
        let target = match protocol {
            Some("tls") => "tls",
            Some("http/1.1") => "http1",
            Some("h2" | "grpc") => "http2",
            _ => "dialogue",
        };
        if target == "http2" {
            let blocks = header_blocks(&events);
            corpus.add("hpack", &Conversation { cut: 5, events: blocks }.encode())?;
        }
        let seed = Conversation { cut: 5, events }.encode();
        corpus.add(target, &seed)?;
        corpus.add("dialogue", &seed)?;
        for chain in facts.tls.iter().flat_map(|tls| [&tls.server_chain, &tls.client_chain]) {
            let Seen::Value(chain) = chain else { continue };
            let parts: Vec<&[u8]> = chain.iter().map(|certificate| &*certificate.0).collect();
            corpus.add("chain", &chain_seed(&[&[b"".as_slice(); 3], parts.as_slice()].concat()))?;
            for certificate in chain {
                corpus.add("certificate", &certificate.0)?;
            }
        }
    }
    Ok(())
}

/// The header blocks of an HTTP/2 conversation, one per event, without what pads or prioritises them.
fn header_blocks(events: &[Event]) -> Vec<Event> {
    let mut blocks = Vec::new();
    for way in Direction::BOTH {
        let bytes = events.iter().filter_map(|event| match event {
            Event::Bytes(direction, bytes) if *direction == way => Some(bytes.as_slice()),
            _ => None,
        });
        let stream = bytes.collect::<Vec<_>>().concat();
        let mut rest = stream.strip_prefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap_or(&stream);
        while let Some(([a, b, c, kind, flags, ..], payload)) = rest.split_at_checked(9) {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            let Some((payload, next)) = payload.split_at_checked(length) else { break };
            if (*kind, flags & 0x2c) == (1, 4) {
                blocks.push(Event::Bytes(way, payload.to_vec()));
            }
            rest = next;
        }
    }
    blocks
}

fn frames(corpus: &Corpus, sample: &Path) -> Result {
    let mut file = CaptureFile::new("sample", fs::File::open(sample)?)?;
    let mut decoder = Decoder::new();
    let mut segments = Vec::new();
    // By the ends, whose first sender is the client: each pair is a script of its own.
    let mut datagrams: BTreeMap<FlowKey, (Endpoint, Vec<u8>)> = BTreeMap::new();
    let mut count = 0;
    while let Some(frame) = file.next()? {
        let carried = decoder.decode(&frame);
        if let Decoded::Datagram(datagram) = &carried
            && hail(datagram.payload).is_some()
        {
            let (ends, _) = FlowKey::of(datagram.from, datagram.to);
            let (client, script) = datagrams.entry(ends).or_insert((datagram.from, Vec::new()));
            script.push(u8::from(datagram.from != *client) << 2);
            script.extend(u16::try_from(datagram.payload.len())?.to_be_bytes());
            script.extend(datagram.payload);
        }
        count += 1;
        if count > FRAMES {
            continue;
        }
        let length = u16::try_from(frame.data.len())?;
        if frame.link == LinkType::ETHERNET {
            corpus.add("decode_frame", &[&[0], &length.to_be_bytes()[..], frame.data].concat())?;
        }
        if let Decoded::Segment(segment) = carried {
            let side = u8::from(segment.from < segment.to) << 2;
            let length = u16::try_from(segment.payload.len())?.to_be_bytes();
            segments.extend([side, segment.flags.0]);
            segments.extend(length);
            segments.extend(segment.payload);
        }
    }
    for (_, script) in datagrams.values() {
        corpus.add("conversations", script)?;
    }
    corpus.add("flow", &segments)
}
