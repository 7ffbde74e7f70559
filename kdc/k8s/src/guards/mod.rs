//! Which of the admission policies of `deploy/guards` a cluster has: they make the label `kennel.dev/service-account` one that nobody forges,
//! and decide who enrols a namespace. Without them the NetworkPolicies of Kennel select pods by labels that anybody writes, so a
//! KerberosRealm says so.
//!
//! | module | what |
//! |---|---|
//! | [`shipped`] | the policies as this version ships them, and which fields of a policy matter |
//! | [`found`] | reads the policies of the cluster |
//! | [`report`] | compares both: pure |

pub mod found;
pub mod report;
pub mod shipped;
