//! What Kennel knows of a Kubernetes cluster, and what it writes there.
//!
//! | module | what |
//! |---|---|
//! | [`connect`] | clients of the API server |
//! | [`labels`] | every `kennel.dev/` name: labels, annotations, the field manager |
//! | [`crd`] | our custom resources and their manifests |
//! | [`index`] | what is known of the cluster: events in, desired principals out |
//! | [`names`] | the Kerberos names of its objects |
//! | [`watch`] | the API server's watches as events of the index |
//! | [`token_review`] | whose a token is |
//! | [`lease`] | which process serves a realm, and from which store |
//! | [`render`] | what its objects should say |
//! | [`apply`] | what is written to the cluster |

pub mod apply;
pub mod connect;
#[allow(unreachable_pub, clippy::duplicated_attributes, reason = "what kube's derive makes, and how it is asked")]
pub mod crd;
pub mod index;
pub mod labels;
pub mod lease;
pub mod names;
pub mod render;
pub mod token_review;
pub mod watch;
