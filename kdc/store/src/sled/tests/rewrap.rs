use super::*;
use crate::sled::writer::Write;

/// The record of every name, with its revision.
async fn everything(store: &SledStore) -> crate::Listing {
    store.list().await.unwrap()
}

const AT_ONCE: std::num::NonZeroU32 = std::num::NonZeroU32::MAX;

#[tokio::test]
async fn a_rewrap_leaves_every_record_and_revision_as_it_is_and_wakes_nobody() {
    let mut sled = Sled::new();
    let store = sled.sled();
    churn(&store, 3).await;
    let before = everything(&store).await;
    let mut watch = store.watch(before.revision).await.unwrap();
    let new = Arc::new(MasterKey::generate(&mut OsRng));
    store.begin_rewrap(new.clone()).await.unwrap();
    let state = store.master_key_state().await.unwrap();
    assert_eq!((state.under_newest, state.records), (0, before.records.len() as u64));
    store.rewrap_records(AT_ONCE).await.unwrap();
    let state = store.master_key_state().await.unwrap();
    assert_eq!((state.under_newest, state.ids.next.as_deref()), (state.records, Some(new.id())));
    store.finish_rewrap().await.unwrap();
    assert_eq!(everything(&store).await, before);
    assert!(watch.next().now_or_never().is_none(), "a watcher woke up");
    let ids = store.master_key_ids();
    assert_eq!((ids.current.as_str(), ids.next, ids.previous.as_deref()), (new.id(), None, Some(sled.master.id())));
    drop(store);
    let refused = sled.try_open(OpenMode::Existing).err().unwrap().to_string();
    assert!(refused.contains(&format!("under master key {}", new.id())), "{refused}");
    sled.master = new;
    assert_eq!(everything(&sled.sled()).await, before);
}

#[tokio::test]
async fn a_rewrap_goes_on_after_a_restart_and_needs_both_keys_until_its_end() {
    let sled = Sled::new();
    let store = sled.sled();
    churn(&store, 2).await;
    let before = everything(&store).await;
    let new = Arc::new(MasterKey::generate(&mut OsRng));
    store.begin_rewrap(new.clone()).await.unwrap();
    // Some of the records, in the order of their names; then one that is new, and one that is gone.
    for found in before.records.iter().step_by(3) {
        store.write(key_of(found.record.name()).unwrap(), Write::Rewrap).await.unwrap();
    }
    store.put(&principal(&name(&["new"]), 1), Expect::Absent).await.unwrap();
    store.delete(before.records[1].record.name(), before.records[1].revision).await.unwrap();
    let before = everything(&store).await;
    drop(store);

    let refused = sled.try_open(OpenMode::Existing).err().unwrap().to_string();
    assert!(refused.contains(&format!("{} is missing", new.id())) && refused.contains(".next"), "{refused}");
    let alone = SledStore::open(&sled.path(), new.clone(), OpenMode::Existing).err().unwrap().to_string();
    assert!(alone.contains(&format!("{} is missing", sled.master.id())), "{alone}");
    let both = || MasterKeys::new(sled.master.clone(), Some(new.clone()));
    let store = SledStore::open(&sled.path(), both(), OpenMode::Existing).unwrap();
    assert_eq!(everything(&store).await, before);
    let state = store.master_key_state().await.unwrap();
    assert!(state.under_newest > 0 && state.under_newest < state.records, "{state:?}");
    let early = store.finish_rewrap().await.unwrap_err().to_string();
    assert!(early.contains("records are still under"), "{early}");
    store.begin_rewrap(new.clone()).await.unwrap();
    store.rewrap_records(AT_ONCE).await.unwrap();
    store.finish_rewrap().await.unwrap();
    drop(store);
    let store = SledStore::open(&sled.path(), new, OpenMode::Existing).unwrap();
    assert_eq!(everything(&store).await, before);
}

#[tokio::test]
async fn an_empty_store_is_under_the_next_key_after_a_rewrap() {
    let sled = Sled::new();
    let store = sled.sled();
    let new = Arc::new(MasterKey::generate(&mut OsRng));
    store.begin_rewrap(new.clone()).await.unwrap();
    store.rewrap_records(AT_ONCE).await.unwrap();
    store.finish_rewrap().await.unwrap();
    store.finish_rewrap().await.unwrap();
    drop(store);
    SledStore::open(&sled.path(), new, OpenMode::Existing).unwrap();
}

#[tokio::test]
async fn a_rewrap_under_the_key_of_the_store_or_beside_another_one_is_refused() {
    let sled = Sled::new();
    let store = sled.sled();
    let same = store.begin_rewrap(sled.master.clone()).await.unwrap_err().to_string();
    assert!(same.contains("under that key already"), "{same}");
    let [one, two] = [(); 2].map(|()| Arc::new(MasterKey::generate(&mut OsRng)));
    store.begin_rewrap(one.clone()).await.unwrap();
    let other = store.begin_rewrap(two).await.unwrap_err().to_string();
    assert!(other.contains(&format!("a re-wrap under {} is under way", one.id())), "{other}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_beside_a_rewrap_lose_nothing() {
    let sled = Sled::new();
    let store = Arc::new(sled.sled());
    churn(&store, 2).await;
    let new = Arc::new(MasterKey::generate(&mut OsRng));
    store.begin_rewrap(new.clone()).await.unwrap();
    let rewrapping = tokio::spawn({
        let store = store.clone();
        async move { store.rewrap_records(2000.try_into().unwrap()).await }
    });
    let counter = name(&["counter"]);
    let mut revision = store.put(&principal(&counter, 0), Expect::Absent).await.unwrap();
    let mut count = 0;
    while !rewrapping.is_finished() {
        count += 1;
        revision = store.put(&principal(&counter, count), Expect::Revision(revision)).await.unwrap();
        let found = store.read(&counter).await.unwrap().unwrap();
        assert_eq!((mark(&found.record), found.revision), (count, revision));
        store.list().await.unwrap();
    }
    rewrapping.await.unwrap().unwrap();
    store.finish_rewrap().await.unwrap();
    let before = everything(&store).await;
    drop(Arc::into_inner(store).unwrap());
    let store = SledStore::open(&sled.path(), new, OpenMode::Existing).unwrap();
    assert_eq!(everything(&store).await, before);
    assert!(count > 3, "{count} writes prove little");
}

/// As a store of format 2 is: its header names one key, and its records none.
#[tokio::test]
async fn a_store_from_before_records_named_their_key_is_read_and_wrapped_anew() {
    let sled = Sled::new();
    let a = name(&["a"]);
    let revision = sled.sled().put(&principal(&a, 1), Expect::Absent).await.unwrap();
    let raw = sled.raw();
    let key = key_of(&a).unwrap();
    let associated = [&[3], &revision.0.to_be_bytes()[..], &key].concat();
    let plaintext = crate::record::encode(&key, &principal(&a, 1)).unwrap();
    let sealed = [&[3], &sled.master.wrap(&associated, &plaintext, &mut OsRng)[..]].concat();
    raw.insert([b"r", &key[..]].concat(), crate::sled::table::value(revision, &sealed)).unwrap();
    raw.flush().unwrap();
    drop(raw);
    sled.seal_counters_anew();
    fs::write(sled.path().join("data/header"), format!("kennel-store 2\nmaster-key {}\n", sled.master.id())).unwrap();
    let store = sled.sled();
    assert!(fs::read_to_string(sled.path().join("data/header")).unwrap().starts_with("kennel-store 3\n"));
    let before = everything(&store).await;
    assert_eq!((mark_of_a(&store).await, before.records[0].revision), (1, revision));
    let new = Arc::new(MasterKey::generate(&mut OsRng));
    store.begin_rewrap(new.clone()).await.unwrap();
    assert_eq!(store.master_key_state().await.unwrap().under_newest, 0);
    store.rewrap_records(AT_ONCE).await.unwrap();
    store.finish_rewrap().await.unwrap();
    drop(store);
    let store = SledStore::open(&sled.path(), new, OpenMode::Existing).unwrap();
    assert_eq!(everything(&store).await, before);
}
