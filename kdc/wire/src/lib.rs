//! Bytes to types and back, both ways, with no policy: nothing here decides, reads a clock, does IO or knows a key.
//!
//! | module | what |
//! |---|---|
//! | [`der`] | the strict DER gate in front of every decoder, and the writer that builds messages back to front |
//! | [`message`] | the messages and types of RFC 4120 |
//! | [`kpasswd`] | the password protocol (RFC 3244) |
//! | [`frame`] | the length prefix of Kerberos over TCP (RFC 4120, section 7.2.2) |
//! | [`keytab`] | MIT keytab files, version 2 |
//! | [`ccache`] | FILE credential caches, version 4 |
//! | [`enrol`] | the bodies of the enrolment API |
//! | [`admin`] | the bodies of the admin API |
//! | [`master_key`] | the bodies of the admin API about the master key |
//! | [`mit_dump`] | dumps of a realm of MIT Kerberos or Heimdal, and the stash of its master key |
//! | [`realm_dump`] | the bodies of the admin API about whole realms |
//! | [`source`] | who shares a limit |
//! | [`xdr`] | the primitives of XDR (RFC 4506), read with a limit for each size |
//! | [`rpc`] | ONC RPC (RFC 5531) over TCP, with RPCSEC_GSS (RFC 2203) |
//! | [`gss`] | the tokens of the Kerberos mechanism of GSS-API (RFC 4121) |
//! | [`kadm5`] | the procedures of kadmin's protocol |
//! | [`krb5_conf`] | the krb5.conf of clients, written |

pub mod admin;
pub mod ccache;
pub mod der;
pub mod enrol;
pub mod frame;
pub mod gss;
pub mod kadm5;
pub mod keytab;
pub mod kpasswd;
pub mod krb5_conf;
pub mod master_key;
pub mod message;
pub mod mit_dump;
pub mod realm_dump;
pub mod rpc;
pub mod source;
pub mod xdr;

mod error;
mod file;

pub use error::WireError;
