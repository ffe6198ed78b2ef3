//! Every screen, as it is drawn.

use super::*;
use crate::tui::theme::THEMES;
use crate::tui::{Live, LiveSource};

const SIZES: [(u16, u16); 3] = [(80, 24), (60, 16), (200, 60)];

#[track_caller]
fn snapshot(name: &str, stage: &Stage) {
    let Size { width, height } = stage.model.size;
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), stage.picture());
    });
}

#[test]
fn every_screen_at_every_size() {
    let names =
        ["overview", "findings", "edges", "services", "certificates", "sessions", "capture"];
    for (width, height) in SIZES {
        let mut stage = Stage::ordinary(width, height);
        for (number, name) in (1..).zip(names) {
            stage.keys(&format!("{number}"));
            snapshot(name, &stage);
        }
    }
}

#[test]
fn what_lies_over_a_screen() {
    for (width, height) in SIZES {
        let mut stage = Stage::ordinary(width, height);
        stage.keys("2\n");
        snapshot("finding", &stage);
        stage.key(KeyCode::Esc).keys("?");
        snapshot("help", &stage);
        stage.key(KeyCode::Esc).keys("/ && severty >= high");
        snapshot("filter-wrong", &stage);
        stage.key(KeyCode::Esc).keys("a");
        snapshot("reason", &stage);
        stage.key(KeyCode::Esc).keys("3m");
        snapshot("matrix", &stage);
        stage.keys("5\n");
        snapshot("certificate", &stage);
        stage.key(KeyCode::Esc).keys("6\n");
        snapshot("session", &stage);
    }
}

#[test]
fn while_captures_are_read_and_when_there_is_nothing() {
    let mut stage = Stage::ordinary(80, 24);
    stage.model.reading = true;
    stage.model.progress =
        crate::tui::Progress { consumed: 7_700_000, total: Some(12_400_000), ready: false };
    snapshot("reading", &stage);
    capture_of_this_process();
    let mut stage = Stage::of(&fixture::empty(), 80, 24);
    stage.keys("2");
    snapshot("no-findings", &stage);
}

/// The first line, the screen of the capture, and the foot while an interface is away and nothing can be stored.
fn capture_of_this_process() {
    let source = |name: &str| LiveSource { name: name.to_owned(), ..LiveSource::default() };
    let live = Live {
        seconds: 764,
        frames: 48_211,
        rates: (3_210, 2_100_000),
        last: Some(1_768_986_849_000_000),
        connections: 41,
        resident: 76_000_000,
        sources: vec![LiveSource { frames: 48_211, ..source("eth1") }],
        micros: (3_000, 1_000),
        ..Live::default()
    };
    for (width, height) in SIZES {
        let mut stage = Stage::ordinary(width, height);
        stage.model.options.title = "eth1".to_owned();
        stage.send(Message::Live(Box::new(live.clone())));
        stage.keys("7");
        snapshot("live", &stage);
    }
    let mut stage = Stage::ordinary(80, 24);
    stage.model.options.title = "eth1, eth2".to_owned();
    let away = LiveSource { is_away: true, outages: 1, dropped: [7, 0, 0], ..source("eth2") };
    stage.send(Message::Live(Box::new(Live {
        dropped: 7,
        sources: vec![source("eth1"), away],
        trouble: Some("the disk is full: w.db was not written".to_owned()),
        unstored: 12,
        ..live
    })));
    stage.keys("7");
    snapshot("live-trouble", &stage);
}

#[test]
fn a_terminal_that_is_too_small_is_told_what_is_needed() {
    let stage = Stage::ordinary(40, 9);
    assert!(
        stage.picture().starts_with("wirelint needs 60x10, this is 40x9"),
        "{}",
        stage.picture()
    );
    for (width, height) in [(1, 1), (3, 2), (60, 10), (61, 11), (80, 10), (60, 60), (500, 200)] {
        let mut stage = Stage::ordinary(width, height);
        for number in 1..=7 {
            stage.keys(&format!("{number}\n")).picture();
            stage.key(KeyCode::Esc).keys("?").picture();
            stage.key(KeyCode::Esc).keys("/x").picture();
            stage.key(KeyCode::Esc);
        }
    }
}

#[test]
fn with_ascii_every_cell_is_ascii() {
    let mut stage = Stage::ordinary(80, 24);
    stage.model.options.ascii = true;
    for number in 1..=7 {
        stage.keys(&format!("{number}"));
        assert!(stage.picture().is_ascii(), "{}", stage.picture());
    }
}

#[test]
fn no_theme_says_anything_with_colour_alone() {
    let mut pictures = Vec::new();
    for theme in 0..THEMES.len() {
        let mut stage = Stage::ordinary(100, 30);
        stage.model.options.theme = theme;
        stage.keys("2");
        pictures.push(stage.picture());
    }
    pictures.dedup();
    assert_eq!(pictures.len(), 1, "letters are the same in every theme");
    let mono = Stage::ordinary(100, 30);
    let mut mono = mono;
    mono.model.options.theme = THEMES.len() - 1;
    let terminal = mono.keys("2").terminal();
    let cells = &terminal.backend().buffer().content;
    let reset = ratatui::style::Color::Reset;
    assert!(cells.iter().all(|cell| cell.fg == reset && cell.bg == reset), "mono has no colour");
}

/// Text that a terminal, or a reader, would obey.
fn is_inert(picture: &str) -> bool {
    let obeyed = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
    };
    !picture.contains(obeyed)
}

#[test]
fn hostile_text_is_inert_on_every_screen() {
    for (width, height) in SIZES {
        let mut stage = Stage::of(&fixture::hostile(), width, height);
        for number in 1..=7 {
            stage.keys(&format!("{number}"));
            assert!(is_inert(&stage.picture()), "{}", stage.picture());
            stage.keys("\n");
            assert!(is_inert(&stage.picture()), "{}", stage.picture());
            stage.key(KeyCode::Esc);
        }
    }
}

#[test]
fn text_that_nobody_escaped_is_inert_too() {
    // As a database would have it that another program wrote.
    let mut outcome = fixture::outcome();
    let hostile = "\u{1b}]0;x\u{7}\u{202e}\u{200b}\u{9b}31m\u{2066}\u{e0041}a\nb".to_owned();
    for finding in &mut outcome.findings {
        finding.message = hostile.as_str().into();
        finding.fix = hostile.as_str().into();
        finding.subject = Some(hostile.clone());
        finding.rule_name = hostile.as_str().into();
        finding.tags = vec![hostile.clone()].into();
        for sample in &mut finding.evidence {
            sample.facts = [("sni", hostile.clone())].into();
        }
    }
    for edge in &mut outcome.edges {
        edge.client.service = hostile.as_str().into();
        edge.server.service = format!("{hostile}2").into();
        edge.protocols = vec![hostile.clone()];
    }
    outcome.run.sources[0].name.clone_from(&hostile);
    outcome.coverage.incomplete[0].message.clone_from(&hostile);
    let mut stage = Stage::of(&outcome, 200, 60);
    for number in 1..=7 {
        stage.keys(&format!("{number}"));
        assert!(is_inert(&stage.picture()), "{}", stage.picture());
        stage.keys("\nyY");
        assert!(is_inert(&stage.picture()), "{}", stage.picture());
        stage.key(KeyCode::Esc);
    }
}
