//! Pre-authentication, offered and verified: encrypted timestamps (RFC 4120, section 5.2.7.2) today.

pub(crate) mod enc_timestamp;
pub(crate) mod offer;
pub(crate) mod req_enc_pa_rep;
