//! Records under the master key: AES-256-GCM-SIV (RFC 8452), name and revision of the record as associated data. The key also
//! authenticates what need not be secret, under a key derived from it.

use crate::error::CryptoError;
use crate::mac::MacKey;
use aes_gcm_siv::aead::{AeadInPlace, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Nonce, Tag};
use hmac::Hmac;
use rand_core::CryptoRngCore;
use sha2::Sha256;
use std::fmt::{self, Write};
use zeroize::{Zeroize, Zeroizing};

const KEY: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;
const PREFIX: &str = "kennel-master-key-v1";
/// Octets of the id of a master key.
pub const MASTER_KEY_ID: usize = 8;

/// The key that wraps every stored record. `Debug` shows its id alone.
pub struct MasterKey {
    bytes: Zeroizing<[u8; KEY]>,
    cipher: Aes256GcmSiv,
    authentication: MacKey<Hmac<Sha256>>,
    id: String,
    id_octets: [u8; MASTER_KEY_ID],
}

impl MasterKey {
    /// A new random master key.
    pub fn generate(rng: &mut dyn CryptoRngCore) -> MasterKey {
        let mut bytes = Zeroizing::new([0; KEY]);
        rng.fill_bytes(bytes.as_mut_slice());
        MasterKey::from_bytes(bytes)
    }

    /// Reads the text form of a key file (one line, `kennel-master-key-v1 <64 hex digits>`; white space around it is
    /// ignored).
    ///
    /// # Errors
    /// [`CryptoError::MasterKey`].
    pub fn from_text(text: &str) -> Result<MasterKey, CryptoError> {
        let (prefix, digits) =
            text.trim().split_once(' ').ok_or(CryptoError::MasterKey("the line is not two words"))?;
        if prefix != PREFIX {
            return Err(CryptoError::MasterKey("the line does not begin with kennel-master-key-v1"));
        }
        let (digits, rest) = digits.as_bytes().as_chunks::<2>();
        if digits.len() != KEY || !rest.is_empty() {
            return Err(CryptoError::MasterKey("the second word is not 64 hexadecimal digits"));
        }
        let mut bytes = Zeroizing::new([0; KEY]);
        for (byte, [high, low]) in bytes.iter_mut().zip(digits) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(MasterKey::from_bytes(bytes))
    }

    pub(crate) fn from_bytes(bytes: Zeroizing<[u8; KEY]>) -> MasterKey {
        let cipher = Aes256GcmSiv::new((&*bytes).into());
        let master = MacKey::<Hmac<Sha256>>::new(bytes.as_slice());
        let fingerprint = master.tag(&[b"kennel master key id"]);
        let id_octets: [u8; MASTER_KEY_ID] = fingerprint.first_chunk().copied().unwrap_or_default();
        let mut id = String::with_capacity(2 * MASTER_KEY_ID);
        push_hex(&mut id, &id_octets);
        let mut derived = master.tag(&[b"kennel authentication key"]);
        let authentication = MacKey::new(&derived);
        derived.as_mut_slice().zeroize();
        MasterKey { bytes, cipher, authentication, id, id_octets }
    }

    /// The text form, for the key file.
    #[must_use]
    pub fn expose_text(&self) -> Zeroizing<String> {
        // Room for the whole text: a buffer that grows would leave a copy of the key behind.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 + KEY * 2));
        text.push_str(PREFIX);
        text.push(' ');
        push_hex(&mut text, self.bytes.as_slice());
        text.push('\n');
        text
    }

    /// A fingerprint of the key, 16 hex digits, which reveals nothing else. The store keeps it beside the records, so that a
    /// wrong key is noticed before any record is read.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The octets of [`MasterKey::id`], which each wrapped record begins with.
    #[must_use]
    pub fn id_octets(&self) -> [u8; MASTER_KEY_ID] {
        self.id_octets
    }

    /// Returns the HMAC-SHA-256 of a message that consists of parts, under a key derived from this one. Nothing separates the parts:
    /// the caller makes messages of different kinds differ.
    #[must_use]
    pub fn authenticate(&self, message: &[&[u8]]) -> [u8; 32] {
        self.authentication.tag(message).into()
    }

    /// Wraps: random nonce, then ciphertext and tag. 28 octets longer than the plaintext.
    pub fn wrap(&self, associated: &[u8], plaintext: &[u8], rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        let mut nonce = Nonce::default();
        rng.fill_bytes(&mut nonce);
        let mut wrapped = Vec::with_capacity(NONCE + plaintext.len() + TAG);
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(plaintext);
        let (_, text) = wrapped.split_at_mut(NONCE);
        match self.cipher.encrypt_in_place_detached(&nonce, associated, text) {
            Ok(tag) => wrapped.extend_from_slice(&tag),
            Err(_) => unreachable!("a record has less than the 64 GiB that AES-GCM-SIV can take"),
        }
        wrapped
    }

    /// Returns the plaintext of a wrapped record.
    ///
    /// # Errors
    /// [`CryptoError::TooShort`], [`CryptoError::Integrity`] (another key, another name, or changed octets).
    pub fn unwrap(&self, associated: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (nonce, rest) = wrapped.split_first_chunk::<NONCE>().ok_or(CryptoError::TooShort)?;
        let (text, tag) = rest.split_last_chunk::<TAG>().ok_or(CryptoError::TooShort)?;
        let mut plaintext = Zeroizing::new(text.to_vec());
        self.cipher
            .decrypt_in_place_detached(&Nonce::from(*nonce), associated, &mut plaintext, &Tag::from(*tag))
            .map_err(|_| CryptoError::Integrity)?;
        Ok(plaintext)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

fn digit(character: u8) -> Result<u8, CryptoError> {
    let value = char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok());
    value.ok_or(CryptoError::MasterKey("the second word is not 64 hexadecimal digits"))
}

fn push_hex(text: &mut String, octets: &[u8]) {
    for octet in octets {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
    }
}
