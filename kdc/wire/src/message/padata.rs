//! PA-DATA (RFC 4120, section 5.2.7) and the elements that Kennel speaks.

use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::encrypted::EncryptedData;
use crate::message::time::Timestamp;

/// Most elements in a list of PA-DATA.
const MAX_PADATA: usize = 64;

/// Most entries in ETYPE-INFO and ETYPE-INFO2.
const MAX_ETYPE_INFO: usize = 32;

/// One PA-DATA element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaData {
    /// padata-type.
    pub padata_type: i32,
    /// padata-value, often DER of its own.
    pub value: Vec<u8>,
}

/// Numbers of padata-type.
#[allow(missing_docs)]
pub mod pa_type {
    pub const TGS_REQ: i32 = 1;
    pub const ENC_TIMESTAMP: i32 = 2;
    pub const PW_SALT: i32 = 3;
    pub const ETYPE_INFO: i32 = 11;
    pub const PK_AS_REQ: i32 = 16;
    pub const ETYPE_INFO2: i32 = 19;
    pub const PAC_REQUEST: i32 = 128;
    pub const FOR_USER: i32 = 129;
    pub const FX_COOKIE: i32 = 133;
    pub const FX_FAST: i32 = 136;
    pub const FX_ERROR: i32 = 137;
    pub const ENCRYPTED_CHALLENGE: i32 = 138;
    pub const REQ_ENC_PA_REP: i32 = 149;
}

/// PA-ENC-TS-ENC: what a client encrypts to prove that it has its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaEncTimestamp(pub Timestamp);

impl PaEncTimestamp {
    /// Decodes the decrypted PA-ENC-TS-ENC (an absent `pausec` is 0).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(der: &[u8]) -> Result<PaEncTimestamp, WireError> {
        asn1::decode_plaintext::<kerberos_asn1::PaEncTsEnc, _>(der, "PA-ENC-TS-ENC")
    }

    /// DER of PA-ENC-TS-ENC.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(64);
        writer.sequence(|w| {
            w.context(1, |w| w.uint32(self.0.micros));
            w.context(0, |w| w.generalized_time(self.0.time.0));
        });
        writer.into_vec()
    }
}

impl TryFrom<kerberos_asn1::PaEncTsEnc> for PaEncTimestamp {
    type Error = Reason;

    fn try_from(stamp: kerberos_asn1::PaEncTsEnc) -> Result<PaEncTimestamp, Reason> {
        Ok(PaEncTimestamp(Timestamp::from_fields(stamp.patimestamp, stamp.pausec.unwrap_or(0))?))
    }
}

/// One entry of ETYPE-INFO, which clients of old enctypes read (RFC 4120, section 5.2.7.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtypeInfoEntry {
    /// Enctype number.
    pub etype: i32,
    /// Salt, where it is not the default.
    pub salt: Option<Vec<u8>>,
}

impl EtypeInfoEntry {
    /// Decodes ETYPE-INFO (a sequence of entries, at most 32).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode_all(der: &[u8]) -> Result<Vec<EtypeInfoEntry>, WireError> {
        let entries: EtypeInfo = asn1::decode::<kerberos_asn1::EtypeInfo, _>(der, "ETYPE-INFO")?;
        Ok(entries.0)
    }

    /// DER of ETYPE-INFO.
    #[must_use]
    pub fn encode_all(entries: &[EtypeInfoEntry]) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        writer.sequence(|w| entries.iter().rev().for_each(|entry| entry.write(w)));
        writer.into_vec()
    }

    fn write(&self, w: &mut Writer) {
        w.sequence(|w| {
            if let Some(salt) = &self.salt {
                w.context(1, |w| w.octet_string(salt));
            }
            w.context(0, |w| w.int32(self.etype));
        });
    }
}

/// ETYPE-INFO, for the conversion alone.
struct EtypeInfo(Vec<EtypeInfoEntry>);

impl TryFrom<kerberos_asn1::EtypeInfo> for EtypeInfo {
    type Error = Reason;

    fn try_from(entries: kerberos_asn1::EtypeInfo) -> Result<EtypeInfo, Reason> {
        Ok(EtypeInfo(asn1::list(entries, MAX_ETYPE_INFO, "more than 32 entries")?))
    }
}

impl TryFrom<kerberos_asn1::EtypeInfoEntry> for EtypeInfoEntry {
    type Error = Reason;

    fn try_from(entry: kerberos_asn1::EtypeInfoEntry) -> Result<EtypeInfoEntry, Reason> {
        Ok(EtypeInfoEntry { etype: entry.etype, salt: entry.salt })
    }
}

/// One entry of ETYPE-INFO2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtypeInfo2Entry {
    /// Enctype number.
    pub etype: i32,
    /// Salt, where it is not the default.
    pub salt: Option<String>,
    /// String-to-key parameters (for AES: iterations, four octets big-endian).
    pub s2kparams: Option<Vec<u8>>,
}

impl EtypeInfo2Entry {
    /// Decodes ETYPE-INFO2 (a sequence of entries, at most 32).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode_all(der: &[u8]) -> Result<Vec<EtypeInfo2Entry>, WireError> {
        let entries: EtypeInfo2 = asn1::decode::<kerberos_asn1::EtypeInfo2, _>(der, "ETYPE-INFO2")?;
        Ok(entries.0)
    }

    /// DER of ETYPE-INFO2.
    #[must_use]
    pub fn encode_all(entries: &[EtypeInfo2Entry]) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        writer.sequence(|w| entries.iter().rev().for_each(|entry| entry.write(w)));
        writer.into_vec()
    }

    fn write(&self, w: &mut Writer) {
        w.sequence(|w| {
            if let Some(parameters) = &self.s2kparams {
                w.context(2, |w| w.octet_string(parameters));
            }
            if let Some(salt) = &self.salt {
                w.context(1, |w| w.general_string(salt));
            }
            w.context(0, |w| w.int32(self.etype));
        });
    }
}

/// ETYPE-INFO2, for the conversion alone.
struct EtypeInfo2(Vec<EtypeInfo2Entry>);

impl TryFrom<kerberos_asn1::EtypeInfo2> for EtypeInfo2 {
    type Error = Reason;

    fn try_from(entries: kerberos_asn1::EtypeInfo2) -> Result<EtypeInfo2, Reason> {
        Ok(EtypeInfo2(asn1::list(entries, MAX_ETYPE_INFO, "more than 32 entries")?))
    }
}

impl TryFrom<kerberos_asn1::EtypeInfo2Entry> for EtypeInfo2Entry {
    type Error = Reason;

    fn try_from(entry: kerberos_asn1::EtypeInfo2Entry) -> Result<EtypeInfo2Entry, Reason> {
        Ok(EtypeInfo2Entry { etype: entry.etype, salt: entry.salt, s2kparams: entry.s2kparams })
    }
}

impl PaData {
    /// METHOD-DATA (RFC 4120, section 5.9.1): a sequence of PA-DATA, as KRB-ERROR's e-data and encrypted-pa-data carry it.
    #[must_use]
    pub fn encode_all(padata: &[PaData]) -> Vec<u8> {
        let mut writer = Writer::with_capacity(512);
        write_padata(&mut writer, padata);
        writer.into_vec()
    }

    /// Decodes METHOD-DATA (at most 64 elements).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode_all(der: &[u8]) -> Result<Vec<PaData>, WireError> {
        let methods: MethodData = asn1::decode::<kerberos_asn1::MethodData, _>(der, "METHOD-DATA")?;
        Ok(methods.0)
    }

    /// The DER of an EncryptedData as padata-value (PA-ENC-TIMESTAMP).
    #[must_use]
    pub fn encode_encrypted_data(data: &EncryptedData) -> Vec<u8> {
        let mut writer = Writer::with_capacity(data.cipher.len() + 32);
        data.write(&mut writer);
        writer.into_vec()
    }

    /// Decodes a padata-value that is an EncryptedData.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode_encrypted_data(der: &[u8]) -> Result<EncryptedData, WireError> {
        asn1::decode::<asn1::EncryptedData, _>(der, "EncryptedData")
    }
}

/// METHOD-DATA, for the conversion alone.
struct MethodData(Vec<PaData>);

impl TryFrom<kerberos_asn1::MethodData> for MethodData {
    type Error = Reason;

    fn try_from(elements: kerberos_asn1::MethodData) -> Result<MethodData, Reason> {
        padata(Some(elements)).map(MethodData)
    }
}

/// A list of PA-DATA that may be absent.
pub(super) fn padata(elements: Option<Vec<kerberos_asn1::PaData>>) -> Result<Vec<PaData>, Reason> {
    asn1::list(elements.unwrap_or_default(), MAX_PADATA, "more than 64 elements of padata")
}

impl TryFrom<kerberos_asn1::PaData> for PaData {
    type Error = Reason;

    fn try_from(element: kerberos_asn1::PaData) -> Result<PaData, Reason> {
        Ok(PaData { padata_type: element.padata_type, value: element.padata_value })
    }
}

/// A SEQUENCE OF PA-DATA; its fields are numbered from 1.
pub(super) fn write_padata(w: &mut Writer, elements: &[PaData]) {
    w.sequence(|w| {
        for element in elements.iter().rev() {
            w.sequence(|w| {
                w.context(2, |w| w.octet_string(&element.value));
                w.context(1, |w| w.int32(element.padata_type));
            });
        }
    });
}
