//! The pseudo-random function of every enctype (RFC 3961, section 3; RFC 8009, section 5).

use crate::aes_sha2::{Sha256Aes128, Sha384Aes256};
use crate::enctype::Enctype;
use crate::secret::SecretBytes;
use crate::{aes_sha1, aes_sha2, rc4};
use aes::{Aes128, Aes256};

/// Returns as many octets as the enctype defines: 16 (17, 18), 20 (23), 32 (19) or 48 (20).
pub(crate) fn prf(enctype: Enctype, octets: &[u8], input: &[u8]) -> SecretBytes {
    SecretBytes::new(match enctype {
        Enctype::Aes128CtsHmacSha1 => aes_sha1::prf::<Aes128>(octets, input).to_vec(),
        Enctype::Aes256CtsHmacSha1 => aes_sha1::prf::<Aes256>(octets, input).to_vec(),
        Enctype::Aes128CtsHmacSha256 => aes_sha2::prf::<Sha256Aes128>(octets, input).as_slice().to_vec(),
        Enctype::Aes256CtsHmacSha384 => aes_sha2::prf::<Sha384Aes256>(octets, input).as_slice().to_vec(),
        Enctype::Rc4Hmac => rc4::prf(octets, input).to_vec(),
    })
}
