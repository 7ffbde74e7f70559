//! Keys and encrypted parts between their form in messages and their form in `crypto`.

use crate::error::ClientError;
use kennel_crypto::{CryptoError, Enctype, Key, KeyUsage};
use kennel_wire::message::{Checksum, EncryptedData, EncryptionKey};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// Converts a key to its form in messages.
pub(crate) fn key_to_wire(key: &Key) -> EncryptionKey {
    EncryptionKey { keytype: key.enctype().number(), keyvalue: Zeroizing::new(key.expose().to_vec()) }
}

/// Converts a key from its form in messages.
pub(crate) fn key_from_wire(key: &EncryptionKey) -> Result<Key, ClientError> {
    let enctype = Enctype::from_number(key.keytype).ok_or(ClientError::UnknownEnctype(key.keytype))?;
    Ok(Key::new(enctype, &key.keyvalue)?)
}

/// Encrypts under a usage of the key.
pub(crate) fn seal(key: &Key, usage: KeyUsage, plaintext: &[u8], rng: &mut dyn CryptoRngCore) -> EncryptedData {
    let cipher = key.prepare(usage).seal(plaintext, rng);
    EncryptedData { etype: key.enctype().number(), kvno: None, cipher }
}

/// Decrypts; another enctype than the key's counts as a failed integrity check.
pub(crate) fn open(key: &Key, usage: KeyUsage, data: &EncryptedData) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    if data.etype != key.enctype().number() {
        return Err(CryptoError::Integrity);
    }
    key.prepare(usage).open(&data.cipher)
}

/// The enctype's own checksum.
pub(crate) fn checksum(key: &Key, usage: KeyUsage, data: &[u8]) -> Checksum {
    Checksum { cksumtype: key.enctype().checksum_type().number(), checksum: key.checksum(usage, data) }
}
