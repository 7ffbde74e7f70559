//! A Kerberos client: AS, TGS and AP exchanges as state machines over bytes (`now` and `rng` are arguments), and an
//! async transport. The agent, the CLI, the demo and the tests use it.
//!
//! | module | what |
//! |---|---|
//! | [`client`] | the convenient front: a realm, its KDCs, `initial_ticket`, `service_ticket`, `renew` |
//! | [`as_exchange`] | password or key in, initial ticket out (RFC 4120, section 3.1) |
//! | [`tgs_exchange`] | a ticket in, another ticket out (RFC 4120, section 3.3) |
//! | [`ticket_walk`] | as many TGS exchanges as a service ticket needs, across realms (RFC 6806, section 8) |
//! | [`reply_checks`] | checks that a reply must pass (RFC 4120, sections 3.1.5 and 3.3.4) |
//! | [`ap`] | AP-REQ and AP-REP, both sides (RFC 4120, section 3.2) |
//! | [`kpasswd`] | changes of passwords (RFC 3244) |
//! | [`options`] | options of a requested ticket: flags, times, enctypes, addresses |
//! | [`secret`] | the password or keys with which a client proves its identity |
//! | [`credentials`] | a ticket with its session key; credential cache files |
//! | [`keytab`] | keytab files and the keys in them |
//! | [`time`] | the offset between the KDC's clock and the local clock |
//! | `error`, `fault` | why an exchange fails, and the reasons inside |
//! | [`transport`] | requests to KDCs over UDP and TCP (RFC 4120, section 7.2) |
//! | [`gss`] | the initiator of GSS-API (RFC 4121) |
//! | [`kadmin`] | kadmin's protocol, for tests |
//! | [`fast`] | FAST: armor, and requests inside it (RFC 6113), for tests |
//! | [`dangerous`] | requests that are wrong on purpose, for tests |

pub mod ap;
pub mod as_exchange;
pub mod client;
pub mod credentials;
pub mod dangerous;
pub mod fast;
pub mod gss;
pub mod kadmin;
pub mod keytab;
pub mod kpasswd;
pub mod options;
pub mod reply_checks;
pub mod secret;
pub mod tgs_exchange;
pub mod ticket_walk;
pub mod time;
pub mod transport;

mod answer;
mod error;
mod fault;
mod sealing;

#[cfg(test)]
mod test_kdc;

pub use ap::{AcceptRules, AcceptedApReq, AcceptorKeys, ApOffer, ApReplySeen, ApRequest};
pub use as_exchange::{AsExchange, AsRequest, AsStep, InitialTicket};
pub use client::Client;
pub use credentials::{Credential, CredentialCache};
pub use error::ClientError;
pub use fast::FastArmor;
pub use fault::{MAX_HOPS, ReplyFault, TransportError, WalkFault};
pub use keytab::Keytab;
pub use options::TicketOptions;
pub use secret::Secret;
pub use tgs_exchange::{TgsExchange, TgsRequest};
pub use ticket_walk::{TicketWalk, WalkStep};
pub use time::TimeOffset;
pub use transport::{Transport, TransportProtocol};
