//! Section `[store]`: the principals' place and master key.

use serde::Deserialize;
use std::path::PathBuf;

/// Where the principals are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    pub(crate) kind: StoreKind,
    pub(crate) path: PathBuf,
    /// File of the key that wraps every record.
    pub(crate) master_key: PathBuf,
    /// Makes a new realm where there is no store yet.
    #[serde(default)]
    pub(crate) create: bool,
    /// Principals that are kept in memory, ready for use.
    #[serde(default = "default_cache_capacity")]
    pub(crate) cache_capacity: usize,
}

/// Kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreKind {
    /// On this machine's disk.
    Sled,
}

pub(crate) fn default_cache_capacity() -> usize {
    100_000
}
