//! Ticket and EncTicketPart (RFC 4120, section 5.3).

use crate::der::header::tag;
use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::authorization_data::AuthorizationData;
use crate::message::encrypted::{EncryptedData, EncryptionKey};
use crate::message::flags::TicketFlags;
use crate::message::host_address::{HostAddress, addresses};
use crate::message::name::{PrincipalName, realm};
use crate::message::time::KerberosTime;
use crate::message::write;
use std::convert::Infallible;

/// Ticket: what a client carries and cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.3, say it")]
pub struct Ticket {
    pub realm: String,
    pub sname: PrincipalName,
    /// EncTicketPart under the server's key.
    pub enc_part: EncryptedData,
}

impl Ticket {
    /// Decodes a ticket (`tkt-vno` 5).
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(der: &[u8]) -> Result<Ticket, WireError> {
        asn1::decode::<asn1::Ticket, _>(der, "Ticket")
    }

    /// DER of the ticket.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(self.enc_part.cipher.len() + 256);
        self.write_whole(&mut writer);
        writer.into_vec()
    }

    /// Writes a ticket in front of what `w` holds; `enc_part` writes the EncryptedData of the EncTicketPart, as
    /// [`Writer::encrypted_data`] does.
    ///
    /// # Errors
    /// Whatever `enc_part` returns; the buffer must then be dropped.
    pub fn write<E>(
        w: &mut Writer,
        realm: &str,
        sname: &PrincipalName,
        enc_part: impl FnOnce(&mut Writer) -> Result<(), E>,
    ) -> Result<(), E> {
        w.try_tagged(tag::application(1), |w| {
            w.try_tagged(tag::SEQUENCE, |w| {
                w.try_tagged(tag::context(3), enc_part)?;
                w.context(2, |w| write::name(w, sname));
                w.context(1, |w| w.general_string(realm));
                w.context(0, |w| w.int32(5));
                Ok(())
            })
        })
    }

    /// Writes this ticket in front of what `w` holds.
    pub(super) fn write_whole(&self, w: &mut Writer) {
        let Ok(()) = Ticket::write(w, &self.realm, &self.sname, |w| {
            self.enc_part.write(w);
            Ok::<(), Infallible>(())
        });
    }
}

impl TryFrom<asn1::Ticket> for Ticket {
    type Error = Reason;

    fn try_from(ticket: asn1::Ticket) -> Result<Ticket, Reason> {
        if ticket.tkt_vno != 5 {
            return Err("tkt-vno is not 5");
        }
        Ok(Ticket {
            realm: realm(ticket.realm)?,
            sname: ticket.sname.try_into()?,
            enc_part: ticket.enc_part.try_into()?,
        })
    }
}

/// TransitedEncoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransitedEncoding {
    /// 1 = DOMAIN-X500-COMPRESS; 0 in tickets of some implementations when empty.
    pub tr_type: i32,
    /// Realms that the client passed, encoded.
    pub contents: Vec<u8>,
}

/// EncTicketPart.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.3, say it")]
pub struct EncTicketPart {
    pub flags: TicketFlags,
    pub key: EncryptionKey,
    pub crealm: String,
    pub cname: PrincipalName,
    /// Realms between the client's and the server's.
    pub transited: TransitedEncoding,
    /// When the client was authenticated.
    pub authtime: KerberosTime,
    /// Absent: the ticket is valid from authtime.
    pub starttime: Option<KerberosTime>,
    pub endtime: KerberosTime,
    pub renew_till: Option<KerberosTime>,
    /// Addresses from which the ticket may be used; `None` or empty: any.
    pub caddr: Option<Vec<HostAddress>>,
    pub authorization_data: Option<AuthorizationData>,
}

impl EncTicketPart {
    /// Decodes a decrypted EncTicketPart (application tag 3). Octets after the DER are allowed only as zero padding.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(der: &[u8]) -> Result<EncTicketPart, WireError> {
        asn1::decode_plaintext::<asn1::EncTicketPart, _>(der, "EncTicketPart")
    }

    /// Writes the DER in front of what `w` holds.
    pub fn write(&self, w: &mut Writer) {
        w.tagged(tag::application(3), |w| {
            w.sequence(|w| {
                if let Some(data) = &self.authorization_data {
                    w.context(10, |w| data.write(w));
                }
                write::optional_addresses(w, 9, self.caddr.as_deref());
                write::optional_time(w, 8, self.renew_till);
                write::time(w, 7, self.endtime);
                write::optional_time(w, 6, self.starttime);
                write::time(w, 5, self.authtime);
                w.context(4, |w| write::typed_octets(w, self.transited.tr_type, &self.transited.contents));
                w.context(3, |w| write::name(w, &self.cname));
                w.context(2, |w| w.general_string(&self.crealm));
                w.context(1, |w| self.key.write(w));
                w.context(0, |w| w.flags(self.flags.bits()));
            });
        });
    }
}

impl TryFrom<asn1::EncTicketPart> for EncTicketPart {
    type Error = Reason;

    fn try_from(part: asn1::EncTicketPart) -> Result<EncTicketPart, Reason> {
        Ok(EncTicketPart {
            flags: TicketFlags::from_bits_retain(part.flags.flags),
            key: part.key.into(),
            crealm: realm(part.crealm)?,
            cname: part.cname.try_into()?,
            transited: TransitedEncoding { tr_type: part.transited.tr_type, contents: part.transited.contents },
            authtime: part.authtime.into(),
            starttime: part.starttime.map(Into::into),
            endtime: part.endtime.into(),
            renew_till: part.renew_till.map(Into::into),
            caddr: addresses(part.caddr)?,
            authorization_data: part.authorization_data.map(TryInto::try_into).transpose()?,
        })
    }
}
