//! What a dump is encrypted under: the passphrase or the key of a file, or of the first line of standard input.

use anyhow::{Context, bail, ensure};
use kennel_wire::realm_dump::DumpRequest;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

/// The name of standard input and standard output.
pub(super) const STDIO: &str = "-";

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

fn first_line(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if path == Path::new(STDIO) {
        // The dump may stand behind it.
        io::stdin().lock().read_line(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = read.with_context(|| format!("{} cannot be read", path.display()))?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    ensure!(!line.is_empty(), "the first line of {} is empty", path.display());
    Ok(line)
}
