//! When keys change, and that nobody notices: a pure function of a key set, its holders, the policy and the time. The step of
//! each moment is written to the store by whoever holds the realm's Lease.
//!
//! | module | what |
//! |---|---|
//! | [`clock`] | what time it is, and how sure that is |
//! | [`holder`] | who has which versions on disk |
//! | [`accept`] | how long a retired key is accepted |
//! | [`policy`] | how often keys change, and how long each state lasts |
//! | [`schedule`] | the next step of a key set, when to look again, and what it waits for |
//! | [`event`] | what the audit trail is told of orders and steps |
//! | [`apply`] | a step, done to a record |
//! | `slot` | spreads the rotations of many principals |
//! | `repair` | stamps and versions that a record should not hold |

pub mod accept;
pub mod apply;
pub mod clock;
pub mod event;
pub mod holder;
pub mod policy;
pub mod schedule;

mod repair;
mod slot;
