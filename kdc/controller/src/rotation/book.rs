//! Facts and holders of every principal, followed from the store, and when each principal is due. Every process keeps the book;
//! the one that writes performs what is due.

use crate::rotation::facts::{KeyFacts, KeyProgress};
use crate::rotation::holders::{FoundHolder, Holders};
use crate::rotation::policy::Rotatable;
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_core::realm::Realm;
use kennel_core::rotation::accept::accept_of;
use kennel_core::rotation::clock::Moment;
use kennel_core::rotation::holder::{HolderId, HolderRecord};
use kennel_core::rotation::policy::RotationPolicy;
use kennel_core::rotation::schedule::Waiting;
use kennel_store::follow::{Follower, follow};
use kennel_store::{PrincipalStore, Revision, VersionedRecord};
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What is known of the keys of a realm.
#[derive(Default)]
pub struct RotationBook {
    entries: Mutex<Entries>,
    changed: Notify,
    begun: Notify,
}

#[derive(Default)]
struct Entries {
    /// Whether the entries are those of the store: not before the first listing, and not while changes are lost.
    is_current: bool,
    facts: HashMap<Arc<Principal>, KeyFacts>,
    holders: Holders,
    /// Principals to look at now.
    due: BTreeSet<Arc<Principal>>,
    /// When to look at others.
    wakes: BTreeSet<(KerberosTime, Arc<Principal>)>,
    /// Namespaces whose objects changed.
    namespaces: BTreeSet<String>,
    counts: RotationCounts,
}

/// Rotations that are not at their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RotationCounts {
    /// Principals with a version that is in keytabs and not used yet.
    pub(crate) under_way: usize,
    /// Those of them that wait for a holder for too long.
    pub(crate) stalled: usize,
}

/// What a look at a principal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether a step is due.
    pub(crate) step: bool,
    /// Whether its progress is another than before.
    pub(crate) news: bool,
}

/// The progress of the principals of one account, together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AccountProgress {
    /// The highest version that is used.
    pub(crate) kvno: Option<u32>,
    /// When the next version is due.
    pub(crate) next: Option<KerberosTime>,
    /// Holders of any of the keys.
    pub(crate) holders: usize,
    /// Those of them that have the newest version of each key that they hold.
    pub(crate) updated: usize,
    /// Rotations that wait for a holder for too long: the principal, the version, the holders.
    pub(crate) stalled: Vec<(Principal, u32, Vec<HolderId>)>,
}

impl RotationBook {
    /// Follows the store until it is closed.
    pub async fn follow(self: Arc<Self>, store: Arc<dyn PrincipalStore>) {
        follow(&*store, &*self).await;
    }

    /// Changes the entries, and wakes who waits for changes.
    fn change(&self, change: impl FnOnce(&mut Entries)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    /// Completes when something changed since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Completes when the book has begun anew since the last call, which it does at first and where changes were lost: all records may
    /// be others.
    pub(crate) async fn begun_anew(&self) {
        self.begun.notified().await;
    }

    /// Takes at most `most` principals that are due. None is while the book is not current.
    pub(crate) fn take_due(&self, now: KerberosTime, most: usize) -> Vec<Arc<Principal>> {
        let mut entries = self.lock();
        if !entries.is_current {
            return Vec::new();
        }
        while let Some((when, _)) = entries.wakes.first()
            && *when <= now
            && let Some((_, name)) = entries.wakes.pop_first()
        {
            if let Some(facts) = entries.facts.get_mut(&name) {
                facts.wake = None;
            }
            entries.due.insert(name);
        }
        std::iter::from_fn(|| entries.due.pop_first()).take(most).collect()
    }

    /// When the next principal is due.
    pub(crate) fn next_wake(&self) -> Option<KerberosTime> {
        let entries = self.lock();
        entries.wakes.first().filter(|_| entries.is_current).map(|(when, _)| *when)
    }

    /// Makes a principal due.
    pub(crate) fn touch(&self, name: &Principal) {
        self.lock().touch(name);
        self.changed.notify_one();
    }

    /// Makes every principal due.
    pub(crate) fn touch_all(&self) {
        let mut entries = self.lock();
        let all: Vec<Arc<Principal>> = entries.facts.keys().cloned().collect();
        entries.due.extend(all);
        drop(entries);
        self.changed.notify_one();
    }

    /// Makes the principals of namespaces due at the next [`RotationBook::take_namespaces`]: their policies may have changed.
    pub(crate) fn touch_namespaces<'n>(&self, namespaces: impl IntoIterator<Item = &'n String>) {
        self.lock().namespaces.extend(namespaces.into_iter().cloned());
    }

    pub(crate) fn take_namespaces(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().namespaces)
    }

    /// Makes a principal due at a time.
    pub(crate) fn wake_at(&self, name: &Principal, when: KerberosTime) {
        self.lock().wake_at(name, Some(when));
    }

    /// How a principal may rotate; `None` where the store has no such principal.
    pub(crate) fn rotatable(&self, name: &Principal) -> Option<Rotatable> {
        self.lock().facts.get(name).map(|facts| facts.rotatable)
    }

    /// Looks at a principal: keeps its progress, and when to look again.
    pub(crate) fn look(&self, name: &Principal, policy: RotationPolicy, realm: &Realm, now: Moment) -> Look {
        let mut entries = self.lock();
        let accept = entries.facts.get(name).map_or(policy.accept, |facts| entries.accept(&facts.record, realm));
        entries.look(name, &RotationPolicy { accept: accept.max(policy.accept), ..policy }, now)
    }

    /// The longest life of any ticket under the keys of a record, seconds: that of today, or of a former time that the realm's
    /// `krbtgt` remembers.
    pub(crate) fn accept(&self, record: &PrincipalRecord, realm: &Realm) -> u32 {
        self.lock().accept(record, realm)
    }

    /// Those that hold keys of a principal, and the versions that each has, where the book has the record of this revision or a
    /// newer one: a holder whose record was written before that revision is among them, and one that came later has fetched what
    /// that revision has.
    pub(crate) fn holders_at(&self, name: &Principal, revision: Revision) -> Option<Vec<HolderRecord>> {
        let entries = self.lock();
        entries.facts.get(name).filter(|facts| entries.is_current && facts.revision >= revision)?;
        Some(entries.holders.records_of(name).cloned().collect())
    }

    /// The records of those that hold keys of a principal.
    pub(crate) fn holder_records(&self, name: &Principal) -> Vec<HolderRecord> {
        self.lock().holders.records_of(name).cloned().collect()
    }

    /// A principal whose newest version a holder lacks, with that version, by the name of the holder's record.
    pub(crate) fn lacked_by(&self, holder: &Principal) -> Option<(Principal, u32)> {
        let entries = self.lock();
        let held = &entries.holders.record(holder)?.held;
        held.iter().find_map(|held| {
            let newest = entries.facts.get(&held.principal)?.newest()?;
            (!held.kvnos.contains(&newest)).then(|| (held.principal.clone(), newest))
        })
    }

    /// The holders that `is_wanted` says yes to.
    pub(crate) fn holders_where(&self, is_wanted: impl Fn(&HolderRecord) -> bool) -> Vec<FoundHolder> {
        let entries = self.lock();
        let found = entries.holders.iter().filter(|(record, _)| is_wanted(record));
        let holder = |(record, revision): (&HolderRecord, Revision)| FoundHolder {
            name: record.name.clone(),
            id: record.id.clone(),
            revision,
            created: record.created,
        };
        found.map(holder).collect()
    }

    /// Rotations that are not at their end.
    pub(crate) fn counts(&self) -> RotationCounts {
        self.lock().counts
    }

    /// The progress of one principal, where it was looked at.
    pub(crate) fn progress(&self, name: &Principal) -> Option<KeyProgress> {
        self.lock().facts.get(name)?.progress.clone()
    }

    /// The progress of several principals, together.
    pub(crate) fn account_progress<'n>(&self, names: impl IntoIterator<Item = &'n Principal>) -> AccountProgress {
        let entries = self.lock();
        let mut all = AccountProgress::default();
        let mut holders: HashMap<&HolderId, bool> = HashMap::new();
        for name in names {
            let Some(facts) = entries.facts.get(name) else { continue };
            for record in entries.holders.records_of(name) {
                let kvnos = record.versions_of(name).unwrap_or_default();
                let is_updated = facts.newest().is_none_or(|newest| kvnos.contains(&newest));
                *holders.entry(&record.id).or_insert(true) &= is_updated;
            }
            let Some(progress) = &facts.progress else { continue };
            all.kvno = all.kvno.max(progress.kvno);
            all.next = all.next.into_iter().chain(progress.next).min();
            if let (false, Some(staged)) = (progress.stalled.is_empty(), progress.staged) {
                all.stalled.push((name.clone(), staged, progress.stalled.clone()));
            }
        }
        all.holders = holders.len();
        all.updated = holders.values().filter(|updated| **updated).count();
        all
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for RotationBook {
    const STALE: &'static str = "the keys cannot be followed, and none rotates";

    fn begin(&self, records: Vec<VersionedRecord>) {
        self.change(|entries| {
            *entries = Entries { namespaces: std::mem::take(&mut entries.namespaces), ..Entries::default() };
            records.into_iter().for_each(|versioned| entries.put(versioned.record, versioned.revision));
            entries.is_current = true;
        });
        self.begun.notify_one();
    }

    fn put(&self, changed: VersionedRecord) {
        self.change(|entries| entries.put(changed.record, changed.revision));
    }

    fn delete(&self, name: &Principal) {
        self.change(|entries| entries.remove(name));
    }

    fn lose(&self) {
        self.lock().is_current = false;
    }
}

impl Entries {
    fn put(&mut self, record: Record, revision: Revision) {
        match record {
            Record::Principal(record) => {
                let name = Arc::new(record.principal.clone());
                let mut facts = KeyFacts::of_record(record, revision);
                if let Some(old) = self.facts.get_mut(&name) {
                    (facts.wake, facts.progress) = (old.wake, old.progress.take());
                    *old = facts;
                } else {
                    self.facts.insert(name.clone(), facts);
                }
                self.touch(&name);
            }
            // The alias may replace a principal of this name.
            Record::Alias { alias, .. } => self.remove(&alias),
            Record::Holder(record) => {
                let touched = self.holders.put(*record, revision);
                touched.iter().for_each(|name| self.touch(name));
            }
            Record::Policy(_) => {}
        }
    }

    fn remove(&mut self, name: &Principal) {
        self.wake_at(name, None);
        self.keep_progress(name, None);
        self.due.remove(name);
        self.facts.remove(name);
        let touched = self.holders.remove(name);
        touched.iter().for_each(|name| self.touch(name));
    }

    fn touch(&mut self, name: &Principal) {
        if let Some((name, _)) = self.facts.get_key_value(name) {
            self.due.insert(name.clone());
        }
    }

    fn wake_at(&mut self, name: &Principal, when: Option<KerberosTime>) {
        let Some(known) = self.facts.get_key_value(name).map(|(name, _)| name.clone()) else { return };
        let Some(facts) = self.facts.get_mut(name) else { return };
        if let Some(before) = std::mem::replace(&mut facts.wake, when) {
            self.wakes.remove(&(before, known.clone()));
        }
        self.wakes.extend(when.map(|when| (when, known)));
    }

    fn accept(&self, record: &PrincipalRecord, realm: &Realm) -> u32 {
        let krbtgt = self.facts.get(&Principal::krbtgt(&realm.name, &realm.name));
        accept_of(record, realm, krbtgt.map_or(record, |facts| &facts.record))
    }

    fn look(&mut self, name: &Principal, policy: &RotationPolicy, now: Moment) -> Look {
        let Some(facts) = self.facts.get(name) else { return Look { step: false, news: false } };
        let holders = self.holders.of_principal(name);
        let schedule = facts.schedule(&holders, policy, now);
        let (step, wake, next, stalled) = match schedule {
            None => (false, None, None, Vec::new()),
            Some(schedule) => {
                let stalled = match schedule.waiting {
                    Waiting::Holders { missing, stalled: true } => missing,
                    _ => Vec::new(),
                };
                (schedule.step.is_some(), schedule.wake, schedule.next, stalled)
            }
        };
        let has_newest = |kvnos: &[u32]| facts.newest().is_none_or(|newest| kvnos.contains(&newest));
        let keys = &facts.record.keys;
        let active = keys.active_version();
        let progress = KeyProgress {
            kvno: active.map(|version| version.kvno),
            staged: facts.newest().filter(|newest| active.is_none_or(|active| active.kvno != *newest)),
            since: active.and_then(|version| version.activated).map(|time| time.time),
            next,
            versions: keys.versions.len(),
            holders: (holders.len(), holders.iter().filter(|held| has_newest(held.kvnos)).count()),
            stalled,
        };
        let news = self.keep_progress(name, Some(progress));
        self.wake_at(name, wake);
        Look { step, news }
    }

    /// Keeps the progress of a principal, and counts it. Returns whether it is another than before.
    fn keep_progress(&mut self, name: &Principal, progress: Option<KeyProgress>) -> bool {
        let Some(facts) = self.facts.get_mut(name) else { return false };
        let old = std::mem::replace(&mut facts.progress, progress);
        let count = |progress: &Option<KeyProgress>| {
            let progress = progress.as_ref();
            let is = |so: Option<bool>| usize::from(so == Some(true));
            (is(progress.map(|p| p.staged.is_some())), is(progress.map(|p| !p.stalled.is_empty())))
        };
        let ((staged_before, stalled_before), (staged, stalled)) = (count(&old), count(&facts.progress));
        let counts = &mut self.counts;
        counts.under_way = (counts.under_way + staged).saturating_sub(staged_before);
        counts.stalled = (counts.stalled + stalled).saturating_sub(stalled_before);
        old != facts.progress
    }
}
