//! What one process remembers of logins: in memory alone, never a write for a login.

use kennel_wire::message::{Principal, Timestamp};

/// What a process has seen of a principal's logins since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Logins {
    /// The last login that succeeded.
    pub last_success: Option<Timestamp>,
    /// The last that failed.
    pub last_failure: Option<Timestamp>,
    /// Failed ones in a row.
    pub failures: u32,
}

/// The memory of logins that administration shows, and forgets where an administrator unlocks a principal.
pub trait LoginMemory: Send + Sync {
    /// What is remembered of a principal, by its canonical name.
    fn logins(&self, principal: &Principal) -> Logins;

    /// Forgets the failed attempts of a principal.
    fn unlock(&self, principal: &Principal);
}

/// Remembers nothing.
pub struct NoLogins;

impl LoginMemory for NoLogins {
    fn logins(&self, _: &Principal) -> Logins {
        Logins::default()
    }

    fn unlock(&self, _: &Principal) {}
}
