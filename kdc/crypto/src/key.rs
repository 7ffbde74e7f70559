//! A Kerberos key.

use crate::checksum::PreparedChecksum;
use crate::enctype::Enctype;
use crate::error::CryptoError;
use crate::prepared::PreparedKey;
use crate::secret::SecretBytes;
use crate::usage::KeyUsage;
use crate::{prf, string_to_key};
use rand_core::CryptoRngCore;
use std::fmt;

/// A key of an enctype. Equality is in constant time, `Debug` shows the enctype alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    enctype: Enctype,
    bytes: SecretBytes,
}

impl Key {
    /// A key from its octets.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`].
    pub fn new(enctype: Enctype, bytes: &[u8]) -> Result<Key, CryptoError> {
        if bytes.len() != enctype.key_length() {
            return Err(CryptoError::KeyLength {
                enctype: enctype.name(),
                expected: enctype.key_length(),
                actual: bytes.len(),
            });
        }
        Ok(Key { enctype, bytes: SecretBytes::new(bytes.to_vec()) })
    }

    /// A new random key.
    pub fn generate(enctype: Enctype, rng: &mut dyn CryptoRngCore) -> Key {
        let mut bytes = vec![0; enctype.key_length()];
        rng.fill_bytes(&mut bytes);
        Key { enctype, bytes: SecretBytes::new(bytes) }
    }

    /// String-to-key (RFC 3962 section 4, RFC 8009 section 4, RFC 4757 section 2). `parameters` are the s2kparams of
    /// ETYPE-INFO2; `None` means the default (4,096 iterations for 17/18, 32,768 for 19/20).
    ///
    /// # Errors
    /// [`CryptoError::StringToKeyParameters`] where they are not four octets, or ask for 0 or more than 1,000,000
    /// iterations (a peer chose them); for RC4, where there are any. [`CryptoError::PasswordEncoding`] where a password
    /// for RC4 is not UTF-8.
    pub fn from_password(
        enctype: Enctype,
        password: &[u8],
        salt: &[u8],
        parameters: Option<&[u8]>,
    ) -> Result<Key, CryptoError> {
        let bytes = string_to_key::string_to_key(enctype, password, salt, parameters)?;
        Ok(Key { enctype, bytes })
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
    pub fn prepare(&self, usage: KeyUsage) -> PreparedKey {
        PreparedKey::new(self.enctype, self.expose(), usage)
    }

    /// Prepares the key for checksums in one usage.
    #[must_use]
    pub fn prepare_checksum(&self, usage: KeyUsage) -> PreparedChecksum {
        PreparedChecksum::new(self.enctype, self.expose(), usage)
    }

    /// The mandatory keyed checksum of the enctype over `data` (derives Kc; for one-time keys).
    #[must_use]
    pub fn checksum(&self, usage: KeyUsage, data: &[u8]) -> Vec<u8> {
        self.prepare_checksum(usage).compute(data)
    }

    /// Verifies a keyed checksum in constant time.
    ///
    /// # Errors
    /// [`CryptoError::ChecksumType`] where `checksum_type` is not the enctype's own (unkeyed types above all),
    /// [`CryptoError::Integrity`] where it does not match.
    pub fn verify_checksum(
        &self,
        usage: KeyUsage,
        data: &[u8],
        checksum_type: i32,
        checksum: &[u8],
    ) -> Result<(), CryptoError> {
        self.prepare_checksum(usage).verify(data, checksum_type, checksum)
    }

    /// The enctype's pseudo-random function (RFC 3961 section 3, RFC 8009 section 5).
    #[must_use]
    pub fn prf(&self, input: &[u8]) -> SecretBytes {
        prf::prf(self.enctype, self.expose(), input)
    }

    /// KRB-FX-CF2 (RFC 6113, section 5.1): a key of this key's enctype that is made from two keys of any enctypes. Whoever
    /// lacks one of the two does not have it. random-to-key changes no octet in any enctype here.
    #[must_use]
    pub fn fx_cf2(&self, pepper: &str, other: &Key, other_pepper: &str) -> Key {
        let bytes = prf::fx_cf2(
            (self.enctype, self.expose(), pepper.as_bytes()),
            (other.enctype, other.expose(), other_pepper.as_bytes()),
        );
        Key { enctype: self.enctype, bytes }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.enctype)
    }
}
