//! The enrolment API: a pod's token in, its credentials out. HTTPS, described by [`openapi.json`](path::OPENAPI).
//!
//! | module | what |
//! |---|---|
//! | [`api`] | the paths, requests in and answers out |
//! | [`attempt`] | one enrolment, from the token to the event |
//! | [`credentials`] | what an entitled pod gets |
//! | [`limits`] | how often who may ask |
//! | [`told`] | refusals as Events of the cluster |
//! | [`krb5_conf`] | the krb5.conf of a realm in a cluster |

mod api;
mod attempt;
mod credentials;
pub(crate) mod krb5_conf;
mod limits;
mod told;

pub(crate) use api::router;
pub(crate) use attempt::{Enrolment, EnrolmentCluster};
