//! What the objects of a cluster ask for.

use crate::principal::Owner;
use kennel_crypto::Enctype;
use kennel_wire::message::Principal;
use std::collections::BTreeSet;

/// A principal that the cluster's objects ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the name says it")]
pub struct DesiredPrincipal {
    /// Canonical name.
    pub name: Principal,
    /// The objects that ask for the principal.
    pub owner: Owner,
    /// The namespace of those objects.
    pub namespace: String,
    pub role: Role,
    /// Whether the principal has long-term keys; a client that gets tickets by enrolment needs none.
    pub keys: bool,
    /// Enctypes that a service understands for session keys; `None`: see [`PrincipalRecord`](crate::principal::PrincipalRecord).
    pub session_enctypes: Option<Vec<Enctype>>,
    /// Other names of the principal; they share its keys.
    pub aliases: BTreeSet<Principal>,
}

/// Purpose of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A service account, which accepts no service tickets except user-to-user ones.
    Client,
    /// A service, which accepts service tickets.
    Service,
}
