//! What Kennel knows of a Kubernetes cluster, and what it writes there: facts in, objects out.
//!
//! | module | what |
//! |---|---|
//! | [`connect`] | clients of the API server |
//! | [`discover`] | which kinds the API server serves |
//! | [`labels`] | every `kennel.dev/` name: labels, annotations, the field manager |
//! | [`names`] | the Kerberos names of the cluster's objects |
//! | [`problem`] | every reason that an object is given, with what to do |
//! | [`crd`] | our custom resources and their manifests |
//! | [`watch`] | the API server's watches as events of the index |
//! | [`token`] | tokens of service accounts: signature, claims, and the account and the pod that one belongs to |
//! | [`authorization`] | whose token a request of the admin API carries, and what that user may see |
//! | [`lease`] | which process serves a realm, and from which store |
//! | [`store_mark`] | the high-water mark of the store's revision, in the Lease |
//! | [`callers`] | what calls pods without Kerberos |
//! | [`policy`] | the policies that Kennel writes, of every kind |
//! | [`guards`] | which admission policies of `deploy/guards` the cluster has |
//! | [`index`] | what is known of the cluster: events in, desired principals out |
//! | [`render`] | what the cluster's objects should say: pure |
//! | [`apply`] | writes to the cluster, one type for each kind of object |

pub mod apply;
pub mod authorization;
pub mod callers;
pub mod connect;
#[allow(unreachable_pub, clippy::duplicated_attributes, reason = "kube's derive generates both")]
pub mod crd;
pub mod discover;
pub mod guards;
pub mod index;
pub mod labels;
pub mod lease;
pub mod names;
pub mod policy;
pub mod problem;
pub mod render;
pub mod store_mark;
pub mod token;
pub mod watch;
