//! Every protocol of the table keeps the promises of `wirelint::inspect`. Knows none of them: a new protocol is tested as
//! soon as it is in the table and a sample speaks it.
//!
//! Conversations come from the samples and are said again, cut, holed or spoilt; through reassembly and the dialogue as
//! well as to each inspector directly.

#![cfg(test)]

#[path = "support/conversation.rs"]
mod conversation;
#[path = "support/holes.rs"]
mod holes;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use conversation::{Conversation, Event, Heard, Random, conversations, inspect, overhear};
use holes::{invented, invented_facts};
use program::captures;
use wirelint::inspect::{Head, PROTOCOLS, Probe, Protocol};
use wirelint::model::{Direction, FirstBytes, limits};

static CONVERSATIONS: LazyLock<Vec<Conversation>> = LazyLock::new(|| {
    let all: Vec<_> = captures().iter().flat_map(|capture| conversations(capture)).collect();
    assert!(all.len() > 60, "{} conversations", all.len());
    all
});

/// Ways to cut a conversation into pieces: of one length, or of random lengths up to a longest.
const CUTS: [(usize, Option<u64>); 12] = [
    (1, None),
    (2, None),
    (3, None),
    (7, None),
    (64, None),
    (536, None),
    (usize::MAX, None),
    (4, Some(1)),
    (20, Some(2)),
    (100, Some(3)),
    (1000, Some(4)),
    (5000, Some(5)),
];

fn cut(conversation: &Conversation, (longest, seed): (usize, Option<u64>)) -> Conversation {
    let mut random = seed.map(Random);
    conversation.cut(|| random.as_mut().map_or(longest, |random| 1 + random.below(longest)))
}

#[test]
fn facts_do_not_depend_on_how_bytes_are_cut() {
    for conversation in CONVERSATIONS.iter() {
        let whole = shape(overhear(conversation));
        for way in CUTS {
            for said in [conversation, &conversation.joined()] {
                let heard = shape(overhear(&cut(said, way)));
                assert_eq!(heard, whole, "{} cut {way:?}", conversation.name);
            }
        }
    }
}

/// What unknown bytes look like is told by the first of them that came at once.
fn shape(mut heard: Heard) -> Heard {
    heard.facts.first_bytes = heard.facts.first_bytes.map(|_| FirstBytes::Binary);
    heard
}

#[test]
fn an_inspector_does_not_depend_on_how_bytes_are_cut() {
    for (conversation, protocol) in read_conversations() {
        let whole = inspect(protocol, conversation);
        for way in CUTS {
            for said in [conversation, &conversation.joined()] {
                let heard = inspect(protocol, &cut(said, way));
                assert_eq!(heard, whole, "{} cut {way:?}", conversation.name);
            }
        }
    }
}

/// Conversations with the entry of the table that reads them.
fn read_conversations() -> impl Iterator<Item = (&'static Conversation, &'static dyn Protocol)> {
    CONVERSATIONS.iter().filter_map(|conversation| Some((conversation, reader(conversation)?)))
}

fn reader(conversation: &Conversation) -> Option<&'static dyn Protocol> {
    let (direction, bytes) = beginning(conversation);
    let head = Head { direction, bytes: &bytes, from_start: true };
    PROTOCOLS.iter().copied().find(|protocol| protocol.probe(&head) == Probe::Yes)
}

/// The entry of the table that is sure only by what the other side answers.
fn answerer(conversation: &Conversation) -> Option<&'static dyn Protocol> {
    let direction = beginning(conversation).0.reversed();
    let bytes = conversation.bytes(direction);
    let head = Head { direction, bytes: &bytes, from_start: true };
    PROTOCOLS.iter().copied().find(|protocol| protocol.probe(&head) == Probe::Yes)
}

/// Protocols that no sample speaks yet; their inspectors are tested with conversations made by their specifications.
/// The list only shrinks.
const WAITING_FOR_A_SAMPLE: &[&str] = &["consul-rpc", "linkerd-transport", "pulsar"];

/// Protocols in which both sides begin alike.
const ALIKE: &[&str] = &["ssh", "serf"];

/// Who spoke first, and as much of what it said as a probe may ask for.
fn beginning(conversation: &Conversation) -> (Direction, Vec<u8>) {
    let Some(Event::Bytes(direction, _)) = conversation.events.first() else {
        panic!("{}: does not begin with bytes", conversation.name);
    };
    let mut bytes = conversation.bytes(*direction);
    bytes.truncate(limits::PROBE_BYTES);
    (*direction, bytes)
}

#[test]
fn every_protocol_of_the_table_has_a_sample() {
    let spoken: Vec<&str> = read_conversations().map(|(_, reader)| reader.name()).collect();
    let not = |name: &&str| !spoken.contains(name);
    let missing = PROTOCOLS.iter().map(|protocol| protocol.name()).filter(not);
    let mut missing: Vec<&str> = missing.collect();
    missing.sort_unstable();
    let mut waiting = WAITING_FOR_A_SAMPLE.to_vec();
    waiting.sort_unstable();
    assert_eq!(missing, waiting, "protocols that no sample speaks");
}

#[test]
fn a_hole_never_invents_a_fact() {
    let mut wrong = Vec::new();
    for conversation in CONVERSATIONS.iter() {
        let whole = overhear(conversation);
        if whole.facts.mismatch.is_some() {
            continue; // Only both sides together show it; each alone is what it is.
        }
        for holed in holed(conversation) {
            let found = invented(&whole, &overhear(&holed), begun(conversation));
            wrong.extend(found.iter().map(|what| format!("{}: {what}", holed.name)));
        }
    }
    wrong.retain(|what| !is_known_mistake(what));
    assert!(wrong.is_empty(), "{} in all\n{}", wrong.len(), first_of_each(&wrong));
}

#[test]
fn a_hole_never_makes_an_inspector_invent_a_fact() {
    let mut wrong = Vec::new();
    for (conversation, protocol) in read_conversations() {
        let (whole, _) = inspect(protocol, conversation);
        for holed in holed(conversation) {
            let found = invented_facts(&whole, &inspect(protocol, &holed).0);
            wrong.extend(found.iter().map(|what| format!("{}: {what}", holed.name)));
        }
    }
    assert!(wrong.is_empty(), "{} in all\n{}", wrong.len(), first_of_each(&wrong));
}

/// What is taken for something else behind a hole, until its probe knows better. The list only shrinks.
fn is_known_mistake(what: &str) -> bool {
    const KNOWN: [(&str, &str); 8] = [
        // The hole ends exactly where TLS begins within a packet.
        ("samples/openvpn", "protocol Some(\"tls\")"),
        ("samples/openvpn", "mismatch"),
        // Of a tunnel only what was said to the proxy is left, or TLS from its middle on.
        ("samples/http1-connect", "posture Plaintext of Tls"),
        ("samples/http1-connect", "client authentication: Absent, not Value(NotRequested)"),
        ("samples/http1-connect", "completion: Value(false), not Value(true)"),
        ("samples/http1-connect", "mismatch"),
        // Early data and the rest of the client's flight change places.
        ("samples/tls13-early-data", "completion: Value(false), not Value(true)"),
        // The second hello of a client that was asked for another group, and then refuses the server.
        ("samples/postgresql-tls-ways", "completion: Value(true), not Value(false)"),
    ];
    KNOWN.iter().any(|(sample, mistake)| what.starts_with(sample) && what.ends_with(mistake))
}

/// What a conversation begins with, which may not be what it goes on with.
fn begun(conversation: &Conversation) -> Option<&'static str> {
    reader(conversation).map(Protocol::name)
}

/// A few of many complaints.
fn first_of_each(wrong: &[String]) -> String {
    let mut shown: Vec<&str> = wrong.iter().map(String::as_str).collect();
    shown.dedup_by_key(|line| line.split(' ').next().unwrap_or_default());
    shown.truncate(40);
    shown.join("\n")
}

/// A conversation with holes: each segment alone, and random ones of every size, alone and two at a time.
fn holed(conversation: &Conversation) -> Vec<Conversation> {
    let mut holes = Vec::new();
    let mut at = [0, 0];
    for event in conversation.events.iter().take(60) {
        if let Event::Bytes(direction, bytes) = event {
            let offset = &mut at[usize::from(*direction == Direction::ToClient)];
            holes.push((*direction, *offset..*offset + bytes.len()));
            *offset += bytes.len();
        }
    }
    let mut random = Random(conversation.len() as u64);
    for size in [1, 3, 10, 40, 100, 400, 1448, 4000, 100_000] {
        for direction in Direction::BOTH {
            let all = conversation.bytes(direction).len();
            for _ in 0..8 {
                // Most of what is told is told early.
                let reach = if random.below(2) == 0 { all } else { all.min(4000) };
                let start = random.below(reach.max(1));
                holes.push((direction, start..start + size));
            }
        }
    }
    let mut holed = Vec::new();
    for (n, (direction, hole)) in holes.iter().enumerate() {
        for cut in [false, true] {
            let once = conversation.without(*direction, hole.clone(), cut);
            let (other, second) = &holes[random.below(holes.len())];
            let longest = 1 + random.below(600);
            let pieces = conversation.cut(|| 1 + random.below(longest));
            let first = pieces.without(*direction, hole.clone(), cut);
            holed.push(once);
            holed.push(first.without(*other, second.clone(), n % 2 == 0));
        }
    }
    holed
}

#[test]
fn any_bytes_are_survived() {
    let mut random = Random(7);
    for round in 0..2000 {
        let events = (0..1 + random.below(6)).map(|_| {
            let direction = Direction::BOTH[random.below(2)];
            let n = random.below(if round % 50 == 0 { 40_000 } else { 300 });
            Event::Bytes(direction, random.bytes(n.max(1)))
        });
        let noise = Conversation { name: format!("noise {round}"), events: events.collect() };
        let _anything = overhear(&noise);
        for protocol in PROTOCOLS {
            let _anything = inspect(*protocol, &noise);
        }
    }
}

#[test]
fn spoilt_conversations_are_survived() {
    let mut random = Random(11);
    for conversation in CONVERSATIONS.iter() {
        for _ in 0..40 {
            let spoilt = spoil(conversation, &mut random);
            let _anything = overhear(&spoilt);
            for protocol in PROTOCOLS {
                let _anything = inspect(*protocol, &spoilt);
            }
        }
    }
}

/// The same with a few bytes changed, and pieces left out, repeated, turned round or put in another order.
fn spoil(conversation: &Conversation, random: &mut Random) -> Conversation {
    let mut events = conversation.events.clone();
    for _ in 0..1 + random.below(8) {
        let (n, m) = (random.below(events.len()), random.below(events.len()));
        let Event::Bytes(direction, bytes) = &mut events[n] else { unreachable!() };
        let place = random.below(bytes.len());
        match random.below(8) {
            0..=2 => bytes[place] = random.bytes(1)[0],
            3 => bytes[place] ^= 1 << random.below(8),
            4 if place > 0 => bytes.truncate(place),
            5 => *direction = direction.reversed(),
            6 => events.swap(n, m),
            _ => events.insert(n, events[m].clone()),
        }
    }
    Conversation { name: format!("{} spoilt", conversation.name), events }
}

#[test]
fn a_protocol_is_recognised_by_its_own_probe_alone() {
    for conversation in CONVERSATIONS.iter() {
        let own = reader(conversation).or_else(|| answerer(conversation)).map(Protocol::name);
        let (direction, bytes) = beginning(conversation);
        for protocol in PROTOCOLS.iter().filter(|protocol| Some(protocol.name()) != own) {
            for end in 0..=bytes.len() {
                let head = Head { direction, bytes: &bytes[..end], from_start: true };
                let said = protocol.probe(&head);
                let name = protocol.name();
                assert!(
                    matches!(said, Probe::No | Probe::Unsure),
                    "{}: {name} says {said:?} of {end} bytes",
                    conversation.name
                );
            }
            let head = Head { direction, bytes: &bytes, from_start: true };
            assert_eq!(
                protocol.probe(&head),
                Probe::No,
                "{} {}",
                conversation.name,
                protocol.name()
            );
        }
    }
}

/// The same for captures that are not here: those below the folder `WIRELINT_CORPUS`, if it is set.
#[test]
fn no_two_probes_take_the_same_bytes_of_other_captures() {
    let Some(folder) = std::env::var_os("WIRELINT_CORPUS") else { return };
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let (mut heads, mut wrong) = (BTreeMap::<&str, usize>::new(), Vec::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let all = match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => {
                    folders.push(path);
                    continue;
                }
                Some("pcap" | "pcapng") => std::panic::catch_unwind(|| conversations(&path)),
                _ => continue,
            };
            for conversation in all.unwrap_or_default() {
                for direction in Direction::BOTH {
                    let mut bytes = conversation.bytes(direction);
                    bytes.truncate(limits::PROBE_BYTES);
                    let head = Head { direction, bytes: &bytes, from_start: true };
                    let sure = |one: &&&dyn Protocol| {
                        !bytes.is_empty() && !matches!(one.probe(&head), Probe::No | Probe::Unsure)
                    };
                    let taken = PROTOCOLS.iter().filter(sure).map(|protocol| protocol.name());
                    let taken: Vec<&str> = taken.collect();
                    taken.iter().for_each(|name| *heads.entry(name).or_default() += 1);
                    if taken.len() > 1 {
                        wrong.push(format!("{} {direction:?}: {taken:?}", conversation.name));
                    }
                }
            }
        }
    }
    eprintln!("heads by protocol: {heads:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_probe_never_takes_back_what_it_said() {
    for conversation in CONVERSATIONS.iter() {
        let (direction, bytes) = beginning(conversation);
        for protocol in PROTOCOLS {
            let mut before = Probe::Unsure;
            for end in 0..=bytes.len() {
                let head = Head { direction, bytes: &bytes[..end], from_start: true };
                let said = protocol.probe(&head);
                assert!(
                    before == Probe::Unsure || said == before,
                    "{}: {} says {before:?}, then {said:?} at {end}",
                    conversation.name,
                    protocol.name()
                );
                before = said;
            }
        }
    }
}

#[test]
fn a_probe_tells_who_spoke() {
    let told = |name: &str| !ALIKE.contains(&name);
    for (conversation, protocol) in read_conversations().filter(|(_, one)| told(one.name())) {
        let (direction, bytes) = beginning(conversation);
        let head = Head { direction: direction.reversed(), bytes: &bytes, from_start: true };
        assert_eq!(protocol.probe(&head), Probe::Reversed, "{}", conversation.name);
    }
}

#[test]
fn no_probe_takes_noise_for_its_own() {
    // How many of each kind: WIRELINT_PREFIXES=10000000 takes a minute.
    let wanted = std::env::var("WIRELINT_PREFIXES").ok().and_then(|n| n.parse().ok());
    let prefixes: u64 = wanted.unwrap_or(200_000);
    let printable: Vec<u8> = (b' '..=b'~').chain(*b"\r\n\t").collect();
    let mut random = Random(23);
    for n in 0..2 * prefixes {
        let length = 1 + random.below(64);
        let mut bytes = random.bytes(length);
        if n >= prefixes {
            bytes
                .iter_mut()
                .for_each(|byte| *byte = printable[usize::from(*byte) % printable.len()]);
        }
        for direction in Direction::BOTH {
            let head = Head { direction, bytes: &bytes, from_start: true };
            for protocol in PROTOCOLS {
                let said = protocol.probe(&head);
                let name = protocol.name();
                assert!(matches!(said, Probe::No | Probe::Unsure), "{name} {said:?} {bytes:02x?}");
            }
        }
    }
}

#[test]
fn what_was_captured_in_another_order_invents_no_fact() {
    let mut wrong = Vec::new();
    for conversation in CONVERSATIONS.iter() {
        let whole = overhear(conversation);
        // Of its own, so that a new sample changes nothing for the others.
        let mut random = Random(31 ^ conversation.len() as u64);
        if whole.facts.mismatch.is_some() {
            continue; // It is told by who spoke first.
        }
        // Whether a greeting came before a ClientHello tells what the greeting is.
        let first = usize::from(begun(conversation) != whole.protocol);
        for _ in 0..20 {
            let mut events = conversation.events.clone();
            for _ in 0..1 + random.below(3) {
                let n = first + random.below(events.len().max(2) - 1);
                let direction = |event: Option<&Event>| match event {
                    Some(Event::Bytes(direction, _)) => Some(*direction),
                    _ => None,
                };
                if direction(events.get(n)) != direction(events.get(n + 1)) && n + 1 < events.len()
                {
                    events.swap(n, n + 1);
                }
            }
            let name = format!("{} disordered", conversation.name);
            let disordered = Conversation { name, events };
            let found = invented(&whole, &overhear(&disordered), begun(conversation));
            wrong.extend(found.iter().map(|what| format!("{}: {what}", disordered.name)));
        }
    }
    wrong.retain(|what| !is_known_mistake(what));
    assert!(wrong.is_empty(), "{} in all\n{}", wrong.len(), first_of_each(&wrong));
}

/// The table of docs/protocols.md says what can be seen in the samples. Made with `WIRELINT_UPDATE_DOCS=1`.
#[test]
fn the_docs_say_what_the_samples_show() {
    const HEAD: &str = "| protocol | samples | connections | with calls by name | credentials told by |\n|---|---|---|---|---|\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocols.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(HEAD).expect("the table is there");
    let after = rest.find("\n\n").map_or("", |end| &rest[end + 1..]);
    let wanted = format!("{before}{HEAD}{}{after}", shown());
    if std::env::var_os("WIRELINT_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(page == wanted || std::env::var_os("WIRELINT_UPDATE_DOCS").is_some(), "{wanted}");
}

/// A row for each protocol that some sample begins with or goes on with.
fn shown() -> String {
    let mut all: BTreeMap<&str, Shown> = BTreeMap::new();
    for conversation in CONVERSATIONS.iter() {
        let heard = overhear(conversation);
        let begun = reader(conversation).or_else(|| answerer(conversation)).map(Protocol::name);
        let ended = heard.protocol.map(|name| if name == "grpc" { "h2" } else { name });
        let sample = conversation.name.split(' ').next().unwrap_or_default();
        for name in begun.into_iter().chain(ended.filter(|ended| Some(*ended) != begun)) {
            let one = all.entry(name).or_default();
            one.samples.insert(sample);
            one.connections += 1;
            one.named +=
                usize::from(heard.facts.calls.as_ref().is_some_and(|c| !c.calls.is_empty()));
            let told = heard.facts.readable.iter().flat_map(|readable| &readable.credentials);
            one.mechanisms.extend(told.map(|one| one.mechanism));
        }
    }
    let rows = PROTOCOLS.iter().map(|protocol| {
        let nothing = Shown::default();
        let one = all.get(protocol.name()).unwrap_or(&nothing);
        let mechanisms: Vec<&str> = one.mechanisms.iter().copied().collect();
        let told = if mechanisms.is_empty() { "-".to_owned() } else { mechanisms.join(", ") };
        let numbers = format!("{} | {} | {}", one.samples.len(), one.connections, one.named);
        format!("| `{}` | {numbers} | {told} |\n", protocol.name())
    });
    rows.collect()
}

/// What samples show of a protocol.
#[derive(Default)]
struct Shown {
    samples: BTreeSet<&'static str>,
    connections: usize,
    named: usize,
    mechanisms: BTreeSet<&'static str>,
}
