//! The terminal: taken, drawn on, given back as it was, whatever happens.

use std::io::{self, Stdout, Write as _};
use std::panic;
use std::sync::{Arc, Mutex};
use std::thread;

use crossterm::cursor::Show;
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Size;

use super::model::Model;
use super::view::view;

/// The terminal while it is ours. Dropping it gives it back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take(mouse: bool) -> io::Result<Self> {
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        let mut screen = Self { terminal, mouse };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes it again, and draws everything anew.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen)?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        self.clear()
    }

    /// Has everything drawn anew. The terminal's own way asks where the cursor is, and the answer would go to the thread
    /// that reads keys.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    pub(super) fn draw(&mut self, model: &Model) -> io::Result<()> {
        self.terminal.draw(|frame| view(model, frame)).map(|_| ())
    }

    pub(super) fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        match on {
            true => execute!(io::stdout(), EnableMouseCapture),
            false => execute!(io::stdout(), DisableMouseCapture),
        }
    }

    /// Asks the terminal to put a text on the clipboard (OSC 52). Whether it does cannot be known.
    pub(super) fn copy(&self, text: &str) -> io::Result<()> {
        use base64::Engine as _;
        let coded = base64::engine::general_purpose::STANDARD.encode(text);
        let mut out = io::stdout();
        write!(out, "\u{1b}]52;c;{coded}\u{7}")?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back. What fails here fails because the terminal is gone.
pub(super) fn give_back() {
    let mut out = io::stdout();
    let _gone = execute!(out, DisableMouseCapture, LeaveAlternateScreen, Show);
    let _gone = disable_raw_mode();
}

/// What threads said while they died, for after the screen.
pub(super) type LastWords = Arc<Mutex<Vec<String>>>;

/// Words of dying threads that are kept.
const WORDS: usize = 8;

/// From now on a panic of this thread gives the terminal back (by `restore`) before it is told of; one of another thread
/// does not write over the screen.
pub(super) fn on_panic(restore: fn()) -> LastWords {
    let words = LastWords::default();
    let kept = Arc::clone(&words);
    let own = thread::current().id();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == own {
            restore();
            usual(info);
        } else if let Ok(mut kept) = kept.lock()
            && kept.len() < WORDS
        {
            kept.push(info.to_string());
        }
    }));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static RESTORED: AtomicUsize = AtomicUsize::new(0);

    /// One test, because the hook is one for the whole process.
    #[test]
    fn a_panic_gives_the_terminal_back_and_one_elsewhere_leaves_it() {
        let restore = || {
            RESTORED.fetch_add(1, Ordering::SeqCst);
        };
        let ui = thread::spawn(move || {
            let words = on_panic(restore);
            let elsewhere = thread::spawn(|| panic!("a reader of bytes failed")).join();
            assert!(elsewhere.is_err());
            assert_eq!(RESTORED.load(Ordering::SeqCst), 0);
            assert!(
                words.lock().unwrap().iter().any(|word| word.contains("a reader of bytes failed"))
            );
            let here = panic::catch_unwind(|| panic!("the dashboard failed"));
            assert!(here.is_err());
            RESTORED.load(Ordering::SeqCst)
        });
        assert_eq!(ui.join().unwrap(), 1);
        drop(panic::take_hook());
    }
}
