//! The enrolment API: a pod's token in, its credentials out. HTTPS, described by `openapi.json`.
//!
//! | module | what |
//! |---|---|
//! | [`api`] | the paths, requests in and answers out |
//! | [`attempt`] | one enrolment, from the token to the event |
//! | [`credentials`] | what an entitled pod gets |
//! | [`limits`] | rates of address, token, pod and account |
//! | [`events`] | refusals as Events of the cluster |
//! | [`krb5_conf`] | the krb5.conf of a realm in a cluster |

pub(crate) mod api;
pub(crate) mod attempt;
mod credentials;
mod events;
pub(crate) mod krb5_conf;
mod limits;
