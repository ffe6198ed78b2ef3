//! What keys do.

use super::*;
use crate::store::view::{Filter, ListName, list};
use ratatui::layout::Position;

fn findings(stage: &Stage) -> Vec<&str> {
    stage.model.list().unwrap().rows().iter().map(|row| row.text("rule")).collect()
}

#[test]
fn a_filter_works_while_it_is_typed_and_a_wrong_one_changes_nothing() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2");
    assert_eq!(findings(&stage).len(), 5);
    stage.keys("/").ctrl('u').keys("sev>=high");
    assert_eq!(findings(&stage), ["WL4001", "WL1001"]);
    stage.keys(" &&");
    assert_eq!(findings(&stage).len(), 2, "it cannot be read yet");
    assert!(stage.picture().contains("something is missing here"), "{}", stage.picture());
    stage.keys("\n");
    assert!(stage.picture().contains("something is missing here"), "Enter does not accept it");
    stage.keys(" client:orders\n");
    assert_eq!(findings(&stage).len(), 2);
    assert!(stage.model.overlay.is_none());
    stage.key(KeyCode::Esc);
    assert_eq!(findings(&stage).len(), 5, "Esc goes back to the filter there was at first");
}

#[test]
fn escape_gives_up_a_filter_that_is_being_typed() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2/").ctrl('u').keys("WL4001");
    assert_eq!(findings(&stage), ["WL4001"]);
    stage.key(KeyCode::Esc);
    assert_eq!(findings(&stage).len(), 5);
}

#[test]
fn the_selection_follows_its_row_when_newer_ones_come() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("6jj");
    let chosen = stage.model.row().unwrap().id.clone();
    let mut outcome = fixture::outcome();
    outcome.sessions =
        (10..40).map(|number| fixture::session(number, crate::model::Posture::Tls)).collect();
    Store::open(&stage.path).unwrap().record(&outcome, &START, &END).unwrap();
    stage.send(Message::Changed);
    assert_eq!(stage.model.row().unwrap().id, chosen);
    assert_eq!(stage.model.list().unwrap().total(), 34);
    stage.keys("g");
    let first = stage.model.row().unwrap().id.clone();
    assert_eq!(first, stage.model.list().unwrap().rows()[0].id);
}

#[test]
fn a_frozen_screen_stays_and_says_that_there_is_more() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("6 ");
    let before = stage.model.list().unwrap().total();
    let mut outcome = fixture::outcome();
    outcome.sessions = vec![fixture::session(9, crate::model::Posture::Tls)];
    Store::open(&stage.path).unwrap().record(&outcome, &START, &END).unwrap();
    stage.send(Message::Changed);
    assert_eq!(stage.model.list().unwrap().total(), before);
    assert!(stage.picture().contains("newer results are waiting"));
    stage.keys(" ");
    assert_eq!(stage.model.list().unwrap().total(), before + 1);
}

#[test]
fn long_lists_are_walked_from_end_to_end() {
    let mut stage = Stage::of(&fixture::many_findings(3000), 80, 24);
    stage.keys("2");
    let position = |stage: &Stage| stage.model.list().unwrap().position();
    for expected in 2..=3000 {
        stage.keys("j");
        assert_eq!(position(&stage), expected);
    }
    stage.keys("j");
    assert_eq!(position(&stage), 3000);
    stage.keys("g");
    assert_eq!(position(&stage), 1);
    stage.keys("G");
    assert_eq!(position(&stage), 3000);
    for _ in 0..450 {
        stage.key(KeyCode::PageUp);
    }
    assert_eq!(position(&stage), 1);
    assert_eq!(stage.model.list().unwrap().top, 0);
}

#[test]
fn the_order_is_the_columns_and_can_be_turned_around() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2s");
    let state = stage.model.list().unwrap();
    assert_eq!(state.column().unwrap().name, "rule");
    assert_eq!(findings(&stage), ["WL1001", "WL2004", "WL3009", "WL4001", "WL9002"]);
    stage.keys("S");
    assert_eq!(findings(&stage)[0], "WL9002");
    assert!(stage.picture().contains("RULE v"), "{}", stage.picture());
}

#[test]
fn a_decision_needs_a_reason_and_takes_the_finding_off_the_list() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2a\n");
    assert!(stage.picture().contains("a reason is needed"), "{}", stage.picture());
    stage.keys("ticket 7\n");
    assert_eq!(findings(&stage).len(), 4);
    assert!(stage.picture().contains("acknowledged"), "{}", stage.picture());
    stage.keys("A");
    assert_eq!(findings(&stage).len(), 5);
    stage.keys("go").keys("not solved\n");
    let detail = stage.model.known.finding.as_ref().unwrap();
    assert_eq!((detail.state.as_str(), detail.reason.as_deref()), ("open", Some("not solved")));
}

#[test]
fn nothing_can_be_decided_when_reading_only() {
    let mut stage = Stage::ordinary(80, 24);
    stage.model.options.read_only = true;
    stage.keys("2ai");
    assert!(stage.model.overlay.is_none());
    assert!(stage.picture().contains("reading only"));
    let hints = stage.picture();
    assert!(!hints.lines().last().unwrap().contains("ack"), "{hints}");
}

#[test]
fn what_is_copied_is_a_filter_that_shows_the_evidence() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2yY6y");
    let copied: Vec<_> = stage
        .wanted
        .iter()
        .map(|effect| match effect {
            Effect::Copy(text) => text.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(copied[0], "ip.addr == 10.0.1.5 && ip.addr == 10.0.2.9 && tcp.port == 50051");
    assert!(copied[1].starts_with("wlf1:aaaa"));
    assert!(copied[2].contains("tcp.port == 41"), "{}", copied[2]);
}

#[test]
fn a_finding_leads_to_its_sessions_and_a_service_to_its_findings() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2f");
    let state = stage.model.list().unwrap();
    assert_eq!((state.list.name, state.total()), (ListName::Sessions, 4));
    stage.keys("1\n");
    let state = stage.model.list().unwrap();
    assert_eq!(state.list.name, ListName::Findings);
    assert_eq!(state.filter.text(), "state == open server.service == \"payments\"");
    assert_eq!(state.total(), 5);
}

#[test]
fn export_and_explain_name_the_finding_and_its_rule() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2xe");
    let [Effect::Export(name, text), Effect::Explain(rule)] = stage.wanted.as_slice() else {
        panic!("{:?}", stage.wanted)
    };
    assert!(name.starts_with("wirelint-WL4001-") && !name.contains('/'), "{name}");
    assert!(text.contains("\"rule\": \"WL4001\"") && text.ends_with("}\n"));
    assert_eq!(rule, "WL4001");
}

#[test]
fn next_and_previous_walk_findings_in_full() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2\nn");
    assert!(stage.picture().contains("Finding 2 of 5"), "{}", stage.picture());
    assert!(stage.picture().contains("WL1001"), "{}", stage.picture());
    stage.keys("N");
    assert!(stage.picture().contains("WL4001"), "{}", stage.picture());
}

#[test]
fn clicks_select_rows_and_screens() {
    let mut stage = Stage::ordinary(80, 24);
    stage.send(Message::Click(Position { x: 18, y: 1 }));
    assert_eq!(stage.model.screen, 1);
    stage.send(Message::Click(Position { x: 10, y: 6 }));
    assert_eq!(stage.model.list().unwrap().selected, 2);
    stage.send(Message::Click(Position { x: 10, y: 22 }));
    assert_eq!(stage.model.list().unwrap().selected, 2);
    stage.send(Message::Wheel(1));
    assert_eq!(stage.model.list().unwrap().selected, 4);
}

#[test]
fn an_answer_to_an_old_question_is_no_answer() {
    let mut stage = Stage::ordinary(80, 24);
    stage.keys("2");
    let old = stage.model.list().unwrap().request(crate::store::view::Anchor::First);
    let page = stage.reader.page(&old).unwrap();
    stage.keys("/").ctrl('u').keys("WL4001\n");
    let answer = crate::tui::model::Answer::Page(Box::new(old), page);
    stage.send(Message::Answer(answer));
    assert_eq!(findings(&stage), ["WL4001"]);
}

#[test]
fn a_resize_keeps_the_selected_row_in_sight() {
    let mut stage = Stage::of(&fixture::many_findings(400), 200, 60);
    stage.keys("2");
    for _ in 0..45 {
        stage.keys("j");
    }
    for size in [(80, 24), (60, 16), (60, 10), (200, 60)] {
        stage.send(Message::Resize(Size { width: size.0, height: size.1 }));
        let state = stage.model.list().unwrap();
        assert_eq!(state.position(), 46);
        let room = stage.model.room();
        assert!(state.top <= state.selected && state.selected < state.top + room);
    }
}

#[test]
fn keys_of_other_places_do_nothing_and_none_is_fatal() {
    let mut stage = Stage::ordinary(80, 24);
    let letters: Vec<char> = (' '..='~').filter(|c| *c != 'q').collect();
    for number in 1..=7 {
        for letter in &letters {
            stage.keys(&format!("{number}{letter}"));
            stage.picture();
            stage.key(KeyCode::Esc).key(KeyCode::Esc);
        }
    }
    assert!(!stage.wanted.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn every_field_of_a_screen_is_a_column_of_its_list() {
    for panel in &super::super::panels::PANELS {
        for shown in panel.columns {
            let list = list(panel.list.unwrap());
            assert!(list.column(shown.field).is_some(), "{} of {:?}", shown.field, list.name);
        }
    }
    assert!(Filter::parse(super::super::model::OPEN_ONLY, list(ListName::Findings)).is_ok());
}
