//! `kennel-kdc dump`: all records into an encrypted file.

use crate::clock;
use crate::whole_realm::progress::Progress;
use crate::whole_realm::secret::SecretArgs;
use crate::whole_realm::store::{StoreArgs, realm_of};
use anyhow::{Context, bail, ensure};
use clap::Args;
use kennel_store::dump::{Manifest, writer};
use kennel_store::sled::Rollback;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Options of `dump`.
#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    /// The file to write, which appears when it is whole; - for standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Dumps the realm.
pub(crate) async fn run(args: &DumpArgs) -> anyhow::Result<()> {
    let secret = args.secret.read()?;
    let store = args.store.open(false, Rollback::Refuse).await?;
    let (records, revision) = store.records().await?;
    let Some(realm) = realm_of(&records) else {
        bail!("the store has no krbtgt, and so no realm: there is nothing to dump")
    };
    let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
    let manifest = Manifest { realm: realm.to_owned(), revision, created: clock::now(), records: count };
    let mut progress = Progress::new("records dumped", records.len());
    write_file(&args.file, |out| {
        let at = |done| progress.at(usize::try_from(done).unwrap_or(usize::MAX));
        writer::write(out, &secret, &manifest, records.iter(), at)
    })?;
    eprintln!("dumped {count} records of the realm {realm} at revision {}", revision.0);
    Ok(())
}

/// Writes a file, 0600, which appears under its name when it is whole and on the disk.
fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return write(&mut BufWriter::new(std::io::stdout().lock())).context("standard output cannot be written");
    }
    // A rename would put the dump into the place of a device.
    ensure!(
        fs::metadata(path).map_or(true, |found| found.is_file()),
        "{} is no regular file: name one, or - for standard output",
        path.display()
    );
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let written = || {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&unfinished, path)
    };
    written()
        .inspect_err(|_| _ = fs::remove_file(&unfinished))
        .with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_takes_the_place_of_a_file_and_of_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dump");
        for content in [b"one".as_slice(), b"two"] {
            write_file(&file, |out| out.write_all(content)).unwrap();
            assert_eq!(fs::read(&file).unwrap(), content);
        }
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for other in [&socket, folder.path()] as [&Path; 2] {
            let error = write_file(other, |out| out.write_all(b"three")).unwrap_err();
            assert!(error.to_string().contains("is no regular file"), "{error}");
            assert!(!fs::metadata(other).unwrap().is_file());
        }
    }
}
