//! Sessions recorded from openssl: suites and versions that rustls does not speak. `tests/vectors/record.py` made them.

use std::path::Path;

use crate::conversation::{Conversation, Event, Random, overhear_with};
use crate::{
    Keyed, assert_cuts_do_not_matter, assert_opened, assert_wrong_keys_change_nothing, heard, tls,
};
use wirelint::model::{Direction, Keys, Seen};

fn recorded() -> Vec<Keyed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    names.sort();
    assert!(names.len() >= 14, "{names:?}");
    names.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Keyed {
    let text = std::fs::read_to_string(path).unwrap();
    let piece = |line: &str| {
        let (mark, digits) = line.split_once(' ')?;
        let direction = match mark {
            ">" => Direction::ToServer,
            "<" => Direction::ToClient,
            _ => return None,
        };
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        Some(Event::Bytes(direction, (0..digits.len()).step_by(2).map(byte).collect()))
    };
    let log: Vec<&str> = text.lines().filter(|line| piece(line).is_none()).collect();
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let events = text.lines().filter_map(piece).collect();
    Keyed { conversation: Conversation { name, events }, log: log.join("\n") + "\n" }
}

#[test]
fn every_recorded_session_is_opened() {
    for keyed in recorded() {
        assert_opened(&keyed, keyed.conversation.name.ends_with("mutual"));
    }
}

#[test]
fn keys_that_do_not_fit_change_nothing() {
    recorded().iter().for_each(assert_wrong_keys_change_nothing);
}

#[test]
fn what_keys_show_does_not_depend_on_how_bytes_are_cut() {
    recorded().iter().for_each(assert_cuts_do_not_matter);
}

#[test]
fn holes_hide_and_never_invent() {
    let mut random = Random(4711);
    for keyed in recorded() {
        let keys = keyed.keys();
        let whole = overhear_with(&keys, &keyed.conversation);
        for _ in 0..60 {
            let way = Direction::BOTH[random.below(2)];
            let length = keyed.conversation.bytes(way).len();
            let from = random.below(length);
            let hole = from..(from + 1 + random.below(200)).min(length);
            let holed = keyed.conversation.without(way, hole, random.below(2) == 0);
            let facts = overhear_with(&keys, &holed);
            let (tls, all) = (tls(&facts), tls(&whole));
            assert_ne!(tls.decryption.keys, Keys::DoNotFit, "{}", holed.name);
            for (seen, true_one) in
                [(&tls.client_chain, &all.client_chain), (&tls.server_chain, &all.server_chain)]
            {
                assert!(!seen.is_observed() || seen == true_one, "{}: {seen:?}", holed.name);
            }
            let requested = &tls.certificate_request;
            assert!(
                !requested.is_observed()
                    || requested.is_value() == all.certificate_request.is_value(),
                "{}: {requested:?}",
                holed.name
            );
        }
    }
}

#[test]
fn a_lost_piece_of_data_is_a_hole_and_not_the_end() {
    let keyed =
        recorded().into_iter().find(|one| one.conversation.name == "tls12-chacha20").unwrap();
    // The last but one record of the client is the request; the last one an alert.
    let length = keyed.conversation.bytes(Direction::ToServer).len();
    let holed = keyed.conversation.without(Direction::ToServer, length - 60..length - 40, true);
    let facts = overhear_with(&keyed.keys(), &holed);
    assert_eq!(tls(&facts).decryption.keys, Keys::Fit);
    assert!(tls(&facts).alerts.iter().any(|alert| alert.direction == Direction::ToServer));
}

#[test]
fn without_keys_nothing_is_opened() {
    for keyed in recorded() {
        let facts = heard(&keyed);
        assert_eq!(tls(&facts).decryption, wirelint::model::Decryption::default());
        let is_13 = keyed.conversation.name.starts_with("tls13");
        assert_eq!(matches!(tls(&facts).server_chain, Seen::Hidden(_)), is_13);
    }
}
