//! AS-REQ and TGS-REQ (RFC 4120, section 5.4.1).

use super::{EncryptedData, HostAddress, KdcOptions, KerberosTime, PaData, PrincipalName, Ticket};
use crate::WireError;
use std::ops::Range;

/// Which of the two requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// AS-REQ, application tag 10.
    AsReq,
    /// TGS-REQ, application tag 12.
    TgsReq,
}

/// A decoded KDC-REQ.
#[derive(Debug, Clone, PartialEq)]
pub struct KdcReq {
    /// AS or TGS; the application tag and `msg-type` agree.
    pub message_type: MessageType,
    /// Pre-authentication data, in order; empty where absent. At most 64 elements.
    pub padata: Vec<PaData>,
    /// The body.
    pub body: KdcReqBody,
    /// Where the DER of the body (the SEQUENCE inside `[4]`) lies in the bytes that were decoded: what the TGS
    /// authenticator's checksum covers, as it was sent.
    pub body_der: Range<usize>,
}

/// KDC-REQ-BODY.
#[derive(Debug, Clone, PartialEq)]
pub struct KdcReqBody {
    /// Options.
    pub options: KdcOptions,
    /// Client, in AS-REQ.
    pub cname: Option<PrincipalName>,
    /// The server's realm (in AS-REQ also the client's). May be empty: that is for the core to refuse.
    pub realm: String,
    /// Server.
    pub sname: Option<PrincipalName>,
    /// Start of a postdated ticket.
    pub from: Option<KerberosTime>,
    /// End that is asked for; the epoch asks for the longest.
    pub till: KerberosTime,
    /// Renew-till that is asked for.
    pub rtime: Option<KerberosTime>,
    /// Nonce; the reply carries it. Negative encodings of 32 bits are taken as their unsigned value.
    pub nonce: u32,
    /// Enctypes in order of preference. At most 64.
    pub etypes: Vec<i32>,
    /// Addresses; `None` and empty both mean none.
    pub addresses: Option<Vec<HostAddress>>,
    /// Encrypted AuthorizationData of a TGS-REQ.
    pub enc_authorization_data: Option<EncryptedData>,
    /// Additional tickets; at most 4.
    pub additional_tickets: Vec<Ticket>,
}

impl KdcReq {
    /// Decodes an AS-REQ or TGS-REQ.
    ///
    /// # Errors
    /// Not strict DER, another message, a `msg-type` that does not fit the tag, a `pvno` that is not 5, or a list
    /// beyond its limit.
    pub fn decode(_bytes: &[u8]) -> Result<KdcReq, WireError> {
        todo!()
    }

    /// DER of the request, as a client sends it. `body_der` is ignored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}

impl KdcReqBody {
    /// DER of the body alone (KDC-REQ-BODY), what a client's TGS authenticator checksums.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}
