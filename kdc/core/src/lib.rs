//! The decisions of a KDC: sans-IO and synchronous. No clock, no randomness, no socket, no file: all are arguments.
//!
//! | module | what |
//! |---|---|
//! | [`kdc`] | begin and resume: the front door |
//! | `as_exchange`, `tgs_exchange` | the two exchanges, each step a type |
//! | `preauth` | what is offered and verified |
//! | [`access`] | the one decision that every ticket passes |
//! | [`event`], `context` | what happened: exactly one event for each request |
//! | [`refusal`] | every reason for a refusal and its one error code |
//! | [`realm`] | what a realm permits |
//! | [`principal`], [`key_set`] | what is stored of a principal, and its keys by version and state |
//! | [`entry`] | a principal with prepared keys, as requests use it |
//! | [`pods`] | tickets that are bound to a pod |
//! | [`enrolment`] | how a pod gets its credentials |
//! | [`keytab`] | from records to a keytab, with aliases |
//! | [`accounts`] | principals that follow the objects of a cluster |
//! | `checks` | whether a principal may take part at all |
//! | `ticket_policy` | lifetimes and flags |
//! | `enctype_choice` | which enctype for what |
//! | `transited`, `addresses`, `authorization_data` | those parts of a ticket |
//! | `reply` | a KDC-REP in one buffer |

pub mod access;
pub mod accounts;
pub mod ap_exchange;
pub mod enrolment;
pub mod entry;
pub mod event;
pub mod kdc;
pub mod key_set;
pub mod keytab;
pub mod outcome;
pub mod pods;
pub mod principal;
pub mod realm;
pub mod refusal;
pub mod wants;

mod addresses;
mod as_exchange;
mod authorization_data;
mod checks;
mod context;
mod enctype_choice;
mod preauth;
mod reply;
mod rules;
mod tgs_exchange;
mod ticket_policy;
mod transited;

#[cfg(test)]
mod testing;
