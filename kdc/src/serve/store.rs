//! Opens the store, or creates it where that is allowed. Nothing that exists is replaced: with a missing key, another realm, a
//! damaged file or an older copy of the store, the process refuses to start.

use crate::clock;
use crate::config::store::StoreSettings;
use crate::serve::mark::KnownMark;
use anyhow::{Context, anyhow, bail};
use kennel_core::admin::caller::AdminService;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_core::realm::Realm;
use kennel_core::rotation::accept::accept_of;
use kennel_store::sled::{HighWater, OpenMode, Rollback};
use kennel_store::{Expect, MasterKeys, PrincipalStore, Revision, SledStore, StoreError, master_key_file};
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// The author of the realm's own principals, as their records name it.
const BY: &str = "kennel-kdc";

/// Opens the store of sled in `path` under the key in the file `master_key`. With `create`, creates both where there is none. An
/// older copy of the store is as good as any other: nothing keeps a mark.
pub(crate) async fn open(path: &Path, master_key: &Path, create: bool) -> anyhow::Result<Arc<SledStore>> {
    let (path, master_key) = (path.to_owned(), master_key.to_owned());
    let opening = move || {
        let (keys, mode) = keys_and_mode(&path, &master_key, create)?;
        Ok::<_, anyhow::Error>(SledStore::open(&path, keys, mode)?)
    };
    Ok(Arc::new(tokio::task::spawn_blocking(opening).await??))
}

/// Opens the store of `serve` as [`open`] does, and refuses one that was at a higher revision already, by the mark beside the master
/// key or by `lease_mark`, that of the realm's Lease.
pub(crate) async fn open_newest(settings: &StoreSettings, lease_mark: Revision) -> anyhow::Result<Arc<SledStore>> {
    let (path, master_key) = (settings.path.clone(), settings.master_key.clone());
    let (create, rollback) = (settings.create, settings.rollback);
    let opening = move || {
        let (keys, mode) = keys_and_mode(&path, &master_key, create)?;
        // The mark, which is under the same key, would only say that the key is not its own.
        SledStore::check_keys(&path, &keys)?;
        let mark = KnownMark::read(&master_key, &keys, lease_mark, rollback)?;
        let known = HighWater { mark: mark.revision, rollback };
        let opened = SledStore::open_known(&path, keys, mode, known);
        opened.map_err(|error| with_remedy(error, &mark)).inspect(|store| report_rollback(store, &mark, rollback))
    };
    Ok(Arc::new(tokio::task::spawn_blocking(opening).await??))
}

fn with_remedy(error: StoreError, mark: &KnownMark) -> anyhow::Error {
    match error {
        StoreError::RolledBack { .. } => anyhow!(
            "{error}. The mark is from {}. Put the newest copy of the store back; if there is none, start once with \
             --accept-rollback, which says what to do then",
            mark.source
        ),
        error => error.into(),
    }
}

fn report_rollback(store: &SledStore, mark: &KnownMark, rollback: Rollback) {
    match store.accepted_rollback() {
        Some(Revision(found)) => tracing::warn!(
            found,
            mark = mark.revision.0,
            "an older copy of the store is served from now on, as --accept-rollback asks. Whatever administrators revoked, deleted \
             or changed since that copy is undone: do it again. Principals of the cluster follow its objects again by themselves. \
             Key versions that were made since are lost, and their numbers come again with other keys: replace keytabs and pods \
             that have them. Start without --accept-rollback from now on"
        ),
        None if rollback == Rollback::Accept => {
            tracing::warn!("no mark is above the store's revision: start without --accept-rollback from now on");
        }
        None => {}
    }
}

/// Reads or creates the master key, and says whether the store may be created.
fn keys_and_mode(path: &Path, master_key: &Path, create: bool) -> anyhow::Result<(MasterKeys, OpenMode)> {
    if !create && !SledStore::exists(path)? {
        bail!(
            "there is no store in {}: correct store.path, or start once with --create for a new realm",
            path.display()
        );
    }
    if create {
        make_parent(path)?;
        make_parent(master_key)?;
        Ok((master_key_file::load_or_create(master_key, path, &mut OsRng)?, OpenMode::CreateIfMissing))
    } else {
        Ok((master_key_file::load_keys(master_key)?, OpenMode::Existing))
    }
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
/// an empty store. Makes the services of administration that the store lacks. Returns whether it created the realm.
pub(crate) async fn check_realm(store: &dyn PrincipalStore, realm: &Realm, create: bool) -> anyhow::Result<bool> {
    let krbtgt = Principal::krbtgt(&realm.name, &realm.name);
    if let Some(Record::Principal(krbtgt)) = store.read(&krbtgt).await?.map(|versioned| versioned.record) {
        make_admin_services(store, realm, &krbtgt).await?;
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
    let keys = KeySet::random(&realm.enctypes, realm.new_keys().first_kvno(), now, &mut OsRng);
    let mut record = PrincipalRecord::new(krbtgt, Origin::Manual, keys, now, BY);
    // What rotations would write into it first of all.
    let accept = accept_of(&record, realm, &record);
    record.keys.versions.iter_mut().for_each(|version| version.accept = Some(accept));
    store.put(&Record::Principal(Box::new(record.clone())), Expect::Absent).await?;
    make_admin_services(store, realm, &record).await?;
    Ok(true)
}

/// Makes `kadmin/admin` and `kadmin/changepw` where they are missing. A store that an earlier version made has none of them.
async fn make_admin_services(
    store: &dyn PrincipalStore,
    realm: &Realm,
    krbtgt: &PrincipalRecord,
) -> anyhow::Result<()> {
    for service in AdminService::ALL {
        if store.read(&service.principal(&realm.name)).await?.is_some() {
            continue;
        }
        let record = service.record(realm, krbtgt, clock::now(), &mut OsRng, BY);
        match store.put(&Record::Principal(Box::new(record)), Expect::Absent).await {
            // Another process was faster.
            Ok(_) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
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
    async fn a_realm_has_the_services_of_administration_also_where_an_earlier_version_made_it() {
        let (store, realm) = (MemoryStore::new(), Realm::new("R"));
        check_realm(&store, &realm, true).await.unwrap();
        let changepw = AdminService::ChangePassword.principal("R");
        let made = store.read(&changepw).await.unwrap().unwrap();
        check_realm(&store, &realm, false).await.unwrap();
        assert_eq!(store.read(&changepw).await.unwrap().unwrap(), made, "the keys stay");
        store.delete(&changepw, made.revision).await.unwrap();
        check_realm(&store, &realm, false).await.unwrap();
        assert!(store.read(&changepw).await.unwrap().is_some());
        assert!(store.read(&AdminService::Admin.principal("R")).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_store_of_another_realm_is_refused_by_name() {
        let store = MemoryStore::new();
        check_realm(&store, &Realm::new("OLD"), true).await.unwrap();
        let error = check_realm(&store, &Realm::new("NEW"), true).await.unwrap_err().to_string();
        assert!(error.contains("realm OLD"), "{error}");
        assert_eq!(store.list().await.unwrap().records.len(), 3, "nothing was made");
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
