//! FAST (RFC 6113, section 5.4): PA-FX-FAST in requests and replies, and what it encrypts under the armor key.

use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason};
use crate::message::encrypted::{Checksum, EncryptedData, EncryptionKey};
use crate::message::flags::FastOptions;
use crate::message::kdc_req::KdcReqBody;
use crate::message::name::{PrincipalName, realm};
use crate::message::nonce::Nonce;
use crate::message::padata::{PaData, padata, write_padata};
use crate::message::time::Timestamp;
use crate::message::write;
use zeroize::Zeroizing;

/// KrbFastArmor: what the armor key of a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KrbFastArmor {
    /// Kind of the armor; [`KrbFastArmor::AP_REQUEST`] is the only kind that is in use.
    pub armor_type: i32,
    /// For [`KrbFastArmor::AP_REQUEST`] the DER of an AP-REQ.
    pub armor_value: Vec<u8>,
}

impl KrbFastArmor {
    /// FX_FAST_ARMOR_AP_REQUEST: a ticket for the ticket-granting service, and an authenticator with a sub-key.
    pub const AP_REQUEST: i32 = 1;
}

/// KrbFastArmoredReq, the one choice of PA-FX-FAST-REQUEST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KrbFastArmoredReq {
    /// The armor; `None` in a TGS request whose own ticket and sub-key are the armor.
    pub armor: Option<KrbFastArmor>,
    /// Under the armor key: over the body of an AS request as it was sent, over the AP-REQ in PA-TGS-REQ of a TGS request.
    pub req_checksum: Checksum,
    /// [`KrbFastReq`] under the armor key.
    pub enc_fast_req: EncryptedData,
}

/// KrbFastReq: the request inside, which counts in place of the one outside.
#[derive(Debug, Clone, PartialEq)]
pub struct KrbFastReq {
    /// How FAST itself is to be used.
    pub options: FastOptions,
    /// Pre-authentication data; at most 64 elements.
    pub padata: Vec<PaData>,
    /// The body of the request.
    pub body: KdcReqBody,
}

/// KrbFastArmoredRep, the one choice of PA-FX-FAST-REPLY: [`KrbFastResponse`] under the armor key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KrbFastArmoredRep(pub EncryptedData);

/// KrbFastResponse: what a reply or an error says inside.
#[derive(Debug, Clone)]
pub struct KrbFastResponse {
    /// Pre-authentication data of a reply, METHOD-DATA of an error and the error itself as PA-FX-ERROR.
    pub padata: Vec<PaData>,
    /// Combined with the reply key; only in replies.
    pub strengthen_key: Option<EncryptionKey>,
    /// Only in the reply that ends the conversation.
    pub finished: Option<KrbFastFinished>,
    /// Nonce of the request inside.
    pub nonce: Nonce,
}

/// KrbFastFinished: whom the ticket beside it is for, and that it is this ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KrbFastFinished {
    /// The KDC's time.
    pub timestamp: Timestamp,
    /// Realm of the client, also where the reply hides it.
    pub crealm: String,
    /// The client, also where the reply hides it.
    pub cname: PrincipalName,
    /// Over the DER of the ticket, under the armor key.
    pub ticket_checksum: Checksum,
}

impl KrbFastArmoredReq {
    /// Decodes the padata-value of PA-FX-FAST in a request.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(der: &[u8]) -> Result<KrbFastArmoredReq, WireError> {
        asn1::decode_choice::<asn1::KrbFastArmoredReq, _>(der, 0, "PA-FX-FAST-REQUEST")
    }

    /// The padata-value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let armor = self.armor.as_ref().map_or(0, |armor| armor.armor_value.len());
        let mut writer = Writer::with_capacity(self.enc_fast_req.cipher.len() + armor + 128);
        writer.context(0, |w| {
            w.sequence(|w| {
                w.context(2, |w| self.enc_fast_req.write(w));
                w.context(1, |w| write::typed_octets(w, self.req_checksum.cksumtype, &self.req_checksum.checksum));
                if let Some(armor) = &self.armor {
                    w.context(0, |w| write::typed_octets(w, armor.armor_type, &armor.armor_value));
                }
            });
        });
        writer.into_vec()
    }
}

impl TryFrom<asn1::KrbFastArmoredReq> for KrbFastArmoredReq {
    type Error = Reason;

    fn try_from(request: asn1::KrbFastArmoredReq) -> Result<KrbFastArmoredReq, Reason> {
        let armor =
            |armor: asn1::KrbFastArmor| KrbFastArmor { armor_type: armor.armor_type, armor_value: armor.armor_value };
        Ok(KrbFastArmoredReq {
            armor: request.armor.map(armor),
            req_checksum: request.req_checksum.try_into()?,
            enc_fast_req: request.enc_fast_req.try_into()?,
        })
    }
}

impl KrbFastReq {
    /// Decodes a decrypted KrbFastReq; zero padding behind it is allowed.
    ///
    /// # Errors
    /// Not strict DER, another type, or a list beyond its limit.
    pub fn decode(plaintext: &[u8]) -> Result<KrbFastReq, WireError> {
        asn1::decode_plaintext::<asn1::KrbFastReq, _>(plaintext, "KrbFastReq")
    }

    /// DER of the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(512);
        writer.sequence(|w| {
            w.context(2, |w| self.body.write(w));
            w.context(1, |w| write_padata(w, &self.padata));
            w.context(0, |w| w.flags(self.options.bits()));
        });
        writer.into_vec()
    }
}

impl TryFrom<asn1::KrbFastReq> for KrbFastReq {
    type Error = Reason;

    fn try_from(request: asn1::KrbFastReq) -> Result<KrbFastReq, Reason> {
        Ok(KrbFastReq {
            options: FastOptions::from_bits_retain(request.fast_options.flags),
            padata: padata(Some(request.padata))?,
            body: request.req_body.try_into()?,
        })
    }
}

impl KrbFastArmoredRep {
    /// Decodes the padata-value of PA-FX-FAST in a reply or in the e-data of an error.
    ///
    /// # Errors
    /// Not strict DER, or another type.
    pub fn decode(der: &[u8]) -> Result<KrbFastArmoredRep, WireError> {
        asn1::decode_choice::<asn1::KrbFastArmoredRep, _>(der, 0, "PA-FX-FAST-REPLY")
    }

    /// The padata-value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(self.0.cipher.len() + 64);
        writer.context(0, |w| w.sequence(|w| w.context(0, |w| self.0.write(w))));
        writer.into_vec()
    }
}

impl TryFrom<asn1::KrbFastArmoredRep> for KrbFastArmoredRep {
    type Error = Reason;

    fn try_from(reply: asn1::KrbFastArmoredRep) -> Result<KrbFastArmoredRep, Reason> {
        Ok(KrbFastArmoredRep(reply.enc_fast_rep.try_into()?))
    }
}

impl KrbFastResponse {
    /// Decodes a decrypted KrbFastResponse; zero padding behind it is allowed.
    ///
    /// # Errors
    /// Not strict DER, another type, or a list beyond its limit.
    pub fn decode(plaintext: &[u8]) -> Result<KrbFastResponse, WireError> {
        asn1::decode_plaintext::<asn1::KrbFastResponse, _>(plaintext, "KrbFastResponse")
    }

    /// DER of the response; it holds a key.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(512);
        writer.sequence(|w| {
            w.context(3, |w| self.nonce.write(w));
            if let Some(finished) = &self.finished {
                w.context(2, |w| finished.write(w));
            }
            if let Some(key) = &self.strengthen_key {
                w.context(1, |w| key.write(w));
            }
            w.context(0, |w| write_padata(w, &self.padata));
        });
        writer.into_secret()
    }
}

impl TryFrom<asn1::KrbFastResponse> for KrbFastResponse {
    type Error = Reason;

    fn try_from(response: asn1::KrbFastResponse) -> Result<KrbFastResponse, Reason> {
        Ok(KrbFastResponse {
            padata: padata(Some(response.padata))?,
            strengthen_key: response.strengthen_key.map(Into::into),
            finished: response.finished.map(TryInto::try_into).transpose()?,
            nonce: response.nonce,
        })
    }
}

impl KrbFastFinished {
    fn write(&self, w: &mut Writer) {
        w.sequence(|w| {
            w.context(4, |w| {
                write::typed_octets(w, self.ticket_checksum.cksumtype, &self.ticket_checksum.checksum);
            });
            w.context(3, |w| write::name(w, &self.cname));
            w.context(2, |w| w.general_string(&self.crealm));
            w.context(1, |w| w.uint32(self.timestamp.micros));
            write::time(w, 0, self.timestamp.time);
        });
    }
}

impl TryFrom<asn1::KrbFastFinished> for KrbFastFinished {
    type Error = Reason;

    fn try_from(finished: asn1::KrbFastFinished) -> Result<KrbFastFinished, Reason> {
        Ok(KrbFastFinished {
            timestamp: Timestamp::from_fields(finished.timestamp, finished.usec)?,
            crealm: realm(finished.crealm)?,
            cname: finished.cname.try_into()?,
            ticket_checksum: finished.ticket_checksum.try_into()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::name::NameType;
    use crate::message::time::KerberosTime;

    fn octets(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect()
    }

    /// The values of MIT's ASN.1 tests.
    fn response() -> KrbFastResponse {
        let element = PaData { padata_type: 13, value: b"pa-data".to_vec() };
        KrbFastResponse {
            padata: vec![element.clone(), element],
            strengthen_key: Some(EncryptionKey { keytype: 1, keyvalue: Zeroizing::new(b"12345678".to_vec()) }),
            finished: Some(KrbFastFinished {
                timestamp: Timestamp { time: KerberosTime(771_228_197), micros: 123_456 },
                crealm: "ATHENA.MIT.EDU".into(),
                cname: PrincipalName::new(NameType::PRINCIPAL, ["hftsai", "extra"]),
                ticket_checksum: Checksum { cksumtype: 1, checksum: b"1234".to_vec() },
            }),
            nonce: 42u32.into(),
        }
    }

    #[test]
    fn a_response_is_written_and_read_as_other_implementations_do() {
        let der = octets(
            "30 81 9F A0 26 30 24 30 10 A1 03 02 01 0D A2 09 04 07 70 61 2D 64 61 74 61 30 10 A1 03 02 01 0D A2 09 04 07 70 61
             2D 64 61 74 61 A1 13 30 11 A0 03 02 01 01 A1 0A 04 08 31 32 33 34 35 36 37 38 A2 5B 30 59 A0 11 18 0F 31 39 39 34
             30 36 31 30 30 36 30 33 31 37 5A A1 05 02 03 01 E2 40 A2 10 1B 0E 41 54 48 45 4E 41 2E 4D 49 54 2E 45 44 55 A3 1A
             30 18 A0 03 02 01 01 A1 11 30 0F 1B 06 68 66 74 73 61 69 1B 05 65 78 74 72 61 A4 0F 30 0D A0 03 02 01 01 A1 06 04
             04 31 32 33 34 A3 03 02 01 2A",
        );
        assert_eq!(*response().encode(), der);
        assert_eq!(*KrbFastResponse::decode(&der).unwrap().encode(), der);
    }

    #[test]
    fn a_reply_is_written_and_read_as_other_implementations_do() {
        let der = octets(
            "A0 29 30 27 A0 25 30 23 A0 03 02 01 00 A1 03 02 01 05 A2 17 04 15 6B 72 62 41 53 4E 2E 31 20 74 65 73 74 20 6D 65
             73 73 61 67 65",
        );
        let reply =
            KrbFastArmoredRep(EncryptedData { etype: 0, kvno: Some(5), cipher: b"krbASN.1 test message".to_vec() });
        assert_eq!(reply.encode(), der);
        assert_eq!(KrbFastArmoredRep::decode(&der).unwrap(), reply);
    }

    #[test]
    fn another_choice_is_refused() {
        let armored = KrbFastArmoredReq {
            armor: Some(KrbFastArmor { armor_type: KrbFastArmor::AP_REQUEST, armor_value: vec![1, 2] }),
            req_checksum: Checksum { cksumtype: 16, checksum: vec![3; 12] },
            enc_fast_req: EncryptedData { etype: 18, kvno: None, cipher: vec![4; 40] },
        };
        let mut der = armored.encode();
        assert_eq!(KrbFastArmoredReq::decode(&der).unwrap(), armored);
        der[0] = 0xa1;
        assert!(KrbFastArmoredReq::decode(&der).is_err());
        for der in [&[][..], &[0xa0, 0], &[0xa0, 2, 0x30, 0], &[0x30, 0]] {
            assert!(KrbFastArmoredReq::decode(der).is_err() && KrbFastArmoredRep::decode(der).is_err(), "{der:02x?}");
        }
    }
}
