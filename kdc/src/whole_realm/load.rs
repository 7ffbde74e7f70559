//! `kennel-kdc load`: a dump into an empty store, or into the place of all that a store has.

use crate::whole_realm::input;
use crate::whole_realm::progress::Progress;
use crate::whole_realm::secret::SecretArgs;
use crate::whole_realm::store::{StoreArgs, realm_of};
use anyhow::ensure;
use clap::Args;
use kennel_store::dump::reader;
use kennel_store::sled::Rollback;
use std::path::PathBuf;

/// Options of `load`.
#[derive(Debug, Args)]
#[command(after_help = "\
The records are staged beside those of the store, and one step puts them into their place: if the process is killed, the store has all
of the old records or all of the new ones, and kennel-kdc says which when it opens the store again. Revisions go on far above those of
the dump and of the store, and new key versions 65,536 above: whatever happened after the dump is undone, and none of its numbers comes
again. Where no store is, one is made, and the master key with it.")]
pub(crate) struct LoadArgs {
    /// The dump; - for standard input, behind the passphrase where that comes from there too.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Puts the dump into the place of all that the store has, which must be of the same realm.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Loads a dump.
pub(crate) async fn run(args: &LoadArgs) -> anyhow::Result<()> {
    let secret = args.secret.read()?;
    let file = input::read(&args.file)?;
    let (manifest, records) = reader::read(&file, &secret, |_| {})?;
    drop(file);
    let store = args.store.open(true, Rollback::Accept).await?;
    let (present, revision) = store.records().await?;
    let of_store = realm_of(&present).unwrap_or("(none)");
    ensure!(
        present.is_empty() || args.replace,
        "the store has {} records of the realm {of_store}: give --replace for the dump to take their place (nothing was changed)",
        present.len()
    );
    ensure!(
        present.is_empty() || of_store == manifest.realm,
        "the store belongs to the realm {of_store}, and the dump to {}: give another store (nothing was changed)",
        manifest.realm
    );
    drop(present);
    let (count, above) = (records.len(), revision.max(manifest.revision).beyond_lost_history());
    let mut progress = Progress::new("records loaded", count);
    let revision = store.replace(records, above, Box::new(move |done| progress.at(done))).await?;
    println!(
        "loaded {count} records of the realm {}, as they were on {} at revision {}; the store goes on at revision {}, and new keys have \
         versions above {}",
        manifest.realm,
        manifest.created.to_rfc3339(),
        manifest.revision.0,
        revision.0,
        revision.kvno_floor()
    );
    Ok(())
}
