//! Keys and what is done with them. Every secret of Kennel lives in a type of this crate: zeroized when dropped,
//! redacted in `Debug`, compared in constant time, leaving only through functions whose names say so.
//!
//! | module | what |
//! |---|---|
//! | [`enctype`] | the enctypes (RFC 3961, 3962, 8009, 4757), their sizes and numbers |
//! | [`usage`] | key usage numbers (RFC 4120, section 7.5.1) |
//! | [`key`] | a key: made, read, prepared; string-to-key, checksums and PRF start here |
//! | [`prepared`] | a key prepared for one usage: sub-keys, cipher schedules and HMAC states built once |
//! | [`secret`] | octets that are secret |
//! | [`wrap`] | records under the master key |

pub mod enctype;
pub mod key;
pub mod prepared;
pub mod secret;
pub mod usage;
pub mod wrap;

mod error;

pub use enctype::{ChecksumType, Enctype};
pub use error::CryptoError;
pub use key::Key;
pub use prepared::PreparedKey;
pub use secret::SecretBytes;
pub use usage::KeyUsage;
pub use wrap::MasterKey;
