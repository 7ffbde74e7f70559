//! Who holds the keys of which principal, by the holder records of the store.

use kennel_core::rotation::holder::{HolderId, HolderRecord, Holding};
use kennel_store::Revision;
use kennel_wire::message::{Principal, Timestamp};
use std::collections::{BTreeSet, HashMap};

/// The holders of all principals.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    /// By the name of the record.
    records: HashMap<Principal, (HolderRecord, Revision)>,
    /// Names of the records of those that hold keys of a principal.
    of_principal: HashMap<Principal, BTreeSet<Principal>>,
}

/// A holder as its record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundHolder {
    /// Name of the record.
    pub(crate) name: Principal,
    pub(crate) id: HolderId,
    pub(crate) revision: Revision,
    /// Time of its first keytab.
    pub(crate) created: Timestamp,
}

impl Holders {
    /// Takes in a record. Returns the principals whose holders may have changed.
    pub(crate) fn put(&mut self, record: HolderRecord, revision: Revision) -> BTreeSet<Principal> {
        let name = record.name.clone();
        let mut touched = self.remove(&name);
        for held in &record.held {
            self.of_principal.entry(held.principal.clone()).or_default().insert(name.clone());
            touched.insert(held.principal.clone());
        }
        self.records.insert(name, (record, revision));
        touched
    }

    /// Takes in that the record of this name is gone, if it was one of a holder. Returns the principals that it held keys of.
    pub(crate) fn remove(&mut self, name: &Principal) -> BTreeSet<Principal> {
        let Some((record, _)) = self.records.remove(name) else { return BTreeSet::new() };
        let touched: BTreeSet<Principal> = record.held.into_iter().map(|held| held.principal).collect();
        for principal in &touched {
            if let Some(names) = self.of_principal.get_mut(principal) {
                names.remove(name);
                if names.is_empty() {
                    self.of_principal.remove(principal);
                }
            }
        }
        touched
    }

    /// The record of this name.
    pub(crate) fn record(&self, name: &Principal) -> Option<&HolderRecord> {
        self.records.get(name).map(|(record, _)| record)
    }

    /// The records of those that hold keys of a principal.
    pub(crate) fn records_of<'h>(&'h self, principal: &'h Principal) -> impl Iterator<Item = &'h HolderRecord> {
        let names = self.of_principal.get(principal).into_iter().flatten();
        names.filter_map(|name| self.record(name))
    }

    /// Those that hold keys of a principal, and the versions that each has.
    pub(crate) fn of_principal<'h>(&'h self, principal: &'h Principal) -> Vec<Holding<'h>> {
        self.records_of(principal).filter_map(|record| record.holding_of(principal)).collect()
    }

    /// Every holder.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&HolderRecord, Revision)> {
        self.records.values().map(|(record, revision)| (record, *revision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::pods::PodRef;
    use kennel_core::rotation::holder::HeldKeys;
    use kennel_wire::message::KerberosTime;

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    fn pod(uid: &str, held: &[(&str, &[u32])]) -> HolderRecord {
        let id = HolderId::Pod(PodRef { namespace: "shop".into(), name: format!("web-{uid}"), uid: uid.into() });
        let held = held.iter().map(|(of, kvnos)| HeldKeys { principal: name(of), kvnos: kvnos.to_vec() });
        HolderRecord::new(id, "R", held.collect(), Timestamp { time: KerberosTime(1), micros: 0 })
    }

    fn of(holders: &Holders, principal: &str) -> Vec<(String, Vec<u32>)> {
        let principal = name(principal);
        holders.of_principal(&principal).iter().map(|held| (held.id.uid().to_owned(), held.kvnos.to_vec())).collect()
    }

    #[test]
    fn holders_are_known_by_principal_and_a_changed_record_replaces_the_former() {
        let mut holders = Holders::default();
        holders.put(pod("a", &[("web", &[2, 1]), ("HTTP/web", &[])]), Revision(1));
        let touched = holders.put(pod("b", &[("web", &[1])]), Revision(2));
        assert_eq!(touched, [name("web")].into());
        assert_eq!(of(&holders, "web"), [("a".into(), vec![2, 1]), ("b".into(), vec![1])]);
        assert_eq!(of(&holders, "HTTP/web"), [("a".into(), vec![])], "sent, and not confirmed");
        let touched = holders.put(pod("a", &[("web", &[2])]), Revision(3));
        assert_eq!(touched, [name("web"), name("HTTP/web")].into(), "what it holds no longer counts too");
        assert_eq!(of(&holders, "HTTP/web"), []);
        assert_eq!(holders.remove(&HolderRecord::name_of("b", "R")), [name("web")].into());
        assert_eq!(of(&holders, "web"), [("a".into(), vec![2])]);
        assert!(holders.remove(&name("web")).is_empty(), "a principal is no holder");
        assert_eq!((holders.iter().count(), holders.of_principal.len()), (1, 1));
    }
}
