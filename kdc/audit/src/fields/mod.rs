//! Fields of each kind of event, in the order of the line.
//!
//! | module | what |
//! |---|---|
//! | [`exchange`] | a request to the KDC |
//! | [`enrolment`] | an enrolment of a pod |
//! | [`stalled`] | requests that were refused while the trail could not be written |

mod enrolment;
mod exchange;
pub(crate) mod stalled;
#[cfg(test)]
mod tests;
