//! What follows the cluster. The realm's leader keeps three things in step: the cluster's objects, the store's principals, and
//! what the cluster shows of them. The one library with both the stores and `k8s`; it names no socket and no configuration, and
//! the binary hands the clock in.
//!
//! | module | what |
//! |---|---|
//! | [`state`] | the progress of each name |
//! | [`live`] | the realm and its rules as they are now, swapped whole |
//! | [`cluster`] | the cluster's objects into the store |
//! | [`publish`] | results back to the cluster: status, Events, ConfigMaps, keytab Secrets |
//! | [`census`] | the principals and keys of the store, counted for the metrics |

mod census;
mod cluster;
mod live;
mod publish;
mod state;
#[cfg(test)]
mod testing;

pub use census::Census;
pub use cluster::controller::{Controller, ControllerParts};
pub use live::Live;
pub use publish::config_map::Published;
