//! Who is locked out after failed attempts to log in: the attempts on principals that have a policy, in the memory of this process, and
//! the policies of the store.

use arc_swap::ArcSwap;
use kennel_core::admin::logins::{LoginMemory, Logins};
use kennel_core::lockout::guard::{Attempt, LockedOut, LoginGuard, Proof};
use kennel_core::lockout::table::AttemptTable;
use kennel_core::password_policy::{PasswordPolicy, PolicyRecord};
use kennel_core::principal::Record;
use kennel_store::follow::{Follower, follow};
use kennel_store::{PrincipalStore, VersionedRecord};
use kennel_wire::message::Principal;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Parts of the table, each with a lock of its own.
const SHARDS: usize = 16;
/// Principals whose attempts are remembered, at most: up to half a kilobyte each.
const CAPACITY: usize = 32_768;

type Policies = HashMap<String, Arc<PasswordPolicy>>;

/// The attempts on principals that have a policy.
pub struct LoginBook {
    shards: Vec<Mutex<AttemptTable>>,
    hasher: RandomState,
    policies: ArcSwap<Policies>,
}

impl Default for LoginBook {
    fn default() -> LoginBook {
        LoginBook {
            shards: (0..SHARDS).map(|_| Mutex::new(AttemptTable::new(CAPACITY / SHARDS))).collect(),
            hasher: RandomState::new(),
            policies: ArcSwap::default(),
        }
    }
}

impl LoginBook {
    /// Follows the policies of the store until it is closed.
    pub async fn follow(self: Arc<Self>, store: Arc<dyn PrincipalStore>) {
        follow(&*store, &*self).await;
    }

    fn change(&self, change: impl Fn(&mut Policies)) {
        self.policies.rcu(|policies| {
            let mut changed = Policies::clone(policies);
            change(&mut changed);
            changed
        });
    }

    /// The policy of an attempt's client, where it exists.
    fn policy(&self, attempt: &Attempt<'_>) -> Option<Arc<PasswordPolicy>> {
        self.policies.load().get(attempt.client.policy.as_deref()?).cloned()
    }

    fn shard(&self, principal: &Principal) -> Option<MutexGuard<'_, AttemptTable>> {
        let number = (self.hasher.hash_one(principal) % SHARDS as u64) as usize;
        self.shards.get(number).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn entry(policy: &PolicyRecord) -> (String, Arc<PasswordPolicy>) {
    (policy.policy().to_owned(), Arc::new(policy.rules.clone()))
}

impl Follower for LoginBook {
    const STALE: &'static str = "the policies cannot be read";

    fn begin(&self, records: Vec<VersionedRecord>) {
        let policies = records.iter().filter_map(|versioned| match &versioned.record {
            Record::Policy(policy) => Some(entry(policy)),
            Record::Principal(_) | Record::Alias { .. } | Record::Holder(_) => None,
        });
        self.policies.store(Arc::new(policies.collect()));
    }

    fn put(&self, changed: VersionedRecord) {
        if let Record::Policy(policy) = &changed.record {
            self.change(|policies| policies.extend([entry(policy)]));
        }
    }

    fn delete(&self, name: &Principal) {
        let is_deleted = |policy: &String| PolicyRecord::name_of(policy, &name.realm) == *name;
        if self.policies.load().keys().any(is_deleted) {
            self.change(|policies| policies.retain(|policy, _| !is_deleted(policy)));
        }
    }
}

impl LoginGuard for LoginBook {
    fn admit(&self, attempt: &Attempt<'_>) -> Result<(), LockedOut> {
        let Some(policy) = self.policy(attempt).filter(|policy| policy.max_failures > 0) else { return Ok(()) };
        let Some(mut shard) = self.shard(&attempt.client.principal) else { return Ok(()) };
        match shard.find(&attempt.client.principal) {
            Some(attempts) => attempts.admit(attempt.peer.into(), &policy, attempt.now),
            None => Ok(()),
        }
    }

    fn settle(&self, attempt: &Attempt<'_>, proof: Proof) -> Result<(), LockedOut> {
        let Some(policy) = self.policy(attempt) else { return Ok(()) };
        let Some(mut shard) = self.shard(&attempt.client.principal) else { return Ok(()) };
        shard.entry(&attempt.client.principal).settle(attempt.peer.into(), proof, &policy, attempt.now)
    }
}

impl LoginMemory for LoginBook {
    fn logins(&self, principal: &Principal) -> Logins {
        self.shard(principal).map_or_else(Logins::default, |shard| shard.shown(principal))
    }

    fn unlock(&self, principal: &Principal) {
        if let Some(attempts) = self.shard(principal).as_mut().and_then(|shard| shard.find(principal)) {
            attempts.unlock();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::key_set::KeySet;
    use kennel_core::principal::{Origin, PrincipalRecord};
    use kennel_store::{Expect, MemoryStore};
    use kennel_wire::message::{KerberosTime, Timestamp};
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { time: KerberosTime(seconds), micros: 0 }
    }

    fn alice(policy: Option<&str>) -> PrincipalRecord {
        let name = Principal::parse("alice", "R").unwrap();
        let record = PrincipalRecord::new(name, Origin::Manual, KeySet::default(), at(0), "test");
        PrincipalRecord { policy: policy.map(str::to_owned), ..record }
    }

    fn people(max_failures: u32) -> Record {
        let rules = PasswordPolicy { max_failures, lockout_duration: 60, ..PasswordPolicy::default() };
        Record::Policy(Box::new(PolicyRecord::new("people", "R", rules, at(0), "test")))
    }

    /// Fails once; whether the principal was locked out already.
    fn fail(book: &LoginBook, client: &PrincipalRecord, fingerprint: u64) -> bool {
        let attempt = Attempt { client, peer: IpAddr::from(Ipv4Addr::LOCALHOST), now: at(1) };
        book.settle(&attempt, Proof::Wrong { fingerprint }).is_err()
    }

    async fn until(condition: impl Fn() -> bool) {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn attempts_are_limited_by_the_policies_of_the_store_as_they_are_now() {
        let (store, book) = (Arc::new(MemoryStore::new()), Arc::new(LoginBook::default()));
        let revision = store.put(&people(2), Expect::Absent).await.unwrap();
        let following = tokio::spawn(book.clone().follow(store.clone()));
        let known = |max_failures| {
            let book = book.clone();
            move || book.policies.load().get("people").map(|policy| policy.max_failures) == max_failures
        };
        until(known(Some(2))).await;
        let client = alice(Some("people"));
        assert_eq!([1, 2, 3].map(|number| fail(&book, &client, number)), [false, false, true]);
        assert_eq!(book.logins(&client.principal).failures, 2);
        book.unlock(&client.principal);
        assert_eq!(book.logins(&client.principal).failures, 0);
        assert!(!fail(&book, &client, 4));
        let revision = store.put(&people(1), Expect::Revision(revision)).await.unwrap();
        until(known(Some(1))).await;
        assert_eq!([5, 6].map(|number| fail(&book, &client, number)), [false, true]);
        store.delete(people(1).name(), revision).await.unwrap();
        until(known(None)).await;
        assert!(!fail(&book, &client, 7), "a policy that does not exist restricts nothing");
        following.abort();
    }

    #[test]
    fn principals_without_a_policy_are_not_remembered() {
        let book = LoginBook::default();
        let client = alice(None);
        assert!((0..9).all(|number| !fail(&book, &client, number)));
        assert_eq!(book.logins(&client.principal), Logins::default());
    }
}
