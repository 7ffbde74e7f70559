//! One declaration, two layers, with real pods, tickets and packets: who may call a server gets a ticket **and** a connection,
//! everybody else neither.
//!
//! | module | what |
//! |---|---|
//! | [`probe`] | asks for tickets and connections, reads the audit trail and the metrics |
//! | `shop` | deploy/examples/shop as it is installed |
//! | `drift` | NetworkPolicies that somebody changes, and those of others |
//! | `mode` | from Observe to Enforce and back, under traffic |
//! | `enrolment` | a pod gets no credentials before its policies are applied |
//! | [`topologies`] | cases of tests/access, each pair of pods |

pub(crate) mod probe;
pub(crate) mod topologies;

mod drift;
mod enrolment;
mod mode;
mod shop;
