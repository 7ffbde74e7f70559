//! HMAC with the key already absorbed: both inner states are built once and copied for every message.

use hmac::Hmac;
use hmac::digest::crypto_common::KeyInit;
use hmac::digest::{FixedOutputReset, Output, Update};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use std::sync::LazyLock;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// An HMAC of RustCrypto, which does not wipe its states by itself.
pub(crate) trait Algorithm: KeyInit + Update + FixedOutputReset + Clone + 'static {
    /// A state that holds no secret, to write over those that do.
    fn blank() -> &'static Self;
}

macro_rules! algorithm {
    ($($hash:ty),*) => {$(
        impl Algorithm for Hmac<$hash> {
            fn blank() -> &'static Self {
                static BLANK: LazyLock<Hmac<$hash>> = LazyLock::new(|| KeyInit::new(&Default::default()));
                &BLANK
            }
        }
    )*};
}
algorithm!(Md5, Sha1, Sha256, Sha384);

/// A key, absorbed. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct MacKey<A: Algorithm>(A);

impl<A: Algorithm> MacKey<A> {
    /// Absorbs a key of no more than the hash's block (64 octets or more; every Kerberos key is shorter).
    pub(crate) fn new(key: &[u8]) -> Self {
        // HMAC pads a short key with zeros (RFC 2104): with the padding in place nothing can fail.
        let mut padded = hmac::digest::Key::<A>::default();
        padded.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let state = A::new(&padded);
        padded.as_mut_slice().zeroize();
        MacKey(state)
    }

    /// Returns the tag of a message that consists of parts.
    pub(crate) fn tag(&self, message: &[&[u8]]) -> Output<A> {
        let mut state = self.clone();
        message.iter().for_each(|part| state.0.update(part));
        let mut tag = Output::<A>::default();
        state.0.finalize_into_reset(&mut tag);
        tag
    }

    /// Writes the tag's first octets.
    pub(crate) fn write_tag(&self, message: &[&[u8]], truncated: &mut [u8]) {
        truncated.iter_mut().zip(self.tag(message)).for_each(|(to, from)| *to = from);
    }

    /// Whether `truncated` is the beginning of the tag, in constant time. The caller has checked its length.
    pub(crate) fn matches(&self, message: &[&[u8]], truncated: &[u8]) -> bool {
        let tag = self.tag(message);
        tag.get(..truncated.len()).is_some_and(|tag| tag.ct_eq(truncated).into())
    }
}

impl<A: Algorithm> Drop for MacKey<A> {
    fn drop(&mut self) {
        self.0.clone_from(A::blank());
        // Keeps the compiler from leaving out a write that nobody reads.
        std::hint::black_box(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    #[test]
    fn rfc_2202_and_4231_case_2() {
        let message: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        let md5 = MacKey::<Hmac<Md5>>::new(b"Jefe").tag(&message);
        assert_eq!(md5.to_vec(), hex("750c783e6ab0b503eaa86e310a5db738"));
        let sha1 = MacKey::<Hmac<Sha1>>::new(b"Jefe").tag(&message);
        assert_eq!(sha1.to_vec(), hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
        let sha256 = MacKey::<Hmac<Sha256>>::new(b"Jefe").tag(&message);
        assert_eq!(sha256.to_vec(), hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    }

    #[test]
    fn a_key_serves_many_messages() {
        let key = MacKey::<Hmac<Sha384>>::new(&[3; 24]);
        let first = key.tag(&[b"one"]);
        assert_ne!(first, key.tag(&[b"two"]));
        assert_eq!(first, key.tag(&[b"o", b"ne"]));
    }

    #[test]
    fn a_tag_matches_in_full_or_not_at_all() {
        let key = MacKey::<Hmac<Sha1>>::new(b"key");
        let mut tag = key.tag(&[b"message"]).to_vec();
        assert!(key.matches(&[b"message"], &tag));
        assert!(key.matches(&[b"message"], &tag[..12]));
        assert!(!key.matches(&[b"messagf"], &tag));
        tag[19] ^= 1;
        assert!(!key.matches(&[b"message"], &tag));
        tag.push(0);
        assert!(!key.matches(&[b"message"], &tag), "longer than the tag");
    }
}
