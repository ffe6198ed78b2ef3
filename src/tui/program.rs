//! The program around the model: takes the terminal, passes messages, does what they ask for, ends.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossterm::event::{Event, KeyEventKind, MouseButton, MouseEventKind};
use ratatui::layout::{Position, Size};

use super::asker::Asker;
use super::live::Live;
use super::model::{Ask, Effect, Message, Model, Options, Status};
use super::terminal::{LastWords, Screen, give_back, on_panic};
use super::theme::named;
use super::update::{refresh, update};
use crate::edge::{JobSignal, on_job_signal, stop_here};
use crate::model::{Diagnostic, Timestamp};
use crate::store::view::Reader;
use crate::store::{Annotation, Store, StoreError};

/// How far a producer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Bytes read.
    pub consumed: u64,
    /// Of how many, where that is known.
    pub total: Option<u64>,
    /// Something is in the database and can be looked at, although more will come.
    pub ready: bool,
}

/// What a producer says while it works. Only the latest counts.
#[derive(Clone, Debug)]
pub enum Told {
    /// How far it has read.
    Progress(Progress),
    /// How its capture goes.
    Live(Box<Live>),
}

/// Fills the database in a thread of its own: is given where to say how it goes, which never waits, and a flag that asks
/// it to finish.
pub type Producer =
    Box<dyn FnOnce(&(dyn Fn(Told) + Sync), &AtomicBool) -> Result<(), Vec<Diagnostic>> + Send>;

/// Tells what a rule means, by its code.
pub type Explain = Box<dyn Fn(&str) -> Option<String>>;

/// How to begin.
pub struct Setup {
    /// The database.
    pub db: PathBuf,
    /// What is looked at, in words. Escaped.
    pub title: String,
    /// Name of the theme.
    pub theme: &'static str,
    /// Draw with ASCII only.
    pub ascii: bool,
    /// Take the mouse.
    pub mouse: bool,
    /// Write nothing into the database.
    pub read_only: bool,
    /// Between two looks at whether the database changed.
    pub refresh: Duration,
    /// Who fills the database while it is looked at.
    pub producer: Option<Producer>,
    /// Whether the database is there already and can be looked at from the beginning.
    pub live: bool,
    /// The folder that findings are exported to, where there is one that may be written to.
    pub exports: Option<PathBuf>,
    /// Whether to wait, at the end, for the producer to finish what it writes.
    pub wait: bool,
    /// What a rule means, by its code.
    pub explain: Explain,
    /// Who decides about findings.
    pub author: String,
    /// The clock of the machine, for when that was.
    pub now: fn() -> Timestamp,
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// Somebody quit.
    Quit,
    /// A signal asked for it.
    Signal,
    /// The producer could not do its work.
    Failed(Vec<Diagnostic>),
    /// A bug: what the threads said that died of it.
    Bug(Vec<String>),
}

/// Why it could not begin, or go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// Standard output is no terminal.
    #[error("standard output is not a terminal")]
    NoTerminal,
    /// The terminal fails.
    #[error("the terminal fails: {0}")]
    Terminal(#[from] io::Error),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What arrives at the program.
pub(super) enum Incoming {
    Message(Message),
    /// The producer said something: it is where the latest is kept.
    Told,
    Event(Event),
    Signal(JobSignal),
    /// The thread that reads the database, or the one that fills it, died.
    Lost,
}

/// Shows the dashboard until somebody quits.
///
/// # Errors
/// There is no terminal, or the database cannot be read.
pub fn run(mut setup: Setup) -> Result<Ended, TuiError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let producer = setup.producer.take();
    // Before the screen is taken, so that its errors are read where errors are read.
    let at_once = producer.is_none() || setup.live;
    let reader = if at_once { Some(open(&mut setup)?) } else { None };
    let (sender, incoming) = channel();
    let words = on_panic(give_back);
    let signals = sender.clone();
    on_job_signal(move |signal| {
        let _ending = signals.send(Incoming::Signal(signal));
    })?;
    let screen = Screen::take(setup.mouse)?;
    let size = screen.size()?;
    listen(sender.clone())?;
    let model = Model::new(options(&setup, !at_once), size);
    let mut program = Program {
        setup,
        model,
        screen,
        sender,
        asker: None,
        told: Arc::default(),
        words,
        stopped: false,
    };
    if let Some(reader) = reader {
        program.ask_of(reader)?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let thread =
        producer.map(|producer| program.produce(producer, Arc::clone(&stop))).transpose()?;
    let ended = program.go(&incoming);
    stop.store(true, Ordering::Relaxed);
    let wait = program.setup.wait;
    // The terminal is given back before: what is to be finished may take seconds.
    drop(program);
    if let Some(thread) = thread.filter(|_| wait) {
        let _said = thread.join();
    }
    ended
}

fn options(setup: &Setup, reading: bool) -> Options {
    Options {
        title: setup.title.clone(),
        read_only: setup.read_only,
        ascii: setup.ascii,
        mouse: setup.mouse,
        theme: named(setup.theme),
        reading,
    }
}

/// Opens the database, bringing it up to date first where it may be written to.
fn open(setup: &mut Setup) -> Result<Reader, StoreError> {
    match Reader::open(&setup.db) {
        Err(StoreError::Older { .. }) if !setup.read_only => {
            drop(Store::open(&setup.db)?);
            Reader::open(&setup.db)
        }
        opened => opened,
    }
}

/// Passes on keys and the mouse. The thread ends with the process.
fn listen(sender: Sender<Incoming>) -> io::Result<()> {
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while let Ok(event) = crossterm::event::read() {
            if sender.send(Incoming::Event(event)).is_err() {
                return;
            }
        }
        let _ending = sender.send(Incoming::Signal(JobSignal::End));
    })?;
    Ok(())
}

struct Program {
    setup: Setup,
    model: Model,
    screen: Screen,
    sender: Sender<Incoming>,
    asker: Option<Asker>,
    /// What the producer said last, until it is taken.
    told: Arc<Mutex<Option<Told>>>,
    words: LastWords,
    /// The process stopped itself, and will be told that it goes on.
    stopped: bool,
}

/// Messages taken before the screen is drawn again.
const BATCH: usize = 256;

impl Program {
    fn go(&mut self, incoming: &Receiver<Incoming>) -> Result<Ended, TuiError> {
        loop {
            self.screen.draw(&self.model)?;
            let Ok(first) = incoming.recv() else { return Ok(Ended::Quit) };
            let more = std::iter::from_fn(|| incoming.try_recv().ok());
            for one in std::iter::once(first).chain(more.take(BATCH)) {
                if let Some(ended) = self.take(one)? {
                    return Ok(ended);
                }
            }
        }
    }

    fn take(&mut self, incoming: Incoming) -> Result<Option<Ended>, TuiError> {
        let message = match incoming {
            Incoming::Message(Message::Produced(Err(said))) => {
                return Ok(Some(Ended::Failed(said)));
            }
            Incoming::Told => return self.hear(),
            Incoming::Message(Message::Produced(Ok(()))) => {
                self.look()?;
                Message::Produced(Ok(()))
            }
            Incoming::Message(message) => message,
            Incoming::Event(event) => match of_event(&event) {
                Some(message) => message,
                None => return Ok(None),
            },
            Incoming::Signal(JobSignal::End) => return Ok(Some(Ended::Signal)),
            Incoming::Signal(JobSignal::Suspend) => {
                self.suspend()?;
                return Ok(None);
            }
            Incoming::Signal(JobSignal::Resume) => {
                self.resume()?;
                return Ok(None);
            }
            Incoming::Lost => return Ok(Some(Ended::Bug(self.last_words()))),
        };
        let effects = update(&mut self.model, message);
        for effect in effects {
            if let Some(ended) = self.perform(effect)? {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    /// Takes what the producer said last.
    fn hear(&mut self) -> Result<Option<Ended>, TuiError> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).take();
        let message = match told {
            Some(Told::Progress(progress)) if progress.ready && self.asker.is_none() => {
                Message::Produced(Ok(()))
            }
            Some(Told::Progress(progress)) => Message::Progress(progress),
            Some(Told::Live(live)) => Message::Live(live),
            None => return Ok(None),
        };
        self.take(Incoming::Message(message))
    }

    fn perform(&mut self, effect: Effect) -> Result<Option<Ended>, TuiError> {
        match effect {
            Effect::Ask(ask) => self.ask(ask),
            Effect::Annotate(finding, decision, reason) => {
                let (author, made) = (self.setup.author.clone(), (self.setup.now)());
                let annotation = Annotation { finding, decision, reason, author, made };
                self.ask(Ask::Annotate(annotation));
            }
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::Export(name, text) => {
                let status = match &self.setup.exports {
                    None => Status::bad(
                        "not written: while capturing, only into the folder of --db FILE",
                    ),
                    Some(folder) => match export(folder, &name, &text) {
                        Ok(path) => Status::good(format!("written: {path}")),
                        Err(error) => Status::bad(format!("not written: {error}")),
                    },
                };
                self.model.status = Some(status);
            }
            Effect::Explain(rule) => {
                let message = match (self.setup.explain)(&rule) {
                    Some(text) => Message::Text(rule, text),
                    None => Message::Status(Status::bad(format!("no rule {rule} is known here"))),
                };
                update(&mut self.model, message);
            }
            Effect::Mouse(on) => self.screen.set_mouse(on)?,
            Effect::Redraw => self.screen.clear()?,
            Effect::Suspend => self.suspend()?,
            Effect::Quit => return Ok(Some(Ended::Quit)),
        }
        Ok(None)
    }

    fn ask(&self, ask: Ask) {
        if let Some(asker) = &self.asker {
            asker.ask(ask);
        }
    }

    /// Opens the database once there is something in it.
    fn look(&mut self) -> Result<(), TuiError> {
        if self.asker.is_none() {
            let reader = open(&mut self.setup)?;
            self.ask_of(reader)?;
        }
        Ok(())
    }

    fn ask_of(&mut self, reader: Reader) -> Result<(), TuiError> {
        let (path, pause) = (self.setup.db.clone(), self.setup.refresh);
        self.asker = Some(Asker::begin(reader, path, pause, self.sender.clone())?);
        for effect in refresh(&mut self.model) {
            self.perform(effect)?;
        }
        Ok(())
    }

    fn produce(&self, producer: Producer, stop: Arc<AtomicBool>) -> io::Result<JoinHandle<()>> {
        let (sender, told) = (self.sender.clone(), Arc::clone(&self.told));
        thread::Builder::new().name("producer".to_owned()).spawn(move || {
            let lost = LostProducer(sender.clone());
            // One message waits at most, however long the screen takes.
            let tell = |one| {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                if told.replace(one).is_none() {
                    let _ending = sender.send(Incoming::Told);
                }
            };
            let done = producer(&tell, &stop);
            drop(lost);
            let _ending = sender.send(Incoming::Message(Message::Produced(done)));
        })
    }

    fn suspend(&mut self) -> Result<(), TuiError> {
        give_back();
        self.stopped = true;
        stop_here()?;
        self.enter()
    }

    /// The process goes on after a stop.
    fn resume(&mut self) -> Result<(), TuiError> {
        if std::mem::take(&mut self.stopped) {
            // It stopped itself, and has the terminal again already.
            return Ok(());
        }
        // Stopped from outside (SIGSTOP): the shell has set the terminal its own way.
        give_back();
        self.enter()
    }

    /// Takes the terminal again, and its size, which may have changed.
    fn enter(&mut self) -> Result<(), TuiError> {
        self.screen.enter()?;
        let size = self.screen.size()?;
        update(&mut self.model, Message::Resize(size));
        Ok(())
    }

    fn last_words(&self) -> Vec<String> {
        self.words.lock().map(|words| words.clone()).unwrap_or_default()
    }
}

/// Says so when its thread panics.
struct LostProducer(Sender<Incoming>);

impl Drop for LostProducer {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ending = self.0.send(Incoming::Lost);
        }
    }
}

fn of_event(event: &Event) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Message::Key(*key)),
        Event::Resize(width, height) => {
            Some(Message::Resize(Size { width: *width, height: *height }))
        }
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                Some(Message::Click(Position { x: mouse.column, y: mouse.row }))
            }
            MouseEventKind::ScrollDown => Some(Message::Wheel(1)),
            MouseEventKind::ScrollUp => Some(Message::Wheel(-1)),
            _ => None,
        },
        _ => None,
    }
}

/// Names tried for a file that must not be there yet.
const NAMES: u32 = 100;

/// Writes a file of the owner's own into `folder`, never over another one.
fn export(folder: &Path, name: &str, text: &str) -> io::Result<String> {
    for attempt in 0..NAMES {
        let number = if attempt == 0 { String::new() } else { format!("-{attempt}") };
        let name = format!("{name}{number}.json");
        let path = folder.join(&name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(name);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_never_replaces_a_file_and_is_its_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let first = export(folder.path(), "x", "1").unwrap();
        let second = export(folder.path(), "x", "2").unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("x.json", "x-1.json"));
        assert_eq!(std::fs::read_to_string(folder.path().join("x.json")).unwrap(), "1");
        let mode = std::fs::metadata(folder.path().join("x.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
