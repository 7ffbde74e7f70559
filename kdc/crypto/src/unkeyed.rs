//! Checksums without a key (RFC 3961, section 6.1). Anybody can compute one, so it proves something only inside a message that is
//! encrypted and protected by itself: the authenticator of a TGS request, whose checksum binds the request around it (RFC 4120,
//! section 3.3.2).
//!
//! These are the collision-proof ones that MIT krb5kdc accepts there. Nobody between client and KDC chooses the request that is
//! summed up, so an attack would need a second preimage, and none is known of MD4, MD5 or SHA-1. CRC-32 (1), for which anybody finds
//! another message, is not among them.

use crate::error::CryptoError;
use md4::Md4;
use md5::{Digest, Md5};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// A collision-proof checksum type without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnkeyedChecksum {
    /// rsa-md4 (2).
    RsaMd4,
    /// rsa-md5 (7): OpenJDK up to 11.0.x and its `default_checksum = rsa-md5`, Windows, sspi-rs, Heimdal with RC4 sessions.
    RsaMd5,
    /// sha1 (14, and 9 as older numberings have it).
    Sha1,
}

impl UnkeyedChecksum {
    /// Returns the type with this assigned number.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<UnkeyedChecksum> {
        match number {
            2 => Some(UnkeyedChecksum::RsaMd4),
            7 => Some(UnkeyedChecksum::RsaMd5),
            9 | 14 => Some(UnkeyedChecksum::Sha1),
            _ => None,
        }
    }

    /// The checksum of `data`.
    #[must_use]
    pub fn compute(self, data: &[u8]) -> Vec<u8> {
        match self {
            UnkeyedChecksum::RsaMd4 => Md4::digest(data).to_vec(),
            UnkeyedChecksum::RsaMd5 => Md5::digest(data).to_vec(),
            UnkeyedChecksum::Sha1 => Sha1::digest(data).to_vec(),
        }
    }

    /// Compares in constant time.
    ///
    /// # Errors
    /// [`CryptoError::Integrity`].
    pub fn verify(self, data: &[u8], given: &[u8]) -> Result<(), CryptoError> {
        if self.compute(data).ct_eq(given).into() { Ok(()) } else { Err(CryptoError::Integrity) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    #[test]
    fn they_are_those_of_rfc_1320_rfc_1321_and_fips_180() {
        for (number, digest) in [
            (2, "a448017aaf21d8525fc10ae87aa6729d"),
            (7, "900150983cd24fb0d6963f7d28e17f72"),
            (9, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (14, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ] {
            let kind = UnkeyedChecksum::from_number(number).unwrap();
            assert_eq!(kind.compute(b"abc"), hex(digest), "{number}");
            assert_eq!(kind.verify(b"abc", &hex(digest)), Ok(()));
            assert_eq!(kind.verify(b"abd", &hex(digest)), Err(CryptoError::Integrity));
            assert_eq!(kind.verify(b"abc", &hex(digest)[1..]), Err(CryptoError::Integrity), "{number} cut");
        }
    }

    #[test]
    fn crc_32_the_checksums_of_des_and_keyed_ones_are_other_types() {
        for number in [0, 1, 3, 4, 5, 6, 8, 10, 12, 15, 16, 19, 20, -138, -137, 0x8003] {
            assert_eq!(UnkeyedChecksum::from_number(number), None, "{number}");
        }
    }
}
