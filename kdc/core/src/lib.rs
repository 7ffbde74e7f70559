//! The decisions of a KDC: sans-IO and synchronous. No clock, no randomness, no socket, no file: all are arguments.
//!
//! | module | what |
//! |---|---|
//! | [`kdc`] | begin and resume: the front door |
//! | [`access`] | the one decision that every service ticket passes |
//! | [`event`] | what happened: exactly one for each request |
//! | [`refusal`] | every reason for a refusal and its one error code |
//! | [`realm`] | what a realm permits |
//! | [`principal`] | what is stored of a principal |
//! | [`key_set`] | its keys by version and state |
//! | [`entry`] | a principal with prepared keys, as requests use it |

pub mod access;
pub mod entry;
pub mod event;
pub mod kdc;
pub mod key_set;
pub mod principal;
pub mod realm;
pub mod refusal;
