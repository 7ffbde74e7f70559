//! Rotations and revocations that somebody asks for. An order is a mark in the record, which whoever writes for the realm carries
//! out; a revocation replaces the keys at once.

use crate::rotation::policy::{NeverRotates, Rotatable};
use futures_util::stream::{self, StreamExt};
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_core::realm::Realm;
use kennel_core::rotation::apply::{order as note_order, revoke};
use kennel_core::rotation::event::RotationAction;
use kennel_store::{Expect, PrincipalStore, StoreError, VersionedRecord};
use kennel_wire::message::{Principal, Timestamp};
use rand::rngs::OsRng;

/// Tries of a write that others contend for.
const ROUNDS: usize = 8;
/// Principals that are written at a time, where an order is about all of them: the store syncs them together.
const AT_A_TIME: usize = 64;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationOrder {
    /// A new key that begins to reach its holders now, and is used once each of them has it.
    Rotate,
    /// A new key that replaces all others now.
    Revoke,
}

/// How an order for one principal ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ordered {
    /// The record says so now.
    Written(RotationAction),
    /// The principal never rotates.
    Never(NeverRotates),
    /// The store has no such principal.
    Unknown,
}

/// Gives an order for one principal, by its canonical name.
///
/// # Errors
/// Those of the store.
pub async fn order(
    store: &dyn PrincipalStore,
    realm: &Realm,
    name: &Principal,
    order: RotationOrder,
    by: &str,
    now: Timestamp,
) -> Result<Ordered, StoreError> {
    for _ in 0..ROUNDS {
        let Some(VersionedRecord { record: Record::Principal(mut record), revision }) = store.read(name).await? else {
            return Ok(Ordered::Unknown);
        };
        let action = match (Rotatable::of_record(&record), order) {
            // Its tickets may have leaked all the same.
            (Rotatable::Never(NeverRotates::NoKeys), RotationOrder::Revoke) => revoke_tickets(&mut record, realm, now),
            (Rotatable::Never(never), _) => return Ok(Ordered::Never(never)),
            (Rotatable::ByPolicy | Rotatable::ByOrder, RotationOrder::Rotate) => {
                note_order(&mut record, now);
                RotationAction::Ordered
            }
            (Rotatable::ByPolicy | Rotatable::ByOrder, RotationOrder::Revoke) => revoke_all(&mut record, realm, now),
        };
        (record.modified, record.modified_by) = (now, by.to_owned());
        match store.put(&Record::Principal(record), Expect::Revision(revision)).await {
            Ok(_) => return Ok(Ordered::Written(action)),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}

/// Gives an order for every principal of the realm that may rotate. Returns how each of the others ended too.
///
/// # Errors
/// Those of the store; orders that were written until then stay.
pub async fn order_all(
    store: &dyn PrincipalStore,
    realm: &Realm,
    what: RotationOrder,
    by: &str,
    now: Timestamp,
) -> Result<Vec<(Principal, Ordered)>, StoreError> {
    let names = store.list().await?.records.into_iter().filter_map(|versioned| match versioned.record {
        Record::Principal(record) => Some(record.principal),
        Record::Alias { .. } | Record::Holder(_) | Record::Policy(_) => None,
    });
    let names: Vec<Principal> = names.collect();
    let orders = stream::iter(names).map(|name| async move {
        let ordered = order(store, realm, &name, what, by, now).await?;
        Ok::<_, StoreError>((name, ordered))
    });
    orders.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await.into_iter().collect()
}

fn revoke_all(record: &mut PrincipalRecord, realm: &Realm, now: Timestamp) -> RotationAction {
    let kvno = realm.new_keys().next_kvno(&record.keys);
    revoke(record, realm.new_keys(), now.into(), &mut OsRng);
    revoke_tickets(record, realm, now);
    RotationAction::Revoked(Some(kvno))
}

/// Refuses the tickets of the principal as a client. Until the write has reached every replica, one of them may still issue a
/// ticket to whoever has the former key: that time counts to those before the revocation.
fn revoke_tickets(record: &mut PrincipalRecord, realm: &Realm, now: Timestamp) -> RotationAction {
    let until = now.time.plus(i64::from(realm.rotation.propagation.max(1)));
    record.revoked = Some(Timestamp { time: until, micros: 0 });
    RotationAction::Revoked(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::key_set::{KeySet, KeyState};
    use kennel_core::principal::Origin;
    use kennel_crypto::Enctype;
    use kennel_store::MemoryStore;

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    async fn store(names: &[&str]) -> MemoryStore {
        let (store, now) = (MemoryStore::new(), crate::testing::clock());
        for text in names {
            let keys = KeySet::random(&[Enctype::Aes128CtsHmacSha1], 300, now, &mut OsRng);
            let record = PrincipalRecord::new(name(text), Origin::Kubernetes, keys, now, "test");
            store.put(&Record::Principal(Box::new(record)), Expect::Absent).await.unwrap();
        }
        store
    }

    async fn read(store: &MemoryStore, text: &str) -> Box<PrincipalRecord> {
        match store.read(&name(text)).await.unwrap().unwrap().record {
            Record::Principal(record) => record,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_order_is_a_mark_and_a_revocation_leaves_one_new_key() {
        let (store, realm, now) = (store(&["web"]).await, Realm::new("R"), crate::testing::clock());
        let ordered = order(&store, &realm, &name("web"), RotationOrder::Rotate, "alice", now).await.unwrap();
        assert_eq!(ordered, Ordered::Written(RotationAction::Ordered));
        let before = read(&store, "web").await;
        assert!(before.rotation_ordered > Some(before.keys.versions[0].created), "it asks for a key that is newer");
        assert_eq!(&*before.modified_by, "alice");
        assert_eq!(before.keys.versions.len(), 1, "no key yet");
        let revoked = order(&store, &realm, &name("web"), RotationOrder::Revoke, "alice", now).await.unwrap();
        assert_eq!(revoked, Ordered::Written(RotationAction::Revoked(Some(301))));
        let after = read(&store, "web").await;
        let versions: Vec<_> = after.keys.versions.iter().map(|version| (version.kvno, version.state)).collect();
        assert_eq!(versions, [(301, KeyState::Active)]);
        assert_ne!(after.keys.versions[0].keys[0].key, before.keys.versions[0].keys[0].key);
        assert!(after.revoked.unwrap() > now, "a replica that does not know yet issues nothing that lasts");
        assert_eq!(after.rotation_ordered, None);
    }

    #[tokio::test]
    async fn a_client_without_keys_has_nothing_to_rotate_and_its_tickets_are_revoked() {
        let (store, realm, now) = (store(&["cart"]).await, Realm::new("R"), crate::testing::clock());
        let found = store.read(&name("cart")).await.unwrap().unwrap();
        let Record::Principal(mut record) = found.record else { panic!("no principal") };
        record.keys = KeySet::default();
        store.put(&Record::Principal(record), Expect::Revision(found.revision)).await.unwrap();
        let ordered = order(&store, &realm, &name("cart"), RotationOrder::Rotate, "alice", now).await.unwrap();
        assert_eq!(ordered, Ordered::Never(NeverRotates::NoKeys));
        let revoked = order(&store, &realm, &name("cart"), RotationOrder::Revoke, "alice", now).await.unwrap();
        assert_eq!(revoked, Ordered::Written(RotationAction::Revoked(None)));
        let after = read(&store, "cart").await;
        assert!(after.revoked.is_some() && after.keys.versions.is_empty());
    }

    #[tokio::test]
    async fn an_order_for_all_leaves_out_those_that_never_rotate() {
        let (store, realm, now) =
            (store(&["web", "krbtgt/R", "krbtgt/OTHER"]).await, Realm::new("R"), crate::testing::clock());
        let mut ends = order_all(&store, &realm, RotationOrder::Rotate, "alice", now).await.unwrap();
        ends.sort_by_key(|(name, _)| name.to_string());
        let written = Ordered::Written(RotationAction::Ordered);
        let never = Ordered::Never(NeverRotates::CrossRealm);
        assert_eq!(ends, [(name("krbtgt/OTHER"), never), (name("krbtgt/R"), written.clone()), (name("web"), written)]);
        assert_eq!(read(&store, "krbtgt/OTHER").await.rotation_ordered, None);
        let unknown = order(&store, &realm, &name("nobody"), RotationOrder::Rotate, "alice", now).await.unwrap();
        assert_eq!(unknown, Ordered::Unknown);
    }
}
