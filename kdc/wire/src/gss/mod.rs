//! The tokens of the Kerberos mechanism of GSS-API.
//!
//! | module | what |
//! |---|---|
//! | [`framing`] | initial tokens (RFC 2743, section 3.1), and the checksum in them (RFC 4121, section 4.1.1) |
//! | [`token`] | MIC and Wrap tokens (RFC 4121, section 4.2) |

pub mod framing;
pub mod token;
