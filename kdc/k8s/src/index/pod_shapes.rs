//! What the pods of each namespace are like: each shape once, with the number of pods that have it. Rendering reads shapes, so a
//! pod that comes or goes beside others of its workload causes no work.

use crate::index::facts::{AccountLabel, ObjectKey, PodFact, PodShape};
use crate::index::table::ObjectChange;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The shapes of pods that have not ended.
#[derive(Debug, Default)]
pub(super) struct PodShapes {
    /// Namespace to shape to number of pods. A shape of ended pods stays with 0, while memory shares it.
    namespaces: BTreeMap<String, BTreeMap<Arc<PodShape>, usize>>,
}

impl PodShapes {
    /// The same change, with the shape that other pods of the namespace share.
    pub(super) fn share(&mut self, change: ObjectChange<PodFact>) -> ObjectChange<PodFact> {
        match change {
            ObjectChange::Put(key, pod) => self.shared(key, pod, ObjectChange::Put),
            ObjectChange::Listed(key, pod) => self.shared(key, pod, ObjectChange::Listed),
            other => other,
        }
    }

    fn shared(
        &mut self,
        key: ObjectKey,
        mut pod: PodFact,
        wrap: fn(ObjectKey, PodFact) -> ObjectChange<PodFact>,
    ) -> ObjectChange<PodFact> {
        let shapes = self.namespaces.entry(key.0.clone()).or_default();
        match shapes.get_key_value(&pod.shape) {
            Some((known, _)) => pod.shape = known.clone(),
            None => _ = shapes.insert(pod.shape.clone(), 0),
        }
        wrap(key, pod)
    }

    /// Counts a pod under its new shape instead of its old one. Returns whether that decides anything.
    pub(super) fn replace(&mut self, namespace: &str, old: Option<Arc<PodShape>>, new: Option<Arc<PodShape>>) -> bool {
        if old == new {
            return false;
        }
        let shapes = self.namespaces.entry(namespace.to_owned()).or_default();
        let mut decides = false;
        if let Some(new) = new {
            let count = shapes.entry(new.clone()).or_default();
            *count += 1;
            decides |= *count == 1 || new.account_label() != AccountLabel::Right;
        }
        if let Some(old) = old {
            let count = shapes.entry(old.clone()).or_default();
            *count = count.saturating_sub(1);
            decides |= *count == 0 || old.account_label() != AccountLabel::Right;
            // The pod that goes, this variable and the map have it.
            if *count == 0 && Arc::strong_count(&old) <= 3 {
                shapes.remove(&old);
            }
        }
        if shapes.is_empty() {
            self.namespaces.remove(namespace);
        }
        decides
    }

    /// Counts all pods anew, after a listing. Returns whether anything is different.
    pub(super) fn recount<'a>(&mut self, pods: impl Iterator<Item = (&'a ObjectKey, &'a PodFact)>) -> bool {
        let mut counted: BTreeMap<String, BTreeMap<Arc<PodShape>, usize>> = BTreeMap::new();
        for ((namespace, _), pod) in pods {
            if !counted.contains_key(namespace) {
                counted.insert(namespace.clone(), BTreeMap::new());
            }
            if let Some(shapes) = counted.get_mut(namespace) {
                *shapes.entry(pod.shape.clone()).or_default() += 1;
            }
        }
        let differs = self.namespaces != counted;
        self.namespaces = counted;
        differs
    }

    /// The shapes of a namespace, each with the number of its pods.
    pub(super) fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = (&Arc<PodShape>, usize)> {
        let shapes = self.namespaces.get(namespace).into_iter().flatten();
        shapes.map(|(shape, count)| (shape, *count)).filter(|(_, count)| *count > 0)
    }
}
