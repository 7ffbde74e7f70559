//! Kennel's own certificate authority. This module reads and returns octets: the binary stores them in a file, with the key wrapped
//! by the master key.

use crate::error::ListenError;
use crate::tls::key::KeyPair;
use crate::tls::public::PublicCertificates;
use crate::tls::roll_over::Validity;
use rand::{CryptoRng, RngCore};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose,
    PublicKeyData, SanType, SerialNumber,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use time::OffsetDateTime;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use zeroize::Zeroizing;

/// Time by which certificates are valid before they are issued, for clients whose clock is behind, seconds.
pub(crate) const SKEW: i64 = 300;

/// A certificate authority: a self-signed certificate and its key.
pub struct Authority {
    pem: String,
    public: PublicCertificates,
    validity: Validity,
    realm: String,
    key: KeyPair,
}

impl Authority {
    /// Generates an authority for a realm, valid for `life` seconds from `now` (seconds since the epoch).
    ///
    /// # Errors
    /// [`ListenError::Clock`] or [`ListenError::Certificate`].
    pub fn generate(
        realm: &str,
        now: i64,
        life: i64,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Authority, ListenError> {
        let key = KeyPair::generate(rng);
        let mut params = params(realm, &key);
        params.serial_number = Some(serial(rng));
        (params.not_before, params.not_after) = (time(now - SKEW)?, time(now.saturating_add(life))?);
        let pem = params.self_signed(&key)?.pem();
        Authority::new(realm, &pem, key)
    }

    /// Restores an authority from its certificate in PEM and its key in PKCS#8, as [`Authority::pem`] and [`Authority::key`]
    /// return them.
    ///
    /// # Errors
    /// [`ListenError::NotP256`] or [`ListenError::AuthorityUnreadable`].
    pub fn from_parts(realm: &str, pem: &str, key: &[u8]) -> Result<Authority, ListenError> {
        Authority::new(realm, pem, KeyPair::from_pkcs8(key)?)
    }

    fn new(realm: &str, pem: &str, key: KeyPair) -> Result<Authority, ListenError> {
        let public = PublicCertificates::from_pem(pem.as_bytes()).map_err(|_| ListenError::AuthorityUnreadable)?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| ListenError::AuthorityUnreadable)?;
        let validity = validity(&der).ok_or(ListenError::AuthorityUnreadable)?;
        Ok(Authority { pem: pem.to_owned(), public, validity, realm: realm.to_owned(), key })
    }

    /// The self-signed certificate for everybody.
    pub(crate) fn public(&self) -> &PublicCertificates {
        &self.public
    }

    pub(crate) fn realm(&self) -> &str {
        &self.realm
    }

    /// When the certificate is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The private key, PKCS#8.
    ///
    /// # Errors
    /// [`ListenError::NotP256`] where the key cannot be encoded.
    pub fn key(&self) -> Result<Zeroizing<Vec<u8>>, ListenError> {
        self.key.to_pkcs8()
    }

    /// The self-signed certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues a certificate for a server of these names, with a new key. It ends with the authority's own at the latest.
    pub(crate) fn issue(
        &self,
        names: &[String],
        now: i64,
        life: i64,
        provider: &CryptoProvider,
        rng: &mut impl RngCore,
    ) -> Result<CertifiedKey, ListenError> {
        let key = KeyPair::generate(rng);
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("kennel-kdc of {}", self.realm));
        params.subject_alt_names = names.iter().map(|name| alt_name(name)).collect::<Result<_, ListenError>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = key_id(&key);
        params.serial_number = Some(serial(rng));
        let end = now.saturating_add(life).min(self.validity.not_after).max(now);
        (params.not_before, params.not_after) = (time(now - SKEW)?, time(end)?);
        let issuer = Issuer::new(self::params(&self.realm, &self.key), &self.key);
        let certificate = params.signed_by(&key, &issuer)?;
        let chain = vec![certificate.der().clone()];
        Ok(CertifiedKey::from_der(chain, PrivateKeyDer::Pkcs8(key.for_rustls()?), provider)?)
    }
}

/// The constant parts of the authority's certificate. Issued certificates repeat its name and key identifier.
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

fn alt_name(name: &str) -> Result<SanType, ListenError> {
    Ok(match name.parse::<IpAddr>() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().map_err(|_| ListenError::HostName(name.to_owned()))?),
    })
}

/// Draws a serial number: positive, 127 random bits.
fn serial(rng: &mut impl RngCore) -> SerialNumber {
    let number = (rng.next_u64() as u128) << 64 | u128::from(rng.next_u64());
    SerialNumber::from_slice(&(number >> 1).to_be_bytes())
}

/// When a certificate is valid.
pub(crate) fn validity(certificate: &[u8]) -> Option<Validity> {
    let validity = Certificate::from_der(certificate).ok()?.tbs_certificate.validity;
    let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).ok();
    Some(Validity { not_before: seconds(validity.not_before)?, not_after: seconds(validity.not_after)? })
}

fn time(seconds: i64) -> Result<OffsetDateTime, ListenError> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| ListenError::Clock)
}
