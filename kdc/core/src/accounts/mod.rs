//! Principals that follow the objects of a cluster: what should be there against what is stored, to the next write. Pure,
//! and for one name at a time, so that a restart, a missed event or a full listing all end in the same state.
//!
//! - An object that is gone disables its principal at once and removes it once no ticket of it can be alive.
//! - An object of another UID is another account: new keys, and no ticket of the older one works for it
//!   (the class of CVE-2021-42287).
//! - A name that an administrator has made, or that another object has, is a conflict; nothing is taken over.

mod reconcile;

pub use reconcile::{Action, Conflict, reconcile, reconcile_alias};

use kennel_wire::message::Principal;
use std::collections::BTreeSet;

/// A principal that the cluster's objects ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Its name.
    pub name: Principal,
    /// UID of the object that it is made from (the service account, the KerberosPrincipal).
    pub uid: String,
    /// Client or service.
    pub role: Role,
    /// Whether it has long-term keys; a client that gets tickets by enrolment needs none.
    pub keys: bool,
    /// Its other names.
    pub aliases: BTreeSet<Principal>,
}

/// What a principal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A service account: no service tickets for it, except user-to-user ones.
    Client,
    /// A service.
    Service,
}
