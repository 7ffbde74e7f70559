//! The cluster's objects into the store.
//!
//! | module | what |
//! |---|---|
//! | [`controller`] | the loop: watches in, names to settle out |
//! | [`work`] | which names are due |
//! | [`settle`] | one name: from what is wanted and what is stored to the next write |

pub(crate) mod controller;
mod settle;
mod work;
