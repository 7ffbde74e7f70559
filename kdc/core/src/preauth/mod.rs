//! Pre-authentication, offered and verified: encrypted timestamps (RFC 4120, section 5.2.7.2), and FAST with encrypted challenges
//! (RFC 6113).
//!
//! | module | what |
//! |---|---|
//! | [`offer`] | METHOD-DATA |
//! | [`enc_timestamp`] | the proof without armor |
//! | [`encrypted_challenge`] | the proof inside armor |
//! | [`fast`] | armor keys, and the request inside |
//! | [`fast_reply`] | replies and errors inside armor |
//! | [`cookie`] | the state of a conversation, with the client |
//! | [`req_enc_pa_rep`] | the proof that a reply answers this request |

pub(crate) mod cookie;
pub(crate) mod enc_timestamp;
pub(crate) mod encrypted_challenge;
pub(crate) mod fast;
pub(crate) mod fast_reply;
pub(crate) mod offer;
pub(crate) mod req_enc_pa_rep;
