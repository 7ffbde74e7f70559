//! kadmin's protocol: program 2112 of ONC RPC, version 2, as MIT Kerberos defines it. A request is one of 26 procedures with its
//! arguments, a reply a status and, where it is good, results.
//!
//! | module | what |
//! |---|---|
//! | [`procedure`] | numbers of the program, its procedures and its API versions |
//! | [`arguments`] | the arguments of every procedure |
//! | [`results`] | the results of every procedure |
//! | [`principal`] | a principal: its fields, the mask that names them, its attributes |
//! | [`policy`] | a policy |
//! | [`keys`] | keys and what they are to be made with |
//! | [`status`] | the status of a reply: the codes KADM5_* |
//! | `text` | strings that end in NUL, or are missing |

pub mod arguments;
pub mod keys;
pub mod policy;
pub mod principal;
pub mod procedure;
pub mod results;
pub mod status;

mod text;

#[cfg(test)]
mod tests;
