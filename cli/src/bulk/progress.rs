//! The line on the terminal that shows how far a run has come.

use std::{
    io::{IsTerminal, stdout},
    sync::{Arc, Mutex, PoisonError},
};

use console::Term;
use hubspot_partner_clients::bulk::Progress;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::words::counted;

/// How long the bar is, and how wide a terminal has room for it beside the counts.
const BAR: u64 = 20;
const WIDE: usize = 60;

/// Shows nothing where standard error is no terminal.
#[derive(Clone)]
pub(super) struct Bar {
    bar: ProgressBar,
    rows: u64,
    last: Arc<Mutex<Progress>>,
}

impl Bar {
    /// `has_outcomes` says whether each row's outcome is printed.
    pub(super) fn new(rows: u64, has_outcomes: bool, verbose: bool) -> Self {
        // It would be between the lines of the outcomes, or of the log.
        let hidden = verbose || (has_outcomes && stdout().is_terminal());
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(rows) };
        // A template that cannot be read would leave the default one.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let bar = Self { bar, rows, last: Arc::default() };
        bar.show(&Progress::default());
        bar
    }

    pub(super) fn update(&self, progress: &Progress) {
        self.show(progress);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = progress.clone();
    }

    fn show(&self, progress: &Progress) {
        // The window may have another size each time.
        let (_, columns) = Term::stderr().size();
        self.bar.set_message(line(progress, self.rows, columns.into()));
        self.bar.set_position(progress.succeeded + progress.failed);
    }

    /// Removes it from the terminal, and returns the latest progress.
    pub(super) fn end(&self) -> Progress {
        self.bar.finish_and_clear();
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// As much as fits in so many columns, the most important first. It is ASCII, so a character is a column.
fn line(progress: &Progress, rows: u64, columns: usize) -> String {
    let Progress { succeeded, failed, replayed, requests, time_left, .. } = progress;
    let settled = succeeded + failed;
    let share = |of: u64| if rows == 0 { of } else { (u128::from(settled) * u128::from(of) / u128::from(rows)) as u64 };
    let begin = [
        format!("{}/{}", HumanCount(settled), counted(rows, "row")),
        format!("{}/{}", HumanCount(settled), HumanCount(rows)),
        format!("{}%", share(100)),
    ];
    let Some(mut line) = begin.into_iter().find(|begin| begin.len() <= columns) else { return String::new() };
    if columns >= WIDE && line.len() + BAR as usize + 3 <= columns {
        let full = share(BAR).min(BAR) as usize;
        let tip = if full < BAR as usize { ">" } else { "" };
        line = format!("[{:<width$}] {line}", "=".repeat(full) + tip, width = BAR as usize);
    }
    let more = [
        Some(format!("{} failed", HumanCount(*failed))),
        time_left.map(|left| format!("{} left", HumanDuration(left))),
        (*replayed > 0).then(|| format!("{} from the journal", HumanCount(*replayed))),
        Some(counted(*requests, "request")),
    ];
    for part in more.into_iter().flatten() {
        if line.len() + 2 + part.len() > columns {
            break;
        }
        line.push_str(", ");
        line.push_str(&part);
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hubspot_partner_clients::bulk::Progress;

    use super::line;

    fn progress(succeeded: u64, failed: u64, replayed: u64) -> Progress {
        let mut progress = Progress::default();
        (progress.succeeded, progress.failed, progress.replayed) = (succeeded, failed, replayed);
        (progress.requests, progress.time_left) = (succeeded / 100, Some(Duration::from_secs(4_000)));
        progress
    }

    #[test]
    fn the_line_fits_every_width_and_holds_whole_words() {
        let everything = line(&progress(90_000, 1_234, 50), 100_000, 1_000);
        for columns in 0..=200 {
            for (progress, rows) in [
                (progress(90_000, 1_234, 50), 100_000),
                (progress(0, 0, 0), 0),
                (progress(u64::MAX / 2, u64::MAX / 2, u64::MAX), u64::MAX),
            ] {
                let shown = line(&progress, rows, columns);
                assert!(shown.is_ascii() && shown.len() <= columns, "{columns}: {shown:?}");
            }
            let shown = line(&progress(90_000, 1_234, 50), 100_000, columns);
            if columns >= 60 {
                assert!(everything.starts_with(&shown), "{shown:?}");
            }
        }
    }

    #[test]
    fn the_narrower_the_less_is_told() {
        let at = |columns| line(&progress(90_000, 1_234, 0), 100_000, columns);
        assert_eq!(at(2), "");
        assert_eq!(at(3), "91%");
        assert_eq!(at(15), "91,234/100,000");
        assert_eq!(at(40), "91,234/100,000 rows, 1,234 failed");
        assert_eq!(at(80), "[==================> ] 91,234/100,000 rows, 1,234 failed, 67 minutes left");
    }
}
