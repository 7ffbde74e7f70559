//! A certificate that the operator gives, such as a mounted Secret of cert-manager. The files are read again when their
//! content is another; a pair that does not fit together, which is what a reader sees between two writes, changes nothing.

use anyhow::{Context, bail};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The files of a certificate, PEM.
pub(crate) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    ca: PathBuf,
    /// What was read last.
    read: Option<Content>,
    ca_pem: String,
}

#[derive(PartialEq, Eq)]
struct Content {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    ca: Vec<u8>,
}

impl Files {
    /// The chain, leaf first; its key; the certificate that clients are to trust.
    pub(crate) fn new(certificate: PathBuf, key: PathBuf, ca: PathBuf) -> Files {
        Files { certificate, key, ca, read: None, ca_pem: String::new() }
    }

    pub(super) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Reads them; `None`: they are what they were.
    pub(super) fn read(&mut self, provider: &CryptoProvider) -> anyhow::Result<Option<CertifiedKey>> {
        let content = Content {
            certificate: octets(&self.certificate)?,
            key: Zeroizing::new(octets(&self.key)?),
            ca: octets(&self.ca)?,
        };
        if self.read.as_ref() == Some(&content) {
            return Ok(None);
        }
        let chain = CertificateDer::pem_slice_iter(&content.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.with_context(|| format!("{} holds no certificates in PEM", self.certificate.display()))?;
        let key = PrivateKeyDer::from_pem_slice(&content.key).ok();
        let key = key.with_context(|| format!("{} holds no private key in PEM", self.key.display()))?;
        if CertificateDer::from_pem_slice(&content.ca).is_err() {
            bail!("{} holds no certificate in PEM", self.ca.display());
        }
        let certified = CertifiedKey::from_der(chain, key, provider);
        let certified = certified
            .with_context(|| format!("{} is not the key of {}", self.key.display(), self.certificate.display()))?;
        self.ca_pem = String::from_utf8(content.ca.clone()).context("the authority's file is no text")?;
        self.read = Some(content);
        Ok(Some(certified))
    }
}

fn octets(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::provider;
    use super::*;

    fn make(dir: &Path, name: &str) {
        let mut command = std::process::Command::new("openssl");
        let line = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} -keyout key.pem -out cert.pem"
        );
        let output = command.args(line.split(' ')).current_dir(dir).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn files(dir: &Path) -> Files {
        Files::new(dir.join("cert.pem"), dir.join("key.pem"), dir.join("cert.pem"))
    }

    #[test]
    fn a_replaced_certificate_is_taken_up_and_the_same_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), "one");
        let mut files = files(dir.path());
        let first = files.read(&provider()).unwrap().unwrap();
        assert!(files.read(&provider()).unwrap().is_none());
        make(dir.path(), "two");
        assert_ne!(files.read(&provider()).unwrap().unwrap().cert, first.cert);
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
        let error = format!("{:#}", files.read(&provider()).unwrap_err());
        assert!(error.contains("key.pem is not the key of"), "{error}");
        std::fs::write(dir.path().join("key.pem"), right).unwrap();
        assert!(files.read(&provider()).unwrap().is_some());
    }
}
