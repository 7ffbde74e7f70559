//! Ticket and EncTicketPart (RFC 4120, section 5.3).

use super::{AuthorizationData, EncryptedData, EncryptionKey, HostAddress, KerberosTime, PrincipalName, TicketFlags};
use crate::WireError;
use crate::der::writer::Writer;

/// Ticket: what a client carries and cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Realm of the server.
    pub realm: String,
    /// Server.
    pub sname: PrincipalName,
    /// EncTicketPart under the server's key.
    pub enc_part: EncryptedData,
}

impl Ticket {
    /// Decodes a ticket (`tkt-vno` 5).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(_der: &[u8]) -> Result<Ticket, WireError> {
        todo!()
    }

    /// DER of the ticket.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}

/// TransitedEncoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transited {
    /// 1 = DOMAIN-X500-COMPRESS; 0 in tickets of some implementations when empty.
    pub tr_type: i32,
    /// Realms that were passed, encoded.
    pub contents: Vec<u8>,
}

/// EncTicketPart.
#[derive(Debug, Clone)]
pub struct EncTicketPart {
    /// Flags.
    pub flags: TicketFlags,
    /// Session key.
    pub key: EncryptionKey,
    /// Realm of the client.
    pub crealm: String,
    /// Client.
    pub cname: PrincipalName,
    /// Realms between.
    pub transited: Transited,
    /// When the client was authenticated.
    pub authtime: KerberosTime,
    /// From when it is valid; absent means from authtime.
    pub starttime: Option<KerberosTime>,
    /// Until when it is valid.
    pub endtime: KerberosTime,
    /// Until when it can be renewed.
    pub renew_till: Option<KerberosTime>,
    /// Addresses that it may be used from; `None` or empty: any.
    pub caddr: Option<Vec<HostAddress>>,
    /// Authorization data.
    pub authorization_data: Option<AuthorizationData>,
}

impl EncTicketPart {
    /// Decodes a decrypted EncTicketPart (application tag 3). Octets after the DER are allowed only as zero padding.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(_der: &[u8]) -> Result<EncTicketPart, WireError> {
        todo!()
    }

    /// Writes the DER in front of what `w` holds.
    pub fn write(&self, _w: &mut Writer) {
        todo!()
    }
}
