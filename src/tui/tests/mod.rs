//! The dashboard without a terminal: keys in, a picture out, and a database behind it.

mod behaviour;
mod screens;
mod speed;

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::asker::read;
use super::model::{Ask, Effect, Message, Model, Options};
use super::update::{refresh, update};
use super::view::view;
use crate::model::{Outcome, Timestamp, fixture};
use crate::store::view::Reader;
use crate::store::{Annotation, RunEnd, RunStart, Store};

const START: RunStart<'_> = RunStart { command: "check", started: Timestamp::from_seconds(10) };
const END: RunEnd = RunEnd { ended: Timestamp::from_seconds(12), exit_code: 1 };

/// A dashboard whose questions are answered at once.
struct Stage {
    model: Model,
    reader: Reader,
    path: PathBuf,
    /// What else it wanted done.
    wanted: Vec<Effect>,
    _folder: Option<tempfile::TempDir>,
}

impl Stage {
    fn of(outcome: &Outcome, width: u16, height: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.db");
        Store::open(&path).unwrap().record(outcome, &START, &END).unwrap();
        let stage = Self::at(path, Size { width, height });
        Self { _folder: Some(folder), ..stage }
    }

    fn at(path: PathBuf, size: Size) -> Self {
        let options = Options { title: "wirelint.db".to_owned(), ..Options::default() };
        let reader = Reader::open(&path).unwrap();
        let mut model = Model::new(options, size);
        let effects = refresh(&mut model);
        let mut stage = Self { model, reader, path, wanted: Vec::new(), _folder: None };
        stage.perform(effects);
        stage
    }

    fn ordinary(width: u16, height: u16) -> Self {
        Self::of(&fixture::outcome(), width, height)
    }

    fn send(&mut self, message: Message) {
        let effects = update(&mut self.model, message);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let ask = match effect {
                Effect::Ask(ask) => ask,
                Effect::Annotate(finding, decision, reason) => Ask::Annotate(Annotation {
                    finding,
                    decision,
                    reason,
                    author: "kim".to_owned(),
                    made: Timestamp::from_seconds(20),
                }),
                other => {
                    self.wanted.push(other);
                    continue;
                }
            };
            let answer = read(&mut self.reader, &self.path, &ask).unwrap();
            self.send(Message::Answer(answer));
        }
    }

    fn key(&mut self, code: KeyCode) -> &mut Self {
        self.send(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        self
    }

    /// Types letters; `\n` is Enter.
    fn keys(&mut self, letters: &str) -> &mut Self {
        for letter in letters.chars() {
            self.key(if letter == '\n' { KeyCode::Enter } else { KeyCode::Char(letter) });
        }
        self
    }

    fn ctrl(&mut self, letter: char) -> &mut Self {
        self.send(Message::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)));
        self
    }

    fn terminal(&self) -> Terminal<TestBackend> {
        let Size { width, height } = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view(&self.model, frame)).unwrap();
        terminal
    }

    fn picture(&self) -> String {
        let terminal = self.terminal();
        let buffer = terminal.backend().buffer();
        let rows = buffer.content.chunks(usize::from(buffer.area.width));
        let lines: Vec<String> = rows
            .map(|row| {
                row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()
            })
            .collect();
        lines.join("\n")
    }
}
