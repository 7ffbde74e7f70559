//! Who asked for whom: for each client, server account and service class the first and the last request, and how many ended how. In
//! memory, without a write for each ticket; bounded for each namespace and in all, where the pairs that asked longest ago give way
//! and are counted.

use crate::scope::DecisionScope;
use kennel_core::access::ServiceClass;
use kennel_core::access::table::ServerKey;
use kennel_core::event::Event;
use kennel_wire::admin::DecisionOutcome;
use kennel_wire::message::Principal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// Pairs of one namespace.
const OF_NAMESPACE: usize = 2048;
/// Octets of the pairs of all namespaces.
const OCTETS: usize = 32 * 1024 * 1024;
/// Between the parts of a key: no name holds it unescaped.
const BETWEEN: char = '\n';

/// All pairs, as they are kept beyond the end of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairsSnapshot {
    /// Beginning of the recording, seconds since the epoch.
    pub since: i64,
    /// Number of pairs that were dropped, by namespace.
    pub lost: BTreeMap<String, u64>,
    /// The pairs.
    pub pairs: Vec<RecordedPair>,
}

/// Who asked for which service of which account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedPair {
    /// Namespace of the server.
    pub namespace: String,
    /// Account of the server.
    pub account: String,
    /// Service class; empty for the account's own principal.
    pub class: String,
    /// The client, with its realm.
    pub client: String,
    /// The requests.
    pub tally: PairTally,
}

/// The requests of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PairTally {
    /// Time of the first one, seconds since the epoch.
    pub first: i64,
    /// Time of the last one.
    pub last: i64,
    /// Outcome of the last one.
    pub last_outcome: DecisionOutcome,
    /// Numbers, in the order of [`DecisionOutcome::ALL`].
    pub counts: [u64; 4],
}

/// The pairs of a scope.
#[derive(Debug)]
pub struct PairsOfNamespace {
    /// Beginning of the recording, seconds since the epoch.
    pub since: i64,
    /// Number of pairs that were dropped.
    pub lost: u64,
    /// The pairs, by server, class and client.
    pub pairs: Vec<RecordedPair>,
}

/// The pairs of all namespaces.
pub(crate) struct Pairs {
    since: i64,
    namespaces: HashMap<Box<str>, NamespacePairs>,
    octets: usize,
    /// Number of changes.
    version: u64,
    /// The key that is looked up.
    key: String,
}

/// The pairs of a namespace, by account, class and client.
#[derive(Default)]
struct NamespacePairs {
    pairs: HashMap<Box<str>, PairTally>,
    octets: usize,
    lost: u64,
}

impl Pairs {
    /// Goes on with the pairs of an earlier process.
    pub(crate) fn restore(snapshot: PairsSnapshot) -> Pairs {
        let PairsSnapshot { since, lost, pairs } = snapshot;
        let mut restored = Pairs { since, namespaces: HashMap::new(), octets: 0, version: 0, key: String::new() };
        for (namespace, lost) in lost {
            restored.namespaces.entry(namespace.into()).or_default().lost = lost;
        }
        for RecordedPair { namespace, account, class, client, tally } in pairs {
            restored.key = format!("{account}{BETWEEN}{class}{BETWEEN}{client}");
            restored.insert(&namespace, tally);
        }
        // The beginning of the recording is to be kept too.
        restored.version = 1;
        restored
    }

    /// Counts a request of a client that has proved who it is. Returns the number of pairs that were dropped for it.
    pub(crate) fn count(
        &mut self,
        server: &ServerKey,
        event: &Event,
        client: &Principal,
        outcome: DecisionOutcome,
    ) -> u64 {
        let class = match event.server.as_ref().map(ServiceClass::of_principal) {
            Some(ServiceClass::Class(class)) => class,
            _ => "",
        };
        self.key.clear();
        // Writing to a `String` does not fail.
        let _ = write!(self.key, "{}{BETWEEN}{class}{BETWEEN}{client}", server.name);
        let now = event.time.time.0;
        let known = self.namespaces.get_mut(server.namespace.as_str());
        if let Some(tally) = known.and_then(|namespace| namespace.pairs.get_mut(self.key.as_str())) {
            self.version += 1;
            tally.count(now, outcome);
            return 0;
        }
        let mut tally = PairTally { first: now, last: now, last_outcome: outcome, counts: [0; 4] };
        tally.count(now, outcome);
        self.insert(&server.namespace, tally)
    }

    /// Inserts a pair under the key. Returns the number of pairs that were dropped for it.
    fn insert(&mut self, namespace: &str, tally: PairTally) -> u64 {
        self.version += 1;
        let of_namespace = self.namespaces.entry(namespace.into()).or_default();
        let octets = octets(&self.key);
        of_namespace.pairs.insert(self.key.as_str().into(), tally);
        of_namespace.octets += octets;
        self.octets += octets;
        let mut dropped = 0;
        if of_namespace.pairs.len() > OF_NAMESPACE {
            self.octets = self.octets.saturating_sub(of_namespace.drop_oldest());
            dropped += 1;
        }
        while self.octets > OCTETS {
            let Some(largest) = self.namespaces.values_mut().max_by_key(|namespace| namespace.octets) else { break };
            self.octets = self.octets.saturating_sub(largest.drop_oldest());
            dropped += 1;
        }
        dropped
    }

    pub(crate) fn list(&self, scope: &DecisionScope) -> PairsOfNamespace {
        let is_asked = |name: &str| match scope {
            DecisionScope::All => true,
            DecisionScope::Namespace(asked) => asked == name,
        };
        let asked = || self.namespaces.iter().filter(|(name, _)| is_asked(name));
        let lost = asked().map(|(_, namespace)| namespace.lost).sum();
        let mut pairs: Vec<_> = asked().flat_map(|(name, namespace)| namespace.records(name)).collect();
        pairs.sort_unstable();
        PairsOfNamespace { since: self.since, lost, pairs }
    }

    pub(crate) fn snapshot(&self, version: u64) -> Option<(u64, PairsSnapshot)> {
        if self.version == version {
            return None;
        }
        let lost = self.namespaces.iter().filter(|(_, namespace)| namespace.lost > 0);
        let lost = lost.map(|(name, namespace)| (name.to_string(), namespace.lost)).collect();
        let PairsOfNamespace { since, pairs, .. } = self.list(&DecisionScope::All);
        Some((self.version, PairsSnapshot { since, lost, pairs }))
    }
}

impl NamespacePairs {
    /// Drops the pair that asked longest ago, and counts it. Returns the octets that are free now.
    fn drop_oldest(&mut self) -> usize {
        let oldest = self.pairs.iter().min_by_key(|(_, tally)| tally.last).map(|(key, _)| key.clone());
        let Some(oldest) = oldest else { return std::mem::take(&mut self.octets) };
        self.pairs.remove(&oldest);
        self.lost = self.lost.saturating_add(1);
        let octets = octets(&oldest);
        self.octets = self.octets.saturating_sub(octets);
        octets
    }

    fn records<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = RecordedPair> + 'a {
        self.pairs.iter().map(move |(key, tally)| {
            let mut parts = key.splitn(3, BETWEEN).map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            let (account, class, client) = (next(), next(), next());
            RecordedPair { namespace: namespace.to_owned(), account, class, client, tally: *tally }
        })
    }
}

impl PairTally {
    fn count(&mut self, now: i64, outcome: DecisionOutcome) {
        // A clock that is set back moves neither end.
        self.last = self.last.max(now);
        self.last_outcome = outcome;
        let counts = DecisionOutcome::ALL.iter().zip(&mut self.counts);
        counts.filter(|(of, _)| **of == outcome).for_each(|(_, count)| *count = count.saturating_add(1));
    }

    /// Number of requests with an outcome.
    #[must_use]
    pub fn number(&self, outcome: DecisionOutcome) -> u64 {
        DecisionOutcome::ALL.iter().zip(self.counts).filter(|(of, _)| **of == outcome).map(|(_, count)| count).sum()
    }
}

/// Octets that a pair occupies, with the free slots of a hash table.
fn octets(key: &str) -> usize {
    key.len() + 2 * size_of::<(Box<str>, PairTally)>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::issued;
    use kennel_wire::message::{KerberosTime, Timestamp};

    fn event(server: &str, seconds: i64) -> Event {
        let time = Timestamp { time: KerberosTime(seconds), micros: 0 };
        Event { server: Principal::parse(server, "R").ok(), time, ..issued() }
    }

    fn count(pairs: &mut Pairs, client: &str, server: &str, seconds: i64, outcome: DecisionOutcome) -> u64 {
        let client = Principal::parse(client, "R").unwrap();
        pairs.count(&ServerKey::new("shop", "web"), &event(server, seconds), &client, outcome)
    }

    fn empty() -> Pairs {
        Pairs::restore(PairsSnapshot { since: 5, ..PairsSnapshot::default() })
    }

    fn shop() -> DecisionScope {
        DecisionScope::Namespace("shop".into())
    }

    #[test]
    fn a_pair_is_a_client_an_account_and_a_class_whatever_the_host() {
        let mut pairs = empty();
        count(&mut pairs, "cart.shop", "HTTP/web.shop.svc", 10, DecisionOutcome::Allowed);
        count(&mut pairs, "cart.shop", "HTTP/web-0.web.shop.svc", 20, DecisionOutcome::WouldDeny);
        count(&mut pairs, "cart.shop", "HTTP/web.shop.svc", 15, DecisionOutcome::WouldDeny);
        count(&mut pairs, "cart.shop", "web.shop", 30, DecisionOutcome::Denied);
        let listed = pairs.list(&shop());
        assert_eq!((listed.since, listed.lost), (5, 0));
        let [own, http] = listed.pairs.as_slice() else { panic!("{listed:?}") };
        assert_eq!((&*own.class, &*own.client, own.tally.counts), ("", "cart.shop@R", [0, 0, 1, 0]));
        assert_eq!((&*http.account, &*http.class, http.tally.counts), ("web", "HTTP", [1, 2, 0, 0]));
        assert_eq!((http.tally.first, http.tally.last), (10, 20));
        assert!(pairs.list(&DecisionScope::Namespace("bank".into())).pairs.is_empty());
    }

    #[test]
    fn pairs_go_on_after_a_restart_and_nothing_new_is_not_written() {
        let mut pairs = empty();
        assert!(pairs.snapshot(0).is_some(), "the beginning of the recording");
        assert_eq!(pairs.snapshot(1), None);
        count(&mut pairs, "cart.shop", "HTTP/web.shop.svc", 10, DecisionOutcome::Allowed);
        let (version, snapshot) = pairs.snapshot(0).unwrap();
        assert_eq!(pairs.snapshot(version), None);
        let text = serde_json::to_string(&snapshot).unwrap();
        let mut restored = Pairs::restore(serde_json::from_str(&text).unwrap());
        assert_eq!((restored.octets, restored.snapshot(1)), (pairs.octets, None));
        count(&mut restored, "cart.shop", "HTTP/web.shop.svc", 99, DecisionOutcome::Allowed);
        let tally = restored.list(&shop()).pairs[0].tally;
        assert_eq!((tally.first, tally.last, tally.number(DecisionOutcome::Allowed)), (10, 99, 2));
    }

    #[test]
    fn a_namespace_keeps_so_many_pairs_and_says_how_many_it_lost() {
        let mut pairs = empty();
        let most = i64::try_from(OF_NAMESPACE).unwrap();
        let lost: u64 = (0..most + 10)
            .map(|number| count(&mut pairs, &format!("c{number}.x"), "HTTP/web", number, DecisionOutcome::Denied))
            .sum();
        let listed = pairs.list(&shop());
        assert_eq!((lost, listed.lost, listed.pairs.len()), (10, 10, OF_NAMESPACE));
        assert!(listed.pairs.iter().all(|pair| pair.tally.first >= 10), "those that asked longest ago are gone");
        let (_, snapshot) = pairs.snapshot(0).unwrap();
        assert_eq!(Pairs::restore(snapshot).list(&shop()).lost, 10);
    }
}
