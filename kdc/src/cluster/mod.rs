//! The cluster: what its objects ask for is put into the store, and what became of it is told there.
//!
//! | module | what |
//! |---|---|
//! | [`controller`] | the loop: watches in, names to settle out |
//! | [`work`] | which names are due |
//! | [`settle`] | one name: from what is wanted and what is stored to the next write |
//! | [`publish`] | status, Events, ConfigMaps, keytab Secrets |
//! | [`keytab`] | the keytab of some services |

mod controller;
pub(crate) mod keytab;
mod publish;
mod settle;
mod work;

pub(crate) use controller::Controller;
pub(crate) use publish::Published;
