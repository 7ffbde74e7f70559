//! P-256 keys for certificates, on RustCrypto.

use anyhow::Context;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rand::RngCore;
use rcgen::{PublicKeyData, SignatureAlgorithm};
use rustls::pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

/// A key pair. `p256` zeroizes it.
pub(super) struct KeyPair {
    secret: SigningKey,
    /// The public point, uncompressed.
    public: Vec<u8>,
}

impl KeyPair {
    /// A new one. Of random octets that are no scalar (one time in 2^32), others are drawn.
    pub(super) fn generate(rng: &mut impl RngCore) -> KeyPair {
        loop {
            let mut octets = Zeroizing::new([0; 32]);
            rng.fill_bytes(octets.as_mut_slice());
            if let Ok(secret) = SigningKey::from_slice(octets.as_slice()) {
                return KeyPair::of(secret);
            }
        }
    }

    fn of(secret: SigningKey) -> KeyPair {
        let public = secret.verifying_key().to_encoded_point(false).as_bytes().to_vec();
        KeyPair { secret, public }
    }

    pub(super) fn from_pkcs8(der: &[u8]) -> anyhow::Result<KeyPair> {
        SigningKey::from_pkcs8_der(der).map(KeyPair::of).ok().context("not a P-256 key in PKCS#8")
    }

    pub(super) fn to_pkcs8(&self) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        Ok(self.secret.to_pkcs8_der().ok().context("the key cannot be encoded")?.to_bytes())
    }

    /// For rustls: it reads this once, and what it makes of it lives as long as the certificate is served.
    pub(super) fn for_rustls(&self) -> anyhow::Result<PrivatePkcs8KeyDer<'static>> {
        Ok(PrivatePkcs8KeyDer::from(self.to_pkcs8()?.to_vec()))
    }
}

impl PublicKeyData for KeyPair {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for KeyPair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: DerSignature = self.secret.try_sign(message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.as_bytes().to_vec())
    }
}
