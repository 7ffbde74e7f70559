//! Opens the store, or creates it where that is allowed. Nothing that exists is replaced: with a missing key, another realm or a
//! damaged file, the process refuses to start.

use crate::clock;
use anyhow::{Context, bail};
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_core::realm::Realm;
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, master_key_file};
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// Opens the store of sled in `path` under the key in the file `master_key`. With `create`, creates both where there is none.
pub(crate) async fn open(path: &Path, master_key: &Path, create: bool) -> anyhow::Result<Arc<SledStore>> {
    let (path, master_key) = (path.to_owned(), master_key.to_owned());
    let store = tokio::task::spawn_blocking(move || open_blocking(&path, &master_key, create)).await??;
    Ok(Arc::new(store))
}

fn open_blocking(path: &Path, master_key: &Path, create: bool) -> anyhow::Result<SledStore> {
    if !create && !SledStore::exists(path)? {
        bail!(
            "there is no store in {}: correct store.path, or start once with --create for a new realm",
            path.display()
        );
    }
    let (key, mode) = if create {
        make_parent(path)?;
        make_parent(master_key)?;
        (master_key_file::load_or_create(master_key, path, &mut OsRng)?, OpenMode::CreateIfMissing)
    } else {
        (master_key_file::load(master_key)?, OpenMode::Existing)
    };
    Ok(SledStore::open(path, Arc::new(key), mode)?)
}

fn make_parent(path: &Path) -> anyhow::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => make_private_folder(parent),
        _ => Ok(()),
    }
}

/// Creates a folder and its missing parents with mode 0700. Leaves an existing folder as it is.
pub(crate) fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("the folder {} cannot be created", path.display()))
}

/// Checks that the store belongs to this realm, which means that `krbtgt/REALM` is in it. With `create`, creates that principal in
/// an empty store. Returns whether it did.
pub(crate) async fn check_realm(store: &dyn PrincipalStore, realm: &Realm, create: bool) -> anyhow::Result<bool> {
    let krbtgt = Principal::krbtgt(&realm.name, &realm.name);
    if store.read(&krbtgt).await?.is_some() {
        return Ok(false);
    }
    let realms: BTreeSet<String> =
        store.list().await?.records.iter().map(|versioned| versioned.record.name().realm.clone()).collect();
    if !realms.is_empty() {
        let realms = realms.into_iter().collect::<Vec<_>>().join(", ");
        bail!(
            "the store has no {krbtgt} and belongs to the realm {realms}: correct the realm's name, or give another store"
        );
    }
    if !create {
        bail!("the store is empty and has no {krbtgt}: start once with --create for a new realm");
    }
    let now = clock::now();
    let keys = KeySet::random(&realm.enctypes, 1, now, &mut OsRng);
    let record = PrincipalRecord::new(krbtgt, Origin::Manual, keys, now, "kennel-kdc");
    store.put(&Record::Principal(Box::new(record)), Expect::Absent).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_store::MemoryStore;

    #[tokio::test]
    async fn an_empty_store_gets_its_krbtgt_only_where_that_is_asked_for() {
        let store = MemoryStore::new();
        let realm = Realm::new("R");
        let error = check_realm(&store, &realm, false).await.unwrap_err().to_string();
        assert!(error.contains("krbtgt/R@R") && error.contains("--create"), "{error}");
        assert!(check_realm(&store, &realm, true).await.unwrap());
        assert!(!check_realm(&store, &realm, false).await.unwrap());
    }

    #[tokio::test]
    async fn the_store_of_another_realm_is_refused_by_name() {
        let store = MemoryStore::new();
        check_realm(&store, &Realm::new("OLD"), true).await.unwrap();
        let error = check_realm(&store, &Realm::new("NEW"), true).await.unwrap_err().to_string();
        assert!(error.contains("realm OLD"), "{error}");
        assert_eq!(store.list().await.unwrap().records.len(), 1, "nothing was made");
    }

    #[tokio::test]
    async fn a_store_is_made_only_with_create() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key) = (dir.path().join("a/store"), dir.path().join("a/master.key"));
        let error = open(&path, &key, false).await.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("--create"), "{error}");
        assert!(!dir.path().join("a").exists(), "nothing was made");
        drop(open(&path, &key, true).await.unwrap());
        drop(open(&path, &key, false).await.unwrap());
    }

    #[tokio::test]
    async fn a_store_without_its_key_is_not_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key) = (dir.path().join("store"), dir.path().join("master.key"));
        drop(open(&path, &key, true).await.unwrap());
        std::fs::remove_file(&key).unwrap();
        let error = open(&path, &key, true).await.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("master.key"), "{error}");
        assert!(!key.exists());
    }
}
