//! What the objects of a cluster ask for.

use crate::principal::Owner;
use kennel_wire::message::Principal;
use std::collections::BTreeSet;

/// A principal that the cluster's objects ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPrincipal {
    /// Its name.
    pub name: Principal,
    /// The objects that it is made from.
    pub owner: Owner,
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
