//! What the cluster's objects should say, computed from what is known: pure.
//!
//! | module | what |
//! |---|---|
//! | [`status`] | the status of KerberosPrincipals and KerberosRealms |
//! | [`conditions`] | the conditions of a status |

pub mod conditions;
pub mod status;
