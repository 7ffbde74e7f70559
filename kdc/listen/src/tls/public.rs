//! Certificates that everybody may read: an HTTP path, a ConfigMap in each enrolled namespace. A file is never published as it
//! stands: only its certificates are, written anew, and a file that holds a private key is refused.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::pem::{LineEnding, encode_string};

/// The mark of every kind of private key in PEM (RFC 7468, sections 10 and 11, and the older forms of OpenSSL and OpenSSH).
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

/// Certificates as PEM, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicCertificates(String);

/// Why a text is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotPublic {
    /// There is no certificate, or one that cannot be read.
    NoCertificate,
    /// There is a private key.
    PrivateKey,
}

impl PublicCertificates {
    /// Takes the certificates from a PEM text. What stands between them is left out.
    pub(crate) fn from_pem(text: &[u8]) -> Result<PublicCertificates, NotPublic> {
        if text.windows(PRIVATE_KEY.len()).any(|part| part.eq_ignore_ascii_case(PRIVATE_KEY)) {
            return Err(NotPublic::PrivateKey);
        }
        let mut pem = String::new();
        for certificate in CertificateDer::pem_slice_iter(text) {
            let der = certificate.map_err(|_| NotPublic::NoCertificate)?;
            Certificate::from_der(&der).map_err(|_| NotPublic::NoCertificate)?;
            pem += &encode_string("CERTIFICATE", LineEnding::LF, &der).map_err(|_| NotPublic::NoCertificate)?;
        }
        if pem.is_empty() { Err(NotPublic::NoCertificate) } else { Ok(PublicCertificates(pem)) }
    }

    pub(crate) fn pem(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::authority::Authority;

    fn certificate() -> String {
        Authority::generate("R", 1_795_449_600, 86_400, &mut rand::rngs::OsRng).unwrap().pem().to_owned()
    }

    #[test]
    fn all_certificates_of_a_file_are_published_and_nothing_else() {
        let (one, two) = (certificate().replace("\r\n", "\n"), certificate().replace("\r\n", "\n"));
        let text = format!("subject=CN = one\nsecret\n{one}\nin between\n{two}trailing password\n");
        let public = PublicCertificates::from_pem(text.as_bytes()).unwrap();
        assert_eq!(public.pem(), format!("{one}{two}"));
    }

    #[test]
    fn a_text_with_a_private_key_of_any_kind_is_not_published() {
        for kind in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"]
        {
            let key = format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
            for text in [format!("{key}{}", certificate()), format!("{}{key}", certificate()), key.clone()] {
                assert_eq!(PublicCertificates::from_pem(text.as_bytes()), Err(NotPublic::PrivateKey), "{kind}");
            }
        }
    }

    #[test]
    fn a_text_without_a_readable_certificate_is_not_published() {
        let torn = certificate().replace("MII", "MIJ");
        for text in ["", "no certificate", &torn, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(PublicCertificates::from_pem(text.as_bytes()), Err(NotPublic::NoCertificate), "{text}");
        }
    }
}
