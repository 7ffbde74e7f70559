//! The mandatory keyed checksum of every enctype (RFC 3961, section 4). Unkeyed ones do not exist here.

use crate::aes_sha2::{Sha256Aes128, Sha384Aes256, Variant};
use crate::{CryptoError, Enctype, Key, KeyUsage, aes_sha1, aes_sha2, mac, rc4};
use aes::{Aes128, Aes256};
use subtle::ConstantTimeEq;

/// The checksum of `data`.
pub(crate) fn checksum(key: &Key, usage: KeyUsage, data: &[u8]) -> Vec<u8> {
    let octets = key.expose();
    match key.enctype() {
        Enctype::Aes128CtsHmacSha1 => truncated(&aes_sha1::checksum_key::<Aes128>(octets, usage), data, aes_sha1::TAG),
        Enctype::Aes256CtsHmacSha1 => truncated(&aes_sha1::checksum_key::<Aes256>(octets, usage), data, aes_sha1::TAG),
        Enctype::Aes128CtsHmacSha256 => {
            truncated(&aes_sha2::checksum_key::<Sha256Aes128>(octets, usage), data, Sha256Aes128::TAG)
        }
        Enctype::Aes256CtsHmacSha384 => {
            truncated(&aes_sha2::checksum_key::<Sha384Aes256>(octets, usage), data, Sha384Aes256::TAG)
        }
        Enctype::Rc4Hmac => rc4::checksum(octets, usage, data).to_vec(),
    }
}

/// Compares in constant time; only the enctype's own checksum type counts.
pub(crate) fn verify(
    key: &Key,
    usage: KeyUsage,
    data: &[u8],
    checksum_type: i32,
    given: &[u8],
) -> Result<(), CryptoError> {
    if checksum_type != key.enctype().checksum_type().number() {
        return Err(CryptoError::ChecksumType(checksum_type));
    }
    if checksum(key, usage, data).ct_eq(given).into() { Ok(()) } else { Err(CryptoError::Integrity) }
}

fn truncated<A: mac::Algorithm>(key: &mac::MacKey<A>, data: &[u8], length: usize) -> Vec<u8> {
    let mut checksum = vec![0; length];
    key.write_tag(&[data], &mut checksum);
    checksum
}
