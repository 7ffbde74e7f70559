//! Records under the master key: AES-256-GCM-SIV, the principal's name as associated data.

use crate::{CryptoError, SecretBytes};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// The key that wraps every stored record.
#[derive(Debug)]
pub struct MasterKey {
    // filled by the crypto crate's author (prepared cipher, id)
    _bytes: SecretBytes,
}

impl MasterKey {
    /// A new random master key.
    pub fn generate(_rng: &mut dyn CryptoRngCore) -> MasterKey {
        todo!()
    }

    /// Reads the text form of a key file (one line, `kennel-master-key-v1 <64 hex digits>`; white space around it is
    /// ignored).
    ///
    /// # Errors
    /// [`CryptoError::MasterKey`].
    pub fn from_text(_text: &str) -> Result<MasterKey, CryptoError> {
        todo!()
    }

    /// The text form, for the key file.
    #[must_use]
    pub fn expose_text(&self) -> Zeroizing<String> {
        todo!()
    }

    /// A fingerprint that tells master keys apart and reveals nothing: stored beside the records, so that a wrong key
    /// is known before anything is read. 16 hex digits.
    #[must_use]
    pub fn id(&self) -> &str {
        todo!()
    }

    /// Wraps: random nonce, then ciphertext and tag.
    pub fn wrap(&self, _associated: &[u8], _plaintext: &[u8], _rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        todo!()
    }

    /// Unwraps.
    ///
    /// # Errors
    /// [`CryptoError::TooShort`], [`CryptoError::Integrity`] (another key, another name, or changed octets).
    pub fn unwrap(&self, _associated: &[u8], _wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        todo!()
    }
}
