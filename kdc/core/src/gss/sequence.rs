//! The window of sequence numbers: each number counts once, and those far below the highest do not count any more.

/// Numbers below the highest that still count.
pub const WINDOW: u32 = 128;

/// The numbers that were seen.
#[derive(Debug, Clone)]
pub struct SequenceWindow {
    /// One above the highest number that was seen.
    next: u64,
    /// Bit `n`: the number `next - 1 - n` was seen, or is below the first.
    seen: u128,
}

impl SequenceWindow {
    /// Nothing was seen yet. Numbers below the first never count.
    #[must_use]
    pub fn new(first: u64) -> SequenceWindow {
        SequenceWindow { next: first, seen: u128::MAX }
    }

    /// Whether a number counts: it is new, and not too far below the highest.
    #[must_use]
    pub fn is_new(&self, number: u64) -> bool {
        match self.next.checked_sub(number) {
            // The highest number of all has no next one.
            None | Some(0) => number < u64::MAX,
            Some(back) => back <= u64::from(WINDOW) && self.seen & (1 << (back - 1)) == 0,
        }
    }

    /// Counts a number. Returns false where it does not count.
    #[must_use]
    pub fn count(&mut self, number: u64) -> bool {
        if !self.is_new(number) {
            return false;
        }
        match self.next.checked_sub(number) {
            None | Some(0) => {
                let ahead = number - self.next + 1;
                self.seen = u32::try_from(ahead).ok().and_then(|ahead| self.seen.checked_shl(ahead)).unwrap_or(0) | 1;
                self.next = number + 1;
            }
            Some(back) => self.seen |= 1 << (back - 1),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_counts_once_in_any_order_within_the_window() {
        let mut window = SequenceWindow::new(5);
        assert!(!window.count(4), "below the first");
        assert!(window.count(5) && !window.count(5));
        assert!(window.count(8) && window.count(6) && window.count(7));
        assert!(![5, 6, 7, 8].into_iter().any(|number| window.count(number)));
        assert!(window.count(200));
        assert!(window.count(200 - 127) && !window.count(200 - 127));
        assert!(!window.count(200 - 128), "too far below");
    }

    #[test]
    fn a_number_far_ahead_leaves_all_others_behind() {
        let mut window = SequenceWindow::new(0);
        assert!(window.count(0) && window.count(1 << 40));
        assert!(!window.count(0) && !window.count(1));
        assert!(window.count((1 << 40) - 1));
        assert!(!window.count(u64::MAX) && window.count(u64::MAX - 1) && !window.count(u64::MAX - 1));
        assert!(window.count(u64::MAX - 2));
    }
}
