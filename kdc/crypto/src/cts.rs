//! AES in CBC mode with ciphertext stealing (RFC 3962, section 5): the initial vector is zero, and the last two blocks
//! are swapped even where nothing had to be stolen.

use aes::Block;
use aes::cipher::consts::U16;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{
    BlockCipher, BlockDecrypt, BlockDecryptMut, BlockEncrypt, BlockEncryptMut, BlockSizeUser, InnerIvInit, KeyInit,
};
use cbc::{Decryptor, Encryptor};
use zeroize::Zeroize;

/// Octets of a block.
pub(crate) const BLOCK: usize = 16;

/// Octets of the longest key.
pub(crate) const LONGEST_KEY: usize = 32;

/// AES-128 or AES-256: the schedules of both directions.
pub(crate) trait Aes:
    KeyInit + BlockEncrypt + BlockDecrypt + BlockCipher + BlockSizeUser<BlockSize = U16>
{
    /// The schedules of a key; octets behind the key's length are ignored, missing ones are zero.
    fn from_octets(octets: &[u8]) -> Self {
        let mut key = aes::cipher::Key::<Self>::default();
        key.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
        let cipher = Self::new(&key);
        key.as_mut_slice().zeroize();
        cipher
    }
}

impl Aes for aes::Aes128 {}
impl Aes for aes::Aes256 {}

/// Encrypts in place. `data` is at least one block: it begins with a confounder (shorter data stays as it is).
pub(crate) fn encrypt<C: Aes>(cipher: &C, data: &mut [u8]) {
    let mut cbc = Encryptor::<&C>::inner_iv_init(cipher, &Block::default());
    let Some((head, last)) = split_last(data) else { return };
    let (blocks, _) = InOutBuf::from(&mut *head).into_chunks::<U16>();
    cbc.encrypt_blocks_inout_mut(blocks);

    let mut block = Block::default();
    block.iter_mut().zip(&*last).for_each(|(to, from)| *to = *from);
    cbc.encrypt_block_mut(&mut block);
    match head.last_chunk_mut::<BLOCK>() {
        Some(before) => {
            last.iter_mut().zip(&*before).for_each(|(to, from)| *to = *from);
            before.copy_from_slice(&block);
        }
        None => last.iter_mut().zip(&block).for_each(|(to, from)| *to = *from),
    }
}

/// Decrypts in place; the inverse of [`encrypt`].
pub(crate) fn decrypt<C: Aes>(cipher: &C, data: &mut [u8]) {
    let mut cbc = Decryptor::<&C>::inner_iv_init(cipher, &Block::default());
    let Some((head, last)) = split_last(data) else { return };
    let Some((head, before)) = head.split_last_chunk_mut::<BLOCK>() else {
        let (blocks, _) = InOutBuf::from(last).into_chunks::<U16>();
        cbc.decrypt_blocks_inout_mut(blocks);
        return;
    };
    let (blocks, _) = InOutBuf::from(head).into_chunks::<U16>();
    cbc.decrypt_blocks_inout_mut(blocks);

    // The block that was moved forward holds the last plaintext and what was stolen from the block before.
    let mut moved = Block::from(*before);
    cipher.decrypt_block(&mut moved);
    let mut stolen_from = moved;
    for ((last, moved), stolen) in last.iter_mut().zip(&moved).zip(stolen_from.iter_mut()) {
        *stolen = *last;
        *last ^= moved;
    }
    cbc.decrypt_block_mut(&mut stolen_from);
    before.copy_from_slice(&stolen_from);
    stolen_from.as_mut_slice().zeroize();
    moved.as_mut_slice().zeroize();
}

/// Splits data into whole blocks and the last block, which may be shorter. `None` where data is shorter than one block.
fn split_last(data: &mut [u8]) -> Option<(&mut [u8], &mut [u8])> {
    let whole = data.len().checked_sub(BLOCK)?.div_ceil(BLOCK) * BLOCK;
    data.split_at_mut_checked(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;
    use aes::{Aes128, Aes256};

    #[test]
    fn rfc_3962_appendix_b_cbc_with_ciphertext_stealing() {
        let cipher = Aes128::from_octets(b"chicken teriyaki");
        let input = b"I would like the General Gau's Chicken, please, and wonton soup.";
        for (length, expected) in [
            (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
            (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
            (32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"),
            (47, "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5"),
            (48, "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8"),
            (
                64,
                "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8\
                 4807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8",
            ),
        ] {
            let mut data = input[..length].to_vec();
            encrypt(&cipher, &mut data);
            assert_eq!(data, hex(expected), "{length} octets");
            decrypt(&cipher, &mut data);
            assert_eq!(data, input[..length], "{length} octets");
        }
    }

    #[test]
    fn every_length_from_one_block_on_comes_back() {
        let cipher = Aes256::from_octets(&[7; 32]);
        for length in BLOCK..200 {
            let plain: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let mut data = plain.clone();
            encrypt(&cipher, &mut data);
            assert_ne!(data, plain);
            decrypt(&cipher, &mut data);
            assert_eq!(data, plain, "{length} octets");
        }
    }

    #[test]
    fn less_than_a_block_stays_as_it_is() {
        let cipher = Aes256::from_octets(&[7; 32]);
        for length in 0..BLOCK {
            let mut data = vec![1; length];
            encrypt(&cipher, &mut data);
            decrypt(&cipher, &mut data);
            assert_eq!(data, vec![1; length]);
        }
    }
}
