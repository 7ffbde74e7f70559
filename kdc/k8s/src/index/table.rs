//! The objects of one kind. A listing replaces all of them at its end, and only then: what is not in it is gone.

use super::facts::Key;
use std::collections::{BTreeMap, BTreeSet};

/// What a watch says.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<T> {
    /// A listing begins.
    Listing,
    /// An object of the listing.
    Listed(Key, T),
    /// The listing is complete.
    ListingEnds,
    /// An object was created or changed.
    Put(Key, T),
    /// An object was deleted.
    Gone(Key),
}

/// Objects of a kind.
#[derive(Debug)]
pub struct Table<T> {
    items: BTreeMap<Key, T>,
    listing: Option<BTreeMap<Key, T>>,
    listed: bool,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { items: BTreeMap::new(), listing: None, listed: false }
    }
}

impl<T: PartialEq> Table<T> {
    /// Takes in a change; gives the keys of the objects that are another now.
    pub fn apply(&mut self, change: Change<T>) -> BTreeSet<Key> {
        match change {
            Change::Listing => {
                self.listing = Some(BTreeMap::new());
                BTreeSet::new()
            }
            Change::Listed(key, item) => {
                self.listing.get_or_insert_default().insert(key, item);
                BTreeSet::new()
            }
            Change::ListingEnds => self.replace(),
            Change::Put(key, item) => {
                let same = self.items.get(&key) == Some(&item);
                self.items.insert(key.clone(), item);
                if same { BTreeSet::new() } else { [key].into() }
            }
            Change::Gone(key) => self.items.remove(&key).map(|_| key).into_iter().collect(),
        }
    }

    fn replace(&mut self) -> BTreeSet<Key> {
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

    /// An object.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        // The key is a pair of owned strings; a borrowed pair cannot be looked up.
        self.items.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.items.iter()
    }

    /// Those of a namespace, by name.
    pub fn of_namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a str, &'a T)> {
        let all = self.items.range((namespace.to_owned(), String::new())..);
        all.take_while(move |((of, _), _)| of == namespace).map(|((_, name), item)| (&**name, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("shop".into(), name.into())
    }

    #[test]
    fn a_listing_takes_effect_when_it_ends_and_says_what_it_changed() {
        let mut table = Table::default();
        table.apply(Change::Put(key("kept"), 1));
        table.apply(Change::Put(key("changed"), 1));
        table.apply(Change::Put(key("gone"), 1));
        assert!(!table.is_listed());
        table.apply(Change::Listing);
        for (name, value) in [("kept", 1), ("changed", 2), ("new", 1)] {
            assert!(table.apply(Change::Listed(key(name), value)).is_empty());
        }
        assert_eq!(table.get("shop", "gone"), Some(&1), "until the end of the listing");
        let touched = table.apply(Change::ListingEnds);
        assert_eq!(touched, ["changed", "gone", "new"].map(key).into());
        assert!(table.is_listed());
        assert_eq!(table.get("shop", "gone"), None);
    }

    #[test]
    fn a_listing_that_breaks_off_changes_nothing() {
        let mut table = Table::default();
        table.apply(Change::Put(key("a"), 1));
        table.apply(Change::Listing);
        table.apply(Change::Listed(key("b"), 1));
        table.apply(Change::Listing);
        table.apply(Change::Listed(key("a"), 1));
        assert!(table.apply(Change::ListingEnds).is_empty());
        assert_eq!(table.iter().count(), 1);
    }

    #[test]
    fn what_is_put_again_the_same_touches_nobody() {
        let mut table = Table::default();
        assert_eq!(table.apply(Change::Put(key("a"), 1)).len(), 1);
        assert!(table.apply(Change::Put(key("a"), 1)).is_empty());
        assert_eq!(table.apply(Change::Gone(key("a"))).len(), 1);
        assert!(table.apply(Change::Gone(key("a"))).is_empty());
    }

    #[test]
    fn a_namespace_is_listed_alone() {
        let mut table = Table::default();
        for (namespace, name) in [("shop", "b"), ("shop", "a"), ("shop-2", "c"), ("sho", "d")] {
            table.apply(Change::Put((namespace.into(), name.into()), 1));
        }
        assert_eq!(table.of_namespace("shop").map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
    }
}
