//! AuthorizationData (RFC 4120, section 5.2.6).

use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::write;

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
    pub const FX_FAST_ARMOR: i32 = 71;
    pub const FX_FAST_USED: i32 = 72;
    pub const CAMMAC: i32 = 96;
    pub const AUTHENTICATION_INDICATOR: i32 = 97;
    pub const WIN2K_PAC: i32 = 128;
    pub const TOKEN_RESTRICTIONS: i32 = 141;
    pub const AP_OPTIONS: i32 = 143;
    pub const TARGET_PRINCIPAL: i32 = 144;
    pub const SIGNEDPATH: i32 = 512;
}

impl AuthorizationData {
    /// Decodes DER (through the gate).
    ///
    /// # Errors
    /// Not strict DER, or not AuthorizationData.
    pub fn decode(der: &[u8]) -> Result<AuthorizationData, WireError> {
        asn1::decode::<kerberos_asn1::AuthorizationData, _>(der, "AuthorizationData")
    }

    /// DER of the sequence.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        self.write(&mut writer);
        writer.into_vec()
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.sequence(|w| self.0.iter().rev().for_each(|datum| write::typed_octets(w, datum.ad_type, &datum.ad_data)));
    }
}

impl TryFrom<kerberos_asn1::AuthorizationData> for AuthorizationData {
    type Error = Reason;

    fn try_from(data: kerberos_asn1::AuthorizationData) -> Result<AuthorizationData, Reason> {
        let datum = |entry: kerberos_asn1::AuthorizationDataEntry| AuthorizationDatum {
            ad_type: entry.ad_type,
            ad_data: entry.ad_data,
        };
        Ok(AuthorizationData(data.into_iter().map(datum).collect()))
    }
}
