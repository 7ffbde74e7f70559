//! Administration by the protocol of port 749, as the stock `kadmin` does it: each operation of the admin API becomes a procedure, and its
//! results an answer of the admin API.
//!
//! | module | what |
//! |---|---|
//! | [`login`] | who calls: a password, a keytab, a cache; and where the servers are |
//! | [`connection`] | calls over one connection |
//! | [`remote_administrator`] | operations by calls |
//! | [`requests`] | operations as arguments |
//! | [`answers`] | results as answers |
//! | [`refusals`] | codes as refusals |

pub(crate) mod answers;
pub(crate) mod connection;
pub(crate) mod login;
pub(crate) mod refusals;
pub(crate) mod remote_administrator;
pub(crate) mod requests;
