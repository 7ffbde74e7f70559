//! The policies that Kennel writes: NetworkPolicies, and kinds that only some clusters serve.
//!
//! | module | what |
//! |---|---|
//! | [`kind`] | the kinds, and the key of a policy |
//! | [`rendered`] | a policy of any kind, as it is rendered and written |
//! | [`cluster`] | the shape of a ClusterNetworkPolicy |

pub mod cluster;
pub mod kind;
pub mod rendered;
