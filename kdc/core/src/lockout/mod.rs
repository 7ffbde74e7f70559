//! Lockout after failed attempts to log in, by the policy of a principal: counted in memory, never written.
//!
//! Only failures of pre-authentication of principals that exist and have a policy count, each source for itself: a source of noise
//! locks itself out, and neither the sources that the principal logs in from nor, for ever, anybody else.
//!
//! | module | what |
//! |---|---|
//! | [`guard`] | what an AS exchange asks, before and after a proof |
//! | [`attempts`] | the attempts on one principal, by source |
//! | [`table`] | the attempts on all principals, bounded |

pub mod attempts;
pub mod guard;
pub mod table;
