//! Section `[store]`: the store of the principals and its master key.

use kennel_store::sled::Rollback;
use serde::Deserialize;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Section `[store]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    pub(crate) kind: StoreKind,
    pub(crate) path: PathBuf,
    /// File of the key that wraps every record. The next key, for a rotation, is beside it, with the ending `.next`.
    pub(crate) master_key: PathBuf,
    /// Records a second that a rotation of the master key wraps anew, at most.
    #[serde(default = "default_rewrap_rate")]
    pub(crate) rewrap_rate: NonZeroU32,
    /// Whether to begin a rotation of the master key at this start. Set by `--rotate-master-key` alone.
    #[serde(skip)]
    pub(crate) rotate_master_key: bool,
    /// Whether to create a new realm where no store exists yet.
    #[serde(default)]
    pub(crate) create: bool,
    /// Whether to serve an older copy of the store. Set by `--accept-rollback` alone: a file would accept every rollback to come.
    #[serde(skip)]
    pub(crate) rollback: Rollback,
    /// Principals that are kept in memory with prepared keys.
    #[serde(default = "default_cache_capacity")]
    pub(crate) cache_capacity: usize,
}

/// Kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreKind {
    /// A database of sled, in a folder on this machine.
    Sled,
}

pub(crate) fn default_cache_capacity() -> usize {
    100_000
}

/// 100,000 records in less than two minutes, for some hundredths of a core.
pub(crate) fn default_rewrap_rate() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(999)
}
