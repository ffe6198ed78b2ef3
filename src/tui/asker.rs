//! The thread that reads the database, so that drawing never waits for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::model::{Answer, Ask, Message};
use super::program::Incoming;
use crate::store::view::Reader;
use crate::store::{StoreError, annotate};

/// Asks, and is answered later with a message.
pub(super) struct Asker {
    questions: Sender<Ask>,
    cancel: Arc<AtomicBool>,
}

impl Asker {
    /// Begins the thread.
    pub(super) fn begin(
        reader: Reader,
        path: PathBuf,
        pause: Duration,
        answers: Sender<Incoming>,
    ) -> std::io::Result<Self> {
        let (questions, asked) = channel();
        let cancel = reader.canceller();
        let answering = Answering { reader, path, asked, answers, pause };
        thread::Builder::new().name("reader".to_owned()).spawn(move || answering.run())?;
        Ok(Self { questions, cancel })
    }

    /// Asks. A page that is still being read for an earlier question is given up.
    pub(super) fn ask(&self, ask: Ask) {
        let page = matches!(ask, Ask::Page(_));
        // The thread is gone only when the program ends.
        let _ending = self.questions.send(ask);
        if page {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}

struct Answering {
    reader: Reader,
    path: PathBuf,
    asked: Receiver<Ask>,
    answers: Sender<Incoming>,
    /// Between two looks at whether the database changed.
    pause: Duration,
}

impl Drop for Answering {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ending = self.answers.send(Incoming::Lost);
        }
    }
}

/// The share of its time that this thread may spend on showing the same again: a tenth.
const REST: u32 = 10;

impl Answering {
    fn run(mut self) {
        let mut waiting: Vec<Ask> = Vec::new();
        let mut version = self.reader.version().unwrap_or(0);
        let mut spent = Duration::ZERO;
        let mut look = Instant::now() + self.pause;
        loop {
            if waiting.is_empty() {
                let rest = look.saturating_duration_since(Instant::now());
                match self.asked.recv_timeout(rest) {
                    Ok(ask) => waiting.push(ask),
                    Err(RecvTimeoutError::Timeout) => {
                        let now = self.reader.version().unwrap_or(version);
                        if now != version && self.tell(Message::Changed).is_err() {
                            return;
                        }
                        version = now;
                        look = Instant::now() + self.pause.max(spent * REST);
                        spent = Duration::ZERO;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            while let Ok(ask) = self.asked.try_recv() {
                waiting.push(ask);
            }
            let Some(ask) = next(&mut waiting) else { continue };
            let begun = Instant::now();
            if self.answer(ask, &mut waiting).is_err() {
                return;
            }
            spent += begun.elapsed();
        }
    }

    fn answer(&mut self, ask: Ask, waiting: &mut Vec<Ask>) -> Result<(), ()> {
        self.reader.canceller().store(false, Ordering::Relaxed);
        match read(&mut self.reader, &self.path, &ask) {
            Ok(answer) => self.tell(Message::Answer(answer)),
            // Somebody wants another page. This is asked again after it, unless it was a page itself.
            Err(StoreError::QueryTime { .. }) => {
                waiting.insert(0, ask);
                Ok(())
            }
            Err(error) => {
                let diagnostic = error.diagnostic();
                self.tell(Message::Answer(Answer::Failed(diagnostic.message)))
            }
        }
    }

    fn tell(&self, message: Message) -> Result<(), ()> {
        self.answers.send(Incoming::Message(message)).map_err(|_| ())
    }
}

/// What the database says to a question.
pub(super) fn read(reader: &mut Reader, path: &Path, ask: &Ask) -> Result<Answer, StoreError> {
    Ok(match ask {
        Ask::Page(request) => Answer::Page(request.clone(), reader.page(request)?),
        Ask::Overview => Answer::Overview(Box::new(reader.overview()?)),
        Ask::Finding(id) => Answer::Finding(reader.finding(*id)?.map(Box::new)),
        Ask::Hours(edge) => Answer::Hours(edge.clone(), reader.hours(edge)?),
        Ask::Session(id) => Answer::Session(*id, reader.session(*id)?),
        Ask::Certificate(id) => Answer::Certificate(*id, reader.certificate(*id)?),
        Ask::Json(id, name) => Answer::Json(name.clone(), reader.finding_json(*id)?),
        Ask::Annotate(annotation) => {
            annotate(path, annotation)?;
            Answer::Annotated(annotation.clone())
        }
    })
}

/// The question to answer next: of each kind only the latest counts, and pages come first, because they are waited for.
fn next(waiting: &mut Vec<Ask>) -> Option<Ask> {
    let mut kinds = Vec::new();
    let mut kept: Vec<Ask> = Vec::new();
    while let Some(ask) = waiting.pop() {
        let kind = std::mem::discriminant(&ask);
        let once = matches!(ask, Ask::Annotate(_) | Ask::Json(..));
        if once || !kinds.contains(&kind) {
            kinds.push(kind);
            kept.push(ask);
        }
    }
    kept.reverse();
    let first = kept.iter().position(|ask| matches!(ask, Ask::Page(_))).unwrap_or(0);
    let ask = if kept.is_empty() { None } else { Some(kept.remove(first)) };
    *waiting = kept;
    ask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_only_the_latest_question_is_answered_and_no_decision_is_lost() {
        let mut waiting = vec![
            Ask::Finding(1),
            Ask::Json(1, "a".to_owned()),
            Ask::Overview,
            Ask::Finding(2),
            Ask::Json(2, "b".to_owned()),
        ];
        let order: Vec<String> =
            std::iter::from_fn(|| next(&mut waiting)).map(|ask| format!("{ask:?}")).collect();
        assert_eq!(order, ["Json(1, \"a\")", "Overview", "Finding(2)", "Json(2, \"b\")"]);
    }
}
