//! The records of the store, as the budgets of namespaces count them. A principal whose objects are deleted stays in the store,
//! disabled, until its last ticket has ended, and counts to its namespace until then: creation and deletion in turns does not fill
//! the store. The index learns the records from the store before it settles anything, so that a restart and another holder of the
//! Lease come to the same result.

use kennel_core::accounts::DesiredPrincipal;
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::{BTreeMap, BTreeSet};

/// The namespace of records that do not say theirs: no namespace has this name. They count to nobody, and whoever asks for their
/// name takes them up.
const UNKNOWN: &str = "";

/// The records that no object asks for, each with the time at which it will be deleted, where that is known.
#[derive(Debug, Default)]
pub(super) struct UnclaimedRecords {
    of_namespace: BTreeMap<String, BTreeMap<Principal, Option<KerberosTime>>>,
    namespace_of: BTreeMap<Principal, String>,
    /// Namespaces with fewer records, or with another end of one, since they were settled.
    changed: BTreeSet<String>,
}

/// The records that one namespace has.
#[derive(Clone, Copy)]
pub(super) struct NamespaceRecords<'a> {
    /// What it asked for until now: these records exist, or are being written.
    wanted: &'a BTreeMap<Principal, DesiredPrincipal>,
    unclaimed: Option<&'a BTreeMap<Principal, Option<KerberosTime>>>,
    of_nobody: Option<&'a BTreeMap<Principal, Option<KerberosTime>>>,
}

/// Disabled principals of deleted objects of one namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Abandoned {
    pub(super) count: usize,
    /// The earliest time at which one of them is deleted, where that is known.
    pub(super) first_end: Option<KerberosTime>,
}

impl UnclaimedRecords {
    /// Adds a record. One that is known keeps its time.
    pub(super) fn insert(&mut self, name: &Principal, namespace: Option<&str>) {
        let namespace = namespace.unwrap_or(UNKNOWN);
        if self.namespace_of.get(name).is_some_and(|known| known == namespace) {
            return;
        }
        self.remove(name);
        self.namespace_of.insert(name.clone(), namespace.to_owned());
        self.of_namespace.entry(namespace.to_owned()).or_default().insert(name.clone(), None);
    }

    /// Sets the time at which a record will be deleted.
    pub(super) fn set_end(&mut self, name: &Principal, end: KerberosTime) {
        let Some(namespace) = self.namespace_of.get(name) else { return };
        let known = self.of_namespace.get_mut(namespace).and_then(|records| records.get_mut(name));
        if let Some(known) = known.filter(|known| **known != Some(end)) {
            *known = Some(end);
            self.changed.insert(namespace.clone());
        }
    }

    /// Removes a record that is deleted, or that an object asks for.
    pub(super) fn remove(&mut self, name: &Principal) {
        let Some(namespace) = self.namespace_of.remove(name) else { return };
        if let Some(records) = self.of_namespace.get_mut(&namespace) {
            records.remove(name);
            if records.is_empty() {
                self.of_namespace.remove(&namespace);
            }
        }
        self.changed.insert(namespace);
    }

    /// Number of the records of all namespaces.
    pub(super) fn count(&self) -> usize {
        self.namespace_of.len()
    }

    /// Returns the namespaces whose records ended, or got another end, since the last call.
    pub(super) fn take_changed(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    /// The namespaces that [`UnclaimedRecords::take_changed`] will return.
    pub(super) fn changed(&self) -> impl Iterator<Item = &str> {
        self.changed.iter().map(String::as_str)
    }

    /// The records of a namespace that asked for these principals until now.
    pub(super) fn of<'a>(
        &'a self,
        namespace: &str,
        wanted: &'a BTreeMap<Principal, DesiredPrincipal>,
    ) -> NamespaceRecords<'a> {
        let of = |namespace| self.of_namespace.get(namespace);
        NamespaceRecords { wanted, unclaimed: of(namespace), of_nobody: of(UNKNOWN) }
    }
}

impl NamespaceRecords<'_> {
    /// Number of the records that count to the namespace.
    pub(super) fn count(&self) -> usize {
        self.wanted.len() + self.unclaimed.map_or(0, BTreeMap::len)
    }

    /// Whether a name takes no room, since it has its record.
    pub(super) fn has(&self, name: &Principal) -> bool {
        let has = |records: Option<&BTreeMap<Principal, _>>| records.is_some_and(|records| records.contains_key(name));
        self.wanted.contains_key(name) || has(self.unclaimed) || has(self.of_nobody)
    }

    /// The records that no object asks for: all but those in `claimed`, which objects ask for from now on.
    pub(super) fn abandoned(&self, claimed: &BTreeSet<Principal>) -> Abandoned {
        let records = self.unclaimed.into_iter().flatten().filter(|(name, _)| !claimed.contains(*name));
        records.fold(Abandoned::default(), |Abandoned { count, first_end }, (_, end)| Abandoned {
            count: count + 1,
            first_end: [first_end, *end].into_iter().flatten().min(),
        })
    }
}
