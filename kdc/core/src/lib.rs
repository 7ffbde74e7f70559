//! The decisions of a KDC: sans-IO and synchronous. No clock, no randomness, no socket, no file: all are arguments.
//!
//! | module | what |
//! |---|---|
//! | [`kdc`] | begin and resume: the front door, on top of everything here |
//! | `rules` | the rules of every decision: realm, access, pods |
//! | [`outcome`] | the end of a request: reply and event, and how they fit a datagram |
//! | `context` | the facts of one request; every end passes through it |
//! | [`wants`] | the principals that a request needs, asked for and found by name |
//! | `as_exchange`, `tgs_exchange` | the two exchanges: the steps in order, each step a type |
//! | [`ap_exchange`] | the AP-REQ, verified in one place |
//! | `preauth` | pre-authentication data, offered and verified |
//! | [`access`] | the one decision that every ticket passes: declarations as values, the index of them, why |
//! | [`event`] | the one event of each request, and its stable names |
//! | [`refusal`] | every reason for a refusal and its one error code |
//! | [`realm`] | what a realm permits |
//! | [`principal`], [`key_set`] | what is stored of a principal, and its keys by version and state |
//! | [`entry`] | a principal with prepared keys, as requests use it |
//! | [`pods`] | tickets that are bound to a pod |
//! | [`enrolment`] | how a pod gets its credentials |
//! | [`keytab`] | from records to a keytab, with aliases |
//! | [`rotation`] | when keys change, step by step; who holds them |
//! | [`admin`] | administration: the operations of kadmin, the admin API and the CLI |
//! | [`kadm5`] | kadmin's protocol: its procedures as operations of administration |
//! | [`gss`] | GSS-API (RFC 4121): acceptor, context, and RPCSEC_GSS on top |
//! | [`password_policy`] | policies: rules for passwords and failed attempts |
//! | [`lockout`] | who is locked out after failed attempts |
//! | [`kpasswd`] | the password protocol: requests, verified, and their answers |
//! | [`mit_import`] | realms of MIT Kerberos and Heimdal become records |
//! | [`accounts`] | principals that follow the objects of a cluster |
//! | `bindings` | what a ticket is bound to: a pod, the account behind an alias |
//! | `name_digest` | a number that stands for a name in the tables that requests read |
//! | `checks` | what AS, TGS and AP check of principals and clocks |
//! | `ticket_policy` | lifetimes and flags |
//! | `enctype_choice` | which enctype for what |
//! | `transited`, `addresses`, `authorization_data` | those parts of a ticket |
//! | `auth_indicator` | how a client proved who it is, as the KDC vouches for it, and which servers ask for that |
//! | `kdc_verifier` | the KDC's own checksum over tickets that come back |
//! | `client_alias`, `enterprise` | clients under another name than their own |
//! | [`short_name`] | `HTTP/web` as a client of a namespace means it |
//! | `reply` | a KDC-REP in one buffer |

pub mod access;
pub mod accounts;
pub mod admin;
pub mod ap_exchange;
pub mod enrolment;
pub mod entry;
pub mod event;
pub mod gss;
pub mod kadm5;
pub mod kdc;
pub mod key_set;
pub mod keytab;
pub mod kpasswd;
pub mod lockout;
pub mod mit_import;
pub mod outcome;
pub mod password_policy;
pub mod pods;
pub mod principal;
pub mod realm;
pub mod refusal;
pub mod rotation;
pub mod short_name;
pub mod wants;

mod addresses;
mod as_exchange;
mod auth_indicator;
mod authorization_data;
mod bindings;
mod checks;
mod client_alias;
mod context;
mod enctype_choice;
mod enterprise;
mod kdc_verifier;
mod name_digest;
mod preauth;
mod reply;
mod rules;
mod tgs_exchange;
mod ticket_policy;
mod transited;

#[cfg(test)]
mod testing;
