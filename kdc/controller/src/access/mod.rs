//! Programs accesses: the tickets and the NetworkPolicies of one declaration, in the order that is safe.
//!
//! | module | what |
//! |---|---|
//! | [`programmer`] | the loop: renders, lets the KDC decide, writes policies |
//! | [`program`] | the state, and the step from there to what the cluster asks for |
//! | [`work`] | the queue of policies to write |
//! | [`contention`] | policies that somebody else keeps changing |
//! | [`drift`] | Events about them |
//! | [`snapshot`] | what is programmed at a moment |
//! | [`inbox`] | what the loop is told by others |
//! | [`would_deny`] | clients that Enforce would deny |
//! | [`optional`] | watches of policies that only some clusters have |
//! | [`surroundings`] | which kinds the API server serves, and which guards it has |

mod contention;
pub(crate) mod drift;
pub(crate) mod inbox;
mod optional;
mod program;
pub(crate) mod programmer;
pub(crate) mod snapshot;
pub(crate) mod surroundings;
mod work;
pub(crate) mod would_deny;
