//! EncryptedData, EncryptionKey and Checksum (RFC 4120, sections 5.2.9).

use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::write;
use std::fmt;
use zeroize::Zeroizing;

/// EncryptedData. The enctype is a number, since this crate does not decide which enctypes are known and permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.2.9, say it")]
pub struct EncryptedData {
    /// Enctype number.
    pub etype: i32,
    /// Key version, where the sender states one.
    pub kvno: Option<u32>,
    pub cipher: Vec<u8>,
}

impl TryFrom<asn1::EncryptedData> for EncryptedData {
    type Error = Reason;

    fn try_from(data: asn1::EncryptedData) -> Result<EncryptedData, Reason> {
        Ok(EncryptedData { etype: data.etype, kvno: data.kvno.map(|kvno| kvno.0), cipher: data.cipher })
    }
}

impl EncryptedData {
    pub(super) fn write(&self, w: &mut Writer) {
        w.sequence(|w| {
            w.context(2, |w| w.octet_string(&self.cipher));
            if let Some(kvno) = self.kvno {
                w.context(1, |w| w.uint32(kvno));
            }
            w.context(0, |w| w.int32(self.etype));
        });
    }
}

/// EncryptionKey of a message. Zeroized when dropped, redacted in `Debug`; receivers convert it to `crypto::Key` at once.
#[derive(Clone)]
pub struct EncryptionKey {
    /// Enctype number.
    pub keytype: i32,
    /// Key octets.
    pub keyvalue: Zeroizing<Vec<u8>>,
}

impl EncryptionKey {
    pub(super) fn write(&self, w: &mut Writer) {
        write::typed_octets(w, self.keytype, &self.keyvalue);
    }
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
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.2.9, say it")]
pub struct Checksum {
    /// Checksum type number (RFC 3961, section 8; signed).
    pub cksumtype: i32,
    pub checksum: Vec<u8>,
}

impl TryFrom<kerberos_asn1::Checksum> for Checksum {
    type Error = Reason;

    fn try_from(checksum: kerberos_asn1::Checksum) -> Result<Checksum, Reason> {
        Ok(Checksum { cksumtype: checksum.cksumtype, checksum: checksum.checksum })
    }
}

impl Checksum {
    /// Decodes a Checksum that is no part of another message, as in PA-REQ-ENC-PA-REP (RFC 6806, section 11).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(der: &[u8]) -> Result<Checksum, WireError> {
        asn1::decode::<kerberos_asn1::Checksum, _>(der, "Checksum")
    }

    /// DER of the checksum.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(self.checksum.len() + 32);
        write::typed_octets(&mut writer, self.cksumtype, &self.checksum);
        writer.into_vec()
    }
}
