//! aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009). The tag covers the initial vector and the
//! ciphertext, so that nothing is decrypted before it is known to be genuine.

use crate::cts::{self, Aes, BLOCK};
use crate::error::CryptoError;
use crate::mac::{Algorithm, MacKey};
use crate::n_fold::{SubKey, usage_constant};
use crate::usage::KeyUsage;
use aes::{Aes128, Aes256};
use hmac::Hmac;
use hmac::digest::{Output, OutputSizeUser};
use sha2::{Sha256, Sha384};
use zeroize::{Zeroize, Zeroizing};

/// The initial vector of every message: no message continues the cipher state of another.
const INITIAL_VECTOR: [u8; BLOCK] = [0; BLOCK];

/// One of the two enctypes.
pub(crate) trait Variant {
    type Cipher: Aes;
    /// For tags, checksums and key derivation.
    type Mac: Algorithm;
    /// Prefix of the salt in string-to-key.
    const NAME: &'static str;
    /// Octets of the base key and of Ke.
    const KEY: usize;
    /// Octets of Ki, Kc, tag and checksum: half the hash.
    const TAG: usize;
}

/// aes128-cts-hmac-sha256-128.
pub(crate) struct Sha256Aes128;

impl Variant for Sha256Aes128 {
    type Cipher = Aes128;
    type Mac = Hmac<Sha256>;
    const NAME: &'static str = "aes128-cts-hmac-sha256-128";
    const KEY: usize = 16;
    const TAG: usize = 16;
}

/// aes256-cts-hmac-sha384-192.
pub(crate) struct Sha384Aes256;

impl Variant for Sha384Aes256 {
    type Cipher = Aes256;
    type Mac = Hmac<Sha384>;
    const NAME: &'static str = "aes256-cts-hmac-sha384-192";
    const KEY: usize = 32;
    const TAG: usize = 24;
}

/// Ke and Ki of one usage.
pub(crate) struct AesSha2<V: Variant> {
    cipher: V::Cipher,
    mac: MacKey<V::Mac>,
}

impl<V: Variant> AesSha2<V> {
    /// Derives both keys of a usage.
    pub(crate) fn new(key: &[u8], usage: KeyUsage) -> Self {
        let base = MacKey::<V::Mac>::new(key);
        let encryption = derive::<V>(&base, &usage_constant(usage, SubKey::Encryption), &[], V::KEY);
        AesSha2 {
            cipher: V::Cipher::from_octets(encryption.as_slice()),
            mac: mac_key::<V>(&base, usage, SubKey::Integrity),
        }
    }

    /// Encrypts `body` (confounder and plaintext) in place and writes its tag.
    pub(crate) fn seal(&self, body: &mut [u8], tag: &mut [u8]) {
        cts::encrypt(&self.cipher, body);
        self.mac.write_tag(&[&INITIAL_VECTOR, body], tag);
    }

    /// Compares the tag, then decrypts `body` in place.
    pub(crate) fn open(&self, body: &mut [u8], tag: &[u8]) -> Result<(), CryptoError> {
        if !self.mac.matches(&[&INITIAL_VECTOR, body], tag) {
            return Err(CryptoError::Integrity);
        }
        cts::decrypt(&self.cipher, body);
        Ok(())
    }
}

/// Kc of a usage, for the mandatory checksum.
pub(crate) fn checksum_key<V: Variant>(key: &[u8], usage: KeyUsage) -> MacKey<V::Mac> {
    mac_key::<V>(&MacKey::new(key), usage, SubKey::Checksum)
}

/// The last step of string-to-key: binds the output of PBKDF2 to its purpose (RFC 8009, section 4).
pub(crate) fn key_from_stretched<V: Variant>(stretched: &[u8]) -> DerivedOctets<V> {
    derive::<V>(&MacKey::new(stretched), b"kerberos", &[], V::KEY)
}

/// The pseudo-random function (RFC 8009, section 5): as long as the hash.
pub(crate) fn prf<V: Variant>(key: &[u8], input: &[u8]) -> DerivedOctets<V> {
    derive::<V>(&MacKey::new(key), b"prf", input, V::Mac::output_size())
}

/// Derived octets, wiped when dropped.
pub(crate) struct DerivedOctets<V: Variant> {
    octets: Output<V::Mac>,
    length: usize,
}

impl<V: Variant> DerivedOctets<V> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or(&self.octets)
    }
}

impl<V: Variant> Drop for DerivedOctets<V> {
    fn drop(&mut self) {
        self.octets.as_mut_slice().zeroize();
    }
}

/// KDF-HMAC-SHA2 (RFC 8009, section 3). No caller asks for more than one output of the hash, so the counter is always 1.
fn derive<V: Variant>(base: &MacKey<V::Mac>, label: &[u8], context: &[u8], length: usize) -> DerivedOctets<V> {
    let bits = u32::try_from(length * 8).unwrap_or_default().to_be_bytes();
    DerivedOctets { octets: base.tag(&[&1u32.to_be_bytes(), label, &[0], context, &bits]), length }
}

fn mac_key<V: Variant>(base: &MacKey<V::Mac>, usage: KeyUsage, sub_key: SubKey) -> MacKey<V::Mac> {
    MacKey::new(derive::<V>(base, &usage_constant(usage, sub_key), &[], V::TAG).as_slice())
}

/// The salt that PBKDF2 takes: the enctype's name, a zero octet, and the salt itself.
pub(crate) fn salted<V: Variant>(salt: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([V::NAME.as_bytes(), &[0], salt].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    fn sub_keys<V: Variant>(key: &str) -> [Vec<u8>; 3] {
        let base = MacKey::<V::Mac>::new(&hex(key));
        let key = |sub_key, length| derive::<V>(&base, &usage_constant(KeyUsage(2), sub_key), &[], length);
        [
            key(SubKey::Checksum, V::TAG).as_slice().to_vec(),
            key(SubKey::Encryption, V::KEY).as_slice().to_vec(),
            key(SubKey::Integrity, V::TAG).as_slice().to_vec(),
        ]
    }

    #[test]
    fn rfc_8009_appendix_a_kc_ke_and_ki_of_aes_128() {
        let [kc, ke, ki] = sub_keys::<Sha256Aes128>("3705d96080c17728a0e800eab6e0d23c");
        assert_eq!(kc, hex("b31a018a48f54776f403e9a396325dc3"));
        assert_eq!(ke, hex("9b197dd1e8c5609d6e67c3e37c62c72e"));
        assert_eq!(ki, hex("9fda0e56ab2d85e1569a688696c26a6c"));
    }

    #[test]
    fn rfc_8009_appendix_a_kc_ke_and_ki_of_aes_256() {
        let base = "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52";
        let [kc, ke, ki] = sub_keys::<Sha384Aes256>(base);
        assert_eq!(kc, hex("ef5718be86cc84963d8bbb5031e9f5c4ba41f28faf69e73d"));
        assert_eq!(ke, hex("56ab22bee63d82d7bc5227f6773f8ea7a5eb1c825160c38312980c442e5c7e49"));
        assert_eq!(ki, hex("69b16514e3cd8e56b82010d5c73012b622c4d00ffc23ed1f"));
    }
}
