//! The beginning of a dump: the format, and how the key of the file is made.
//!
//! ```text
//! header = "kennel-dump 1\n", protection (1 octet: 0 a key, 1 a passphrase), salt (16), memory, passes, lanes (4 each; 0 with a key)
//! ```
//! The salt is random, and so tells files apart: it is in the associated data of each piece.

use crate::error::StoreError;
use kennel_crypto::PassphraseCost;
use kennel_crypto::passphrase::SALT;

const MAGIC: &[u8] = b"kennel-dump ";
const FORMAT: &[u8] = b"1\n";
/// Octets of a header.
pub(super) const LENGTH: usize = MAGIC.len() + FORMAT.len() + 1 + SALT + 12;

/// How the key of the file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    Key,
    Passphrase(PassphraseCost),
}

/// The beginning of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) protection: Protection,
    pub(super) salt: [u8; SALT],
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let (protection, cost) = match self.protection {
            Protection::Key => (0, PassphraseCost { memory: 0, passes: 0, lanes: 0 }),
            Protection::Passphrase(cost) => (1, cost),
        };
        let mut header = [MAGIC, FORMAT, &[protection], &self.salt].concat();
        for number in [cost.memory, cost.passes, cost.lanes] {
            header.extend_from_slice(&number.to_be_bytes());
        }
        header
    }

    /// Reads a header, and returns what follows.
    pub(super) fn decode(file: &[u8]) -> Result<(Header, &[u8]), StoreError> {
        let refused = |reason| StoreError::Dump { reason };
        let rest = file.strip_prefix(MAGIC).ok_or(refused("it is no dump of Kennel"))?;
        let newer = "a newer Kennel made it: use that one";
        let rest = rest.strip_prefix(FORMAT).ok_or(refused(newer))?;
        let torn = || refused("it ends in its first line");
        let (&protection, rest) = rest.split_first().ok_or_else(torn)?;
        let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or_else(torn)?;
        let (cost, rest) = rest.split_first_chunk::<12>().ok_or_else(torn)?;
        let mut numbers = cost.as_chunks::<4>().0.iter().map(|number| u32::from_be_bytes(*number));
        let mut number = || numbers.next().unwrap_or_default();
        let cost = PassphraseCost { memory: number(), passes: number(), lanes: number() };
        let protection = match protection {
            0 => Protection::Key,
            1 => Protection::Passphrase(cost),
            _ => return Err(refused(newer)),
        };
        Ok((Header { protection, salt: *salt }, rest))
    }
}
