//! The records of holders of keys: written before keys leave, and when they have arrived. By compare-and-swap, so that no change of
//! another writer is lost.

use crate::error::StoreError;
use crate::principal_store::{Expect, PrincipalStore, VersionedRecord};
use kennel_core::enrolment::{HeldStatement, HolderChange};
use kennel_core::principal::Record;
use kennel_core::rotation::holder::{HolderId, HolderRecord};
use kennel_wire::message::{Principal, Timestamp};
use std::sync::Arc;

/// Attempts of one write. A record has few writers: its holder, and the controller that deletes it.
const TRIES: u32 = 8;

/// The records of one realm's holders.
pub struct HolderRecords {
    store: Arc<dyn PrincipalStore>,
    realm: String,
}

impl HolderRecords {
    /// Writes to this store.
    #[must_use]
    pub fn new(store: Arc<dyn PrincipalStore>, realm: &str) -> HolderRecords {
        HolderRecords { store, realm: realm.to_owned() }
    }

    /// Records that a keytab of these principals leaves for a holder. The keys must be read from the store after this: a version that
    /// is in use by then is in the keytab, and a later one waits for this holder. `said`: what the holder has, where it says so.
    ///
    /// # Errors
    /// Those of the store; [`StoreError::Conflict`] where others change the record at each attempt.
    pub async fn send(
        &self,
        holder: &HolderId,
        keytab: &[Principal],
        said: Option<&HeldStatement>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change =
            |known: Option<&HolderRecord>| HeldStatement::before_keytab(said, known, holder, &self.realm, keytab, now);
        self.write(holder, change).await.map(|_| ())
    }

    /// Records what a holder says it has on disk, of the principals that it is entitled to. Returns whether that was news.
    ///
    /// # Errors
    /// Those of [`HolderRecords::send`].
    pub async fn confirm(
        &self,
        holder: &HolderId,
        entitled: &[Principal],
        said: &HeldStatement,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(holder, |known| said.confirmed(known, holder, &self.realm, entitled, now)).await
    }

    /// Records that so much of what was sent to a holder has arrived, unless its record is gone.
    ///
    /// # Errors
    /// Those of [`HolderRecords::send`].
    pub async fn arrive(&self, holder: &HolderId, arrived: &HeldStatement, now: Timestamp) -> Result<bool, StoreError> {
        self.write(holder, |known| arrived.arrived(known?, now)).await
    }

    /// Writes the change of a holder's record, where there is one.
    async fn write(
        &self,
        holder: &HolderId,
        change: impl Fn(Option<&HolderRecord>) -> Option<HolderChange>,
    ) -> Result<bool, StoreError> {
        let name = HolderRecord::name_of(holder.uid(), &self.realm);
        for _ in 0..TRIES {
            let (known, revision) = match self.store.read(&name).await? {
                Some(VersionedRecord { record: Record::Holder(holder), revision }) => (Some(holder), Some(revision)),
                Some(VersionedRecord { revision, .. }) => (None, Some(revision)),
                None => (None, None),
            };
            let written = match (change(known.as_deref()), revision) {
                (None, _) | (Some(HolderChange::Delete), None) => return Ok(false),
                (Some(HolderChange::Put(record)), revision) => {
                    self.store.put(&Record::Holder(record), revision.map_or(Expect::Absent, Expect::Revision)).await
                }
                (Some(HolderChange::Delete), Some(revision)) => self.store.delete(&name, revision).await,
            };
            match written {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;
    use crate::principal_store::{Listing, Revision, Watch};
    use async_trait::async_trait;
    use kennel_core::pods::PodRef;
    use kennel_wire::message::KerberosTime;
    use std::sync::atomic::{AtomicU32, Ordering};

    const NOW: Timestamp = Timestamp { time: KerberosTime(7), micros: 0 };

    /// Counts writes, and lets another writer win the first so many races.
    struct Contended {
        inner: MemoryStore,
        writes: AtomicU32,
        lost: AtomicU32,
    }

    #[async_trait]
    impl PrincipalStore for Contended {
        async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
            self.inner.read(name).await
        }

        async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
            if self.lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                let known = self.inner.read(record.name()).await?;
                let other = HolderRecord { created: Timestamp::default(), ..holder(record) };
                let expect = known.map_or(Expect::Absent, |known| Expect::Revision(known.revision));
                self.inner.put(&Record::Holder(Box::new(other)), expect).await?;
            }
            let written = self.inner.put(record, expect).await;
            self.writes.fetch_add(u32::from(written.is_ok()), Ordering::SeqCst);
            written
        }

        async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
            self.inner.delete(name, expect).await
        }

        async fn list(&self) -> Result<Listing, StoreError> {
            self.inner.list().await
        }

        async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError> {
            self.inner.watch(since).await
        }
    }

    /// The record without what another writer of the same pod would confirm.
    fn holder(record: &Record) -> HolderRecord {
        let Record::Holder(holder) = record else { panic!("{record:?}") };
        let mut holder = (**holder).clone();
        holder.held.iter_mut().for_each(|held| held.kvnos.clear());
        holder
    }

    struct Fixture {
        store: Arc<Contended>,
        holders: HolderRecords,
        pod: HolderId,
    }

    impl Fixture {
        fn new(lost: u32) -> Fixture {
            let store = Contended { inner: MemoryStore::new(), writes: AtomicU32::new(0), lost: AtomicU32::new(lost) };
            let store = Arc::new(store);
            let holders = HolderRecords::new(store.clone(), "R");
            let pod = PodRef { namespace: "shop".into(), name: "web-1".into(), uid: "u-1".into() };
            Fixture { store, holders, pod: HolderId::Pod(pod) }
        }

        fn writes(&self) -> u32 {
            self.store.writes.load(Ordering::SeqCst)
        }

        async fn held(&self) -> Option<Vec<(String, Vec<u32>)>> {
            let found = self.store.read(&HolderRecord::name_of("u-1", "R")).await.unwrap()?;
            let Record::Holder(holder) = found.record else { panic!("{found:?}") };
            Some(holder.held.into_iter().map(|held| (held.principal.to_string(), held.kvnos)).collect())
        }
    }

    fn names(texts: &[&str]) -> Vec<Principal> {
        texts.iter().map(|text| Principal::parse(text, "R").unwrap()).collect()
    }

    fn said(name: &str, kvnos: &[u32]) -> HeldStatement {
        HeldStatement::new(&[(name.to_owned(), kvnos.to_vec())].into(), "R")
    }

    #[tokio::test]
    async fn a_record_is_written_when_it_changes_and_goes_with_the_last_key() {
        let fixture = Fixture::new(0);
        let (holders, pod, web) = (&fixture.holders, &fixture.pod, names(&["HTTP/web"]));
        holders.send(pod, &[], None, NOW).await.unwrap();
        assert_eq!((fixture.held().await, fixture.writes()), (None, 0), "a pod with a ticket alone");
        for _ in 0..3 {
            holders.send(pod, &web, None, NOW).await.unwrap();
        }
        assert_eq!(fixture.writes(), 1);
        assert!(holders.confirm(pod, &web, &said("HTTP/web", &[1]), NOW).await.unwrap());
        assert!(!holders.confirm(pod, &web, &said("HTTP/web", &[1]), NOW).await.unwrap());
        holders.send(pod, &web, Some(&said("HTTP/web", &[1])), NOW).await.unwrap();
        assert_eq!((fixture.held().await.unwrap(), fixture.writes()), (vec![("HTTP/web@R".into(), vec![1])], 2));
        assert!(holders.arrive(pod, &said("HTTP/web", &[2, 1]), NOW).await.unwrap());
        holders.send(pod, &[], None, NOW).await.unwrap();
        assert_eq!(fixture.held().await, None);
        assert!(
            !holders.arrive(pod, &said("HTTP/web", &[2, 1]), NOW).await.unwrap(),
            "a record that is gone stays away"
        );
    }

    #[tokio::test]
    async fn a_lost_race_is_run_again_and_one_that_is_always_lost_ends() {
        let fixture = Fixture::new(3);
        let web = names(&["HTTP/web"]);
        assert!(fixture.holders.confirm(&fixture.pod, &web, &said("HTTP/web", &[2]), NOW).await.unwrap());
        assert_eq!(fixture.held().await.unwrap(), [("HTTP/web@R".to_owned(), vec![2])]);
        let fixture = Fixture::new(u32::MAX);
        let refused = fixture.holders.confirm(&fixture.pod, &web, &said("HTTP/web", &[2]), NOW).await;
        assert!(matches!(refused, Err(StoreError::Conflict)));
    }
}
