//! The ASN.1 declarations that kerberos_asn1 lacks, made with the same macros (`red_asn1_derive`), and the functions that
//! decode them, always behind the gate.
//!
//! This module declares again some types that kerberos_asn1 has: those with a UInt32 (its decoder takes four octets at most
//! and so refuses half of the numbers in the form of RFC 4120), those with an EncryptionKey (its octets would not be
//! zeroized), and EncAPRepPart (kerberos_asn1 requires the optional fields).

use crate::der::gate;
use crate::der::header::{self, tag};
use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::nonce::Nonce;
use kerberos_asn1::{
    ApOptions, AuthorizationData, Checksum, HostAddress, HostAddresses, Int32, KdcOptions, KerberosFlags, KerberosTime,
    LastReq, Microseconds, PaData, PrincipalName, Realm, TicketFlags, TransitedEncoding,
};
use red_asn1::{Asn1Object, SequenceOf, Tag};
use red_asn1_derive::Sequence;
use zeroize::Zeroizing;

/// Why a value was refused.
pub(super) type Reason = &'static str;

/// Decodes the DER at the start of `der`: gate, parser, conversion. Octets after it are passed over.
pub(super) fn decode<A, T>(der: &[u8], message: &'static str) -> Result<T, WireError>
where
    A: Asn1Object,
    T: TryFrom<A, Error = Reason>,
{
    convert::<A, T>(&gate::check_first(der)?.readable()?, message)
}

/// Decodes a decrypted plaintext: as [`decode`], with nothing but zero padding allowed behind.
pub(super) fn decode_plaintext<A, T>(plaintext: &[u8], message: &'static str) -> Result<T, WireError>
where
    A: Asn1Object,
    T: TryFrom<A, Error = Reason>,
{
    convert::<A, T>(&gate::check_padded(plaintext)?.readable()?, message)
}

/// Decodes a CHOICE of which only the alternative with this context tag is in use.
pub(super) fn decode_choice<A, T>(der: &[u8], number: u8, message: &'static str) -> Result<T, WireError>
where
    A: Asn1Object,
    T: TryFrom<A, Error = Reason>,
{
    let readable = gate::check_first(der)?.readable()?;
    let outer = header::read(&readable, 0, readable.len())?;
    if outer.tag != tag::context(number) {
        return Err(WireError::Message { message, reason: "another alternative than the known one" });
    }
    convert::<A, T>(readable.get(outer.start..outer.end).unwrap_or_default(), message)
}

/// Parses and converts DER that has passed the gate.
pub(super) fn convert<A, T>(der: &[u8], message: &'static str) -> Result<T, WireError>
where
    A: Asn1Object,
    T: TryFrom<A, Error = Reason>,
{
    match A::parse(der) {
        Ok(([], parsed)) => T::try_from(parsed).map_err(|reason| WireError::Message { message, reason }),
        _ => {
            Err(WireError::Message { message, reason: "a field is missing, unknown, out of order or of another type" })
        }
    }
}

/// Returns the number of the application tag and its contents, from DER that has passed the gate.
pub(super) fn application<'a>(der: &'a [u8], message: &'static str) -> Result<(u8, &'a [u8]), WireError> {
    let outer = header::read(der, 0, der.len())?;
    match outer.tag.checked_sub(tag::application(0)) {
        Some(number @ 0..=30) => Ok((number, der.get(outer.start..outer.end).unwrap_or_default())),
        _ => Err(WireError::Message { message, reason: "another type of message" }),
    }
}

/// Converts the elements of a SEQUENCE OF, at most `limit`.
pub(super) fn list<A, T>(elements: Vec<A>, limit: usize, too_many: Reason) -> Result<Vec<T>, Reason>
where
    T: TryFrom<A, Error = Reason>,
{
    if elements.len() > limit {
        return Err(too_many);
    }
    elements.into_iter().map(T::try_from).collect()
}

/// UInt32, for senders of both kinds: RFC 4120's (never negative, five octets from 2^31 on) and those that send the same
/// 32 bits as a negative number, as MIT and Windows have done.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Unsigned32(pub(super) u32);

impl Asn1Object for Unsigned32 {
    fn tag() -> Tag {
        i32::tag()
    }

    fn build_value(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.uint32(self.0);
        writer.as_slice().get(2..).unwrap_or_default().to_vec()
    }

    fn parse_value(&mut self, raw: &[u8]) -> red_asn1::Result<()> {
        let octets = match raw {
            [0, rest @ ..] if rest.len() == 4 => rest,
            [_, ..] if raw.len() <= 4 => raw,
            _ => return Err(red_asn1::Error::IncorrectValue("not of 32 bits".into())),
        };
        let sign = if raw.first().is_some_and(|first| first & 0x80 != 0) { u32::MAX } else { 0 };
        self.0 = octets.iter().fold(sign, |value, octet| value << 8 | u32::from(*octet));
        Ok(())
    }
}

/// An OCTET STRING that is zeroized when dropped.
#[derive(Default)]
pub(super) struct SecretOctets(pub(super) Zeroizing<Vec<u8>>);

impl Asn1Object for SecretOctets {
    fn tag() -> Tag {
        Vec::<u8>::tag()
    }

    fn build_value(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn parse_value(&mut self, raw: &[u8]) -> red_asn1::Result<()> {
        self.0 = Zeroizing::new(raw.to_vec());
        Ok(())
    }
}

#[derive(Sequence, Default)]
pub(super) struct EncryptionKey {
    #[seq_field(context_tag = 0)]
    pub(super) keytype: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) keyvalue: SecretOctets,
}

#[derive(Sequence, Default)]
pub(super) struct EncryptedData {
    #[seq_field(context_tag = 0)]
    pub(super) etype: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) kvno: Option<Unsigned32>,
    #[seq_field(context_tag = 2)]
    pub(super) cipher: Vec<u8>,
}

#[derive(Sequence, Default)]
#[seq(application_tag = 1)]
pub(super) struct Ticket {
    #[seq_field(context_tag = 0)]
    pub(super) tkt_vno: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) realm: Realm,
    #[seq_field(context_tag = 2)]
    pub(super) sname: PrincipalName,
    #[seq_field(context_tag = 3)]
    pub(super) enc_part: EncryptedData,
}

#[derive(Sequence, Default)]
#[seq(application_tag = 3)]
pub(super) struct EncTicketPart {
    #[seq_field(context_tag = 0)]
    pub(super) flags: TicketFlags,
    #[seq_field(context_tag = 1)]
    pub(super) key: EncryptionKey,
    #[seq_field(context_tag = 2)]
    pub(super) crealm: Realm,
    #[seq_field(context_tag = 3)]
    pub(super) cname: PrincipalName,
    #[seq_field(context_tag = 4)]
    pub(super) transited: TransitedEncoding,
    #[seq_field(context_tag = 5)]
    pub(super) authtime: KerberosTime,
    #[seq_field(context_tag = 6)]
    pub(super) starttime: Option<KerberosTime>,
    #[seq_field(context_tag = 7)]
    pub(super) endtime: KerberosTime,
    #[seq_field(context_tag = 8)]
    pub(super) renew_till: Option<KerberosTime>,
    #[seq_field(context_tag = 9)]
    pub(super) caddr: Option<HostAddresses>,
    #[seq_field(context_tag = 10)]
    pub(super) authorization_data: Option<AuthorizationData>,
}

/// KDC-REQ, inside its application tag.
#[derive(Sequence, Default)]
pub(super) struct KdcReq {
    #[seq_field(context_tag = 1)]
    pub(super) pvno: Int32,
    #[seq_field(context_tag = 2)]
    pub(super) msg_type: Int32,
    #[seq_field(context_tag = 3)]
    pub(super) padata: Option<SequenceOf<PaData>>,
    #[seq_field(context_tag = 4)]
    pub(super) req_body: KdcReqBody,
}

#[derive(Sequence, Default)]
pub(super) struct KdcReqBody {
    #[seq_field(context_tag = 0)]
    pub(super) kdc_options: KdcOptions,
    #[seq_field(context_tag = 1)]
    pub(super) cname: Option<PrincipalName>,
    #[seq_field(context_tag = 2)]
    pub(super) realm: Realm,
    #[seq_field(context_tag = 3)]
    pub(super) sname: Option<PrincipalName>,
    #[seq_field(context_tag = 4)]
    pub(super) from: Option<KerberosTime>,
    #[seq_field(context_tag = 5)]
    pub(super) till: KerberosTime,
    #[seq_field(context_tag = 6)]
    pub(super) rtime: Option<KerberosTime>,
    #[seq_field(context_tag = 7)]
    pub(super) nonce: Nonce,
    #[seq_field(context_tag = 8)]
    pub(super) etypes: SequenceOf<Int32>,
    #[seq_field(context_tag = 9)]
    pub(super) addresses: Option<HostAddresses>,
    #[seq_field(context_tag = 10)]
    pub(super) enc_authorization_data: Option<EncryptedData>,
    #[seq_field(context_tag = 11)]
    pub(super) additional_tickets: Option<SequenceOf<Ticket>>,
}

/// KDC-REP, inside its application tag.
#[derive(Sequence, Default)]
pub(super) struct KdcRep {
    #[seq_field(context_tag = 0)]
    pub(super) pvno: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) msg_type: Int32,
    #[seq_field(context_tag = 2)]
    pub(super) padata: Option<SequenceOf<PaData>>,
    #[seq_field(context_tag = 3)]
    pub(super) crealm: Realm,
    #[seq_field(context_tag = 4)]
    pub(super) cname: PrincipalName,
    #[seq_field(context_tag = 5)]
    pub(super) ticket: Ticket,
    #[seq_field(context_tag = 6)]
    pub(super) enc_part: EncryptedData,
}

/// EncKDCRepPart, inside its application tag.
#[derive(Sequence, Default)]
pub(super) struct EncKdcRepPart {
    #[seq_field(context_tag = 0)]
    pub(super) key: EncryptionKey,
    #[seq_field(context_tag = 1)]
    pub(super) last_req: LastReq,
    #[seq_field(context_tag = 2)]
    pub(super) nonce: Nonce,
    #[seq_field(context_tag = 3)]
    pub(super) key_expiration: Option<KerberosTime>,
    #[seq_field(context_tag = 4)]
    pub(super) flags: TicketFlags,
    #[seq_field(context_tag = 5)]
    pub(super) authtime: KerberosTime,
    #[seq_field(context_tag = 6)]
    pub(super) starttime: Option<KerberosTime>,
    #[seq_field(context_tag = 7)]
    pub(super) endtime: KerberosTime,
    #[seq_field(context_tag = 8)]
    pub(super) renew_till: Option<KerberosTime>,
    #[seq_field(context_tag = 9)]
    pub(super) srealm: Realm,
    #[seq_field(context_tag = 10)]
    pub(super) sname: PrincipalName,
    #[seq_field(context_tag = 11)]
    pub(super) caddr: Option<HostAddresses>,
    #[seq_field(context_tag = 12)]
    pub(super) encrypted_pa_data: Option<SequenceOf<PaData>>,
}

#[derive(Sequence, Default)]
#[seq(application_tag = 14)]
pub(super) struct ApReq {
    #[seq_field(context_tag = 0)]
    pub(super) pvno: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) msg_type: Int32,
    #[seq_field(context_tag = 2)]
    pub(super) ap_options: ApOptions,
    #[seq_field(context_tag = 3)]
    pub(super) ticket: Ticket,
    #[seq_field(context_tag = 4)]
    pub(super) authenticator: EncryptedData,
}

#[derive(Sequence, Default)]
#[seq(application_tag = 2)]
pub(super) struct Authenticator {
    #[seq_field(context_tag = 0)]
    pub(super) authenticator_vno: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) crealm: Realm,
    #[seq_field(context_tag = 2)]
    pub(super) cname: PrincipalName,
    #[seq_field(context_tag = 3)]
    pub(super) cksum: Option<Checksum>,
    #[seq_field(context_tag = 4)]
    pub(super) cusec: Microseconds,
    #[seq_field(context_tag = 5)]
    pub(super) ctime: KerberosTime,
    #[seq_field(context_tag = 6)]
    pub(super) subkey: Option<EncryptionKey>,
    #[seq_field(context_tag = 7)]
    pub(super) seq_number: Option<Unsigned32>,
    #[seq_field(context_tag = 8)]
    pub(super) authorization_data: Option<AuthorizationData>,
}

#[derive(Sequence, Default)]
#[seq(application_tag = 15)]
pub(super) struct ApRep {
    #[seq_field(context_tag = 0)]
    pub(super) pvno: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) msg_type: Int32,
    #[seq_field(context_tag = 2)]
    pub(super) enc_part: EncryptedData,
}

#[derive(Sequence, Default)]
#[seq(application_tag = 27)]
pub(super) struct EncApRepPart {
    #[seq_field(context_tag = 0)]
    pub(super) ctime: KerberosTime,
    #[seq_field(context_tag = 1)]
    pub(super) cusec: Microseconds,
    #[seq_field(context_tag = 2)]
    pub(super) subkey: Option<EncryptionKey>,
    #[seq_field(context_tag = 3)]
    pub(super) seq_number: Option<Unsigned32>,
}

#[derive(Sequence, Default)]
#[seq(application_tag = 21)]
pub(super) struct KrbPriv {
    #[seq_field(context_tag = 0)]
    pub(super) pvno: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) msg_type: Int32,
    #[seq_field(context_tag = 3)]
    pub(super) enc_part: EncryptedData,
}

#[derive(Sequence, Default)]
#[seq(application_tag = 28)]
pub(super) struct EncKrbPrivPart {
    #[seq_field(context_tag = 0)]
    pub(super) user_data: SecretOctets,
    #[seq_field(context_tag = 1)]
    pub(super) timestamp: Option<KerberosTime>,
    #[seq_field(context_tag = 2)]
    pub(super) usec: Option<Microseconds>,
    #[seq_field(context_tag = 3)]
    pub(super) seq_number: Option<Unsigned32>,
    #[seq_field(context_tag = 4)]
    pub(super) s_address: HostAddress,
    #[seq_field(context_tag = 5)]
    pub(super) r_address: Option<HostAddress>,
}

/// RFC 3244, section 2.
#[derive(Sequence, Default)]
pub(super) struct ChangePasswdData {
    #[seq_field(context_tag = 0)]
    pub(super) newpasswd: SecretOctets,
    #[seq_field(context_tag = 1)]
    pub(super) targname: Option<PrincipalName>,
    #[seq_field(context_tag = 2)]
    pub(super) targrealm: Option<Realm>,
}

#[derive(Sequence, Default)]
pub(super) struct Cammac {
    #[seq_field(context_tag = 0)]
    pub(super) elements: AuthorizationData,
    #[seq_field(context_tag = 1)]
    pub(super) kdc_verifier: Option<VerifierMac>,
    #[seq_field(context_tag = 2)]
    pub(super) svc_verifier: Option<VerifierMac>,
    #[seq_field(context_tag = 3)]
    pub(super) other_verifiers: Option<SequenceOf<VerifierMac>>,
}

#[derive(Sequence, Default)]
pub(super) struct VerifierMac {
    #[seq_field(context_tag = 0)]
    pub(super) identifier: Option<PrincipalName>,
    #[seq_field(context_tag = 1)]
    pub(super) kvno: Option<Unsigned32>,
    #[seq_field(context_tag = 2)]
    pub(super) enctype: Option<Int32>,
    #[seq_field(context_tag = 3)]
    pub(super) mac: Checksum,
}

#[derive(Sequence, Default)]
pub(super) struct KrbFastArmor {
    #[seq_field(context_tag = 0)]
    pub(super) armor_type: Int32,
    #[seq_field(context_tag = 1)]
    pub(super) armor_value: Vec<u8>,
}

#[derive(Sequence, Default)]
pub(super) struct KrbFastArmoredReq {
    #[seq_field(context_tag = 0)]
    pub(super) armor: Option<KrbFastArmor>,
    #[seq_field(context_tag = 1)]
    pub(super) req_checksum: Checksum,
    #[seq_field(context_tag = 2)]
    pub(super) enc_fast_req: EncryptedData,
}

#[derive(Sequence, Default)]
pub(super) struct KrbFastReq {
    #[seq_field(context_tag = 0)]
    pub(super) fast_options: KerberosFlags,
    #[seq_field(context_tag = 1)]
    pub(super) padata: SequenceOf<PaData>,
    #[seq_field(context_tag = 2)]
    pub(super) req_body: KdcReqBody,
}

#[derive(Sequence, Default)]
pub(super) struct KrbFastArmoredRep {
    #[seq_field(context_tag = 0)]
    pub(super) enc_fast_rep: EncryptedData,
}

#[derive(Sequence, Default)]
pub(super) struct KrbFastResponse {
    #[seq_field(context_tag = 0)]
    pub(super) padata: SequenceOf<PaData>,
    #[seq_field(context_tag = 1)]
    pub(super) strengthen_key: Option<EncryptionKey>,
    #[seq_field(context_tag = 2)]
    pub(super) finished: Option<KrbFastFinished>,
    #[seq_field(context_tag = 3)]
    pub(super) nonce: Nonce,
}

#[derive(Sequence, Default)]
pub(super) struct KrbFastFinished {
    #[seq_field(context_tag = 0)]
    pub(super) timestamp: KerberosTime,
    #[seq_field(context_tag = 1)]
    pub(super) usec: Microseconds,
    #[seq_field(context_tag = 2)]
    pub(super) crealm: Realm,
    #[seq_field(context_tag = 3)]
    pub(super) cname: PrincipalName,
    #[seq_field(context_tag = 4)]
    pub(super) ticket_checksum: Checksum,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_numbers_are_read_in_both_forms_and_built_in_that_of_rfc_4120() {
        for (value, unsigned, negative) in [
            (0u32, &[0x02, 0x01, 0x00][..], None),
            (0x80, &[0x02, 0x02, 0x00, 0x80], None),
            (0x7fff_ffff, &[0x02, 0x04, 0x7f, 0xff, 0xff, 0xff], None),
            (0x8000_0000, &[0x02, 0x05, 0x00, 0x80, 0, 0, 0], Some(&[0x02, 0x04, 0x80, 0, 0, 0][..])),
            (0xffff_ffff, &[0x02, 0x05, 0x00, 0xff, 0xff, 0xff, 0xff], Some(&[0x02, 0x01, 0xff])),
        ] {
            assert_eq!(Unsigned32(value).build(), unsigned);
            for form in [Some(unsigned), negative].into_iter().flatten() {
                assert_eq!(Unsigned32::parse(form).unwrap().1, Unsigned32(value), "{form:02x?}");
            }
        }
        for contents in [&[][..], &[1, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0], &[0xff, 0, 0, 0, 0]] {
            assert!(Unsigned32::default().parse_value(contents).is_err());
        }
    }

    #[test]
    fn a_declaration_builds_what_it_parsed() {
        let der = [0x30, 0x0b, 0xa0, 0x03, 0x02, 0x01, 0x12, 0xa1, 0x04, 0x04, 0x02, 0xaa, 0xbb];
        let (rest, key) = EncryptionKey::parse(&der).unwrap();
        assert!(rest.is_empty());
        assert_eq!((key.keytype, &**key.keyvalue.0), (18, &[0xaa, 0xbb][..]));
        assert_eq!(key.build(), der);
    }
}
