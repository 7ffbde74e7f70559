//! What the target `kdc` is made of: a realm whose keys the fuzzer knows, requests that are right as far as the fuzzer
//! wants them to be, and what must hold of every answer.
//!
//! | module | what |
//! |---|---|
//! | [`realm`] | principals of every kind, and keys that are made from their names |
//! | [`ticket`] | tickets of any content, sealed under a known key |
//! | [`request`] | AS and TGS requests |
//! | [`fast`] | armored requests, and what must hold of their outcomes |
//! | [`oracle`] | what must hold of every outcome |

pub mod fast;
pub mod oracle;
pub mod realm;
pub mod request;
pub mod ticket;
