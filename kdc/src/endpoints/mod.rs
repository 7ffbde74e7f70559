//! One module for each port or path: what is behind the listeners.
//!
//! | module | what |
//! |---|---|
//! | [`kdc`] | AS and TGS, UDP and TCP |
//! | [`enrolment`] | a pod's token in, its credentials out, HTTPS |
//! | [`health`] | `/metrics`, `/livez`, `/readyz` |

pub(crate) mod enrolment;
pub(crate) mod health;
pub(crate) mod kdc;
