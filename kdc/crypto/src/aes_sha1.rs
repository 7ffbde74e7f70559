//! aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962, on the simplified profile of RFC 3961, section 5).
//! The tag covers the plaintext.

use crate::cts::{self, Aes, BLOCK, LONGEST_KEY};
use crate::error::CryptoError;
use crate::mac::MacKey;
use crate::n_fold::{FOLDED, SubKey, fold_constant, folded_usage};
use crate::usage::KeyUsage;
use aes::Block;
use hmac::Hmac;
use sha1::{Digest, Sha1};
use zeroize::{Zeroize, Zeroizing};

/// Octets of a tag or a checksum: HMAC-SHA1, cut to 96 bits.
pub(crate) const TAG: usize = 12;

/// Ke and Ki of one usage.
pub(crate) struct AesSha1<C> {
    cipher: C,
    mac: MacKey<Hmac<Sha1>>,
}

impl<C: Aes> AesSha1<C> {
    /// Derives both keys of a usage.
    pub(crate) fn new(key: &[u8], usage: KeyUsage) -> Self {
        let base = C::from_octets(key);
        let encryption = derive(&base, folded_usage(usage, SubKey::Encryption));
        let integrity = derive(&base, folded_usage(usage, SubKey::Integrity));
        AesSha1 { cipher: C::from_octets(encryption.as_slice()), mac: mac_key::<C>(&integrity) }
    }

    /// Encrypts `body` (confounder and plaintext) in place and writes its tag.
    pub(crate) fn seal(&self, body: &mut [u8], tag: &mut [u8]) {
        self.mac.write_tag(&[body], tag);
        cts::encrypt(&self.cipher, body);
    }

    /// Decrypts `body` in place and compares its tag.
    pub(crate) fn open(&self, body: &mut [u8], tag: &[u8]) -> Result<(), CryptoError> {
        cts::decrypt(&self.cipher, body);
        if self.mac.matches(&[body], tag) { Ok(()) } else { Err(CryptoError::Integrity) }
    }
}

/// Kc of a usage, for the mandatory checksum.
pub(crate) fn checksum_key<C: Aes>(key: &[u8], usage: KeyUsage) -> MacKey<Hmac<Sha1>> {
    mac_key::<C>(&derive(&C::from_octets(key), folded_usage(usage, SubKey::Checksum)))
}

/// The last step of string-to-key: binds the output of PBKDF2 to its purpose (RFC 3962, section 4).
pub(crate) fn key_from_stretched<C: Aes>(stretched: &[u8]) -> Zeroizing<[u8; LONGEST_KEY]> {
    derive(&C::from_octets(stretched), fold_constant(b"kerberos"))
}

/// The pseudo-random function (RFC 3961, section 5.3): one block.
pub(crate) fn prf<C: Aes>(key: &[u8], input: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    let prf_key = derive(&C::from_octets(key), fold_constant(b"prf"));
    let mut digest = Sha1::digest(input);
    let mut block = Block::default();
    block.iter_mut().zip(&digest).for_each(|(to, from)| *to = *from);
    digest.as_mut_slice().zeroize();
    C::from_octets(prf_key.as_slice()).encrypt_block(&mut block);
    Zeroizing::new(block.into())
}

/// DK (RFC 3961, section 5.1): encrypts the folded constant over and over, until there is enough for a key. Returns two
/// blocks; an AES-128 key uses only the first.
fn derive<C: Aes>(base: &C, folded: [u8; FOLDED]) -> Zeroizing<[u8; LONGEST_KEY]> {
    let mut derived = Zeroizing::new([0; LONGEST_KEY]);
    let mut block = Block::from(folded);
    for piece in derived.chunks_exact_mut(BLOCK) {
        base.encrypt_block(&mut block);
        piece.copy_from_slice(&block);
    }
    block.as_mut_slice().zeroize();
    derived
}

fn mac_key<C: Aes>(derived: &[u8; LONGEST_KEY]) -> MacKey<Hmac<Sha1>> {
    MacKey::new(derived.get(..C::key_size()).unwrap_or(derived))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;
    use aes::{Aes128, Aes256};

    // The DR and DK vectors of RFC 3961, A.3 are for DES3 alone, which Kennel does not have. MIT publishes these for
    // AES; the keys are those of RFC 3962's first string-to-key case.
    #[test]
    fn kc_ke_and_ki_of_an_aes_128_key() {
        let base = Aes128::from_octets(&hex("42263c6e89f4fc28b8df68ee09799f15"));
        for (sub_key, expected) in [
            (SubKey::Checksum, "34280a382bc92769b2da2f9ef066854b"),
            (SubKey::Encryption, "5b14fc4e250e14ddf9dccf1af6674f53"),
            (SubKey::Integrity, "4ed31063621684f09ae8d89991af3e8f"),
        ] {
            assert_eq!(derive(&base, folded_usage(KeyUsage(2), sub_key))[..16], hex(expected), "{sub_key:?}");
        }
    }

    #[test]
    fn kc_ke_and_ki_of_an_aes_256_key() {
        let base = Aes256::from_octets(&hex("fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161"));
        for (sub_key, expected) in [
            (SubKey::Checksum, "bfab388bdcb238e9f9c98d6a878304f04d30c82556375ac507a7a852790f4674"),
            (SubKey::Encryption, "c7cfd9cd75fe793a586a542d87e0d1396f1134a104bb1a9190b8c90ada3ddf37"),
            (SubKey::Integrity, "97151b4c76945063e2eb0529dc067d97d7bba90776d8126d91f34f3101aea8ba"),
        ] {
            assert_eq!(derive(&base, folded_usage(KeyUsage(2), sub_key))[..], hex(expected), "{sub_key:?}");
        }
    }
}
