//! Fields of each kind of event, in the order of the line.
//!
//! | module | what |
//! |---|---|
//! | [`exchange`] | a request to the KDC |
//! | [`enrolment`] | an enrolment of a pod |

mod enrolment;
mod exchange;
#[cfg(test)]
mod tests;
