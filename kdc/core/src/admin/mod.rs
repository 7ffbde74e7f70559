//! Administration: what kadmin's protocol, the admin API and the `kennel` command ask for, as one set of operations.
//!
//! The shell (`kennel_store::administration`) reads what an operation needs, has it decided here, and writes the result by
//! compare-and-swap.
//!
//! | module | what |
//! |---|---|
//! | [`operation`] | what may be asked for, and the answers |
//! | [`caller`] | who asks, and by which proof |
//! | [`refusal`] | why an operation is refused |
//! | [`logins`] | what a process remembers of logins |
//! | [`keys`] | new versions of keys, and what becomes of the old ones |
//! | [`password`] | whether a new password is good enough, and the record that has it |

pub mod caller;
pub mod keys;
pub mod logins;
pub mod operation;
pub mod password;
pub mod refusal;
