//! The enrolment API, over HTTPS: returns the credentials of the pod that a token is bound to. `openapi.json` describes the API.
//!
//! | module | what |
//! |---|---|
//! | [`api`] | the paths: reads requests and writes answers |
//! | [`attempt`] | one enrolment, from the token to the audit event |
//! | [`credentials`] | the credentials of an entitled pod |
//! | [`limits`] | rate limits of address, token, pod and account |
//! | [`reviews`] | which tokens the API server reviews, and when |
//! | [`events`] | refusals as Events of the cluster |
//! | [`krb5_conf`] | the krb5.conf of a realm in a cluster |

pub(crate) mod api;
pub(crate) mod attempt;
mod credentials;
pub(crate) mod events;
pub(crate) mod krb5_conf;
mod limits;
mod reviews;
#[cfg(test)]
mod tests;
