//! Which aliases a principal has, in memory: who deletes or renames a principal asks. The index is made at the first question, since most
//! processes are never asked.

use crate::principal_store::{Change, VersionedRecord};
use kennel_core::principal::Record;
use kennel_wire::message::Principal;
use std::collections::{BTreeSet, HashMap};

/// The aliases of a store, in both directions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AliasIndex {
    targets: HashMap<Principal, Principal>,
    aliases: HashMap<Principal, BTreeSet<Principal>>,
}

impl AliasIndex {
    /// The aliases among all records of a store.
    pub(super) fn of_records(records: &[VersionedRecord]) -> AliasIndex {
        let mut index = AliasIndex::default();
        records.iter().for_each(|versioned| index.put(&versioned.record));
        index
    }

    /// The aliases of a principal, in their order.
    pub(super) fn of(&self, target: &Principal) -> Vec<Principal> {
        self.aliases.get(target).into_iter().flatten().cloned().collect()
    }

    /// Takes in a change.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(versioned) => self.put(&versioned.record),
            Change::Deleted { name, .. } => self.remove(name),
            Change::Lagged => {}
        }
    }

    fn put(&mut self, record: &Record) {
        // What had this name before was an alias of another principal, or is none any more.
        self.remove(record.name());
        if let Record::Alias { alias, target, .. } = record {
            self.targets.insert(alias.clone(), target.clone());
            self.aliases.entry(target.clone()).or_default().insert(alias.clone());
        }
    }

    fn remove(&mut self, alias: &Principal) {
        let Some(target) = self.targets.remove(alias) else { return };
        if let Some(aliases) = self.aliases.get_mut(&target) {
            aliases.remove(alias);
            if aliases.is_empty() {
                self.aliases.remove(&target);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal_store::Revision;
    use kennel_core::key_set::KeySet;
    use kennel_core::principal::{Origin, PrincipalRecord};
    use kennel_wire::message::Timestamp;

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    fn put(record: Record) -> Change {
        Change::Put(VersionedRecord { record, revision: Revision(1) })
    }

    fn alias(alias: &str, target: &str) -> Change {
        put(Record::Alias { alias: name(alias), target: name(target), origin: Origin::Manual })
    }

    #[test]
    fn aliases_come_move_and_go_with_the_changes_of_the_store() {
        let mut index = AliasIndex::default();
        for change in [alias("b", "web"), alias("a", "web"), alias("c", "mail")] {
            index.apply(&change);
        }
        assert_eq!(index.of(&name("web")), [name("a"), name("b")]);
        index.apply(&alias("a", "mail"));
        index.apply(&Change::Deleted { name: name("c"), revision: Revision(2) });
        assert_eq!((index.of(&name("web")), index.of(&name("mail"))), (vec![name("b")], vec![name("a")]));
        let principal =
            PrincipalRecord::new(name("b"), Origin::Manual, KeySet::default(), Timestamp::default(), "test");
        index.apply(&put(Record::Principal(Box::new(principal))));
        assert!(index.of(&name("web")).is_empty(), "a principal has the name now");
        index.apply(&Change::Deleted { name: name("a"), revision: Revision(3) });
        assert_eq!(index, AliasIndex::default(), "nothing stays behind");
    }
}
