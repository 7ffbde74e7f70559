//! AS-REQ and TGS-REQ (RFC 4120, section 5.4.1).

use crate::der::gate::{self, Readable};
use crate::der::header::{self, Header, tag};
use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::encrypted::EncryptedData;
use crate::message::flags::KdcOptions;
use crate::message::host_address::{HostAddress, addresses};
use crate::message::name::{PrincipalName, realm};
use crate::message::nonce::Nonce;
use crate::message::padata::{PaData, padata, write_padata};
use crate::message::ticket::Ticket;
use crate::message::time::KerberosTime;
use crate::message::write;
use std::ops::Range;

/// Kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// AS-REQ, application tag 10.
    AsReq,
    /// TGS-REQ, application tag 12.
    TgsReq,
}

/// Most enctypes in a request. Clients with long lists exist, and the one enctype that serves them may be the last.
const MAX_ETYPES: usize = 1024;

/// Most additional tickets in a request.
const MAX_TICKETS: usize = 4;

impl MessageType {
    /// `msg-type` and application tag of the request (RFC 4120, section 7.5.7).
    pub(super) fn request_number(self) -> u8 {
        match self {
            MessageType::AsReq => 10,
            MessageType::TgsReq => 12,
        }
    }

    /// `msg-type` and application tag of the reply.
    pub(super) fn reply_number(self) -> u8 {
        self.request_number() + 1
    }
}

/// A decoded KDC-REQ.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.4.1, say it")]
pub struct KdcReq {
    /// AS or TGS; the application tag and `msg-type` agree.
    pub message_type: MessageType,
    /// Pre-authentication data, in order; empty where absent. At most 64 elements.
    pub padata: Vec<PaData>,
    pub body: KdcReqBody,
    /// Where the DER of the body (the SEQUENCE inside `[4]`) lies in the bytes that were decoded: what the TGS
    /// authenticator's checksum covers, as it was sent.
    pub body_der: Range<usize>,
}

/// KDC-REQ-BODY.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.4.1, say it")]
pub struct KdcReqBody {
    pub options: KdcOptions,
    /// Client, in AS-REQ.
    pub cname: Option<PrincipalName>,
    /// The server's realm (in AS-REQ also the client's). May be empty; the core refuses an empty realm.
    pub realm: String,
    pub sname: Option<PrincipalName>,
    /// Start of a postdated ticket.
    pub from: Option<KerberosTime>,
    /// Requested end; the epoch asks for the longest life.
    pub till: KerberosTime,
    /// Requested renew-till.
    pub rtime: Option<KerberosTime>,
    /// The reply carries its octets.
    pub nonce: Nonce,
    /// Enctypes in order of preference. At most 1024.
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
    pub fn decode(bytes: &[u8]) -> Result<KdcReq, WireError> {
        let passed = gate::check_first(bytes)?;
        let readable = passed.readable()?;
        let (number, inner) = asn1::application(&readable, KDC_REQ)?;
        let message_type = match number {
            10 => MessageType::AsReq,
            12 => MessageType::TgsReq,
            _ => return Err(WireError::Message { message: KDC_REQ, reason: "neither AS-REQ nor TGS-REQ" }),
        };
        let mut request: Parts = asn1::convert::<asn1::KdcReq, _>(inner, KDC_REQ)?;
        if request.msg_type != i32::from(number) {
            return Err(WireError::Message { message: KDC_REQ, reason: "msg-type does not fit the application tag" });
        }
        let body_der = field(passed.value(), application_contents(passed.value())?, 4)?;
        if let Readable::Shortened(_) = readable {
            request.body.nonce = nonce_as_sent(bytes, &body_der)?;
        }
        Ok(KdcReq { message_type, padata: request.padata, body: request.body, body_der })
    }

    /// DER of the request, as a client sends it. `body_der` is ignored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        KdcReq::encode_around(self.message_type, &self.padata, &self.body.encode())
    }

    /// DER of a request around the DER of its body, for clients that had to checksum the body first.
    #[must_use]
    pub fn encode_around(message_type: MessageType, padata: &[PaData], body_der: &[u8]) -> Vec<u8> {
        let number = message_type.request_number();
        let mut writer = Writer::with_capacity(body_der.len() + 512);
        writer.tagged(tag::application(number), |w| {
            w.sequence(|w| {
                w.context(4, |w| w.bytes(body_der));
                if !padata.is_empty() {
                    w.context(3, |w| write_padata(w, padata));
                }
                w.context(2, |w| w.int32(i32::from(number)));
                w.context(1, |w| w.int32(5));
            });
        });
        writer.into_vec()
    }
}

const KDC_REQ: &str = "KDC-REQ";

/// The fields of a KDC-REQ.
struct Parts {
    msg_type: i32,
    padata: Vec<PaData>,
    body: KdcReqBody,
}

impl TryFrom<asn1::KdcReq> for Parts {
    type Error = Reason;

    fn try_from(request: asn1::KdcReq) -> Result<Parts, Reason> {
        if request.pvno != 5 {
            return Err("pvno is not 5");
        }
        let (padata, body) = (padata(request.padata)?, request.req_body.try_into()?);
        Ok(Parts { msg_type: request.msg_type, padata, body })
    }
}

/// The SEQUENCE inside the application tag of a message that has been parsed.
fn application_contents(bytes: &[u8]) -> Result<Header, WireError> {
    let outer = header::read(bytes, 0, bytes.len())?;
    header::read(bytes, outer.start, outer.end)
}

/// Where the contents of the field `[number]` lie in a SEQUENCE that has been parsed and has that field.
fn field(bytes: &[u8], sequence: Header, number: u8) -> Result<Range<usize>, WireError> {
    let mut at = sequence.start;
    loop {
        let field = header::read(bytes, at, sequence.end)?;
        if field.tag == tag::context(number) {
            return Ok(field.start..field.end);
        }
        at = field.end;
    }
}

/// The nonce of a body that was read with its INTEGERs shortened.
fn nonce_as_sent(bytes: &[u8], body: &Range<usize>) -> Result<Nonce, WireError> {
    let nonce = field(bytes, header::read(bytes, body.start, body.end)?, 7)?;
    let nonce = header::read(bytes, nonce.start, nonce.end)?;
    let contents = bytes.get(nonce.start..nonce.end).unwrap_or_default();
    Nonce::new(contents).ok_or(WireError::Message { message: KDC_REQ, reason: "a nonce of more than eight octets" })
}

impl KdcReqBody {
    /// DER of the body alone (KDC-REQ-BODY), which the checksum of a TGS authenticator covers.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(512);
        self.write(&mut writer);
        writer.into_vec()
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.sequence(|w| {
            if !self.additional_tickets.is_empty() {
                let tickets = self.additional_tickets.iter().rev();
                w.context(11, |w| w.sequence(|w| tickets.for_each(|ticket| ticket.write_whole(w))));
            }
            if let Some(data) = &self.enc_authorization_data {
                w.context(10, |w| data.write(w));
            }
            write::optional_addresses(w, 9, self.addresses.as_deref());
            w.context(8, |w| w.sequence(|w| self.etypes.iter().rev().for_each(|etype| w.int32(*etype))));
            w.context(7, |w| self.nonce.write(w));
            write::optional_time(w, 6, self.rtime);
            write::time(w, 5, self.till);
            write::optional_time(w, 4, self.from);
            write::optional_name(w, 3, self.sname.as_ref());
            w.context(2, |w| w.general_string(&self.realm));
            write::optional_name(w, 1, self.cname.as_ref());
            w.context(0, |w| w.flags(self.options.bits()));
        });
    }
}

impl TryFrom<asn1::KdcReqBody> for KdcReqBody {
    type Error = Reason;

    fn try_from(body: asn1::KdcReqBody) -> Result<KdcReqBody, Reason> {
        if body.etypes.len() > MAX_ETYPES {
            return Err("more than 1024 enctypes");
        }
        let tickets = body.additional_tickets.unwrap_or_default();
        Ok(KdcReqBody {
            options: KdcOptions::from_bits_retain(body.kdc_options.flags),
            cname: body.cname.map(TryInto::try_into).transpose()?,
            realm: realm(body.realm)?,
            sname: body.sname.map(TryInto::try_into).transpose()?,
            from: body.from.map(Into::into),
            till: body.till.into(),
            rtime: body.rtime.map(Into::into),
            nonce: body.nonce,
            etypes: body.etypes,
            addresses: addresses(body.addresses)?,
            enc_authorization_data: body.enc_authorization_data.map(TryInto::try_into).transpose()?,
            additional_tickets: asn1::list(tickets, MAX_TICKETS, "more than 4 additional tickets")?,
        })
    }
}
