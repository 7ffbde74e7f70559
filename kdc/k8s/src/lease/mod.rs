//! The Lease that says which process serves a realm, and from which store. It names the store by its master key: a replica
//! with another store, or with an empty volume, would serve a realm of the same name with other keys, and no ticket of one
//! would work in the other. It names the holder: the embedded store belongs to one process, so a second process with a copy
//! would fall behind unnoticed. Neither starts.
//!
//! The holder alone writes for the cluster. The writers of [`apply`](crate::apply) are made from a [`HeldLease`], which a
//! process has only after it took the Lease, and which refuses every write once the time of the last renewal is over.
//!
//! | module | what |
//! |---|---|
//! | [`realm_lease`] | checks, takes, renews and releases the Lease |
//! | [`held`] | the permission to write, and its end by the clock |
//! | [`spec`] | the content of a Lease: whether it is free, and its renewal; pure |
//! | [`error`] | why a process must not serve the realm |

pub mod error;
pub mod held;
pub mod realm_lease;
mod spec;

pub use error::LeaseError;
pub use held::{HeldLease, LeaseClocks, LeaseEnded};
pub use realm_lease::{CheckedLease, LocalStore, RealmLease};
