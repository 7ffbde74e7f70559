//! Policies as Kennel writes them: deterministic, under stable names, with labels of ours alone. A label or annotation of a
//! user's object is never copied, since tools prune what carries theirs.
//!
//! | module | what |
//! |---|---|
//! | [`names`] | the name of each policy, and its place in the order of writing |
//! | [`parts`] | selectors, peers and ports |
//! | [`namespace`] | the policy of an enrolled namespace, and the one of its observed servers |
//! | [`ingress`] | the policy of a server |
//! | [`egress`] | the policies of clients |
//! | [`cluster`] | the policy of a server that nobody can widen, where the cluster has such |
//! | [`staged`] | what Enforce would drop, where Calico can say it |
//! | [`kdc`] | the policy of the KDC's own pods, and the way to them |
//! | [`dns`] | where enrolled pods find DNS |
//!
//! Probes need no rule: the kubelet calls pods from their own node, and every CNI lets a node reach its own pods.

pub mod cluster;
pub mod dns;
pub mod egress;
pub mod ingress;
pub mod kdc;
pub mod names;
pub mod namespace;
pub mod parts;
pub mod staged;
