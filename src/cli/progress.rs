//! How far a run has come, on standard error.

use std::cell::RefCell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::capture::Progress;

/// A bar that a run moves.
pub(super) struct Bar(RefCell<Option<ProgressBar>>, bool);

impl Bar {
    /// A bar; it draws nothing when `shown` is false.
    pub(super) fn new(shown: bool) -> Self {
        Self(RefCell::new(None), shown)
    }

    /// Moves it.
    pub(super) fn show(&self, progress: &Progress) {
        if !self.1 {
            return;
        }
        let mut bar = self.0.borrow_mut();
        let bar = bar.get_or_insert_with(|| begin(progress.total()));
        bar.set_position(progress.consumed());
    }

    /// Takes it away.
    pub(super) fn finish(&self) {
        if let Some(bar) = self.0.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

fn begin(total: Option<u64>) -> ProgressBar {
    const KNOWN: &str =
        "wirelint [{bar:40}] {percent:>3}%  {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
    const STREAM: &str = "wirelint {spinner} {bytes}  {bytes_per_sec}";
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = if total.is_some() { KNOWN } else { STREAM };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("#>."));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
