//! Writes the principals that the cluster's objects ask for into the store.
//!
//! | module | what |
//! |---|---|
//! | [`controller`] | the loop: takes watch events in, settles the names that they change |
//! | [`work`] | which names are due |
//! | [`leased_store`] | the store, which is written only while the Lease is held |
//! | [`settle`] | compares the wanted and the stored state of one name and does the next write |

pub(crate) mod controller;
mod leased_store;
mod settle;
mod work;
