//! How a pod gets its credentials: the pod sends a token that only this pod can have, and receives what its account is
//! entitled to. This module has the rules; the shell supplies the token's review and a view of the cluster.
//!
//! | module | what |
//! |---|---|
//! | [`rules`] | which pods are admitted, and what they are entitled to |
//! | [`refusal`] | every reason for a refusal, its HTTP status, and what to do |
//! | [`pod_ticket`] | a ticket-granting ticket that is bound to a pod |
//! | [`holding`] | which keys a pod holds, by what it is sent and by what it says |
//! | [`event`] | one event for each attempt |

pub mod event;
pub mod holding;
pub mod pod_ticket;
pub mod refusal;
pub mod rules;

pub use event::{EnrolmentEvent, EnrolmentOutcome, GrantedCredentials, GrantedKeys};
pub use holding::{DueFetch, HeldStatement, HolderChange};
pub use pod_ticket::PodTicket;
pub use refusal::EnrolmentRefusal;
pub use rules::{Account, AccountCredentials, ClusterView, Entitlement, Namespace, Pod, Review, Service, admit};
