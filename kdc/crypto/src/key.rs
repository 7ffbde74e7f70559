//! A Kerberos key.

use crate::{CryptoError, Enctype, KeyUsage, PreparedKey, SecretBytes};
use rand_core::CryptoRngCore;

/// A key of an enctype. Equality is in constant time, `Debug` shows the enctype alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    enctype: Enctype,
    bytes: SecretBytes,
}

impl Key {
    /// A key from its octets.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`].
    pub fn new(_enctype: Enctype, _bytes: &[u8]) -> Result<Key, CryptoError> {
        todo!()
    }

    /// A new random key.
    pub fn generate(_enctype: Enctype, _rng: &mut dyn CryptoRngCore) -> Key {
        todo!()
    }

    /// String-to-key (RFC 3962 section 4, RFC 8009 section 4, RFC 4757 section 2). `parameters` are the s2kparams of
    /// ETYPE-INFO2; `None` means the default (4,096 iterations for 17/18, 32,768 for 19/20).
    ///
    /// # Errors
    /// [`CryptoError::StringToKeyParameters`] where they are not four octets, or ask for 0 or more than 1,000,000
    /// iterations (a peer chose them).
    pub fn from_password(
        _enctype: Enctype,
        _password: &[u8],
        _salt: &[u8],
        _parameters: Option<&[u8]>,
    ) -> Result<Key, CryptoError> {
        todo!()
    }

    /// The enctype.
    #[must_use]
    pub fn enctype(&self) -> Enctype {
        self.enctype
    }

    /// The octets: for keytabs, stored records and the key field of tickets and replies.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// Prepares the key for encryption and decryption in one usage.
    #[must_use]
    pub fn prepare(&self, _usage: KeyUsage) -> PreparedKey {
        todo!()
    }

    /// The mandatory keyed checksum of the enctype over `data` (derives Kc; for one-time keys).
    #[must_use]
    pub fn checksum(&self, _usage: KeyUsage, _data: &[u8]) -> Vec<u8> {
        todo!()
    }

    /// Verifies a keyed checksum in constant time.
    ///
    /// # Errors
    /// [`CryptoError::ChecksumType`] where `checksum_type` is not the enctype's own (unkeyed types above all),
    /// [`CryptoError::Integrity`] where it does not match.
    pub fn verify_checksum(
        &self,
        _usage: KeyUsage,
        _data: &[u8],
        _checksum_type: i32,
        _checksum: &[u8],
    ) -> Result<(), CryptoError> {
        todo!()
    }

    /// The enctype's pseudo-random function (RFC 3961 section 3, RFC 8009 section 5).
    #[must_use]
    pub fn prf(&self, _input: &[u8]) -> SecretBytes {
        todo!()
    }
}
