//! GSS-API with the Kerberos mechanism (RFC 4121), as far as kadmin's protocol uses it: mutual authentication, a sub-key of the
//! acceptor, MIC tokens and encrypted Wrap tokens. Keys of RC4, whose tokens have another form (RFC 4757), are refused.
//!
//! | module | what |
//! |---|---|
//! | [`acceptor`] | an initial token in, a context and the reply out |
//! | [`context`] | a context: messages are signed, verified, sealed and opened |
//! | [`sequence`] | the window of sequence numbers, in which each counts once |
//! | [`rpc`] | RPCSEC_GSS (RFC 2203): the calls of one context |

pub mod acceptor;
pub mod context;
pub mod rpc;
pub mod sequence;
