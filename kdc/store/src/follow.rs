//! Whoever keeps something of a store in memory follows it: everything that the store holds first, then each change. After lost changes,
//! everything again.

use crate::error::StoreError;
use crate::principal_store::{Change, PrincipalStore, VersionedRecord, Watch};
use kennel_wire::message::Principal;
use std::time::Duration;
use tokio::sync::Mutex;

/// Held while a follower begins: all begin anew at once after the records were replaced, and each has all of them in memory besides.
static BEGINNING: Mutex<()> = Mutex::const_new(());

/// Pause before a store that did not answer is read again.
const RETRY: Duration = Duration::from_secs(2);

/// What is kept of a store, in step with it.
pub trait Follower: Send + Sync {
    /// What does not go on while the store cannot be read, for the log: `the policies cannot be read`.
    const STALE: &'static str;

    /// Begins anew, with everything that the store holds.
    fn begin(&self, records: Vec<VersionedRecord>);

    /// Takes in a record that was created or replaced.
    fn put(&self, changed: VersionedRecord);

    /// Takes in that a record was deleted.
    fn delete(&self, name: &Principal);

    /// Takes note that changes were lost, or that the store is closed: what is kept may differ from it until the next beginning.
    fn lose(&self) {}
}

/// Has `follower` follow the store until that is closed.
pub async fn follow<F: Follower>(store: &dyn PrincipalStore, follower: &F) {
    loop {
        match begin(store, follower).await {
            Ok(mut watch) => {
                let ended = take_changes(&mut *watch, follower).await;
                follower.lose();
                if ended == WatchEnd::Closed {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "{}: trying again", F::STALE);
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn begin<F: Follower>(store: &dyn PrincipalStore, follower: &F) -> Result<Box<dyn Watch>, StoreError> {
    let _turn = BEGINNING.lock().await;
    let listing = store.list().await?;
    let watch = store.watch(listing.revision).await?;
    follower.begin(listing.records);
    Ok(watch)
}

/// Why there are no further changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WatchEnd {
    Lagged,
    Closed,
}

async fn take_changes<F: Follower>(watch: &mut dyn Watch, follower: &F) -> WatchEnd {
    loop {
        match watch.next().await {
            Some(Change::Put(changed)) => follower.put(changed),
            Some(Change::Deleted { name, .. }) => follower.delete(&name),
            Some(Change::Lagged) => return WatchEnd::Lagged,
            None => return WatchEnd::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use crate::principal_store::{Expect, Listing, Revision};
    use async_trait::async_trait;
    use kennel_core::key_set::KeySet;
    use kennel_core::principal::{Origin, PrincipalRecord, Record};
    use kennel_wire::message::Timestamp;
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    /// What happened, in words.
    #[derive(Default)]
    struct Diary(Mutex<Vec<String>>);

    impl Diary {
        fn write(&self, line: String) {
            self.0.lock().unwrap().push(line);
        }

        async fn until(&self, lines: &[&str]) {
            while *self.0.lock().unwrap() != lines {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    impl Follower for Diary {
        const STALE: &'static str = "the diary cannot be written";

        fn begin(&self, records: Vec<VersionedRecord>) {
            let names: Vec<String> = records.iter().map(|record| record.record.name().to_string()).collect();
            self.write(format!("begins with {}", names.join(" ")));
        }

        fn put(&self, changed: VersionedRecord) {
            self.write(format!("put {}", changed.record.name()));
        }

        fn delete(&self, name: &Principal) {
            self.write(format!("deleted {name}"));
        }

        fn lose(&self) {
            self.write("lost".into());
        }
    }

    fn record(name: &str) -> Record {
        let name = Principal::parse(name, "R").unwrap();
        let now = Timestamp::default();
        Record::Principal(Box::new(PrincipalRecord::new(name, Origin::Manual, KeySet::default(), now, "test")))
    }

    #[tokio::test]
    async fn everything_comes_first_then_each_change() {
        let (store, diary) = (Arc::new(MemoryStore::new()), Arc::new(Diary::default()));
        let revision = store.put(&record("alice"), Expect::Absent).await.unwrap();
        let following = tokio::spawn({
            let (store, diary) = (store.clone(), diary.clone());
            async move { follow(&*store, &*diary).await }
        });
        diary.until(&["begins with alice@R"]).await;
        store.put(&record("bob"), Expect::Absent).await.unwrap();
        store.delete(record("alice").name(), revision).await.unwrap();
        diary.until(&["begins with alice@R", "put bob@R", "deleted alice@R"]).await;
        following.abort();
    }

    /// A store that knows who has its records.
    struct Lender {
        store: MemoryStore,
        lent: AtomicUsize,
    }

    /// A follower that gives them back.
    struct Borrower(Arc<Lender>);

    impl Follower for Borrower {
        const STALE: &'static str = "nothing is given back";

        fn begin(&self, _: Vec<VersionedRecord>) {
            self.0.lent.fetch_sub(1, Ordering::SeqCst);
        }

        fn put(&self, _: VersionedRecord) {}

        fn delete(&self, _: &Principal) {}
    }

    #[async_trait]
    impl PrincipalStore for Lender {
        async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
            self.store.read(name).await
        }

        async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
            self.store.put(record, expect).await
        }

        async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
            self.store.delete(name, expect).await
        }

        async fn list(&self) -> Result<Listing, StoreError> {
            assert_eq!(self.lent.fetch_add(1, Ordering::SeqCst), 0, "another follower has all records");
            tokio::task::yield_now().await;
            self.store.list().await
        }

        async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError> {
            tokio::task::yield_now().await;
            self.store.watch(since).await
        }
    }

    #[tokio::test]
    async fn followers_begin_one_after_the_other() {
        let lender = Arc::new(Lender { store: MemoryStore::new(), lent: AtomicUsize::new(0) });
        let begins = (0..5).map(|_| {
            let lender = lender.clone();
            async move { begin(&*lender, &Borrower(lender.clone())).await.map(|_| ()) }
        });
        futures_util::future::try_join_all(begins).await.unwrap();
    }

    /// A store whose watch says what the test wants.
    struct Scripted(Mutex<VecDeque<Option<Change>>>);

    struct Script<'s>(&'s Scripted);

    #[async_trait]
    impl Watch for Script<'_> {
        async fn next(&mut self) -> Option<Change> {
            self.0.0.lock().unwrap().pop_front().flatten()
        }
    }

    #[tokio::test]
    async fn lost_changes_and_the_end_of_the_store_are_known_to_the_follower() {
        let diary = Diary::default();
        let put = Change::Put(VersionedRecord { record: record("alice"), revision: Revision(1) });
        let script = Scripted(Mutex::new([Some(put), Some(Change::Lagged), None].into()));
        assert_eq!(take_changes(&mut Script(&script), &diary).await, WatchEnd::Lagged);
        assert_eq!(take_changes(&mut Script(&script), &diary).await, WatchEnd::Closed);
        assert_eq!(*diary.0.lock().unwrap(), ["put alice@R"]);
    }

    #[tokio::test]
    async fn a_store_that_is_closed_ends_the_following() {
        struct Closed(MemoryStore);

        struct NoChange;

        #[async_trait]
        impl Watch for NoChange {
            async fn next(&mut self) -> Option<Change> {
                None
            }
        }

        #[async_trait]
        impl PrincipalStore for Closed {
            async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
                self.0.read(name).await
            }

            async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
                self.0.put(record, expect).await
            }

            async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
                self.0.delete(name, expect).await
            }

            async fn list(&self) -> Result<Listing, StoreError> {
                self.0.list().await
            }

            async fn watch(&self, _: Revision) -> Result<Box<dyn Watch>, StoreError> {
                Ok(Box::new(NoChange))
            }
        }

        let diary = Diary::default();
        follow(&Closed(MemoryStore::new()), &diary).await;
        assert_eq!(*diary.0.lock().unwrap(), ["begins with ", "lost"]);
    }
}
