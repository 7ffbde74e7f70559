//! The last decisions of each namespace, for readers that follow them. Bounded in octets: each namespace has a buffer of its own, and
//! where all of them together are too large, the largest one gives way. A namespace that asks much thus loses its own decisions alone.

use crate::backlog::weight;
use crate::metrics::{Metrics, NamespaceCounters};
use crate::scope::DecisionScope;
use kennel_core::access::table::ServerKey;
use kennel_core::event::Event;
use kennel_wire::admin::DecisionOutcome;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Octets of the decisions of all namespaces.
const OCTETS: usize = 16 * 1024 * 1024;
/// Octets of the decisions of one namespace.
const OCTETS_OF_NAMESPACE: usize = 4 * 1024 * 1024;

/// A retained decision.
#[derive(Debug)]
pub struct FeedEntry {
    /// The event of the request.
    pub event: Event,
    /// The account of the server; `None` where the server belongs to none, or the client has not proved who it is.
    pub server: Option<ServerKey>,
    /// How the request ended.
    pub outcome: DecisionOutcome,
    /// Number among all decisions, from 1 on.
    number: u64,
    /// Number among those of its namespace, from 1 on.
    number_in_namespace: u64,
}

/// Retained decisions after a position.
#[derive(Debug)]
pub struct FeedSlice {
    /// The decisions with their sequence numbers in the scope, the oldest first. A gap between two numbers is as many lost ones.
    pub entries: Vec<(u64, Arc<FeedEntry>)>,
    /// Sequence number of the newest decision of the scope; 0 without one.
    pub newest: u64,
    /// Whether more decisions than asked for are retained.
    pub has_more: bool,
}

/// The buffers of all namespaces.
#[derive(Default)]
pub(crate) struct Feed {
    /// By namespace; the empty name has what belongs to none.
    rings: HashMap<Box<str>, Ring>,
    newest: u64,
    octets: usize,
}

/// The buffer of a namespace.
#[derive(Default)]
struct Ring {
    entries: VecDeque<Arc<FeedEntry>>,
    newest: u64,
    octets: usize,
    counts: Option<NamespaceCounters>,
}

impl Feed {
    /// Number of decisions so far.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// The counters of a namespace.
    pub(crate) fn counts(&mut self, namespace: &str, metrics: &Metrics) -> &NamespaceCounters {
        let counts = &mut self.ring(namespace).counts;
        counts.get_or_insert_with(|| metrics.namespace_counters(namespace))
    }

    /// Appends a decision.
    pub(crate) fn push(&mut self, event: Event, server: Option<ServerKey>, outcome: DecisionOutcome) {
        self.newest += 1;
        let (number, octets) = (self.newest, octets(&event, server.as_ref()));
        let namespace = server.as_ref().map_or_else(String::new, |server| server.namespace.clone());
        let ring = self.ring(&namespace);
        ring.newest += 1;
        ring.octets += octets;
        let number_in_namespace = ring.newest;
        ring.entries.push_back(Arc::new(FeedEntry { event, server, outcome, number, number_in_namespace }));
        let mut freed = 0;
        while ring.octets > OCTETS_OF_NAMESPACE {
            freed += ring.drop_oldest();
        }
        self.octets = (self.octets + octets).saturating_sub(freed);
        while self.octets > OCTETS {
            let Some(largest) = self.rings.values_mut().max_by_key(|ring| ring.octets) else { return };
            // More than one decision at a time, so that the largest is not looked for at each.
            let wanted = largest.octets.saturating_sub(largest.octets / 8);
            while largest.octets > wanted {
                let freed = largest.drop_oldest();
                self.octets = self.octets.saturating_sub(freed);
            }
        }
    }

    fn ring(&mut self, namespace: &str) -> &mut Ring {
        if !self.rings.contains_key(namespace) {
            self.rings.insert(namespace.into(), Ring::default());
        }
        self.rings.entry(namespace.into()).or_default()
    }

    pub(crate) fn read(&self, scope: &DecisionScope, after: u64, most: usize) -> FeedSlice {
        let (mut entries, newest) = match scope {
            DecisionScope::Namespace(name) => {
                let ring = self.rings.get(name.as_str());
                let entries = ring.into_iter().flat_map(|ring| ring.after(|e| e.number_in_namespace, after, most));
                (entries.collect::<Vec<_>>(), ring.map_or(0, |ring| ring.newest))
            }
            DecisionScope::All => {
                let of_ring = |ring: &Ring| ring.after(|entry| entry.number, after, most).collect::<Vec<_>>();
                let mut entries: Vec<_> = self.rings.values().flat_map(of_ring).collect();
                entries.sort_by_key(|(number, _)| *number);
                (entries, self.newest)
            }
        };
        let has_more = entries.len() > most;
        entries.truncate(most);
        FeedSlice { entries, newest, has_more }
    }

    pub(crate) fn begin(&self, scope: &DecisionScope, most: usize) -> u64 {
        let mut numbers: Vec<u64> = match scope {
            DecisionScope::Namespace(name) => {
                let ring = self.rings.get(name.as_str());
                ring.into_iter().flat_map(|ring| ring.entries.iter().map(|e| e.number_in_namespace)).collect()
            }
            DecisionScope::All => self.rings.values().flat_map(|ring| ring.entries.iter().map(|e| e.number)).collect(),
        };
        numbers.sort_unstable();
        let newest = match scope {
            DecisionScope::Namespace(name) => self.rings.get(name.as_str()).map_or(0, |ring| ring.newest),
            DecisionScope::All => self.newest,
        };
        let first = numbers.len().saturating_sub(most);
        numbers.get(first).map_or(newest, |number| number.saturating_sub(1))
    }
}

impl Ring {
    /// The retained decisions after a number, the oldest first, and one more than asked for.
    fn after(
        &self,
        number: impl Fn(&FeedEntry) -> u64,
        after: u64,
        most: usize,
    ) -> impl Iterator<Item = (u64, Arc<FeedEntry>)> {
        let first = self.entries.partition_point(|entry| number(entry) <= after);
        let entries = self.entries.iter().skip(first).take(most.saturating_add(1));
        entries.map(move |entry| (number(entry), entry.clone()))
    }

    /// Returns the octets that are free now.
    fn drop_oldest(&mut self) -> usize {
        let Some(entry) = self.entries.pop_front() else {
            return std::mem::take(&mut self.octets);
        };
        let octets = octets(&entry.event, entry.server.as_ref());
        self.octets = self.octets.saturating_sub(octets);
        octets
    }
}

/// Octets that a decision occupies.
fn octets(event: &Event, server: Option<&ServerKey>) -> usize {
    let key = server.map_or(0, |server| server.namespace.len() + server.name.len());
    weight(event) + key + size_of::<FeedEntry>() - size_of::<Event>() + size_of::<Arc<FeedEntry>>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::issued;

    fn of(namespace: &str) -> Option<ServerKey> {
        Some(ServerKey::new(namespace, "web"))
    }

    fn scope(namespace: &str) -> DecisionScope {
        DecisionScope::Namespace(namespace.into())
    }

    fn numbers(slice: &FeedSlice) -> Vec<u64> {
        slice.entries.iter().map(|(number, _)| *number).collect()
    }

    fn feed(namespaces: &[&str]) -> Feed {
        let mut feed = Feed::default();
        for namespace in namespaces {
            feed.push(issued(), of(namespace), DecisionOutcome::Allowed);
        }
        feed
    }

    #[test]
    fn a_namespace_has_numbers_of_its_own_that_say_nothing_of_others() {
        let feed = feed(&["shop", "bank", "bank", "shop"]);
        let shop = feed.read(&scope("shop"), 0, 10);
        assert_eq!((numbers(&shop), shop.newest, shop.has_more), (vec![1, 2], 2, false));
        assert!(shop.entries.iter().all(|(_, entry)| entry.server == of("shop")));
        assert_eq!(numbers(&feed.read(&scope("bank"), 1, 10)), [2]);
        assert_eq!(feed.read(&scope("none"), 0, 10).newest, 0);
        let all = feed.read(&DecisionScope::All, 1, 2);
        assert_eq!((numbers(&all), all.newest, all.has_more), (vec![2, 3], 4, true));
    }

    #[test]
    fn a_reader_begins_with_the_newest_of_what_is_retained() {
        let feed = feed(&["shop", "bank", "shop", "shop"]);
        assert_eq!(feed.begin(&scope("shop"), 2), 1);
        assert_eq!(feed.begin(&scope("shop"), 100), 0);
        assert_eq!(feed.begin(&scope("shop"), 0), 3);
        assert_eq!(feed.begin(&DecisionScope::All, 1), 3);
        assert_eq!(feed.begin(&scope("none"), 5), 0);
    }

    #[test]
    fn a_namespace_that_asks_much_loses_its_own_decisions_alone() {
        let mut feed = feed(&["quiet"]);
        let each = octets(&issued(), of("loud-0").as_ref());
        for number in 0..6 * OCTETS_OF_NAMESPACE / each {
            feed.push(issued(), of(&format!("loud-{}", number % 6)), DecisionOutcome::Allowed);
        }
        assert!(feed.octets <= OCTETS, "{}", feed.octets);
        let kept: usize = feed.rings.values().map(|ring| ring.octets).sum();
        assert_eq!(kept, feed.octets, "every octet is accounted for");
        assert_eq!(numbers(&feed.read(&scope("quiet"), 0, 10)), [1], "the quiet one has lost nothing");
        let loud = feed.read(&scope("loud-0"), 0, 1);
        assert!(loud.entries[0].0 > 1, "the gap says how many are lost");
        for _ in 0..2 * OCTETS_OF_NAMESPACE / each {
            feed.push(issued(), of("loud-0"), DecisionOutcome::Allowed);
        }
        assert!(feed.rings["loud-0"].octets <= OCTETS_OF_NAMESPACE);
        assert!(feed.octets <= OCTETS);
    }
}
