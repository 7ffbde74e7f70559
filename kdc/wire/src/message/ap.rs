//! AP-REQ, Authenticator, AP-REP (RFC 4120, section 5.5).

use crate::der::header::tag;
use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::authorization_data::AuthorizationData;
use crate::message::encrypted::{Checksum, EncryptedData, EncryptionKey};
use crate::message::flags::ApOptions;
use crate::message::name::{PrincipalName, realm};
use crate::message::ticket::Ticket;
use crate::message::time::Timestamp;
use crate::message::write;
use zeroize::Zeroizing;

/// AP-REQ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.5, say it")]
pub struct ApReq {
    pub options: ApOptions,
    pub ticket: Ticket,
    /// Under the ticket's session key.
    pub authenticator: EncryptedData,
}

/// Authenticator (inside AP-REQ, encrypted).
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.5, say it")]
pub struct Authenticator {
    pub crealm: String,
    pub cname: PrincipalName,
    /// Over application data (in TGS-REQ: over the body).
    pub cksum: Option<Checksum>,
    /// The client's clock when it made the authenticator.
    pub ctime: Timestamp,
    pub subkey: Option<EncryptionKey>,
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
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.5, say it")]
pub struct EncApRepPart {
    /// `ctime`/`cusec` of the authenticator, returned.
    pub ctime: Timestamp,
    /// The acceptor's sub-key.
    pub subkey: Option<EncryptionKey>,
    pub seq_number: Option<u32>,
}

impl ApReq {
    /// Decodes an AP-REQ.
    ///
    /// # Errors
    /// Not strict DER, or another message.
    pub fn decode(der: &[u8]) -> Result<ApReq, WireError> {
        asn1::decode::<asn1::ApReq, _>(der, "AP-REQ")
    }

    /// DER of an AP-REQ.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let room = self.ticket.enc_part.cipher.len() + self.authenticator.cipher.len();
        let mut writer = Writer::with_capacity(room + 512);
        message(&mut writer, 14, |w| {
            w.context(4, |w| self.authenticator.write(w));
            w.context(3, |w| self.ticket.write_whole(w));
            w.context(2, |w| w.flags(self.options.bits()));
            w.context(1, |w| w.int32(14));
            w.context(0, |w| w.int32(5));
        });
        writer.into_vec()
    }
}

impl TryFrom<asn1::ApReq> for ApReq {
    type Error = Reason;

    fn try_from(request: asn1::ApReq) -> Result<ApReq, Reason> {
        versions(request.pvno, request.msg_type, 14)?;
        Ok(ApReq {
            options: ApOptions::from_bits_retain(request.ap_options.flags),
            ticket: request.ticket.try_into()?,
            authenticator: request.authenticator.try_into()?,
        })
    }
}

impl Authenticator {
    /// Decodes a decrypted Authenticator; zero padding behind it is allowed.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(plaintext: &[u8]) -> Result<Authenticator, WireError> {
        asn1::decode_plaintext::<asn1::Authenticator, _>(plaintext, "Authenticator")
    }

    /// DER of an Authenticator.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(512);
        message(&mut writer, 2, |w| {
            if let Some(data) = &self.authorization_data {
                w.context(8, |w| data.write(w));
            }
            write_sub_key(w, (7, self.seq_number), (6, self.subkey.as_ref()));
            write::time(w, 5, self.ctime.time);
            w.context(4, |w| w.uint32(self.ctime.micros));
            if let Some(checksum) = &self.cksum {
                w.context(3, |w| write::typed_octets(w, checksum.cksumtype, &checksum.checksum));
            }
            w.context(2, |w| write::name(w, &self.cname));
            w.context(1, |w| w.general_string(&self.crealm));
            w.context(0, |w| w.int32(5));
        });
        writer.into_secret()
    }
}

impl TryFrom<asn1::Authenticator> for Authenticator {
    type Error = Reason;

    fn try_from(authenticator: asn1::Authenticator) -> Result<Authenticator, Reason> {
        if authenticator.authenticator_vno != 5 {
            return Err("authenticator-vno is not 5");
        }
        Ok(Authenticator {
            crealm: realm(authenticator.crealm)?,
            cname: authenticator.cname.try_into()?,
            cksum: authenticator.cksum.map(Checksum::try_from).transpose()?,
            ctime: Timestamp::from_fields(authenticator.ctime, authenticator.cusec)?,
            subkey: authenticator.subkey.map(Into::into),
            seq_number: authenticator.seq_number.map(|number| number.0),
            authorization_data: authenticator.authorization_data.map(TryInto::try_into).transpose()?,
        })
    }
}

impl ApRep {
    /// Decodes an AP-REP.
    ///
    /// # Errors
    /// Not strict DER, or another message.
    pub fn decode(der: &[u8]) -> Result<ApRep, WireError> {
        asn1::decode::<asn1::ApRep, _>(der, "AP-REP")
    }

    /// DER of an AP-REP.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(self.enc_part.cipher.len() + 64);
        message(&mut writer, 15, |w| {
            w.context(2, |w| self.enc_part.write(w));
            w.context(1, |w| w.int32(15));
            w.context(0, |w| w.int32(5));
        });
        writer.into_vec()
    }
}

impl TryFrom<asn1::ApRep> for ApRep {
    type Error = Reason;

    fn try_from(reply: asn1::ApRep) -> Result<ApRep, Reason> {
        versions(reply.pvno, reply.msg_type, 15)?;
        Ok(ApRep { enc_part: reply.enc_part.try_into()? })
    }
}

impl EncApRepPart {
    /// Decodes a decrypted EncAPRepPart; zero padding behind it is allowed.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(plaintext: &[u8]) -> Result<EncApRepPart, WireError> {
        asn1::decode_plaintext::<asn1::EncApRepPart, _>(plaintext, "EncAPRepPart")
    }

    /// DER of an EncAPRepPart.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(128);
        message(&mut writer, 27, |w| {
            write_sub_key(w, (3, self.seq_number), (2, self.subkey.as_ref()));
            w.context(1, |w| w.uint32(self.ctime.micros));
            write::time(w, 0, self.ctime.time);
        });
        writer.into_secret()
    }
}

impl TryFrom<asn1::EncApRepPart> for EncApRepPart {
    type Error = Reason;

    fn try_from(part: asn1::EncApRepPart) -> Result<EncApRepPart, Reason> {
        Ok(EncApRepPart {
            ctime: Timestamp::from_fields(part.ctime, part.cusec)?,
            subkey: part.subkey.map(Into::into),
            seq_number: part.seq_number.map(|number| number.0),
        })
    }
}

pub(super) fn message(w: &mut Writer, number: u8, fields: impl FnOnce(&mut Writer)) {
    w.tagged(tag::application(number), |w| w.sequence(fields));
}

fn write_sub_key(w: &mut Writer, number: (u8, Option<u32>), key: (u8, Option<&EncryptionKey>)) {
    if let (field, Some(number)) = number {
        w.context(field, |w| w.uint32(number));
    }
    if let (field, Some(key)) = key {
        w.context(field, |w| key.write(w));
    }
}

pub(super) fn versions(pvno: i32, msg_type: i32, expected: i32) -> Result<(), Reason> {
    if pvno != 5 {
        return Err("pvno is not 5");
    }
    if msg_type != expected {
        return Err("msg-type does not fit the application tag");
    }
    Ok(())
}
