//! How a pod gets its credentials: a token that only that pod can have comes in, and what its account is entitled to
//! goes out. Here are the rules; the shell brings the token's review and what is known of the cluster.
//!
//! | module | what |
//! |---|---|
//! | [`rules`] | who is let in, and what it is entitled to |
//! | [`refusal`] | every reason for a refusal, its HTTP status, and what to do |
//! | [`pod_ticket`] | a ticket-granting ticket that is bound to a pod |
//! | [`event`] | what happened: one event for each attempt |

pub mod event;
pub mod pod_ticket;
pub mod refusal;
pub mod rules;

pub use event::{EnrolmentEvent, EnrolmentOutcome, GrantedCredentials, GrantedKeys};
pub use pod_ticket::PodTicket;
pub use refusal::EnrolmentRefusal;
pub use rules::{Account, AccountCredentials, ClusterView, Entitlement, Namespace, Pod, Review, Service, admit};
