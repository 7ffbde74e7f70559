//! The names of a realm by their digests, in flat memory: a look-up reads one cold line of memory, where a map of names reads its
//! control octets, the slot, the list of components and the text of each.

use crate::name_digest::NameDigest;

/// Values by the names of one realm.
#[derive(Debug)]
pub(super) struct NameTable<V> {
    /// A name stands at the place that its digest points at, or after it, with no empty slot between.
    slots: Box<[Slot<V>]>,
    names: usize,
}

/// Aligned so that no slot lies on two lines of memory.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Slot<V> {
    /// [`NameDigest::NONE`] where the slot has no name.
    digest: NameDigest,
    value: V,
}

impl<V: Copy + Default> NameTable<V> {
    /// A table with room for a number of names, which grows if there are more.
    pub(super) fn with_capacity(names: usize) -> NameTable<V> {
        NameTable { slots: empty_slots(slots_for(names)), names: 0 }
    }

    /// Returns the value of a name.
    pub(super) fn find(&self, name: NameDigest) -> Option<&V> {
        let slot = self.slots.get(self.place(name)?)?;
        (slot.digest == name).then_some(&slot.value)
    }

    /// Returns the value of a name, a default one if the name is new. Only a table that does not fit into memory has no place for it.
    pub(super) fn entry(&mut self, name: NameDigest) -> Option<&mut V> {
        if slots_for(self.names + 1) > self.slots.len() {
            self.resize(self.slots.len() * 2);
        }
        let at = self.place(name)?;
        let slot = self.slots.get_mut(at)?;
        if slot.digest == NameDigest::NONE {
            slot.digest = name;
            self.names += 1;
        }
        Some(&mut slot.value)
    }

    /// Gives back the memory that no name needs.
    pub(super) fn shrink_to_fit(&mut self) {
        self.resize(slots_for(self.names));
    }

    /// Octets that the table has allocated.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.slots)
    }

    fn resize(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, empty_slots(slots));
        for slot in old.into_iter().filter(|slot| slot.digest != NameDigest::NONE) {
            if let Some(free) = self.place(slot.digest).and_then(|at| self.slots.get_mut(at)) {
                *free = slot;
            }
        }
    }

    /// The slot of a name, or the empty one where it belongs.
    fn place(&self, name: NameDigest) -> Option<usize> {
        let slots = self.slots.len();
        // Below the number of slots.
        let first = usize::try_from((u128::from(name.high()) * slots as u128) >> 64).unwrap_or_default();
        let is_its =
            |at: &usize| self.slots.get(*at).is_some_and(|slot| slot.digest == name || slot.digest == NameDigest::NONE);
        (first..slots).chain(0..first).find(is_its)
    }
}

/// Three of four slots have a name at most, so that few share a place.
fn slots_for(names: usize) -> usize {
    names / 3 * 4 + 8
}

fn empty_slots<V: Copy + Default>(slots: usize) -> Box<[Slot<V>]> {
    vec![Slot { digest: NameDigest::NONE, value: V::default() }; slots].into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::{NameType, PrincipalName};

    #[test]
    fn every_name_is_found_however_many_there_are_and_no_other_is() {
        let mut table: NameTable<u32> = NameTable::with_capacity(0);
        let name = |number: u32| {
            let name = PrincipalName::new(NameType::SRV_HST, ["HTTP", &format!("web-{number}.shop.svc")]);
            NameDigest::new(&name)
        };
        for number in 0..5_000 {
            *table.entry(name(number)).unwrap() += number;
            assert_eq!(table.names, number as usize + 1);
        }
        for _ in 0..2 {
            for number in 0..5_000 {
                assert_eq!(
                    (table.find(name(number)).copied(), table.entry(name(number)).copied()),
                    (Some(number), Some(number))
                );
                assert_eq!(table.find(name(number + 5_000)), None);
            }
            assert_eq!(table.names, 5_000);
            table.shrink_to_fit();
        }
        assert_eq!(table.slots.len(), 6_672);
    }

    #[test]
    fn names_of_one_place_stand_one_after_another_also_across_the_end() {
        let mut table: NameTable<u8> = NameTable::with_capacity(0);
        let last = |low: u8| NameDigest::dangerous_new(u64::MAX, low.into());
        for number in 0..6 {
            *table.entry(last(number)).unwrap() = number;
        }
        let find = |table: &NameTable<u8>, low| table.find(last(low)).copied();
        assert_eq!([0, 1, 5, 6].map(|low| find(&table, low)), [Some(0), Some(1), Some(5), None]);
        table.resize(6);
        assert_eq!(
            [0, 1, 5, 6].map(|low| find(&table, low)),
            [Some(0), Some(1), Some(5), None],
            "without an empty slot"
        );
    }

    #[test]
    fn a_digest_that_differs_in_one_half_is_another_name() {
        let mut table: NameTable<u8> = NameTable::with_capacity(0);
        *table.entry(NameDigest::dangerous_new(7, 7)).unwrap() = 1;
        for (high, low) in [(7, 8), (8, 7)] {
            assert_eq!(table.find(NameDigest::dangerous_new(high, low)), None);
        }
        assert_eq!(table.find(NameDigest::dangerous_new(7, 7)), Some(&1));
    }
}
