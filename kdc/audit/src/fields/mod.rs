//! Fields of each kind of event, in the order of the line.
//!
//! | module | what |
//! |---|---|
//! | [`exchange`] | a request to the KDC |
//! | [`enrolment`] | an enrolment of a pod |
//! | [`rotation`] | an order to rotate keys, and a step of a rotation |
//! | [`admin`] | an operation of administration |
//! | [`password`] | a request to change a password |
//! | [`stalled`] | requests that were refused while the trail could not be written |

mod admin;
mod enrolment;
mod exchange;
mod password;
mod rotation;
pub(crate) mod stalled;
#[cfg(test)]
mod tests;
