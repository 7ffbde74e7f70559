//! AD-CAMMAC (RFC 7751): authorization data with checksums that say who vouches for them.

use crate::der::writer::Writer;
use crate::error::WireError;
use crate::message::asn1::{self, Reason, list};
use crate::message::authorization_data::AuthorizationData;
use crate::message::encrypted::Checksum;
use crate::message::name::PrincipalName;
use crate::message::write;

/// Most other verifiers of one CAMMAC.
const MAX_VERIFIERS: usize = 8;

/// AD-CAMMAC: the contents of an [`ad_type::CAMMAC`](crate::message::ad_type::CAMMAC) element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cammac {
    /// The data that the verifiers vouch for.
    pub elements: AuthorizationData,
    /// Under a key of the ticket-granting service, over the EncTicketPart with `elements` in place of its authorization data.
    pub kdc_verifier: Option<VerifierMac>,
    /// Under the key of the ticket's server, over `elements`.
    pub svc_verifier: Option<VerifierMac>,
    /// Under keys of others, over `elements`.
    pub other_verifiers: Vec<VerifierMac>,
}

/// Verifier-MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierMac {
    /// Owner of the key, where the field that holds the verifier does not say it.
    pub identifier: Option<PrincipalName>,
    /// Version of the key.
    pub kvno: Option<u32>,
    /// Enctype number of the key.
    pub enctype: Option<i32>,
    /// The checksum.
    pub mac: Checksum,
}

impl Cammac {
    /// Decodes DER (through the gate).
    ///
    /// # Errors
    /// Not strict DER, not AD-CAMMAC, or more than eight other verifiers.
    pub fn decode(der: &[u8]) -> Result<Cammac, WireError> {
        asn1::decode::<asn1::Cammac, _>(der, "AD-CAMMAC")
    }

    /// DER of the CAMMAC.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(512);
        writer.sequence(|w| {
            if !self.other_verifiers.is_empty() {
                w.context(3, |w| w.sequence(|w| self.other_verifiers.iter().rev().for_each(|one| one.write(w))));
            }
            for (number, verifier) in [(2, &self.svc_verifier), (1, &self.kdc_verifier)] {
                if let Some(verifier) = verifier {
                    w.context(number, |w| verifier.write(w));
                }
            }
            w.context(0, |w| self.elements.write(w));
        });
        writer.into_vec()
    }
}

impl VerifierMac {
    fn write(&self, w: &mut Writer) {
        w.sequence(|w| {
            w.context(3, |w| write::typed_octets(w, self.mac.cksumtype, &self.mac.checksum));
            if let Some(enctype) = self.enctype {
                w.context(2, |w| w.int32(enctype));
            }
            if let Some(kvno) = self.kvno {
                w.context(1, |w| w.uint32(kvno));
            }
            write::optional_name(w, 0, self.identifier.as_ref());
        });
    }
}

impl TryFrom<asn1::Cammac> for Cammac {
    type Error = Reason;

    fn try_from(cammac: asn1::Cammac) -> Result<Cammac, Reason> {
        Ok(Cammac {
            elements: cammac.elements.try_into()?,
            kdc_verifier: cammac.kdc_verifier.map(TryInto::try_into).transpose()?,
            svc_verifier: cammac.svc_verifier.map(TryInto::try_into).transpose()?,
            other_verifiers: list(
                cammac.other_verifiers.unwrap_or_default(),
                MAX_VERIFIERS,
                "more than eight other verifiers",
            )?,
        })
    }
}

impl TryFrom<asn1::VerifierMac> for VerifierMac {
    type Error = Reason;

    fn try_from(verifier: asn1::VerifierMac) -> Result<VerifierMac, Reason> {
        Ok(VerifierMac {
            identifier: verifier.identifier.map(TryInto::try_into).transpose()?,
            kvno: verifier.kvno.map(|kvno| kvno.0),
            enctype: verifier.enctype,
            mac: verifier.mac.try_into()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::authorization_data::AuthorizationDatum;
    use crate::message::name::NameType;

    fn datum(ad_type: i32, text: &str) -> AuthorizationDatum {
        AuthorizationDatum { ad_type, ad_data: text.as_bytes().to_vec() }
    }

    fn verifier(text: &str) -> VerifierMac {
        VerifierMac {
            identifier: Some(PrincipalName::new(NameType::PRINCIPAL, ["hftsai", "extra"])),
            kvno: Some(5),
            enctype: Some(16),
            mac: Checksum { cksumtype: 1, checksum: text.as_bytes().to_vec() },
        }
    }

    fn octets(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect()
    }

    #[test]
    fn a_cammac_is_written_and_read_as_other_implementations_do() {
        // The values of MIT's ASN.1 tests, with every field and with none that may be left out.
        let anonymous = VerifierMac { identifier: None, kvno: None, enctype: None, ..verifier("cksum1") };
        let full = Cammac {
            elements: AuthorizationData(vec![datum(1, "ad1"), datum(2, "ad2")]),
            kdc_verifier: Some(verifier("cksumkdc")),
            svc_verifier: Some(verifier("cksumsvc")),
            other_verifiers: vec![anonymous, verifier("cksum2")],
        };
        let full_der = octets(
            "30 81 F2 A0 1E 30 1C 30 0C A0 03 02 01 01 A1 05 04 03 61 64 31 30 0C A0 03 02 01 02 A1 05 04 03 61 64 32
             A1 3D 30 3B A0 1A 30 18 A0 03 02 01 01 A1 11 30 0F 1B 06 68 66 74 73 61 69 1B 05 65 78 74 72 61 A1 03 02 01 05
             A2 03 02 01 10 A3 13 30 11 A0 03 02 01 01 A1 0A 04 08 63 6B 73 75 6D 6B 64 63
             A2 3D 30 3B A0 1A 30 18 A0 03 02 01 01 A1 11 30 0F 1B 06 68 66 74 73 61 69 1B 05 65 78 74 72 61 A1 03 02 01 05
             A2 03 02 01 10 A3 13 30 11 A0 03 02 01 01 A1 0A 04 08 63 6B 73 75 6D 73 76 63
             A3 52 30 50 30 13 A3 11 30 0F A0 03 02 01 01 A1 08 04 06 63 6B 73 75 6D 31
             30 39 A0 1A 30 18 A0 03 02 01 01 A1 11 30 0F 1B 06 68 66 74 73 61 69 1B 05 65 78 74 72 61 A1 03 02 01 05
             A2 03 02 01 10 A3 11 30 0F A0 03 02 01 01 A1 08 04 06 63 6B 73 75 6D 32",
        );
        let least = Cammac { elements: AuthorizationData(vec![datum(1, "ad1")]), ..Cammac::default() };
        let least_der = octets("30 12 A0 10 30 0E 30 0C A0 03 02 01 01 A1 05 04 03 61 64 31");
        for (cammac, der) in [(full, full_der), (least, least_der)] {
            assert_eq!(Cammac::decode(&der).unwrap(), cammac);
            assert_eq!(cammac.encode(), der);
        }
    }

    #[test]
    fn a_cammac_of_nine_other_verifiers_and_one_without_elements_are_refused() {
        let of = |count| Cammac { other_verifiers: vec![verifier("x"); count], ..Cammac::default() };
        assert_eq!(Cammac::decode(&of(MAX_VERIFIERS).encode()), Ok(of(MAX_VERIFIERS)));
        assert!(Cammac::decode(&of(MAX_VERIFIERS + 1).encode()).is_err());
        assert!(Cammac::decode(&[0x30, 0]).is_err());
    }
}
