//! Bounds the log lines about something that a stranger can repeat: one line a second, with the number of occurrences.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shortest time between two lines.
const INTERVAL: Duration = Duration::from_secs(1);

/// The occurrences of one kind since its last line.
#[derive(Default)]
pub(crate) struct Reports(Mutex<Occurrences>);

#[derive(Default)]
struct Occurrences {
    count: u64,
    reported: Option<Instant>,
}

impl Reports {
    /// Counts an occurrence. Returns the number of occurrences since the last line where the next line is due.
    pub(crate) fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut occurrences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        occurrences.count += 1;
        if occurrences.reported.is_some_and(|reported| now.saturating_duration_since(reported) < INTERVAL) {
            return None;
        }
        occurrences.reported = Some(now);
        Some(std::mem::take(&mut occurrences.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_occurrence_is_reported_at_once_and_the_others_once_a_second() {
        let (reports, begun) = (Reports::default(), Instant::now());
        let after = |millis| begun + Duration::from_millis(millis);
        assert_eq!(reports.due_at(begun), Some(1));
        assert!((0..100).all(|n| reports.due_at(after(n)).is_none()));
        assert_eq!(reports.due_at(after(1000)), Some(101));
    }
}
