//! n-fold: stretches or shrinks a string to a wanted length (RFC 3961, section 5.1).

use crate::usage::KeyUsage;
use std::sync::LazyLock;

/// Octets of a folded constant: one AES block.
pub(crate) const FOLDED: usize = 16;

/// Usages whose constants are folded once for the whole process: all that Kerberos itself assigns.
const WELL_KNOWN_USAGES: u32 = 64;

static WELL_KNOWN: LazyLock<Vec<[[u8; FOLDED]; 3]>> = LazyLock::new(|| {
    let fold_all = |usage| SubKey::ALL.map(|sub_key| fold_constant(&usage_constant(KeyUsage(usage), sub_key)));
    (0..WELL_KNOWN_USAGES).map(fold_all).collect()
});

/// Which key of a usage is derived (RFC 3961, section 5.3, and RFC 8009, section 3).
#[derive(Debug, Clone, Copy)]
pub(crate) enum SubKey {
    /// Kc, for checksums.
    Checksum,
    /// Ke, for encryption.
    Encryption,
    /// Ki, for the integrity of what is encrypted.
    Integrity,
}

impl SubKey {
    const ALL: [SubKey; 3] = [SubKey::Checksum, SubKey::Encryption, SubKey::Integrity];

    const fn octet(self) -> u8 {
        match self {
            SubKey::Checksum => 0x99,
            SubKey::Encryption => 0xAA,
            SubKey::Integrity => 0x55,
        }
    }
}

/// The well-known constant of a sub-key: the usage, big-endian, and one octet.
pub(crate) fn usage_constant(usage: KeyUsage, sub_key: SubKey) -> [u8; 5] {
    let [a, b, c, d] = usage.0.to_be_bytes();
    [a, b, c, d, sub_key.octet()]
}

/// The constant of a sub-key, folded to a block.
pub(crate) fn folded_usage(usage: KeyUsage, sub_key: SubKey) -> [u8; FOLDED] {
    let well_known = usize::try_from(usage.0).ok().and_then(|index| WELL_KNOWN.get(index));
    match (well_known, sub_key) {
        (Some([folded, _, _]), SubKey::Checksum)
        | (Some([_, folded, _]), SubKey::Encryption)
        | (Some([_, _, folded]), SubKey::Integrity) => *folded,
        (None, _) => fold_constant(&usage_constant(usage, sub_key)),
    }
}

/// Folds any constant to a block.
pub(crate) fn fold_constant(constant: &[u8]) -> [u8; FOLDED] {
    let mut folded = [0; FOLDED];
    n_fold(constant, &mut folded);
    folded
}

/// Folds `input` into all of `output`. Copies of the input, each rotated 13 bits further to the right, are strung
/// together to the least common multiple of both lengths and cut into pieces of the output's length; the output is
/// their ones' complement sum. An empty input yields zeros.
fn n_fold(input: &[u8], output: &mut [u8]) {
    output.fill(0);
    if input.is_empty() || output.is_empty() {
        return;
    }
    let width = output.len();
    let total = input.len() / greatest_common_divisor(input.len(), width) * width;
    // From the last octet to the first, so that a carry out of a piece runs into the end of the one before it: that is
    // the end-around carry of the ones' complement sum.
    let mut carry = 0;
    for position in (0..total).rev() {
        carry = add_octet(output, position % width, u16::from(strung_octet(input, position)) + carry);
    }
    for position in (0..width).rev() {
        carry = add_octet(output, position, carry);
    }
}

/// Adds to one octet; returns the carry.
fn add_octet(sum: &mut [u8], position: usize, addend: u16) -> u16 {
    let Some(octet) = sum.get_mut(position) else { return 0 };
    let [carry, low] = (u16::from(*octet) + addend).to_be_bytes();
    *octet = low;
    u16::from(carry)
}

/// One octet of the rotated copies strung together.
fn strung_octet(input: &[u8], position: usize) -> u8 {
    let bits = input.len() * 8;
    let (copy, octet) = (position / input.len(), position % input.len());
    let first_bit = (octet * 8 + bits - (copy * 13) % bits) % bits;
    let at = |index: usize| input.get(index % input.len()).copied().unwrap_or_default();
    let [octet, _] = (u16::from_be_bytes([at(first_bit / 8), at(first_bit / 8 + 1)]) << (first_bit % 8)).to_be_bytes();
    octet
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    fn folded(input: &str, bits: usize) -> Vec<u8> {
        let mut output = vec![0; bits / 8];
        n_fold(input.as_bytes(), &mut output);
        output
    }

    #[test]
    fn rfc_3961_a_1_n_fold() {
        for (input, bits, expected) in [
            ("012345", 64, "be072631276b1955"),
            ("password", 56, "78a07b6caf85fa"),
            ("Rough Consensus, and Running Code", 64, "bb6ed30870b7f0e0"),
            ("password", 168, "59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e"),
            ("MASSACHVSETTS INSTITVTE OF TECHNOLOGY", 192, "db3b0d8f0b061e603282b308a50841229ad798fab9540c1b"),
            ("Q", 168, "518a54a215a8452a518a54a215a8452a518a54a215"),
            ("ba", 168, "fb25d531ae8974499f52fd92ea9857c4ba24cf297e"),
            ("kerberos", 64, "6b65726265726f73"),
            ("kerberos", 128, "6b65726265726f737b9b5b2b93132b93"),
            ("kerberos", 168, "8372c236344e5f1550cd0747e15d62ca7a5a3bcea4"),
            ("kerberos", 256, "6b65726265726f737b9b5b2b93132b935c9bdcdad95c9899c4cae4dee6d6cae4"),
        ] {
            let expected = hex(expected);
            assert_eq!(folded(input, bits), expected, "{bits}-fold({input})");
        }
    }

    #[test]
    fn well_known_usages_are_folded_like_any_other() {
        for usage in [0, 1, 2, 63, 64, 65, 1024, u32::MAX] {
            for sub_key in SubKey::ALL {
                let constant = usage_constant(KeyUsage(usage), sub_key);
                assert_eq!(folded_usage(KeyUsage(usage), sub_key), fold_constant(&constant), "{usage} {sub_key:?}");
            }
        }
    }

    #[test]
    fn nothing_folds_to_zeros() {
        assert_eq!(folded("", 64), [0; 8]);
        assert!(folded("abc", 0).is_empty());
    }
}
