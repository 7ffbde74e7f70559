//! All records are replaced at once: for readers, watchers, and whoever opens the store after a crash.

use super::Sled;
use crate::battery::{Backend, full_principal, name, principal};
use crate::error::StoreError;
use crate::principal_store::{Change, Expect, PrincipalStore, Revision};
use crate::sled::{OpenMode, SledStore, staging};
use futures_util::FutureExt;
use kennel_core::principal::Record;
use kennel_crypto::MasterKey;
use rand_core::OsRng;
use std::fs;
use std::sync::{Arc, Mutex};

fn records(prefix: &str, count: u32) -> Vec<Record> {
    let mut records: Vec<Record> =
        (0..count).map(|number| principal(&name(&[prefix, &format!("{number:05}")]), number)).collect();
    records.push(full_principal(&name(&["shared"])));
    records
}

async fn listed(store: &SledStore) -> Vec<Record> {
    store.list().await.unwrap().records.into_iter().map(|versioned| versioned.record).collect()
}

async fn filled(sled: &Sled) -> SledStore {
    let store = sled.sled();
    for record in records("old", 5) {
        store.put(&record, Expect::Absent).await.unwrap();
    }
    store
}

#[tokio::test]
async fn the_new_records_take_the_place_of_all_others_at_revisions_of_their_own() {
    let sled = Sled::new();
    let store = filled(&sled).await;
    let reports = Arc::new(Mutex::new(Vec::new()));
    let progress = reports.clone();
    let new = records("new", 2500);
    let revision = store
        .replace_all(new.clone(), Revision(1 << 32), Box::new(move |count| progress.lock().unwrap().push(count)))
        .await
        .unwrap();
    assert_eq!(revision, Revision((1 << 32) + new.len() as u64));
    assert_eq!(*reports.lock().unwrap(), [1000, 2000, 2501]);
    assert_eq!(listed(&store).await, new);
    let found = store.read(&name(&["shared"])).await.unwrap().unwrap();
    assert!(found.revision > Revision(1 << 32) && store.read(&name(&["old", "00000"])).await.unwrap().is_none());
    // It goes on as any store.
    store.put(&principal(&name(&["more"]), 1), Expect::Absent).await.unwrap();
    store.delete(&name(&["shared"]), found.revision).await.unwrap();
    drop(store);
    let store = sled.try_open(OpenMode::Existing).unwrap();
    assert_eq!(listed(&store).await.len(), new.len());
    assert_eq!(store.list().await.unwrap().revision, Revision(revision.0 + 2));
    for folder in ["data.loading", "data.loaded", "data.replaced", "data.trial"] {
        assert!(!sled.path().join(folder).exists(), "{folder}");
    }
}

#[tokio::test]
async fn revisions_go_on_above_those_of_the_store_where_these_are_higher() {
    let sled = Sled::new();
    let store = filled(&sled).await;
    let before = store.list().await.unwrap().revision;
    let revision = store.replace_all(records("new", 1), Revision(0), Box::new(|_| {})).await.unwrap();
    assert_eq!(revision, Revision(before.0 + 2));
    assert_eq!(store.replace_all(Vec::new(), Revision(0), Box::new(|_| {})).await, Ok(revision));
    assert!(listed(&store).await.is_empty());
}

#[tokio::test]
async fn a_watcher_lists_again() {
    let sled = Sled::new();
    let store = filled(&sled).await;
    let mut watch = store.watch(store.list().await.unwrap().revision).await.unwrap();
    let mut revisions = store.revisions();
    let revision = store.replace_all(records("new", 1), Revision(0), Box::new(|_| {})).await.unwrap();
    assert_eq!(watch.next().await, Some(Change::Lagged));
    assert!(watch.next().now_or_never().is_none());
    assert_eq!(*revisions.borrow_and_update(), revision);
}

#[tokio::test]
async fn a_name_that_occurs_twice_changes_nothing() {
    let sled = Sled::new();
    let store = filled(&sled).await;
    let before = store.list().await.unwrap();
    let twice = [records("new", 1), records("new", 1)].concat();
    let error = store.replace_all(twice, Revision(0), Box::new(|_| {})).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { reason: "the name occurs twice", .. }), "{error}");
    assert_eq!(store.list().await.unwrap(), before);
    assert!(!sled.path().join("data.loading").exists());
    store.put(&principal(&name(&["more"]), 1), Expect::Absent).await.unwrap();
}

#[tokio::test]
async fn a_merge_sees_every_write_before_it_and_none_is_lost_behind_it() {
    let sled = Sled::new();
    let store = filled(&sled).await;
    // All wait for the one writer, in this order.
    let (early, late) = (principal(&name(&["early"]), 1), principal(&name(&["late"]), 1));
    let merge = |mut present: Vec<Record>| {
        present.extend(records("new", 3).into_iter().take(3));
        Ok::<_, StoreError>(present)
    };
    let (before, merged, after) = futures_util::join!(
        store.put(&early, Expect::Absent),
        store.replace_merged(merge, Box::new(|_| {})),
        store.put(&late, Expect::Absent)
    );
    assert!(before.unwrap() < merged.unwrap());
    after.unwrap();
    let mut expected = [records("new", 3), records("old", 5), vec![early, late]].concat();
    expected.sort_by(|one, other| one.name().cmp(other.name()));
    expected.dedup();
    let mut found = listed(&store).await;
    found.sort_by(|one, other| one.name().cmp(other.name()));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_merge_that_is_refused_changes_nothing() {
    let sled = Sled::new();
    let store = filled(&sled).await;
    let before = store.list().await.unwrap();
    let refused = |_: Vec<Record>| Err(StoreError::Closed);
    assert_eq!(store.replace_merged(refused, Box::new(|_| {})).await, Err(StoreError::Closed));
    assert_eq!(store.list().await.unwrap(), before);
    store.put(&principal(&name(&["more"]), 1), Expect::Absent).await.unwrap();
}

#[tokio::test]
async fn during_a_rewrap_the_new_records_are_under_the_next_key() {
    let sled = Sled::new();
    let store = filled(&sled).await;
    let next = Arc::new(MasterKey::generate(&mut OsRng));
    store.begin_rewrap(next.clone()).await.unwrap();
    store.replace_all(records("new", 3), Revision(0), Box::new(|_| {})).await.unwrap();
    let state = store.master_key_state().await.unwrap();
    assert_eq!((state.records, state.under_newest), (4, 4));
    store.finish_rewrap().await.unwrap();
    drop(store);
    let store = SledStore::open(&sled.path(), next, OpenMode::Existing).unwrap();
    assert_eq!(listed(&store).await, records("new", 3));
}

/// The folders of a store, each with whether its files are the new ones; whether the copy of the old snapshot is there; whether the new
/// records are the store.
type Moment = (&'static [(&'static str, bool)], bool, bool);

/// Each state of the folders that a kill can leave: the next opening finds all of the old records, or all of the new ones.
#[tokio::test]
async fn every_moment_of_a_crash_leaves_all_of_the_old_records_or_all_of_the_new_ones() {
    // Two stores of one master key: the old files, and the new ones.
    let (old, new) = (Sled::new(), Sled::new());
    let new = Sled { dir: new.dir, master: old.master.clone() };
    drop(filled(&old).await);
    let store = new.sled();
    store.replace_all(records("new", 5), Revision(100), Box::new(|_| {})).await.unwrap();
    drop(store);
    old.settle();
    new.settle();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(copied.success());
    };
    let (old_data, new_data) = (staging::data(&old.path()), staging::data(&new.path()));
    let old_spare = staging::spare(&old.path());
    let moments: [Moment; 7] = [
        (&[("data", false)], true, false),
        (&[("data", false), ("data.loading", true)], true, false),
        (&[("data", false), ("data.loaded", true)], true, true),
        (&[("data.replaced", false), ("data.loaded", true)], true, true),
        (&[("data.replaced", false), ("data.loaded", true)], false, true),
        (&[("data.replaced", false), ("data", true)], false, true),
        (&[("data", true)], false, true),
    ];
    for (number, (folders, has_spare, is_new)) in moments.into_iter().enumerate() {
        let crashed = Sled { dir: tempfile::tempdir().unwrap(), master: old.master.clone() };
        fs::create_dir(crashed.path()).unwrap();
        for (folder, of_new) in folders {
            copy(if *of_new { &new_data } else { &old_data }, &crashed.path().join(folder));
        }
        if has_spare && old_spare.exists() {
            copy(&old_spare, &staging::spare(&crashed.path()));
        }
        assert_eq!(SledStore::exists(&crashed.path()), Ok(true), "moment {number}");
        SledStore::check_keys(&crashed.path(), &crashed.keys()).unwrap();
        let store = crashed.try_open(OpenMode::Existing).unwrap();
        let expected = if is_new { records("new", 5) } else { records("old", 5) };
        assert_eq!(listed(&store).await, expected, "moment {number}");
        let left: Vec<_> = fs::read_dir(crashed.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("data.")), "moment {number}: {left:?}");
        drop(store);
    }
}
