//! The queue of names to settle, at once or later. One task at a time settles a name: a name that changes meanwhile is settled
//! again afterwards.

use crate::state::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// The queue of names.
#[derive(Debug, Default)]
pub(crate) struct Work {
    ready: BTreeSet<Name>,
    running: BTreeSet<Name>,
    later: BTreeSet<(Instant, Name)>,
    /// The due time of each name in `later`, which holds a name once.
    due: BTreeMap<Name, Instant>,
}

impl Work {
    /// Makes a name due now.
    pub(crate) fn add(&mut self, name: Name) {
        self.ready.insert(name);
    }

    /// Makes a name due at a later time.
    pub(crate) fn add_at(&mut self, when: Instant, name: Name) {
        if let Some(before) = self.due.insert(name.clone(), when) {
            self.later.remove(&(before, name.clone()));
        }
        self.later.insert((when, name));
    }

    /// Takes the next name to settle. The name stays in work until [`Work::finished`].
    pub(crate) fn begin(&mut self, now: Instant) -> Option<Name> {
        while let Some((when, _)) = self.later.first()
            && *when <= now
            && let Some((_, name)) = self.later.pop_first()
        {
            self.due.remove(&name);
            self.ready.insert(name);
        }
        let name = self.ready.iter().find(|name| !self.running.contains(name))?.clone();
        self.ready.remove(&name);
        self.running.insert(name.clone());
        Some(name)
    }

    /// Records that the work on a name has ended.
    pub(crate) fn finished(&mut self, name: &Name) {
        self.running.remove(name);
    }

    /// The due time of the next name that is due later.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.later.first().map(|(when, _)| *when)
    }

    /// Whether nothing is due now and nothing is being settled.
    pub(crate) fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.running.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::Principal;
    use std::time::Duration;

    fn name(text: &str) -> Name {
        Name::Principal(Principal::parse(text, "R").unwrap())
    }

    #[test]
    fn a_name_that_is_under_way_waits_for_its_end() {
        let (mut work, now) = (Work::default(), Instant::now());
        work.add(name("a"));
        assert_eq!(work.begin(now), Some(name("a")));
        work.add(name("a"));
        work.add(name("b"));
        assert_eq!(work.begin(now), Some(name("b")));
        assert_eq!(work.begin(now), None);
        work.finished(&name("a"));
        assert_eq!(work.begin(now), Some(name("a")));
        assert!(!work.is_idle());
    }

    #[test]
    fn a_name_is_due_once_at_the_time_that_was_said_last() {
        let (mut work, now) = (Work::default(), Instant::now());
        for seconds in [9, 5, 7] {
            work.add_at(now + Duration::from_secs(seconds), name("a"));
        }
        assert_eq!(work.later.len(), 1);
        assert_eq!(work.next_due(), Some(now + Duration::from_secs(7)));
    }

    #[test]
    fn a_name_that_is_due_later_comes_then() {
        let (mut work, now) = (Work::default(), Instant::now());
        let then = now + Duration::from_secs(5);
        work.add_at(then, name("a"));
        assert_eq!((work.begin(now), work.next_due()), (None, Some(then)));
        assert_eq!(work.begin(then), Some(name("a")));
    }
}
