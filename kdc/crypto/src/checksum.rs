//! The mandatory keyed checksum of every enctype (RFC 3961, section 4). [`unkeyed`](crate::unkeyed) has those without a key.

use crate::aes_sha2::{Sha256Aes128, Sha384Aes256, Variant};
use crate::enctype::Enctype;
use crate::error::CryptoError;
use crate::mac::{Algorithm, MacKey};
use crate::usage::KeyUsage;
use crate::{aes_sha1, aes_sha2, rc4};
use aes::{Aes128, Aes256};
use hmac::Hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use std::fmt;
use subtle::ConstantTimeEq;

/// A key prepared for checksums in one usage: Kc derived and absorbed, used by many messages.
pub struct PreparedChecksum {
    enctype: Enctype,
    family: Family,
}

enum Family {
    Sha1(MacKey<Hmac<Sha1>>),
    Sha256(MacKey<Hmac<Sha256>>),
    Sha384(MacKey<Hmac<Sha384>>),
    Rc4(rc4::Signing),
}

impl PreparedChecksum {
    pub(crate) fn new(enctype: Enctype, octets: &[u8], usage: KeyUsage) -> PreparedChecksum {
        let family = match enctype {
            Enctype::Aes128CtsHmacSha1 => Family::Sha1(aes_sha1::checksum_key::<Aes128>(octets, usage)),
            Enctype::Aes256CtsHmacSha1 => Family::Sha1(aes_sha1::checksum_key::<Aes256>(octets, usage)),
            Enctype::Aes128CtsHmacSha256 => Family::Sha256(aes_sha2::checksum_key::<Sha256Aes128>(octets, usage)),
            Enctype::Aes256CtsHmacSha384 => Family::Sha384(aes_sha2::checksum_key::<Sha384Aes256>(octets, usage)),
            Enctype::Rc4Hmac => Family::Rc4(rc4::Signing::new(octets, usage)),
        };
        PreparedChecksum { enctype, family }
    }

    /// The enctype of the key.
    #[must_use]
    pub fn enctype(&self) -> Enctype {
        self.enctype
    }

    /// The checksum of `data`.
    #[must_use]
    pub fn compute(&self, data: &[u8]) -> Vec<u8> {
        match &self.family {
            Family::Sha1(key) => truncated(key, data, aes_sha1::TAG),
            Family::Sha256(key) => truncated(key, data, Sha256Aes128::TAG),
            Family::Sha384(key) => truncated(key, data, Sha384Aes256::TAG),
            Family::Rc4(key) => key.checksum(data).to_vec(),
        }
    }

    /// Compares in constant time; accepts only the enctype's own checksum type.
    ///
    /// # Errors
    /// [`CryptoError::ChecksumType`], [`CryptoError::Integrity`].
    pub fn verify(&self, data: &[u8], checksum_type: i32, given: &[u8]) -> Result<(), CryptoError> {
        if checksum_type != self.enctype.checksum_type().number() {
            return Err(CryptoError::ChecksumType(checksum_type));
        }
        if self.compute(data).ct_eq(given).into() { Ok(()) } else { Err(CryptoError::Integrity) }
    }
}

impl fmt::Debug for PreparedChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PreparedChecksum({})", self.enctype)
    }
}

fn truncated<A: Algorithm>(key: &MacKey<A>, data: &[u8], length: usize) -> Vec<u8> {
    let mut checksum = vec![0; length];
    key.write_tag(&[data], &mut checksum);
    checksum
}
