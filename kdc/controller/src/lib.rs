//! The controller. The process that holds the realm's Lease keeps three things in step: the cluster's objects, the principals in
//! the store, and the status that the cluster shows. This is the only library that uses both the stores and `k8s`. It uses no
//! socket and no configuration, and receives the clock from the binary.
//!
//! | module | what |
//! |---|---|
//! | [`state`] | the progress of each name from the cluster into the store |
//! | [`live`] | the current realm and its rules, replaced as a whole |
//! | [`cluster`] | writes the principals that the cluster's objects ask for into the store |
//! | [`access`] | programs accesses: tickets and NetworkPolicies, in the order that is safe |
//! | [`publish`] | reports results back to the cluster: status, Events, ConfigMaps, keytab Secrets |
//! | [`rotation`] | performs the rotations of keys |
//! | [`logins`] | who is locked out after failed attempts to log in |
//! | [`census`] | counts the principals and keys of the store for the metrics |

mod access;
mod census;
mod cluster;
mod live;
mod logins;
mod publish;
mod rotation;
mod state;
#[cfg(test)]
mod testing;

pub use access::snapshot::Programmed;
pub use census::Census;
pub use cluster::controller::{Controller, ControllerParts};
pub use live::{Live, RetiredAccess, realm_with};
pub use logins::LoginBook;
pub use publish::config_map::Published;
pub use rotation::book::RotationBook;
pub use rotation::orders::{Ordered, RotationOrder, order, order_all};
pub use rotation::policy::{NeverRotates, RotationPolicies};
pub use rotation::report::{KeyReport, key_report};
pub use rotation::rotator::{Rotator, RotatorParts};
