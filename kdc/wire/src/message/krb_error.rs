//! KRB-ERROR (RFC 4120, section 5.9.1).

use super::{ErrorCode, PrincipalName, Timestamp};
use crate::WireError;

/// KRB-ERROR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KrbError {
    /// `ctime`/`cusec` of the request, where known.
    pub ctime: Option<Timestamp>,
    /// The server's time.
    pub stime: Timestamp,
    /// The code.
    pub error_code: ErrorCode,
    /// Realm of the client, where known.
    pub crealm: Option<String>,
    /// Client, where known.
    pub cname: Option<PrincipalName>,
    /// Realm of the server.
    pub realm: String,
    /// Server.
    pub sname: PrincipalName,
    /// Text for people.
    pub e_text: Option<String>,
    /// Data: METHOD-DATA with KDC_ERR_PREAUTH_REQUIRED.
    pub e_data: Option<Vec<u8>>,
}

impl KrbError {
    /// Decodes a KRB-ERROR.
    ///
    /// # Errors
    /// Not strict DER, or another message.
    pub fn decode(_bytes: &[u8]) -> Result<KrbError, WireError> {
        todo!()
    }

    /// DER of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}
