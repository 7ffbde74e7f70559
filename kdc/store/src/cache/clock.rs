//! A bounded map by name that evicts values not used lately (second chance, also called clock).

use kennel_wire::message::Principal;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// At most `capacity` values. Reading needs no exclusive access.
pub(super) struct ClockMap<V> {
    slots: Vec<Slot<V>>,
    places: HashMap<Arc<Principal>, usize>,
    /// Slot at which the next search for an eviction begins.
    hand: usize,
    capacity: usize,
}

struct Slot<V> {
    name: Arc<Principal>,
    value: V,
    /// Whether the value was read since the hand last passed.
    used: AtomicBool,
}

impl<V> ClockMap<V> {
    pub(super) fn new(capacity: usize) -> ClockMap<V> {
        ClockMap { slots: Vec::new(), places: HashMap::new(), hand: 0, capacity }
    }

    pub(super) fn get(&self, name: &Principal) -> Option<&V> {
        let slot = self.slots.get(*self.places.get(name)?)?;
        // Written only where it changes: many threads read the same few slots.
        if !slot.used.load(Ordering::Relaxed) {
            slot.used.store(true, Ordering::Relaxed);
        }
        Some(&slot.value)
    }

    /// Inserts a value. A full map evicts one that was not read lately; a map without capacity stores nothing.
    pub(super) fn insert(&mut self, name: &Principal, value: V) {
        if let Some(slot) = self.places.get(name).and_then(|place| self.slots.get_mut(*place)) {
            slot.value = value;
            return;
        }
        while self.is_full() {
            if !self.evict() {
                return;
            }
        }
        let name = Arc::new(name.clone());
        self.places.insert(name.clone(), self.slots.len());
        self.slots.push(Slot { name, value, used: AtomicBool::new(false) });
    }

    pub(super) fn remove(&mut self, name: &Principal) {
        let Some(place) = self.places.remove(name) else { return };
        if place < self.slots.len() {
            self.slots.swap_remove(place);
        }
        // The last slot has moved into the freed place.
        if let Some(moved) = self.slots.get(place) {
            self.places.insert(moved.name.clone(), place);
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.places.clear();
    }

    pub(super) fn is_full(&self) -> bool {
        self.slots.len() >= self.capacity
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Evicts one slot; returns `false` where there is none. The loop ends, because no slot is marked as used after one round.
    fn evict(&mut self) -> bool {
        loop {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            let Some(slot) = self.slots.get(self.hand) else { return false };
            if slot.used.swap(false, Ordering::Relaxed) {
                self.hand += 1;
            } else {
                let name = slot.name.clone();
                self.remove(&name);
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::battery::name;

    fn nth(number: u32) -> Principal {
        name(&[&number.to_string()])
    }

    #[test]
    fn what_was_inserted_is_found_until_it_is_removed() {
        let mut map = ClockMap::new(10);
        (0..10).for_each(|n| map.insert(&nth(n), n));
        (0..10).step_by(2).for_each(|n| map.remove(&nth(n)));
        map.remove(&nth(99));
        map.insert(&nth(3), 33);
        let left: Vec<_> = (0..10).filter_map(|n| map.get(&nth(n)).copied()).collect();
        assert_eq!(left, [1, 33, 5, 7, 9]);
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let mut map = ClockMap::new(7);
        (0..1000).for_each(|n| map.insert(&nth(n), n));
        assert_eq!((map.len(), map.places.len()), (7, 7));
        assert_eq!(map.get(&nth(999)), Some(&999));
    }

    #[test]
    fn what_is_read_again_and_again_outlives_a_flood() {
        let mut map = ClockMap::new(10);
        (0..5).for_each(|n| map.insert(&nth(n), n));
        for flood in 100..1000 {
            (0..5).for_each(|n| assert_eq!(map.get(&nth(n)), Some(&n), "at {flood}"));
            map.insert(&nth(flood), flood);
        }
    }

    #[test]
    fn a_map_without_capacity_keeps_nothing() {
        let mut map = ClockMap::new(0);
        map.insert(&nth(1), 1);
        assert_eq!(map.get(&nth(1)), None);
    }

    #[test]
    fn a_cleared_map_can_be_filled_again() {
        let mut map = ClockMap::new(2);
        (0..3).for_each(|n| map.insert(&nth(n), n));
        map.clear();
        assert_eq!(map.get(&nth(2)), None);
        (0..3).for_each(|n| map.insert(&nth(n), n));
        assert_eq!(map.len(), 2);
    }
}
