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
//! | [`services`] | `kadmin/admin` and `kadmin/changepw` as principals |

pub mod caller;
pub mod operation;
pub mod refusal;
pub mod services;
