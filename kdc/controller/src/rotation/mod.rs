//! Performs the rotations of keys that [`kennel_core::rotation`] schedules: one write for each step, by the process that holds the
//! realm's Lease, or by a process without a cluster. A process that stops between two steps loses nothing: the next one asks for
//! the schedule again.
//!
//! | module | what |
//! |---|---|
//! | [`policy`] | the policy of a principal, and which principals never rotate |
//! | [`facts`] | what is kept of a principal: versions and times, no keys |
//! | [`holders`] | who holds the keys of which principal |
//! | [`book`] | facts and holders of every principal, followed from the store, and when each is due |
//! | [`keys`] | one step of one principal |
//! | [`rotator`] | the loop that performs what is due |
//! | [`rollout`] | restarts the workloads whose programs read their keytab once |
//! | [`sweep`] | deletes the records of holders that are gone |
//! | [`orders`] | rotations and revocations that somebody asks for |
//! | [`report`] | versions, holders and what a rotation waits for, for administrators |

pub(crate) mod book;
mod facts;
mod holders;
mod keys;
pub(crate) mod orders;
pub(crate) mod policy;
pub(crate) mod report;
pub(crate) mod rollout;
pub(crate) mod rotator;
pub(crate) mod sweep;
#[cfg(test)]
mod tests;
