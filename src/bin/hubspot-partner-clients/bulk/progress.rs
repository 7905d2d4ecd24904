//! How far a run has come, on the terminal.

use std::{
    io::{IsTerminal, stdout},
    sync::{Arc, Mutex, PoisonError},
};

use hubspot_partner_clients::bulk::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Shows nothing where standard error is no terminal.
#[derive(Clone)]
pub(super) struct Bar {
    bar: ProgressBar,
    last: Arc<Mutex<Progress>>,
}

impl Bar {
    pub(super) fn new(rows: u64, done: &'static str, json: bool) -> Self {
        // It would be between the lines of the outcomes.
        let hidden = json && stdout().is_terminal();
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(rows) };
        // A template that cannot be read would leave the default one.
        if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {human_pos}/{human_len} rows, {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(format!("0 {done}"));
        Self { bar, last: Arc::default() }
    }

    pub(super) fn tell(&self, progress: &Progress, done: &str) {
        let Progress { succeeded, failed, requests, time_left, .. } = progress;
        let left = time_left.map(|left| format!(", {} left", HumanDuration(left))).unwrap_or_default();
        self.bar.set_message(format!("{succeeded} {done}, {failed} failed, {requests} requests{left}"));
        self.bar.set_position(succeeded + failed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = progress.clone();
    }

    /// Takes it off the terminal, and gives what was told last.
    pub(super) fn end(&self) -> Progress {
        self.bar.finish_and_clear();
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
