//! PA-DATA (RFC 4120, section 5.2.7) and the elements that Kennel speaks.

use super::Timestamp;
use crate::WireError;

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
    pub fn decode(_der: &[u8]) -> Result<PaEncTimestamp, WireError> {
        todo!()
    }

    /// DER of PA-ENC-TS-ENC.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        todo!()
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
    pub fn decode_all(_der: &[u8]) -> Result<Vec<EtypeInfo2Entry>, WireError> {
        todo!()
    }

    /// DER of ETYPE-INFO2.
    #[must_use]
    pub fn encode_all(_entries: &[EtypeInfo2Entry]) -> Vec<u8> {
        todo!()
    }
}

impl PaData {
    /// METHOD-DATA (RFC 4120, section 5.9.1): a sequence of PA-DATA, as KRB-ERROR's e-data and encrypted-pa-data carry it.
    #[must_use]
    pub fn encode_all(_padata: &[PaData]) -> Vec<u8> {
        todo!()
    }

    /// Decodes METHOD-DATA (at most 64 elements).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode_all(_der: &[u8]) -> Result<Vec<PaData>, WireError> {
        todo!()
    }

    /// The DER of an EncryptedData as padata-value (PA-ENC-TIMESTAMP).
    #[must_use]
    pub fn encode_encrypted_data(_data: &super::EncryptedData) -> Vec<u8> {
        todo!()
    }

    /// Decodes a padata-value that is an EncryptedData.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode_encrypted_data(_der: &[u8]) -> Result<super::EncryptedData, WireError> {
        todo!()
    }
}
