//! Digests that stand for names in the tables that requests read: a name is hashed once, when its record comes into memory, and
//! then compared as a number.

use kennel_wire::message::PrincipalName;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// The key of the digests, which is drawn at random when the process begins and never leaves it.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A number that stands for the components of a name, in this process alone.
///
/// Equal digests mean equal names: they have 128 bits of a keyed hash (SipHash-1-3 twice, each half over a prefix of its own) whose key
/// nobody knows, so that the digests of two names that somebody chooses are equal by chance alone, once in 2^128. A realm of a
/// million names that is asked for a million others a second for a hundred years meets such a pair with a probability below 10^-16.
/// Who asks learns nothing about a digest but whether a table has the name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameDigest(u128);

impl NameDigest {
    /// The digest of no name.
    pub(crate) const NONE: NameDigest = NameDigest(0);

    /// The digest of a name.
    pub(crate) fn new(name: &PrincipalName) -> NameDigest {
        let half = |prefix: u8| {
            let mut hasher = KEY.build_hasher();
            hasher.write_u8(prefix);
            for component in &name.components {
                hasher.write(component.as_bytes());
                // No UTF-8 has this octet: it ends the component.
                hasher.write_u8(0xFF);
            }
            u128::from(hasher.finish())
        };
        NameDigest((half(0) << 64 | half(1)).max(1))
    }

    /// The upper half, for the place in a table.
    pub(crate) const fn high(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// Hidden, as the digests of known names would help to find others.
impl fmt::Debug for NameDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameDigest")
    }
}

#[cfg(test)]
impl NameDigest {
    /// A digest with these halves.
    pub(crate) const fn dangerous_new(high: u64, low: u64) -> NameDigest {
        NameDigest((high as u128) << 64 | low as u128)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::NameType;
    use std::collections::BTreeSet;

    #[test]
    fn names_of_the_same_octets_and_other_components_have_other_digests() {
        let names: [&[&str]; 9] =
            [&[], &[""], &["", ""], &["ab"], &["a", "b"], &["", "ab"], &["ab", ""], &["a", "b", ""], &["b", "a"]];
        let digest = |of: &[&str]| NameDigest::new(&PrincipalName::new(NameType::UNKNOWN, of.iter().copied()));
        let digests: BTreeSet<u128> = names.iter().map(|name| digest(name).0).collect();
        assert_eq!(digests.len(), names.len());
        for name in names {
            let digest = digest(name);
            assert_ne!(u128::from(digest.high()), digest.0 & u128::from(u64::MAX), "each half has a prefix of its own");
        }
    }

    #[test]
    fn the_type_of_a_name_is_no_part_of_it() {
        let digest = |of| NameDigest::new(&PrincipalName::new(of, ["web.shop"]));
        assert_eq!(digest(NameType::UNKNOWN), digest(NameType::PRINCIPAL));
        assert_eq!(format!("{:?}", digest(NameType::UNKNOWN)), "NameDigest");
    }
}
