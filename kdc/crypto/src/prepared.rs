//! A key prepared for one usage: sub-keys derived, cipher schedules and HMAC states built once, used by many requests.

use crate::{CryptoError, Enctype};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// A (key, usage) pair, ready. Sharing between threads is free; no operation but `seal` and `open` allocates.
pub struct PreparedKey {
    // filled by the crypto crate's author
    enctype: Enctype,
}

impl PreparedKey {
    /// The enctype.
    #[must_use]
    pub fn enctype(&self) -> Enctype {
        self.enctype
    }

    /// Octets in front of the plaintext in a sealed region (confounder; for RC4 checksum and confounder).
    #[must_use]
    pub fn header_length(&self) -> usize {
        todo!()
    }

    /// Octets behind the plaintext in a sealed region (the truncated HMAC).
    #[must_use]
    pub fn trailer_length(&self) -> usize {
        todo!()
    }

    /// Encrypts in place: `region` is header, plaintext, trailer; header and trailer are filled here.
    ///
    /// # Errors
    /// [`CryptoError::TooShort`] where the region cannot hold header and trailer.
    pub fn seal_in_place(&self, _region: &mut [u8], _rng: &mut dyn CryptoRngCore) -> Result<(), CryptoError> {
        todo!()
    }

    /// Verifies and decrypts in place; gives the plaintext. On error the content is unchanged or meaningless.
    ///
    /// # Errors
    /// [`CryptoError::TooShort`], [`CryptoError::Integrity`].
    pub fn open_in_place<'a>(&self, _ciphertext: &'a mut [u8]) -> Result<&'a mut [u8], CryptoError> {
        todo!()
    }

    /// Encrypts into a new vector.
    #[must_use]
    pub fn seal(&self, _plaintext: &[u8], _rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        todo!()
    }

    /// Decrypts into a new vector, zeroized when dropped.
    ///
    /// # Errors
    /// As [`PreparedKey::open_in_place`].
    pub fn open(&self, _ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        todo!()
    }
}

impl std::fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedKey({})", self.enctype)
    }
}
