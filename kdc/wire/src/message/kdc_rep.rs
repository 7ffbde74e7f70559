//! AS-REP and TGS-REP and their encrypted part (RFC 4120, section 5.4.2).

use crate::der::gate;
use crate::der::header::tag;
use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::encrypted::{EncryptedData, EncryptionKey};
use crate::message::flags::TicketFlags;
use crate::message::host_address::{HostAddress, addresses};
use crate::message::kdc_req::MessageType;
use crate::message::name::{PrincipalName, realm};
use crate::message::nonce::Nonce;
use crate::message::padata::{PaData, padata, write_padata};
use crate::message::ticket::Ticket;
use crate::message::time::KerberosTime;
use crate::message::write;

/// Most entries of last-req.
const MAX_LAST_REQ: usize = 32;

/// A decoded KDC-REP, as clients read it. The KDC writes replies with [`KdcRep::write`].
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.4.2, say it")]
pub struct KdcRep {
    /// `AsReq` for an AS-REP (tag 11), `TgsReq` for a TGS-REP (tag 13).
    pub answers: MessageType,
    /// Pre-authentication data; empty where absent.
    pub padata: Vec<PaData>,
    pub crealm: String,
    pub cname: PrincipalName,
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
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.4.2, say it")]
pub struct EncKdcRepPart {
    /// Session key, the same as in the ticket.
    pub key: EncryptionKey,
    /// last-req (written as one entry of type 0 where empty).
    pub last_req: Vec<LastReq>,
    /// The octets of the request's.
    pub nonce: Nonce,
    /// When the client's key expires.
    pub key_expiration: Option<KerberosTime>,
    pub flags: TicketFlags,
    pub authtime: KerberosTime,
    pub starttime: Option<KerberosTime>,
    pub endtime: KerberosTime,
    pub renew_till: Option<KerberosTime>,
    pub srealm: String,
    pub sname: PrincipalName,
    pub caddr: Option<Vec<HostAddress>>,
    /// RFC 6806, section 11: encrypted-pa-data; empty where absent.
    pub encrypted_pa_data: Vec<PaData>,
}

impl EncKdcRepPart {
    /// Decodes a decrypted EncKDCRepPart with tag 25 or 26 (RFC 4120, section 5.4.2 asks to accept both).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(der: &[u8]) -> Result<EncKdcRepPart, WireError> {
        let readable = gate::check_padded(der)?.readable()?;
        let (number, inner) = asn1::application(&readable, ENC_KDC_REP_PART)?;
        if number != 25 && number != 26 {
            return Err(WireError::Message { message: ENC_KDC_REP_PART, reason: "neither tag 25 nor tag 26" });
        }
        asn1::convert::<asn1::EncKdcRepPart, _>(inner, ENC_KDC_REP_PART)
    }

    /// Writes the DER in front of what `w` holds: application tag 25 for an AS reply, 26 for a TGS reply.
    pub fn write(&self, answers: MessageType, w: &mut Writer) {
        let number = match answers {
            MessageType::AsReq => 25,
            MessageType::TgsReq => 26,
        };
        w.tagged(tag::application(number), |w| {
            w.sequence(|w| {
                if !self.encrypted_pa_data.is_empty() {
                    w.context(12, |w| write_padata(w, &self.encrypted_pa_data));
                }
                write::optional_addresses(w, 11, self.caddr.as_deref());
                w.context(10, |w| write::name(w, &self.sname));
                w.context(9, |w| w.general_string(&self.srealm));
                write::optional_time(w, 8, self.renew_till);
                write::time(w, 7, self.endtime);
                write::optional_time(w, 6, self.starttime);
                write::time(w, 5, self.authtime);
                w.context(4, |w| w.flags(self.flags.bits()));
                write::optional_time(w, 3, self.key_expiration);
                w.context(2, |w| self.nonce.write(w));
                w.context(1, |w| write_last_req(w, &self.last_req));
                w.context(0, |w| self.key.write(w));
            });
        });
    }
}

const ENC_KDC_REP_PART: &str = "EncKDCRepPart";

/// Writes one entry of type 0 (no information) where there is none: the field is not optional, and clients expect an entry.
fn write_last_req(w: &mut Writer, entries: &[LastReq]) {
    const NOTHING: &[LastReq] = &[LastReq { lr_type: 0, value: KerberosTime::EPOCH }];
    let entries = if entries.is_empty() { NOTHING } else { entries };
    w.sequence(|w| {
        for entry in entries.iter().rev() {
            w.sequence(|w| {
                write::time(w, 1, entry.value);
                w.context(0, |w| w.int32(entry.lr_type));
            });
        }
    });
}

impl TryFrom<asn1::EncKdcRepPart> for EncKdcRepPart {
    type Error = Reason;

    fn try_from(part: asn1::EncKdcRepPart) -> Result<EncKdcRepPart, Reason> {
        Ok(EncKdcRepPart {
            key: part.key.into(),
            last_req: asn1::list(part.last_req, MAX_LAST_REQ, "more than 32 entries of last-req")?,
            nonce: part.nonce,
            key_expiration: part.key_expiration.map(Into::into),
            flags: TicketFlags::from_bits_retain(part.flags.flags),
            authtime: part.authtime.into(),
            starttime: part.starttime.map(Into::into),
            endtime: part.endtime.into(),
            renew_till: part.renew_till.map(Into::into),
            srealm: realm(part.srealm)?,
            sname: part.sname.try_into()?,
            caddr: addresses(part.caddr)?,
            encrypted_pa_data: padata(part.encrypted_pa_data)?,
        })
    }
}

impl TryFrom<kerberos_asn1::LastReqEntry> for LastReq {
    type Error = Reason;

    fn try_from(entry: kerberos_asn1::LastReqEntry) -> Result<LastReq, Reason> {
        Ok(LastReq { lr_type: entry.lr_type, value: entry.lr_value.into() })
    }
}

impl KdcRep {
    /// Decodes an AS-REP or TGS-REP.
    ///
    /// # Errors
    /// Not strict DER, or another message.
    pub fn decode(bytes: &[u8]) -> Result<KdcRep, WireError> {
        let readable = gate::check_first(bytes)?.readable()?;
        let (number, inner) = asn1::application(&readable, KDC_REP)?;
        let mut reply: KdcRep = asn1::convert::<asn1::KdcRep, _>(inner, KDC_REP)?;
        reply.answers = match (number, reply.answers) {
            (11, MessageType::AsReq) | (13, MessageType::TgsReq) => reply.answers,
            _ => {
                return Err(WireError::Message {
                    message: KDC_REP,
                    reason: "msg-type does not fit the application tag",
                });
            }
        };
        Ok(reply)
    }

    /// Writes a reply in front of what `w` holds. `enc_part` writes the EncryptedData of the EncKDCRepPart, as
    /// [`Writer::encrypted_data`] does, and `ticket` the ticket, as [`Ticket::write`] does; `enc_part` runs first, since
    /// writing goes from back to front. Empty `padata` is left out.
    ///
    /// # Errors
    /// Whatever `ticket` or `enc_part` returns; the buffer must then be dropped.
    pub fn write<E>(
        w: &mut Writer,
        answers: MessageType,
        padata: &[PaData],
        crealm: &str,
        cname: &PrincipalName,
        ticket: impl FnOnce(&mut Writer) -> Result<(), E>,
        enc_part: impl FnOnce(&mut Writer) -> Result<(), E>,
    ) -> Result<(), E> {
        let number = answers.reply_number();
        w.try_tagged(tag::application(number), |w| {
            w.try_tagged(tag::SEQUENCE, |w| {
                w.try_tagged(tag::context(6), enc_part)?;
                w.try_tagged(tag::context(5), ticket)?;
                w.context(4, |w| write::name(w, cname));
                w.context(3, |w| w.general_string(crealm));
                if !padata.is_empty() {
                    w.context(2, |w| write_padata(w, padata));
                }
                w.context(1, |w| w.int32(i32::from(number)));
                w.context(0, |w| w.int32(5));
                Ok(())
            })
        })
    }
}

const KDC_REP: &str = "KDC-REP";

impl TryFrom<asn1::KdcRep> for KdcRep {
    type Error = Reason;

    fn try_from(reply: asn1::KdcRep) -> Result<KdcRep, Reason> {
        if reply.pvno != 5 {
            return Err("pvno is not 5");
        }
        let answers = match reply.msg_type {
            11 => MessageType::AsReq,
            13 => MessageType::TgsReq,
            _ => return Err("msg-type is neither that of AS-REP nor that of TGS-REP"),
        };
        Ok(KdcRep {
            answers,
            padata: padata(reply.padata)?,
            crealm: realm(reply.crealm)?,
            cname: reply.cname.try_into()?,
            ticket: reply.ticket.try_into()?,
            enc_part: reply.enc_part.try_into()?,
        })
    }
}
