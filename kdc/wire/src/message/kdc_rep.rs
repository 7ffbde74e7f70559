//! AS-REP and TGS-REP and their encrypted part (RFC 4120, section 5.4.2).

use super::{
    EncryptedData, EncryptionKey, HostAddress, KerberosTime, MessageType, PaData, PrincipalName, Ticket, TicketFlags,
};
use crate::WireError;
use crate::der::writer::Writer;

/// A decoded KDC-REP, as clients read it. The KDC writes replies with [`KdcRep::write_around`].
#[derive(Debug, Clone, PartialEq)]
pub struct KdcRep {
    /// `AsReq` for an AS-REP (tag 11), `TgsReq` for a TGS-REP (tag 13).
    pub answers: MessageType,
    /// Pre-authentication data; empty where absent.
    pub padata: Vec<PaData>,
    /// Realm of the client.
    pub crealm: String,
    /// Client.
    pub cname: PrincipalName,
    /// The ticket.
    pub ticket: Ticket,
    /// EncKDCRepPart.
    pub enc_part: EncryptedData,
}

/// One entry of last-req.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastReq {
    /// lr-type; 0 = no information, 6 = password expiry.
    pub lr_type: i32,
    /// lr-value.
    pub value: KerberosTime,
}

/// EncASRepPart / EncTGSRepPart.
#[derive(Debug, Clone)]
pub struct EncKdcRepPart {
    /// Session key, the same as in the ticket.
    pub key: EncryptionKey,
    /// last-req (written as one entry of type 0 where empty).
    pub last_req: Vec<LastReq>,
    /// Nonce of the request.
    pub nonce: u32,
    /// When the client's key expires.
    pub key_expiration: Option<KerberosTime>,
    /// Flags of the ticket.
    pub flags: TicketFlags,
    /// See the ticket.
    pub authtime: KerberosTime,
    /// See the ticket.
    pub starttime: Option<KerberosTime>,
    /// See the ticket.
    pub endtime: KerberosTime,
    /// See the ticket.
    pub renew_till: Option<KerberosTime>,
    /// Realm of the server.
    pub srealm: String,
    /// Server.
    pub sname: PrincipalName,
    /// See the ticket.
    pub caddr: Option<Vec<HostAddress>>,
    /// RFC 6806, section 11: encrypted-pa-data; empty where absent.
    pub encrypted_pa_data: Vec<PaData>,
}

impl EncKdcRepPart {
    /// Decodes a decrypted EncKDCRepPart with tag 25 or 26 (RFC 4120, section 5.4.2 asks to accept both).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(_der: &[u8]) -> Result<EncKdcRepPart, WireError> {
        todo!()
    }

    /// Writes the DER in front of what `w` holds: application tag 25 for an AS reply, 26 for a TGS reply.
    pub fn write(&self, _answers: MessageType, _w: &mut Writer) {
        todo!()
    }
}

impl KdcRep {
    /// Decodes an AS-REP or TGS-REP.
    ///
    /// # Errors
    /// Not strict DER, or another message.
    pub fn decode(_bytes: &[u8]) -> Result<KdcRep, WireError> {
        todo!()
    }
}
