//! The progress of long work: a line now and then on standard error.

use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(2);

/// Prints at most one line in an interval, and none in the first.
pub(super) struct Progress {
    what: &'static str,
    total: usize,
    last: Instant,
}

impl Progress {
    /// `what`: such as `records written`.
    pub(super) fn new(what: &'static str, total: usize) -> Progress {
        Progress { what, total, last: Instant::now() }
    }

    /// So much of the total is done.
    pub(super) fn at(&mut self, done: usize) {
        if self.last.elapsed() >= INTERVAL {
            self.last = Instant::now();
            let percent = done.saturating_mul(100).checked_div(self.total).unwrap_or(100);
            eprintln!("{}: {done} of {} ({percent} %)", self.what, self.total);
        }
    }
}
