//! A key prepared for one usage: sub-keys derived, cipher schedules and HMAC states built once, used by many requests.

use crate::aes_sha1::AesSha1;
use crate::aes_sha2::{AesSha2, Sha256Aes128, Sha384Aes256, Variant};
use crate::cts::BLOCK;
use crate::enctype::Enctype;
use crate::error::CryptoError;
use crate::rc4::Rc4Hmac;
use crate::usage::KeyUsage;
use crate::{aes_sha1, rc4};
use aes::{Aes128, Aes256};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// A (key, usage) pair, ready. Sharing between threads is free; no operation but `seal` and `open` allocates. Some
/// 1,400 octets: keep it in place, or behind an `Arc`.
pub struct PreparedKey {
    enctype: Enctype,
    family: Family,
}

#[allow(clippy::large_enum_variant, reason = "RC4 is the small one and the rare one; a box would cost all others")]
enum Family {
    Aes128Sha1(AesSha1<Aes128>),
    Aes256Sha1(AesSha1<Aes256>),
    Aes128Sha2(AesSha2<Sha256Aes128>),
    Aes256Sha2(AesSha2<Sha384Aes256>),
    Rc4(Rc4Hmac),
}

impl PreparedKey {
    pub(crate) fn new(enctype: Enctype, octets: &[u8], usage: KeyUsage) -> PreparedKey {
        let family = match enctype {
            Enctype::Aes128CtsHmacSha1 => Family::Aes128Sha1(AesSha1::new(octets, usage)),
            Enctype::Aes256CtsHmacSha1 => Family::Aes256Sha1(AesSha1::new(octets, usage)),
            Enctype::Aes128CtsHmacSha256 => Family::Aes128Sha2(AesSha2::new(octets, usage)),
            Enctype::Aes256CtsHmacSha384 => Family::Aes256Sha2(AesSha2::new(octets, usage)),
            Enctype::Rc4Hmac => Family::Rc4(Rc4Hmac::new(octets, usage)),
        };
        PreparedKey { enctype, family }
    }

    /// The enctype.
    #[must_use]
    pub fn enctype(&self) -> Enctype {
        self.enctype
    }

    /// Octets in front of the plaintext in a sealed region (confounder; for RC4 checksum and confounder).
    #[must_use]
    pub fn header_length(&self) -> usize {
        match self.family {
            Family::Rc4(_) => rc4::TAG + rc4::CONFOUNDER,
            _ => BLOCK,
        }
    }

    /// Octets behind the plaintext in a sealed region (the truncated HMAC).
    #[must_use]
    pub fn trailer_length(&self) -> usize {
        match self.family {
            Family::Aes128Sha1(_) | Family::Aes256Sha1(_) => aes_sha1::TAG,
            Family::Aes128Sha2(_) => Sha256Aes128::TAG,
            Family::Aes256Sha2(_) => Sha384Aes256::TAG,
            Family::Rc4(_) => 0,
        }
    }

    /// Encrypts in place: `region` is header, plaintext, trailer. This function fills header and trailer.
    ///
    /// # Errors
    /// [`CryptoError::TooShort`] where the region cannot hold header and trailer.
    pub fn seal_in_place(&self, region: &mut [u8], rng: &mut dyn CryptoRngCore) -> Result<(), CryptoError> {
        let Parts { confounder_length, body, tag } = self.split(region)?;
        if let Some(confounder) = body.get_mut(..confounder_length) {
            rng.fill_bytes(confounder);
        }
        match &self.family {
            Family::Aes128Sha1(key) => key.seal(body, tag),
            Family::Aes256Sha1(key) => key.seal(body, tag),
            Family::Aes128Sha2(key) => key.seal(body, tag),
            Family::Aes256Sha2(key) => key.seal(body, tag),
            Family::Rc4(key) => key.seal(body, tag),
        }
        Ok(())
    }

    /// Verifies and decrypts in place; returns the plaintext. On error the content is unchanged or meaningless.
    ///
    /// # Errors
    /// [`CryptoError::TooShort`], [`CryptoError::Integrity`].
    pub fn open_in_place<'a>(&self, ciphertext: &'a mut [u8]) -> Result<&'a mut [u8], CryptoError> {
        let Parts { confounder_length, body, tag } = self.split(ciphertext)?;
        match &self.family {
            Family::Aes128Sha1(key) => key.open(body, tag),
            Family::Aes256Sha1(key) => key.open(body, tag),
            Family::Aes128Sha2(key) => key.open(body, tag),
            Family::Aes256Sha2(key) => key.open(body, tag),
            Family::Rc4(key) => key.open(body, tag),
        }?;
        body.get_mut(confounder_length..).ok_or(CryptoError::TooShort)
    }

    /// Encrypts into a new vector.
    #[must_use]
    pub fn seal(&self, plaintext: &[u8], rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        let (header, trailer) = (self.header_length(), self.trailer_length());
        let mut region = Vec::with_capacity(header + plaintext.len() + trailer);
        region.resize(header, 0);
        region.extend_from_slice(plaintext);
        region.resize(header + plaintext.len() + trailer, 0);
        let sealed = self.seal_in_place(&mut region, rng);
        debug_assert_eq!(sealed, Ok(()), "the region is made to measure");
        region
    }

    /// Decrypts into a new vector, zeroized when dropped.
    ///
    /// # Errors
    /// As [`PreparedKey::open_in_place`].
    pub fn open(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut region = Zeroizing::new(ciphertext.to_vec());
        let plaintext = self.open_in_place(&mut region)?.len();
        region.drain(..self.header_length());
        region.truncate(plaintext);
        Ok(region)
    }

    /// Splits a region into its parts: RC4 has the tag in front, AES behind.
    fn split<'a>(&self, region: &'a mut [u8]) -> Result<Parts<'a>, CryptoError> {
        let room =
            region.len().checked_sub(self.header_length() + self.trailer_length()).ok_or(CryptoError::TooShort)?;
        if let Family::Rc4(_) = self.family {
            let (tag, body) = region.split_at_mut_checked(rc4::TAG).ok_or(CryptoError::TooShort)?;
            return Ok(Parts { confounder_length: rc4::CONFOUNDER, body, tag });
        }
        let (body, tag) = region.split_at_mut_checked(BLOCK + room).ok_or(CryptoError::TooShort)?;
        Ok(Parts { confounder_length: BLOCK, body, tag })
    }
}

/// A sealed region, taken apart: the body is confounder and text.
struct Parts<'a> {
    confounder_length: usize,
    body: &'a mut [u8],
    tag: &'a mut [u8],
}

impl std::fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedKey({})", self.enctype)
    }
}
