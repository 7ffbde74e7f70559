//! Makes a key from a password (RFC 3962, section 4; RFC 8009, section 4; RFC 4757, section 2).

use crate::aes_sha2::{Sha256Aes128, Sha384Aes256, Variant};
use crate::cts::{Aes, LONGEST_KEY};
use crate::enctype::Enctype;
use crate::error::CryptoError;
use crate::secret::SecretBytes;
use crate::{aes_sha1, aes_sha2, rc4};
use aes::{Aes128, Aes256};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

/// Most iterations: a peer chooses the number, and a larger one would let the peer burn CPU time.
const MOST_ITERATIONS: u32 = 1_000_000;

/// Derives the octets of a key from a password.
pub(crate) fn string_to_key(
    enctype: Enctype,
    password: &[u8],
    salt: &[u8],
    parameters: Option<&[u8]>,
) -> Result<SecretBytes, CryptoError> {
    let iterations = iterations(enctype, parameters)?;
    Ok(match enctype {
        Enctype::Aes128CtsHmacSha1 => aes_sha1_key::<Aes128>(password, salt, iterations),
        Enctype::Aes256CtsHmacSha1 => aes_sha1_key::<Aes256>(password, salt, iterations),
        Enctype::Aes128CtsHmacSha256 => {
            let salt = aes_sha2::salted::<Sha256Aes128>(salt);
            aes_sha2_key::<Sha256Aes128>(|key| pbkdf2_hmac::<Sha256>(password, &salt, iterations, key))
        }
        Enctype::Aes256CtsHmacSha384 => {
            let salt = aes_sha2::salted::<Sha384Aes256>(salt);
            aes_sha2_key::<Sha384Aes256>(|key| pbkdf2_hmac::<Sha384>(password, &salt, iterations, key))
        }
        Enctype::Rc4Hmac => {
            let password = std::str::from_utf8(password).map_err(|_| CryptoError::PasswordEncoding)?;
            SecretBytes::new(rc4::key_from_password(password).to_vec())
        }
    })
}

/// Iterations from the parameters, or the default.
fn iterations(enctype: Enctype, parameters: Option<&[u8]>) -> Result<u32, CryptoError> {
    let default = match enctype {
        Enctype::Aes128CtsHmacSha1 | Enctype::Aes256CtsHmacSha1 => 4096,
        Enctype::Aes128CtsHmacSha256 | Enctype::Aes256CtsHmacSha384 => 32_768,
        // RC4 has neither salt nor iterations, so parameters must be absent or empty.
        Enctype::Rc4Hmac if parameters.is_none_or(<[u8]>::is_empty) => return Ok(0),
        Enctype::Rc4Hmac => return Err(CryptoError::StringToKeyParameters),
    };
    let Some(parameters) = parameters else { return Ok(default) };
    let octets = parameters.try_into().map_err(|_| CryptoError::StringToKeyParameters)?;
    match u32::from_be_bytes(octets) {
        count @ 1..=MOST_ITERATIONS => Ok(count),
        _ => Err(CryptoError::StringToKeyParameters),
    }
}

fn aes_sha1_key<C: Aes>(password: &[u8], salt: &[u8], iterations: u32) -> SecretBytes {
    let length = C::key_size();
    let mut stretched = Zeroizing::new(vec![0; length]);
    pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut stretched);
    SecretBytes::new(aes_sha1::key_from_stretched::<C>(&stretched).iter().copied().take(length).collect())
}

fn aes_sha2_key<V: Variant>(stretch: impl FnOnce(&mut [u8])) -> SecretBytes {
    let mut stretched = Zeroizing::new([0; LONGEST_KEY]);
    let (stretched, _) = stretched.split_at_mut(V::KEY);
    stretch(stretched);
    SecretBytes::new(aes_sha2::key_from_stretched::<V>(stretched).as_slice().to_vec())
}
