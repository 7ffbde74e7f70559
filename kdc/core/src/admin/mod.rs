//! Administration: what kadmin's protocol, the admin API and the `kennel` command ask for, as one set of operations.
//!
//! The shell (`kennel_store::administration`) reads what an operation needs, has it decided here, and writes the result by
//! compare-and-swap.
//!
//! | module | what |
//! |---|---|
//! | [`operation`] | what may be asked for, and the answers |
//! | [`caller`] | who asks, and by which proof |
//! | [`permission`] | who may do what |
//! | [`rights`] | the access list, in the syntax of MIT's kadm5.acl |
//! | [`restrictions`] | what a line of it forces on principals |
//! | [`mod@decide`] | from what the store holds to the writes and the answer |
//! | `principals`, `strings`, `policies`, `names` | the parts of that decision |
//! | [`keys`] | new versions of keys, and what becomes of the old ones |
//! | [`password`] | whether a new password is good enough, and the record that has it |
//! | [`dictionary`] | words that are no passwords |
//! | [`services`] | `kadmin/admin` and `kadmin/changepw` as principals |
//! | [`logins`] | what a process remembers of logins |
//! | [`event`] | the one event of each operation |
//! | [`refusal`] | why an operation is refused |

pub mod caller;
pub mod decide;
pub mod dictionary;
pub mod event;
pub mod keys;
pub mod logins;
pub mod operation;
pub mod password;
pub mod permission;
pub mod refusal;
pub mod restrictions;
pub mod rights;
pub mod services;
pub mod strings;

mod names;
mod policies;
mod principals;
