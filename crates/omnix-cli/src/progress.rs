//! How far long work has come: a bar on a terminal, a plain line every few seconds elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a plain line is printed.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how far work has come, on standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// Work called `what` of `total` bytes or steps; 0 when it is not known.
    pub(crate) fn start(what: &'static str, total: u64) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{msg:>12} [{bar:32}] {percent:>3} %  {elapsed} (left: {eta})");
            let bar = ProgressBar::new(total).with_message(what);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar
        });
        Self { what, total, bar, started: now, last_line: now }
    }

    /// So much is done, `events` in all.
    pub(crate) fn advance(&mut self, done: u64, events: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                let share = (done * 100)
                    .checked_div(self.total)
                    .map_or(String::new(), |percent| format!(" ({percent} %)"));
                eprintln!("{}: {events} events{share}, {} s", self.what, self.started.elapsed().as_secs());
            }
            None => {}
        }
    }

    /// The work is over.
    pub(crate) fn finish(self) -> Duration {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}
