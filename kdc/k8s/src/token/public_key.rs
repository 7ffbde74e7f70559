//! A key of a JSON Web Key Set (RFC 7517, RFC 7518 section 6), and the verification of a signature under it by the algorithms
//! that TLS uses in this process anyway.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use serde::Deserialize;

/// Lengths of the coordinates of P-256 and P-384, octets.
const COORDINATES: [usize; 2] = [32, 48];

/// A published key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    pub(super) id: Option<String>,
    kind: KeyKind,
    /// As `subjectPublicKey` holds it: `RSAPublicKey` (RFC 8017, appendix A.1.1), or an uncompressed point.
    octets: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    Ecdsa,
}

/// A member of the set, as it is published.
#[derive(Deserialize)]
pub(super) struct JsonWebKey {
    kty: String,
    kid: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

impl PublicKey {
    /// Reads a key. `None`: one of a kind that is not verified here.
    pub(super) fn parse(key: &JsonWebKey) -> Option<PublicKey> {
        let octets = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|octets| !octets.is_empty());
        let (kind, octets) = match &*key.kty {
            "RSA" => (KeyKind::Rsa, sequence(&[&octets(&key.n)?, &octets(&key.e)?])?),
            "EC" => {
                let (x, y) = (octets(&key.x)?, octets(&key.y)?);
                (COORDINATES.contains(&x.len()) && x.len() == y.len()).then_some(())?;
                (KeyKind::Ecdsa, [&[4], &*x, &*y].concat())
            }
            _ => return None,
        };
        Some(PublicKey { id: key.kid.clone(), kind, octets })
    }

    /// Verifies a signature of a JSON Web Token by the algorithm that its header names, which must be one of this kind of key.
    pub(super) fn verifies(
        &self,
        algorithm: SignatureAlgorithm,
        signed: &[u8],
        signature: &[u8],
        supported: &WebPkiSupportedAlgorithms,
    ) -> bool {
        let signature = match algorithm.kind {
            KeyKind::Rsa => Some(signature.to_vec()),
            KeyKind::Ecdsa => ecdsa_signature(signature),
        };
        let Some(signature) = signature.filter(|_| algorithm.kind == self.kind) else { return false };
        let named = supported.mapping.iter().find(|(scheme, _)| *scheme == algorithm.scheme);
        let verifiers = named.map_or(&[][..], |(_, verifiers)| verifiers);
        verifiers.iter().any(|verifier| verifier.verify_signature(&self.octets, signed, &signature).is_ok())
    }
}

/// An algorithm of RFC 7518, section 3.1, that API servers sign with.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignatureAlgorithm {
    kind: KeyKind,
    scheme: SignatureScheme,
}

impl SignatureAlgorithm {
    /// Finds an algorithm by its name in the header of a token. `None`: one that is not verified here, such as ES512.
    pub(super) fn parse(name: &str) -> Option<SignatureAlgorithm> {
        let (kind, scheme) = match name {
            "RS256" => (KeyKind::Rsa, SignatureScheme::RSA_PKCS1_SHA256),
            "RS384" => (KeyKind::Rsa, SignatureScheme::RSA_PKCS1_SHA384),
            "RS512" => (KeyKind::Rsa, SignatureScheme::RSA_PKCS1_SHA512),
            "ES256" => (KeyKind::Ecdsa, SignatureScheme::ECDSA_NISTP256_SHA256),
            "ES384" => (KeyKind::Ecdsa, SignatureScheme::ECDSA_NISTP384_SHA384),
            _ => return None,
        };
        Some(SignatureAlgorithm { kind, scheme })
    }
}

/// Converts two numbers of equal width (RFC 7518, section 3.4) to `Ecdsa-Sig-Value` (RFC 3279, section 2.2.3).
fn ecdsa_signature(fixed: &[u8]) -> Option<Vec<u8>> {
    let width = COORDINATES.into_iter().find(|width| fixed.len() == 2 * width)?;
    let (r, s) = fixed.split_at_checked(width)?;
    sequence(&[r, s])
}

/// Encodes positive numbers as a DER sequence of integers.
fn sequence(numbers: &[&[u8]]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    for number in numbers {
        let digits: Vec<u8> = number.iter().copied().skip_while(|octet| *octet == 0).collect();
        let sign = digits.first().is_none_or(|first| *first >= 0x80);
        let digits = if sign { [&[0], &*digits].concat() } else { digits };
        content.push(0x02);
        content.extend(length(digits.len())?);
        content.extend(digits);
    }
    Some([&[0x30], &*length(content.len())?, &*content].concat())
}

fn length(octets: usize) -> Option<Vec<u8>> {
    Some(match u16::try_from(octets).ok()?.to_be_bytes() {
        [0, low] if low < 0x80 => vec![low],
        [0, low] => vec![0x81, low],
        [high, low] => vec![0x82, high, low],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(json: &str) -> Option<PublicKey> {
        PublicKey::parse(&serde_json::from_str(json).unwrap())
    }

    /// RFC 7515, appendix A.3.
    const EC: &str = r#"{"kty":"EC","kid":"ec","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    const EC_SIGNED: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                             cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const EC_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    /// RFC 7515, appendix A.2.
    const RSA: &str = r#"{"kty":"RSA","kid":"rsa","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
    const RSA_SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                              cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    fn verifies(key: &PublicKey, algorithm: &str, signed: &str, signature: &str) -> bool {
        let supported = rustls_graviola::default_provider().signature_verification_algorithms;
        let algorithm = SignatureAlgorithm::parse(algorithm).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verifies(algorithm, signed.as_bytes(), &signature, &supported)
    }

    #[test]
    fn the_signatures_of_the_standard_are_verified_and_others_are_not() {
        let (ec, rsa) = (key(EC).unwrap(), key(RSA).unwrap());
        assert!(verifies(&ec, "ES256", EC_SIGNED, EC_SIGNATURE));
        assert!(verifies(&rsa, "RS256", RSA_SIGNED, RSA_SIGNATURE));
        assert!(!verifies(&ec, "ES256", RSA_SIGNED, EC_SIGNATURE));
        assert!(!verifies(&rsa, "RS256", EC_SIGNED, RSA_SIGNATURE));
        assert!(!verifies(&rsa, "RS512", RSA_SIGNED, RSA_SIGNATURE), "another digest");
    }

    #[test]
    fn a_key_verifies_algorithms_of_its_own_kind_alone() {
        let (ec, rsa) = (key(EC).unwrap(), key(RSA).unwrap());
        assert!(!verifies(&rsa, "ES256", EC_SIGNED, EC_SIGNATURE));
        assert!(!verifies(&ec, "RS256", RSA_SIGNED, RSA_SIGNATURE));
        for signature in ["", "AA", EC_SIGNED.split_once('.').unwrap().1] {
            assert!(!verifies(&ec, "ES256", EC_SIGNED, signature), "{signature}");
        }
        for name in ["none", "HS256", "ES512", "PS256"] {
            assert!(SignatureAlgorithm::parse(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_key_that_is_incomplete_or_of_another_kind_is_left_out() {
        for json in [
            r#"{"kty":"oct","kid":"a","k":"AAAA"}"#,
            r#"{"kty":"RSA","kid":"a","n":"AQAB"}"#,
            r#"{"kty":"RSA","n":"!","e":"AQAB"}"#,
            r#"{"kty":"EC","x":"AAAA","y":"AAAA"}"#,
        ] {
            assert_eq!(key(json), None, "{json}");
        }
    }

    #[test]
    fn numbers_are_encoded_as_der_wants_them() {
        assert_eq!(sequence(&[&[0, 0, 1], &[0x80]]).unwrap(), [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80]);
        assert_eq!(sequence(&[&[0, 0]]).unwrap(), [0x30, 3, 2, 1, 0]);
        assert_eq!((length(0x80).unwrap(), length(0x1234).unwrap()), (vec![0x81, 0x80], vec![0x82, 0x12, 0x34]));
    }
}
