//! AuthorizationData (RFC 4120, section 5.2.6).

use crate::WireError;

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationDatum {
    /// ad-type; negative ones are local.
    pub ad_type: i32,
    /// ad-data: for the containers, a DER AuthorizationData.
    pub ad_data: Vec<u8>,
}

/// AuthorizationData ::= SEQUENCE OF.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthorizationData(pub Vec<AuthorizationDatum>);

/// Numbers of ad-type.
#[allow(missing_docs)]
pub mod ad_type {
    pub const IF_RELEVANT: i32 = 1;
    pub const KDC_ISSUED: i32 = 4;
    pub const AND_OR: i32 = 5;
    pub const MANDATORY_FOR_KDC: i32 = 8;
    pub const WIN2K_PAC: i32 = 128;
    pub const SIGNEDPATH: i32 = 512;
}

impl AuthorizationData {
    /// Decodes DER (through the gate).
    ///
    /// # Errors
    /// Not strict DER, or not AuthorizationData.
    pub fn decode(_der: &[u8]) -> Result<AuthorizationData, WireError> {
        todo!()
    }

    /// DER of the sequence.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}
