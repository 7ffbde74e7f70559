//! arcfour-hmac (RFC 4757): for old peers, refused unless a realm permits it. The tag is in front of the ciphertext and
//! covers the plaintext.

use crate::error::CryptoError;
use crate::mac::MacKey;
use crate::usage::KeyUsage;
use ::rc4::consts::U16;
use ::rc4::{KeyInit, Rc4, StreamCipher};
use hmac::Hmac;
use md4::Md4;
use md5::{Digest, Md5};
use sha1::Sha1;
use zeroize::{Zeroize, Zeroizing};

/// Octets of a tag, a checksum and a key.
pub(crate) const TAG: usize = 16;

/// Octets of the confounder.
pub(crate) const CONFOUNDER: usize = 8;

/// The key of one usage.
pub(crate) struct Rc4Hmac {
    mac: MacKey<Hmac<Md5>>,
}

impl Rc4Hmac {
    /// Derives the key of a usage.
    pub(crate) fn new(key: &[u8], usage: KeyUsage) -> Self {
        let mut usage_key = MacKey::<Hmac<Md5>>::new(key).tag(&[&message_type(usage)]);
        let mac = MacKey::new(&usage_key);
        usage_key.as_mut_slice().zeroize();
        Rc4Hmac { mac }
    }

    /// Encrypts `body` (confounder and plaintext) in place and writes its tag.
    pub(crate) fn seal(&self, body: &mut [u8], tag: &mut [u8]) {
        self.mac.write_tag(&[body], tag);
        self.apply_keystream(body, tag);
    }

    /// Decrypts `body` in place and compares its tag.
    pub(crate) fn open(&self, body: &mut [u8], tag: &[u8]) -> Result<(), CryptoError> {
        self.apply_keystream(body, tag);
        if self.mac.matches(&[body], tag) { Ok(()) } else { Err(CryptoError::Integrity) }
    }

    /// Every message has its own RC4 key, made from its tag.
    fn apply_keystream(&self, body: &mut [u8], tag: &[u8]) {
        let mut message_key = self.mac.tag(&[tag]);
        Rc4::<U16>::new(&message_key).apply_keystream(body);
        message_key.as_mut_slice().zeroize();
    }
}

/// The key of the checksum HMAC-MD5 (RFC 4757, section 4) in one usage.
pub(crate) struct Signing {
    mac: MacKey<Hmac<Md5>>,
    usage: KeyUsage,
}

impl Signing {
    /// Derives the signing key, which is the same in every usage; the usage is prepended to the data.
    pub(crate) fn new(key: &[u8], usage: KeyUsage) -> Self {
        let mut signing = MacKey::<Hmac<Md5>>::new(key).tag(&[b"signaturekey\0"]);
        let mac = MacKey::new(&signing);
        signing.as_mut_slice().zeroize();
        Signing { mac, usage }
    }

    /// The checksum of `data`.
    pub(crate) fn checksum(&self, data: &[u8]) -> [u8; TAG] {
        let digest = Md5::new().chain_update(message_type(self.usage)).chain_update(data).finalize();
        self.mac.tag(&[&digest]).into()
    }
}

/// The pseudo-random function of MIT and Windows: HMAC-SHA1.
pub(crate) fn prf(key: &[u8], input: &[u8]) -> Zeroizing<[u8; 20]> {
    Zeroizing::new(MacKey::<Hmac<Sha1>>::new(key).tag(&[input]).into())
}

/// String-to-key: MD4 of the password in UTF-16, least octet first, with no salt.
pub(crate) fn key_from_password(password: &str) -> Zeroizing<[u8; TAG]> {
    let mut hash = Md4::new();
    for unit in password.encode_utf16() {
        hash.update(unit.to_le_bytes());
    }
    Zeroizing::new(hash.finalize().into())
}

/// The usage as RFC 4757 numbers messages (section 3), least octet first. Two numbers differ from RFC 4120: the AS
/// reply shares the number of the TGS reply, and GSS wrap tokens that of their checksum.
fn message_type(usage: KeyUsage) -> [u8; 4] {
    match usage.0 {
        3 => 8u32,
        23 => 13,
        other => other,
    }
    .to_le_bytes()
}
