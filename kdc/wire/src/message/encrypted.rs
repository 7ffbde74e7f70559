//! EncryptedData, EncryptionKey and Checksum (RFC 4120, sections 5.2.9).

use super::asn1::{self, Reason};
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

impl TryFrom<asn1::EncryptedData> for EncryptedData {
    type Error = Reason;

    fn try_from(data: asn1::EncryptedData) -> Result<EncryptedData, Reason> {
        Ok(EncryptedData { etype: data.etype, kvno: data.kvno.map(|kvno| kvno.0), cipher: data.cipher })
    }
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

impl From<asn1::EncryptionKey> for EncryptionKey {
    fn from(key: asn1::EncryptionKey) -> EncryptionKey {
        EncryptionKey { keytype: key.keytype, keyvalue: key.keyvalue.0 }
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

impl From<kerberos_asn1::Checksum> for Checksum {
    fn from(checksum: kerberos_asn1::Checksum) -> Checksum {
        Checksum { cksumtype: checksum.cksumtype, checksum: checksum.checksum }
    }
}
