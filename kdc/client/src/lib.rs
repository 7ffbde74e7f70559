//! A Kerberos client: AS, TGS and AP exchanges as pure functions over bytes, and an async transport. The agent, the
//! CLI, the demo and the tests use it.

mod error;

pub use error::ClientError;
