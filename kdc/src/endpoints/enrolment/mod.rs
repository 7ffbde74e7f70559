//! The enrolment API, over HTTPS: returns the credentials of the pod that a token is bound to, and records which keys the pod holds.
//! `openapi.json` describes the API.
//!
//! | module | what |
//! |---|---|
//! | [`api`] | the paths: reads requests and writes answers |
//! | [`attempt`] | one request, from the token to the audit event |
//! | [`credentials`] | the credentials of an entitled pod |
//! | [`held`] | what a pod says it holds, and the wait for the next enrolment |
//! | [`waiting`] | the requests that wait for changes of keys |
//! | [`limits`] | rate limits of address, token, pod and account |
//! | [`reviews`] | which tokens the API server reviews, and when |
//! | [`events`] | refusals as Events of the cluster |
//! | [`krb5_conf`] | the krb5.conf of a realm in a cluster |

pub(crate) mod api;
pub(crate) mod attempt;
mod credentials;
pub(crate) mod events;
mod held;
pub(crate) mod krb5_conf;
mod limits;
mod reviews;
#[cfg(test)]
mod tests;
pub(crate) mod waiting;
