//! EncryptedData, EncryptionKey and Checksum (RFC 4120, sections 5.2.9).

use std::fmt;
use zeroize::Zeroizing;

/// EncryptedData. The enctype is a number here: what is known and permitted is for others to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedData {
    /// Enctype number.
    pub etype: i32,
    /// Key version, where one is given.
    pub kvno: Option<u32>,
    /// Ciphertext.
    pub cipher: Vec<u8>,
}

/// EncryptionKey as it stands in a message. Zeroized when dropped, redacted in `Debug`; becomes a `crypto::Key` at once.
#[derive(Clone)]
pub struct EncryptionKey {
    /// Enctype number.
    pub keytype: i32,
    /// Key octets.
    pub keyvalue: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey {{ keytype: {}, .. }}", self.keytype)
    }
}

/// Checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// Checksum type number (RFC 3961, section 8; signed).
    pub cksumtype: i32,
    /// The checksum.
    pub checksum: Vec<u8>,
}
