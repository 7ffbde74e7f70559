//! ONC RPC, version 2 (RFC 5531), over TCP.
//!
//! | module | what |
//! |---|---|
//! | [`record`] | record marking: the fragments of a message in a stream |
//! | [`call`] | the header of a call |
//! | [`reply`] | replies, accepted and denied |
//! | [`gss`] | RPCSEC_GSS (RFC 2203): credentials, the establishment of a context, protected arguments |

pub mod call;
pub mod gss;
pub mod record;
pub mod reply;
