//! The pods of StatefulSets that have principals of their own: those that exist, by their ordinals. A number in a spec makes
//! nothing. A pod that had its principal keeps it while it is restarted or moved: for as long as its StatefulSet exists and counts
//! its ordinal.

use crate::index::facts::{PodFact, StatefulSetFact};
use crate::index::tables::Tables;
use std::collections::{BTreeMap, BTreeSet};

/// Pods of one StatefulSet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ordinals {
    /// UID of the StatefulSet.
    uid: String,
    /// Ordinals of the pods.
    of_pods: BTreeSet<u32>,
}

/// Pods of the StatefulSets of a namespace, by the name of the StatefulSet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SetPods(BTreeMap<String, Ordinals>);

impl SetPods {
    /// The pods of these StatefulSets: those that exist, and those of `granted` that their StatefulSet still counts. Walks the pods
    /// of the namespace once.
    pub(super) fn of_sets(namespace: &str, sets: &BTreeSet<&str>, tables: &Tables, granted: &SetPods) -> SetPods {
        let known = sets.iter().filter_map(|set| Some((*set, tables.stateful_sets.get(namespace, set)?)));
        let mut found = SetPods(known.map(|(set, fact)| (set.to_owned(), granted.still_counted(set, fact))).collect());
        if !found.0.is_empty() {
            tables.pods.of_namespace(namespace).for_each(|(name, pod)| found.add(name, pod));
        }
        found
    }

    fn still_counted(&self, set: &str, fact: &StatefulSetFact) -> Ordinals {
        let counted = |ordinal: &u32| fact.start <= *ordinal && ordinal - fact.start < fact.replicas;
        let before = self.0.get(set).filter(|ordinals| ordinals.uid == fact.uid);
        let of_pods = before.map(|before| before.of_pods.iter().copied().filter(counted).collect());
        Ordinals { uid: fact.uid.clone(), of_pods: of_pods.unwrap_or_default() }
    }

    fn add(&mut self, name: &str, pod: &PodFact) {
        if let Some(set) = &pod.stateful_set
            && let Some(ordinals) = self.0.get_mut(&set.name).filter(|ordinals| ordinals.uid == set.uid)
            && let Some(ordinal) = ordinal_of(name, &set.name)
        {
            ordinals.of_pods.insert(ordinal);
        }
    }

    /// Adds a pod that `found` has, with the UID of its StatefulSet.
    pub(super) fn grant(&mut self, set: &str, ordinal: u32, found: &SetPods) {
        if let Some(from) = found.0.get(set) {
            let granted = self
                .0
                .entry(set.to_owned())
                .or_insert_with(|| Ordinals { uid: from.uid.clone(), ..Ordinals::default() });
            granted.of_pods.insert(ordinal);
        }
    }

    /// The names of the StatefulSets.
    pub(super) fn sets(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Number of pods of a StatefulSet.
    pub(super) fn count(&self, set: &str) -> usize {
        self.0.get(set).map_or(0, |ordinals| ordinals.of_pods.len())
    }

    /// The pods of these StatefulSets with the least ordinals, at most `most` of them.
    pub(super) fn first<'s>(&self, sets: impl Iterator<Item = &'s str>, most: usize) -> BTreeSet<(u32, &'s str)> {
        let mut first = BTreeSet::new();
        for set in sets {
            let ordinals = self.0.get(set).into_iter().flat_map(|ordinals| &ordinals.of_pods);
            first.extend(ordinals.take(most).map(|ordinal| (*ordinal, set)));
        }
        while first.len() > most {
            first.pop_last();
        }
        first
    }
}

/// The ordinal of a StatefulSet's pod by its name: `kafka-7` of `kafka`.
fn ordinal_of(pod: &str, set: &str) -> Option<u32> {
    let text = pod.strip_prefix(set)?.strip_prefix('-')?;
    let ordinal: u32 = text.parse().ok()?;
    // Only what Kubernetes writes: no sign, no leading zero.
    (ordinal.to_string() == text).then_some(ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinal_is_read_as_kubernetes_writes_it() {
        assert_eq!(ordinal_of("kafka-7", "kafka"), Some(7));
        assert_eq!(ordinal_of("kafka-0", "kafka"), Some(0));
        for pod in [
            "kafka",
            "kafka-",
            "kafka-07",
            "kafka-+7",
            "kafka--7",
            "kafka-7-7",
            "kafka-x",
            "kafka2-7",
            "kafka-4294967296",
        ] {
            assert_eq!(ordinal_of(pod, "kafka"), None, "{pod}");
        }
    }

    #[test]
    fn the_first_pods_of_several_stateful_sets_are_those_with_the_least_ordinals() {
        let ordinals = |all: &[u32]| Ordinals { uid: "u".into(), of_pods: all.iter().copied().collect() };
        let pods = SetPods([("a".into(), ordinals(&[0, 2, 10])), ("b".into(), ordinals(&[1, 2]))].into());
        assert_eq!(pods.first(["a", "b"].into_iter(), 3), [(0, "a"), (1, "b"), (2, "a")].into());
        assert_eq!((pods.count("a"), pods.count("c")), (3, 0));
    }
}
