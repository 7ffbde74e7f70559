//! What the vector tests share.
#![allow(dead_code, reason = "every test program uses its own part")]

use kennel_crypto::{Enctype, Key, KeyUsage};
use rand::{CryptoRng, Error, RngCore};

/// Octets from hexadecimal digits; white space between them is ignored.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A key from hexadecimal digits.
pub(crate) fn key(enctype: Enctype, digits: &str) -> Key {
    Key::new(enctype, &hex(digits)).unwrap()
}

/// Hands out the given octets instead of random ones, in one piece and once.
pub(crate) struct Dictated(Option<Vec<u8>>);

impl Dictated {
    pub(crate) fn new(octets: &[u8]) -> Dictated {
        Dictated(Some(octets.to_vec()))
    }
}

impl RngCore for Dictated {
    fn next_u32(&mut self) -> u32 {
        unreachable!("nothing here draws numbers")
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("nothing here draws numbers")
    }

    fn fill_bytes(&mut self, wanted: &mut [u8]) {
        wanted.copy_from_slice(&self.0.take().expect("one confounder only"));
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(wanted);
        Ok(())
    }
}

impl CryptoRng for Dictated {}

/// A known answer in both directions: the ciphertext opens to the plaintext, and with its confounder the plaintext
/// seals to the ciphertext, octet by octet.
pub(crate) fn assert_encryption(key: &Key, usage: u32, confounder: &[u8], plaintext: &[u8], ciphertext: &[u8]) {
    let prepared = key.prepare(KeyUsage(usage));
    assert_eq!(*prepared.open(ciphertext).unwrap(), plaintext, "{key:?} usage {usage}: opened");
    let sealed = prepared.seal(plaintext, &mut Dictated::new(confounder));
    assert_eq!(sealed, ciphertext, "{key:?} usage {usage}: sealed");
}

/// For known answers that do not state the confounder: seals again with the confounder that the ciphertext holds. The
/// plaintext of MIT's answers begins right behind the confounder, so the confounder is what opening leaves there.
pub(crate) fn assert_decryption(key: &Key, usage: u32, plaintext: &[u8], ciphertext: &[u8]) {
    let prepared = key.prepare(KeyUsage(usage));
    let mut region = ciphertext.to_vec();
    assert_eq!(prepared.open_in_place(&mut region).unwrap(), plaintext, "{key:?} usage {usage}: opened");
    let confounder_length = if key.enctype() == Enctype::Rc4Hmac { 8 } else { 16 };
    let confounder = &region[prepared.header_length() - confounder_length..prepared.header_length()];
    let sealed = prepared.seal(plaintext, &mut Dictated::new(confounder));
    assert_eq!(sealed, ciphertext, "{key:?} usage {usage}: sealed");
}

/// A checksum made, and verified.
pub(crate) fn assert_checksum(key: &Key, usage: u32, data: &[u8], expected: &[u8]) {
    let number = key.enctype().checksum_type().number();
    assert_eq!(key.checksum(KeyUsage(usage), data), expected, "{key:?} usage {usage}");
    key.verify_checksum(KeyUsage(usage), data, number, expected).unwrap();
}
