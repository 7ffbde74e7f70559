//! The objects of one kind. A listing replaces all of them at its end, and only then: what is not in it is gone.

use crate::index::facts::ObjectKey;
use std::collections::{BTreeMap, BTreeSet};

/// What a watch reports of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectChange<T> {
    /// A listing begins.
    Listing,
    /// An object of the listing.
    Listed(ObjectKey, T),
    /// The listing is complete.
    ListingEnds,
    /// An object was created or changed.
    Put(ObjectKey, T),
    /// An object was deleted.
    Gone(ObjectKey),
}

/// The objects of one kind.
#[derive(Debug)]
pub struct ObjectTable<T> {
    items: BTreeMap<ObjectKey, T>,
    /// Objects of a listing that is not complete.
    listing: Option<BTreeMap<ObjectKey, T>>,
    listed: bool,
}

impl<T> Default for ObjectTable<T> {
    fn default() -> ObjectTable<T> {
        ObjectTable { items: BTreeMap::new(), listing: None, listed: false }
    }
}

impl<T: PartialEq> ObjectTable<T> {
    /// Takes in a change; returns the keys of the objects that came, changed or went.
    pub fn apply(&mut self, change: ObjectChange<T>) -> BTreeSet<ObjectKey> {
        match change {
            ObjectChange::Listing => {
                self.listing = Some(BTreeMap::new());
                BTreeSet::new()
            }
            ObjectChange::Listed(key, item) => {
                self.listing.get_or_insert_default().insert(key, item);
                BTreeSet::new()
            }
            ObjectChange::ListingEnds => self.replace(),
            ObjectChange::Put(key, item) => {
                let same = self.items.get(&key) == Some(&item);
                self.items.insert(key.clone(), item);
                if same { BTreeSet::new() } else { [key].into() }
            }
            ObjectChange::Gone(key) => self.items.remove(&key).map(|_| key).into_iter().collect(),
        }
    }

    fn replace(&mut self) -> BTreeSet<ObjectKey> {
        self.listed = true;
        let new = self.listing.take().unwrap_or_default();
        let gone = self.items.keys().filter(|key| !new.contains_key(*key));
        let other = new.iter().filter(|(key, item)| self.items.get(*key) != Some(*item)).map(|(key, _)| key);
        let touched = gone.chain(other).cloned().collect();
        self.items = new;
        touched
    }

    /// Whether a listing was completed since the start.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Returns an object.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        // The key is a pair of owned strings; a borrowed pair cannot be looked up.
        self.items.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &T)> {
        self.items.iter()
    }

    /// The objects of a namespace, by name.
    pub fn of_namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a str, &'a T)> {
        let all = self.items.range((namespace.to_owned(), String::new())..);
        all.take_while(move |((of, _), _)| of == namespace).map(|((_, name), item)| (&**name, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ("shop".into(), name.into())
    }

    #[test]
    fn a_listing_takes_effect_when_it_ends_and_says_what_it_changed() {
        let mut table = ObjectTable::default();
        table.apply(ObjectChange::Put(key("kept"), 1));
        table.apply(ObjectChange::Put(key("changed"), 1));
        table.apply(ObjectChange::Put(key("gone"), 1));
        assert!(!table.is_listed());
        table.apply(ObjectChange::Listing);
        for (name, value) in [("kept", 1), ("changed", 2), ("new", 1)] {
            assert!(table.apply(ObjectChange::Listed(key(name), value)).is_empty());
        }
        assert_eq!(table.get("shop", "gone"), Some(&1), "until the end of the listing");
        let touched = table.apply(ObjectChange::ListingEnds);
        assert_eq!(touched, ["changed", "gone", "new"].map(key).into());
        assert!(table.is_listed());
        assert_eq!(table.get("shop", "gone"), None);
    }

    #[test]
    fn a_listing_that_breaks_off_changes_nothing() {
        let mut table = ObjectTable::default();
        table.apply(ObjectChange::Put(key("a"), 1));
        table.apply(ObjectChange::Listing);
        table.apply(ObjectChange::Listed(key("b"), 1));
        table.apply(ObjectChange::Listing);
        table.apply(ObjectChange::Listed(key("a"), 1));
        assert!(table.apply(ObjectChange::ListingEnds).is_empty());
        assert_eq!(table.iter().count(), 1);
    }

    #[test]
    fn what_is_put_again_the_same_touches_nobody() {
        let mut table = ObjectTable::default();
        assert_eq!(table.apply(ObjectChange::Put(key("a"), 1)).len(), 1);
        assert!(table.apply(ObjectChange::Put(key("a"), 1)).is_empty());
        assert_eq!(table.apply(ObjectChange::Gone(key("a"))).len(), 1);
        assert!(table.apply(ObjectChange::Gone(key("a"))).is_empty());
    }

    #[test]
    fn a_namespace_is_listed_alone() {
        let mut table = ObjectTable::default();
        for (namespace, name) in [("shop", "b"), ("shop", "a"), ("shop-2", "c"), ("sho", "d")] {
            table.apply(ObjectChange::Put((namespace.into(), name.into()), 1));
        }
        assert_eq!(table.of_namespace("shop").map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
    }
}
