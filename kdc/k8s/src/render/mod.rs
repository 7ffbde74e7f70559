//! What the cluster's objects should say, computed from what is known: pure.
//!
//! | module | what |
//! |---|---|
//! | [`access`] | who may call whom: the access table and the NetworkPolicies |
//! | [`explain`] | whether a client reaches a server, and why |
//! | [`reach`] | packets, by the union of all NetworkPolicies |
//! | [`offline`] | the same rendering from files |
//! | [`policy`] | NetworkPolicies as Kennel writes them |
//! | [`transition`] | the order in which a rendering takes effect |
//! | [`status`] | the status of KerberosPrincipals and KerberosRealms |
//! | [`access_status`] | the status of KerberosAccesses |
//! | [`conditions`] | the conditions of a status |

pub mod access;
pub mod access_status;
pub mod conditions;
pub mod explain;
pub mod offline;
pub mod policy;
pub mod reach;
pub mod status;
pub mod transition;
