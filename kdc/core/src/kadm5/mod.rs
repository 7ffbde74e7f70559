//! kadmin's protocol on the operations of administration: a procedure with its arguments in, an operation out; its answer in, results
//! out. Where MIT Kerberos and Kennel have other notions of the same thing, the translation is here and nowhere else.
//!
//! | module | what |
//! |---|---|
//! | [`call`] | begin and finish: one call of a procedure |
//! | [`service`] | the services of administration by their names |
//! | `operations` | arguments as an operation |
//! | `results` | an answer as results |
//! | `policies` | policies, both ways |
//! | `attributes` | attributes of principals, both ways |
//! | `keysalts` | enctypes with their salts, both ways |
//! | `status` | a refusal as a code |

pub mod call;
pub mod service;

mod attributes;
mod keysalts;
mod operations;
mod policies;
mod results;
mod status;
