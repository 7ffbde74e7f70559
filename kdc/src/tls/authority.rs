//! Our own certificate authority: made once, and kept in one file beside the store, the key wrapped by the master key. Every
//! agent trusts this very certificate, so a file that cannot be read is never replaced by a new authority.

use super::key::KeyPair;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kennel_crypto::MasterKey;
use rand::{CryptoRng, RngCore};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose,
    PublicKeyData, SanType, SerialNumber,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::path::Path;
use time::OffsetDateTime;

/// Life of the authority, seconds.
const LIFE: i64 = 3650 * 86_400;
/// Clocks of clients may be behind ours by so much.
pub(super) const SKEW: i64 = 300;
const KEY_BEGIN: &str = "-----BEGIN KENNEL WRAPPED KEY-----";
const KEY_END: &str = "-----END KENNEL WRAPPED KEY-----";

/// A certificate authority.
pub(crate) struct Authority {
    pem: String,
    realm: String,
    key: KeyPair,
}

impl Authority {
    /// Reads the authority's file, or makes one where there is none.
    pub(crate) fn open_or_make(
        path: &Path,
        master: &MasterKey,
        realm: &str,
        now: i64,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> anyhow::Result<Authority> {
        match std::fs::read_to_string(path) {
            Ok(text) => Authority::read(&text, master, realm).with_context(|| {
                format!(
                    "{} cannot be read: put a copy back. (Without it, remove the file for a new authority: \
                     agents trust that one when the ConfigMap kennel-krb5 has reached their pods, within minutes.)",
                    path.display()
                )
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (authority, text) = Authority::make(master, realm, now, rng)?;
                kennel_store::files::write_new(path, text.as_bytes())
                    .with_context(|| format!("{} cannot be written", path.display()))?;
                Ok(authority)
            }
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    fn make(
        master: &MasterKey,
        realm: &str,
        now: i64,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> anyhow::Result<(Authority, String)> {
        let key = KeyPair::generate(rng);
        let mut params = params(realm, &key);
        params.serial_number = Some(serial(rng));
        (params.not_before, params.not_after) = (time(now - SKEW)?, time(now + LIFE)?);
        let pem = params.self_signed(&key).context("the authority's certificate cannot be made")?.pem();
        let wrapped = STANDARD.encode(master.wrap(associated(realm, &pem).as_bytes(), &key.to_pkcs8()?, rng));
        let text = format!(
            "The certificate authority of realm {realm}: the key is wrapped by the master key.\n{KEY_BEGIN}\n{wrapped}\n{KEY_END}\n{pem}"
        );
        Ok((Authority { pem, realm: realm.to_owned(), key }, text))
    }

    fn read(text: &str, master: &MasterKey, realm: &str) -> anyhow::Result<Authority> {
        let (_, rest) = text.split_once(KEY_BEGIN).context("there is no wrapped key in it")?;
        let (wrapped, pem) = rest.split_once(KEY_END).context("the wrapped key has no end")?;
        let wrapped = STANDARD.decode(wrapped.trim()).ok().context("the wrapped key is not base64")?;
        let pem = pem.trim_start();
        let plain = master.unwrap(associated(realm, pem).as_bytes(), &wrapped);
        let plain =
            plain.ok().context("the key was wrapped by another master key, or for another realm or certificate")?;
        let key = KeyPair::from_pkcs8(&plain)?;
        Ok(Authority { pem: pem.to_owned(), realm: realm.to_owned(), key })
    }

    /// Its certificate, PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server of these names, with a key of its own.
    pub(super) fn issue(
        &self,
        names: &[String],
        now: i64,
        life: i64,
        provider: &CryptoProvider,
        rng: &mut impl RngCore,
    ) -> anyhow::Result<CertifiedKey> {
        let key = KeyPair::generate(rng);
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("kennel-kdc of {}", self.realm));
        params.subject_alt_names = names.iter().map(|name| alt_name(name)).collect::<anyhow::Result<_>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = key_id(&key);
        params.serial_number = Some(serial(rng));
        (params.not_before, params.not_after) = (time(now - SKEW)?, time(now + life)?);
        let issuer = Issuer::new(self::params(&self.realm, &self.key), &self.key);
        let certificate = params.signed_by(&key, &issuer).context("the serving certificate cannot be made")?;
        let chain = vec![certificate.der().clone()];
        Ok(CertifiedKey::from_der(chain, PrivateKeyDer::Pkcs8(key.for_rustls()?), provider)?)
    }
}

/// What of the authority's certificate does not change; certificates that it issues repeat its name and key identifier.
fn params(realm: &str, key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Kennel CA of {realm}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = key_id(key);
    params
}

/// The first 160 bits of SHA-256 over the public key (RFC 7093, section 2).
fn key_id(key: &KeyPair) -> KeyIdMethod {
    let digest = Sha256::digest(key.der_bytes());
    KeyIdMethod::PreSpecified(digest.iter().take(20).copied().collect())
}

fn alt_name(name: &str) -> anyhow::Result<SanType> {
    Ok(match name.parse::<IpAddr>() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().with_context(|| format!("{name:?} is no name of a host"))?),
    })
}

/// Positive, and of 127 random bits.
fn serial(rng: &mut impl RngCore) -> SerialNumber {
    let number = (rng.next_u64() as u128) << 64 | u128::from(rng.next_u64());
    SerialNumber::from_slice(&(number >> 1).to_be_bytes())
}

fn time(seconds: i64) -> anyhow::Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds).context("the clock is far off")
}

/// The key belongs to this very certificate: what is changed in the file is noticed.
fn associated(realm: &str, pem: &str) -> String {
    format!("certificate authority of {realm}: {}", STANDARD.encode(Sha256::digest(pem.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::OsRng;

    fn open(path: &Path, master: &MasterKey, realm: &str) -> anyhow::Result<Authority> {
        Authority::open_or_make(path, master, realm, 1_795_449_600, &mut OsRng)
    }

    #[test]
    fn the_authority_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let master = MasterKey::generate(&mut OsRng);
        let first = open(&path, &master, "R").unwrap().pem().to_owned();
        assert_eq!(open(&path, &master, "R").unwrap().pem(), first);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("PRIVATE KEY"), "the key is wrapped");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls-ca.pem");
        let master = MasterKey::generate(&mut OsRng);
        open(&path, &master, "R").unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        let wrong: [(&str, String, MasterKey); 4] = [
            ("R", whole.replace("MII", "MIJ"), MasterKey::from_text(&master.expose_text()).unwrap()),
            ("R", whole.clone(), MasterKey::generate(&mut OsRng)),
            ("OTHER", whole.clone(), MasterKey::from_text(&master.expose_text()).unwrap()),
            ("R", whole[..whole.len() / 2].to_owned(), MasterKey::from_text(&master.expose_text()).unwrap()),
        ];
        for (realm, text, master) in wrong {
            std::fs::write(&path, &text).unwrap();
            let error = format!("{:#}", open(&path, &master, realm).map(|_| ()).unwrap_err());
            assert!(error.contains("put a copy back"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
