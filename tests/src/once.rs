//! Values that are created once for all tests of a process.

use anyhow::{Error, Result};
use std::sync::OnceLock;

/// A value that the first use creates. A failure is kept too: every later use gets the same error at once.
#[derive(Debug)]
pub struct Once<T>(OnceLock<std::result::Result<T, String>>);

impl<T> Once<T> {
    /// Creates an empty value, for a `static`.
    #[must_use]
    pub const fn new() -> Once<T> {
        Once(OnceLock::new())
    }

    /// Returns the value, which `make` creates at the first use.
    ///
    /// # Errors
    /// `make` failed, now or at the first use.
    pub fn get_or_make(&self, make: impl FnOnce() -> Result<T>) -> Result<&T> {
        let made = self.0.get_or_init(|| make().map_err(|error| format!("{error:#}")));
        made.as_ref().map_err(|error| Error::msg(error.clone()))
    }
}

impl<T> Default for Once<T> {
    fn default() -> Once<T> {
        Once::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_not_tried_again() {
        let once: Once<()> = Once::new();
        let failed = once.get_or_make(|| anyhow::bail!("the reason")).unwrap_err();
        let again = once.get_or_make(|| Ok(())).unwrap_err();
        assert_eq!((failed.to_string(), again.to_string()), ("the reason".to_owned(), "the reason".to_owned()));
    }
}
