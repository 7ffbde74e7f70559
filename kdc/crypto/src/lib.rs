//! Keys and the operations on them. Every secret of Kennel lives in a type of this crate: zeroized when dropped,
//! redacted in `Debug`, compared in constant time, leaving only through functions whose names say so.
//!
//! | module | what |
//! |---|---|
//! | [`enctype`] | the enctypes (RFC 3961, 3962, 8009, 4757), their sizes and numbers |
//! | [`usage`] | key usage numbers (RFC 4120, section 7.5.1) |
//! | [`key`] | a key: made, read, prepared, combined; string-to-key, checksums and PRF start here |
//! | [`prepared`] | a key prepared for one usage: sub-keys, cipher schedules and HMAC states built once |
//! | [`secret`] | octets that are secret |
//! | [`wrap`] | records under the master key |
//! | [`passphrase`] | a master key from a passphrase |
//! | `aes_sha1`, `aes_sha2`, `rc4` | the families: key derivation, sealing, opening |
//! | [`unkeyed`] | checksums without a key, for messages that are encrypted around them |
//! | `string_to_key`, `checksum`, `prf` | the operations that every family has |
//! | `cts`, `n_fold`, `mac` | building blocks of the families |

pub mod enctype;
pub mod key;
pub mod passphrase;
pub mod prepared;
pub mod secret;
pub mod unkeyed;
pub mod usage;
pub mod wrap;

mod aes_sha1;
mod aes_sha2;
mod checksum;
mod cts;
mod error;
mod mac;
mod n_fold;
mod prf;
mod rc4;
mod string_to_key;

pub use checksum::PreparedChecksum;
pub use enctype::{ChecksumType, Enctype};
pub use error::CryptoError;
pub use key::Key;
pub use passphrase::PassphraseCost;
pub use prepared::PreparedKey;
pub use secret::SecretBytes;
pub use unkeyed::UnkeyedChecksum;
pub use usage::KeyUsage;
pub use wrap::MasterKey;

/// Octets from hexadecimal digits, for test vectors.
#[cfg(test)]
fn hex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
