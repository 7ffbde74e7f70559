//! What a dump is encrypted under: the passphrase or the key of a file, or of the first line of standard input.

use crate::commands::input::first_line;
use anyhow::bail;
use kennel_wire::realm_dump::DumpRequest;
use std::path::PathBuf;

/// The options that name it.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct SecretArgs {
    /// File with the passphrase of the dump, in its first line; - for the first line of standard input.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File with the key of the dump: kennel-master-key-v1 and 64 hexadecimal digits.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl SecretArgs {
    /// Reads the file.
    pub(super) fn read(&self) -> anyhow::Result<DumpRequest> {
        match (&self.passphrase_file, &self.key_file) {
            (Some(path), _) => Ok(DumpRequest::Passphrase(first_line(path)?)),
            (None, Some(path)) => Ok(DumpRequest::Key(first_line(path)?)),
            (None, None) => bail!("give --passphrase-file or --key-file"),
        }
    }
}
