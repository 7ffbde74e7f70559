//! P-256 keys for certificates, on RustCrypto.

use crate::error::ListenError;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rand::RngCore;
use rcgen::{PublicKeyData, SignatureAlgorithm};
use rustls::pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

/// A key pair. `p256` zeroizes it.
pub(crate) struct KeyPair {
    secret: SigningKey,
    /// The public point, uncompressed.
    public: Vec<u8>,
}

impl KeyPair {
    /// Generates a key pair. Draws again where the random octets are not a valid scalar (once in 2^32).
    pub(crate) fn generate(rng: &mut impl RngCore) -> KeyPair {
        loop {
            let mut octets = Zeroizing::new([0; 32]);
            rng.fill_bytes(octets.as_mut_slice());
            if let Ok(secret) = SigningKey::from_slice(octets.as_slice()) {
                return KeyPair::from_secret(secret);
            }
        }
    }

    fn from_secret(secret: SigningKey) -> KeyPair {
        let public = secret.verifying_key().to_encoded_point(false).as_bytes().to_vec();
        KeyPair { secret, public }
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<KeyPair, ListenError> {
        SigningKey::from_pkcs8_der(der).map(KeyPair::from_secret).map_err(|_| ListenError::NotP256)
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, ListenError> {
        Ok(self.secret.to_pkcs8_der().map_err(|_| ListenError::NotP256)?.to_bytes())
    }

    /// Returns the key for rustls, which keeps a copy of its own for as long as the certificate is served.
    pub(crate) fn for_rustls(&self) -> Result<PrivatePkcs8KeyDer<'static>, ListenError> {
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
