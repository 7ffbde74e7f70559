//! Principals that follow the objects of a cluster: compares the desired principal with the stored one and returns the next
//! write. Pure, and for one name at a time, so that a restart, a missed event or a full listing all end in the same state.
//!
//! - An object that is gone disables its principal at once and removes it once no ticket of it can be alive.
//! - An object of another UID is another account: new keys, and no ticket of the older one works for it
//!   (the class of CVE-2021-42287).
//! - A name that an administrator has made, or that another object has, is a conflict; nothing is taken over.

mod desired;
mod reconcile;

pub use desired::{DesiredPrincipal, Role};
pub use reconcile::{Action, Conflict, reconcile, reconcile_alias};
