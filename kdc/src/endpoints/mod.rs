//! The responders behind the listeners, one module for each port or path.
//!
//! | module | what |
//! |---|---|
//! | [`kdc`] | AS and TGS, UDP and TCP |
//! | [`enrolment`] | credentials for pods, HTTPS |
//! | [`health`] | `/metrics`, `/livez`, `/readyz` |

pub(crate) mod enrolment;
pub(crate) mod health;
pub(crate) mod kdc;
