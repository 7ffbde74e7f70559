//! The pseudo-random function of every enctype (RFC 3961, section 3; RFC 8009, section 5), and the keys that are combined with
//! it (RFC 6113, section 5.1).

use crate::aes_sha2::{Sha256Aes128, Sha384Aes256};
use crate::enctype::Enctype;
use crate::secret::SecretBytes;
use crate::{aes_sha1, aes_sha2, rc4};
use aes::{Aes128, Aes256};
use zeroize::Zeroizing;

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

/// PRF+ (RFC 6113, section 5.1): the function over a counter octet, from 1, and the pepper, block after block, cut to `length`
/// octets. A key needs three blocks at most; 255 are the limit of the counter.
pub(crate) fn prf_plus(enctype: Enctype, octets: &[u8], pepper: &[u8], length: usize) -> SecretBytes {
    const LONGEST_BLOCK: usize = 48;
    // Room for all of it from the start: a vector that grows leaves octets behind.
    let mut output = Zeroizing::new(Vec::with_capacity(length + LONGEST_BLOCK));
    for counter in 1..=u8::MAX {
        if output.len() >= length {
            break;
        }
        output.extend_from_slice(prf(enctype, octets, &[&[counter], pepper].concat()).expose());
    }
    output.truncate(length);
    SecretBytes::new(std::mem::take(&mut *output))
}

/// The octets of KRB-FX-CF2: PRF+ of both keys, each with its pepper, combined by exclusive or.
pub(crate) fn fx_cf2(
    (first, first_octets, first_pepper): (Enctype, &[u8], &[u8]),
    (second, second_octets, second_pepper): (Enctype, &[u8], &[u8]),
) -> SecretBytes {
    let length = first.key_length();
    let left = prf_plus(first, first_octets, first_pepper, length);
    let right = prf_plus(second, second_octets, second_pepper, length);
    SecretBytes::new(left.expose().iter().zip(right.expose()).map(|(left, right)| left ^ right).collect())
}
