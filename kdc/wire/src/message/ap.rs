//! AP-REQ, Authenticator, AP-REP (RFC 4120, section 5.5).

use super::{ApOptions, AuthorizationData, Checksum, EncryptedData, EncryptionKey, PrincipalName, Ticket, Timestamp};
use crate::WireError;

/// AP-REQ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApReq {
    /// Options.
    pub options: ApOptions,
    /// The ticket.
    pub ticket: Ticket,
    /// Authenticator under the ticket's session key.
    pub authenticator: EncryptedData,
}

/// Authenticator (inside AP-REQ, encrypted).
#[derive(Debug, Clone)]
pub struct Authenticator {
    /// Realm of the client.
    pub crealm: String,
    /// Client.
    pub cname: PrincipalName,
    /// Checksum over application data (in TGS-REQ: over the body).
    pub cksum: Option<Checksum>,
    /// When it was made.
    pub ctime: Timestamp,
    /// Sub-key.
    pub subkey: Option<EncryptionKey>,
    /// Sequence number.
    pub seq_number: Option<u32>,
    /// Authorization data of the client.
    pub authorization_data: Option<AuthorizationData>,
}

/// AP-REP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApRep {
    /// EncAPRepPart under the session key.
    pub enc_part: EncryptedData,
}

/// EncAPRepPart.
#[derive(Debug, Clone)]
pub struct EncApRepPart {
    /// `ctime`/`cusec` of the authenticator, returned.
    pub ctime: Timestamp,
    /// The acceptor's sub-key.
    pub subkey: Option<EncryptionKey>,
    /// The acceptor's sequence number.
    pub seq_number: Option<u32>,
}

macro_rules! codec {
    ($($t:ident: $what:literal),*) => {$(
        impl $t {
            #[doc = concat!("Decodes ", $what, ".")]
            ///
            /// # Errors
            /// Not strict DER, or another type.
            pub fn decode(_der: &[u8]) -> Result<$t, WireError> {
                todo!()
            }

            #[doc = concat!("DER of ", $what, ".")]
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                todo!()
            }
        }
    )*};
}

codec!(ApReq: "an AP-REQ", Authenticator: "a decrypted Authenticator", ApRep: "an AP-REP", EncApRepPart: "a decrypted EncAPRepPart");
