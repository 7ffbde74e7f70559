//! The responders behind the listeners, one module for each port or path.
//!
//! | module | what |
//! |---|---|
//! | [`kdc`] | AS and TGS, UDP and TCP |
//! | [`kpasswd`] | changes of passwords, UDP and TCP |
//! | [`kadmin`] | administration by the protocol of MIT's `kadmin`, TCP |
//! | [`enrolment`] | credentials for pods, HTTPS |
//! | [`admin_api`] | `/v1/admin`: decisions, pairs, access, HTTPS on the listener of enrolment |
//! | [`health`] | `/metrics`, `/livez`, `/readyz` |
//! | [`bearer`] | the bearer token of a request |
//! | [`fair_queue`] | a queue whose groups take turns |

pub(crate) mod admin_api;
mod bearer;
pub(crate) mod enrolment;
mod fair_queue;
pub(crate) mod health;
pub(crate) mod kadmin;
pub(crate) mod kdc;
pub(crate) mod kpasswd;
