//! What calls pods without Kerberos: load balancers, monitoring, the API server itself. Under Enforce, only `networkOnly` of a
//! KerberosAccess or `alwaysAllow` of the realm lets them in; while a server is in mode Observe, its status and `kennel diff` name them.
//!
//! | module | what |
//! |---|---|
//! | [`caller`] | one caller and its target |
//! | [`kind`] | the kinds of objects that say who calls |
//! | `object` | the callers that an object speaks of |
//! | [`read`] | reads them from the API server, as far as it permits |

pub mod caller;
pub mod kind;
pub mod read;

mod object;
