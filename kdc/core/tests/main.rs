//! The core through its front door, by sections of RFC 4120: requests made by Kennel's own client, a realm in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod access_property;
mod accounts;
mod as_exchange;
mod auth_indicators;
mod authenticator;
mod client_names;
mod cross_realm;
mod fast;
mod fast_refusals;
mod front_door;
mod gss;
mod hostile;
mod kpasswd;
mod lockout;
mod passwords;
mod pods;
mod realm;
mod returning_tickets;
mod revocation;
mod rotation;
mod short_names;
mod tgs_exchange;
mod user_to_user;
