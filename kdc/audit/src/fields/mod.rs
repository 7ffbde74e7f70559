//! What each kind of event says, in order.
//!
//! | module | what |
//! |---|---|
//! | [`exchange`] | a request of the KDC |
//! | [`enrolment`] | an enrolment of a pod |

mod enrolment;
mod exchange;
#[cfg(test)]
mod tests;
