//! Kennel against a real API server (etcd, kube-apiserver, kube-controller-manager): custom resources, principals that
//! follow objects, enrolment with tokens that the API server makes, agents as processes, stock clients. README.md beside
//! this says how to run it.
#![allow(clippy::indexing_slicing, reason = "what is not there is Null in JSON, or ends the test")]

mod access;
mod admin_api;
mod agent;
mod cli;
mod cluster_policy;
mod crds;
mod enrolment;
mod families;
mod faults;
mod guards;
mod holders;
mod injection;
mod keytab;
mod lease;
mod lifecycle;
mod login;
mod master_key;
mod metrics;
mod people;
mod refusals;
mod roll_over;
mod rollback;
mod rollout;
mod rotation;
mod staged_policy;
mod tenants;
mod token_flood;
mod whole_realm;
mod world;
mod would_deny;
