//! What a dump is encrypted under: the passphrase or the key of a file.

use crate::whole_realm::input;
use anyhow::ensure;
use clap::Args;
use kennel_crypto::SecretBytes;
use kennel_store::dump::secret::DumpSecret;
use kennel_store::master_key_file;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SecretArgs {
    /// File with the passphrase of the dump, in its first line; - for the first line of standard input.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File with the key of the dump, in the form of a master key: kennel-master-key-v1 and 64 hexadecimal digits.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl SecretArgs {
    /// Reads the file.
    pub(super) fn read(&self) -> anyhow::Result<DumpSecret> {
        match (&self.passphrase_file, &self.key_file) {
            (Some(path), _) => Ok(DumpSecret::Passphrase(first_line(path)?)),
            (None, Some(path)) => Ok(DumpSecret::Key(Arc::new(master_key_file::load(path)?))),
            (None, None) => unreachable!("clap asks for one of them"),
        }
    }
}

/// The first line of a file, which must not be empty.
pub(super) fn first_line(path: &Path) -> anyhow::Result<SecretBytes> {
    let content = Zeroizing::new(input::read_line(path)?);
    let line = content.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    ensure!(!line.is_empty(), "the first line of {} is empty: it must have the password or passphrase", path.display());
    Ok(SecretBytes::new(line.to_vec()))
}
