//! How far a run has come, on the terminal.

use std::{
    io::{IsTerminal, stdout},
    sync::{Arc, Mutex, PoisonError},
};

use hubspot_partner_clients::bulk::Progress;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

/// Shows nothing where standard error is no terminal.
#[derive(Clone)]
pub(super) struct Bar {
    bar: ProgressBar,
    last: Arc<Mutex<Progress>>,
}

impl Bar {
    pub(super) fn new(rows: u64, json: bool) -> Self {
        // It would be between the lines of the outcomes.
        let hidden = json && stdout().is_terminal();
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(rows) };
        // A template that cannot be read would leave the default one. The message is cut where the terminal ends.
        if let Ok(style) = ProgressStyle::with_template("[{bar:20}] {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let bar = Self { bar, last: Arc::default() };
        bar.show(&Progress::default());
        bar
    }

    pub(super) fn tell(&self, progress: &Progress) {
        self.show(progress);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = progress.clone();
    }

    /// All counts are in the message, so that none is drawn before the others; the first are the most telling.
    fn show(&self, progress: &Progress) {
        let Progress { succeeded, failed, replayed, requests, time_left, .. } = progress;
        let (settled, rows) = (HumanCount(succeeded + failed), HumanCount(self.bar.length().unwrap_or_default()));
        let left = time_left.map(|left| format!(", {} left", HumanDuration(left))).unwrap_or_default();
        let replayed =
            if *replayed > 0 { format!(", {} from the journal", HumanCount(*replayed)) } else { String::new() };
        let (failed, requests) = (HumanCount(*failed), HumanCount(*requests));
        self.bar.set_message(format!("{settled}/{rows} rows, {failed} failed{left}{replayed}, {requests} requests"));
        self.bar.set_position(settled.0);
    }

    /// Takes it off the terminal, and gives what was told last.
    pub(super) fn end(&self) -> Progress {
        self.bar.finish_and_clear();
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
