//! Where the store is, and how it is opened while no KDC has it.

use crate::config::store::{StoreKind, StoreSettings, default_cache_capacity, default_rewrap_rate};
use crate::config::{Config, file};
use crate::serve::store::open_newest;
use anyhow::Context;
use clap::Args;
use kennel_core::principal::Record;
use kennel_store::sled::Rollback;
use kennel_store::{PrincipalStore, Revision, SledStore, StoreError, mark_file};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// The configuration of `kennel-kdc serve`, which names the store and its master key.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store", "dir"], required_unless_present_any = ["store", "dir"])]
    config: Option<PathBuf>,
    /// Folder of the store, in place of a configuration.
    #[arg(long, value_name = "DIR", requires = "store_key", conflicts_with = "dir")]
    store: Option<PathBuf>,
    /// File of the master key of that store.
    #[arg(long, value_name = "FILE", requires = "store")]
    store_key: Option<PathBuf>,
    /// Folder of `kennel-kdc dev`, in place of a configuration.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl StoreArgs {
    /// Opens the store. `create`: also where there is none, with a new master key where that is missing too.
    pub(super) async fn open(&self, create: bool, rollback: Rollback) -> anyhow::Result<OpenStore> {
        let mut settings = self.settings()?;
        (settings.create, settings.rollback) = (create, rollback);
        let store = open_newest(&settings, Revision(0)).await.map_err(with_remedy)?;
        Ok(OpenStore { store, master_key: settings.master_key })
    }

    fn settings(&self) -> anyhow::Result<StoreSettings> {
        if let Some(path) = &self.config {
            return Ok(file::read::<Config>(path)?.store);
        }
        let (path, master_key) = match (&self.store, &self.store_key, &self.dir) {
            (Some(store), Some(key), _) => (store.clone(), key.clone()),
            (_, _, Some(dir)) => (dir.join("store"), dir.join("master.key")),
            _ => anyhow::bail!("give --config, --dir, or --store with --store-key"),
        };
        Ok(StoreSettings {
            kind: StoreKind::Sled,
            path,
            master_key,
            rewrap_rate: default_rewrap_rate(),
            rotate_master_key: false,
            create: false,
            rollback: Rollback::Refuse,
            cache_capacity: default_cache_capacity(),
        })
    }
}

fn with_remedy(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Locked { .. }) => {
            error.context("the KDC runs: kennel dump, kennel load and kennel import-mit do the same while it serves")
        }
        _ => error,
    }
}

/// The store of a KDC that does not run.
pub(super) struct OpenStore {
    store: Arc<SledStore>,
    master_key: PathBuf,
}

impl OpenStore {
    /// All records, and the revision that they show.
    pub(super) async fn records(&self) -> anyhow::Result<(Vec<Record>, Revision)> {
        let listing = self.store.list().await?;
        Ok((listing.records.into_iter().map(|versioned| versioned.record).collect(), listing.revision))
    }

    /// Replaces all records, all of them or none, at revisions above `above`. Keeps the mark of the new revision, and closes the store.
    pub(super) async fn replace(
        self,
        records: Vec<Record>,
        above: Revision,
        progress: Box<dyn FnMut(usize) + Send>,
    ) -> anyhow::Result<Revision> {
        let OpenStore { store, master_key } = self;
        let revision = store.replace_all(records, above, progress).await?;
        // A mounted Secret cannot be written to; the mark only lags behind then.
        let _ = mark_file::write(&mark_file::beside(&master_key), store.master_keys().newest(), revision);
        tokio::task::spawn_blocking(move || drop(store)).await.context("the store did not close")?;
        Ok(revision)
    }
}

/// The realm of records: that of their `krbtgt`.
pub(crate) fn realm_of(records: &[Record]) -> Option<&str> {
    let names = records.iter().map(Record::name);
    let own = names.into_iter().find(|name| name.name.krbtgt_realm() == Some(&*name.realm));
    own.map(|name| &*name.realm)
}
