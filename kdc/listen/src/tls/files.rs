//! A certificate that the operator supplies, such as a mounted Secret of cert-manager. Changed files are read again. A certificate
//! and a key that do not belong together, as seen between two writes, are refused, and the present certificate is served on.

use crate::error::ListenError;
use crate::tls::public::{NotPublic, PublicCertificates};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The files of a certificate, PEM.
pub struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    ca: PathBuf,
    /// Content of the files when they were last read without an error.
    read: Option<Content>,
    public: Option<PublicCertificates>,
}

#[derive(PartialEq, Eq)]
struct Content {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    ca: Vec<u8>,
}

impl CertificateFiles {
    /// `certificate`: the chain, leaf first; `key`: the leaf's private key; `ca`: the certificates that clients trust,
    /// which everybody may read.
    #[must_use]
    pub fn new(certificate: PathBuf, key: PathBuf, ca: PathBuf) -> CertificateFiles {
        CertificateFiles { certificate, key, ca, read: None, public: None }
    }

    /// The certificates that clients trust, as they were last read without an error.
    pub(crate) fn public(&self) -> Option<&PublicCertificates> {
        self.public.as_ref()
    }

    /// Reads the files.
    pub(crate) fn read(&mut self, provider: &CryptoProvider) -> Result<CertifiedKey, ListenError> {
        let content = self.content()?;
        self.accept(content, provider)
    }

    /// Reads the files. Returns `None` where their content has not changed.
    pub(crate) fn read_changed(&mut self, provider: &CryptoProvider) -> Result<Option<CertifiedKey>, ListenError> {
        let content = self.content()?;
        if self.read.as_ref() == Some(&content) {
            return Ok(None);
        }
        self.accept(content, provider).map(Some)
    }

    fn content(&self) -> Result<Content, ListenError> {
        let (certificate, ca) = (octets(&self.certificate)?, octets(&self.ca)?);
        Ok(Content { certificate, key: Zeroizing::new(octets(&self.key)?), ca })
    }

    fn accept(&mut self, content: Content, provider: &CryptoProvider) -> Result<CertifiedKey, ListenError> {
        let not_pem = |path: &Path, what| ListenError::NotPem { path: path.to_owned(), what };
        let chain = CertificateDer::pem_slice_iter(&content.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| not_pem(&self.certificate, "certificates"))?;
        let key = PrivateKeyDer::from_pem_slice(&content.key).map_err(|_| not_pem(&self.key, "private key"))?;
        let public = PublicCertificates::from_pem(&content.ca).map_err(|error| match error {
            NotPublic::NoCertificate => not_pem(&self.ca, "certificate"),
            NotPublic::PrivateKey => ListenError::PrivateKeyInPublicFile { path: self.ca.clone() },
        })?;
        let certified = CertifiedKey::from_der(chain, key, provider)
            .map_err(|_| ListenError::KeyMismatch { key: self.key.clone(), certificate: self.certificate.clone() })?;
        self.public = Some(public);
        self.read = Some(content);
        Ok(certified)
    }
}

fn octets(path: &Path) -> Result<Vec<u8>, ListenError> {
    std::fs::read(path).map_err(|error| ListenError::Read { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::provider;

    fn make(dir: &Path, name: &str) {
        let mut command = std::process::Command::new("openssl");
        let line = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} -keyout key.pem -out cert.pem"
        );
        let output = command.args(line.split(' ')).current_dir(dir).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn files(dir: &Path) -> CertificateFiles {
        CertificateFiles::new(dir.join("cert.pem"), dir.join("key.pem"), dir.join("cert.pem"))
    }

    #[test]
    fn a_replaced_certificate_is_taken_up_and_the_same_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), "one");
        let mut files = files(dir.path());
        let first = files.read(&provider()).unwrap();
        assert!(files.read_changed(&provider()).unwrap().is_none());
        make(dir.path(), "two");
        assert_ne!(files.read_changed(&provider()).unwrap().unwrap().cert, first.cert);
    }

    #[test]
    fn a_pair_that_does_not_fit_is_refused_by_name_until_it_does() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), "one");
        let mut files = files(dir.path());
        files.read(&provider()).unwrap();
        let key = std::fs::read(dir.path().join("key.pem")).unwrap();
        make(dir.path(), "two");
        let right = std::fs::read(dir.path().join("key.pem")).unwrap();
        std::fs::write(dir.path().join("key.pem"), key).unwrap();
        let error = format!("{:#}", files.read_changed(&provider()).unwrap_err());
        assert!(error.contains("key.pem is not the key of"), "{error}");
        std::fs::write(dir.path().join("key.pem"), right).unwrap();
        assert!(files.read_changed(&provider()).unwrap().is_some());
    }

    /// One file with certificate and key, as some programs want it.
    fn combine(dir: &Path) {
        let both = [dir.join("cert.pem"), dir.join("key.pem")].map(|path| std::fs::read(path).unwrap()).concat();
        std::fs::write(dir.join("cert.pem"), both).unwrap();
    }

    #[test]
    fn a_file_with_certificate_and_key_is_not_published() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), "one");
        let ca = dir.path().join("ca.pem");
        std::fs::copy(dir.path().join("cert.pem"), &ca).unwrap();
        combine(dir.path());
        let error = files(dir.path()).read(&provider()).unwrap_err().to_string();
        assert!(
            error.contains("cert.pem contains a private key") && error.contains("enrolment.certificate.ca"),
            "{error}"
        );
        let mut apart = CertificateFiles::new(dir.path().join("cert.pem"), dir.path().join("key.pem"), ca);
        apart.read(&provider()).unwrap();
        assert!(!apart.public().unwrap().pem().contains("PRIVATE"));
    }

    #[test]
    fn a_reload_that_would_publish_a_key_is_refused_and_the_old_certificates_stay_published() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), "one");
        let mut files = files(dir.path());
        files.read(&provider()).unwrap();
        let before = files.public().unwrap().clone();
        make(dir.path(), "two");
        combine(dir.path());
        assert!(matches!(files.read_changed(&provider()), Err(ListenError::PrivateKeyInPublicFile { .. })));
        assert_eq!(files.public(), Some(&before));
    }
}
