//! What is rendered, what is in force, what was written: the step from there to what the cluster asks for. Synchronous and without
//! IO; a step costs some milliseconds at thousands of policies, so it runs beside the async threads.

use kennel_core::access::AccessIndex;
use kennel_core::access::table::AccessTable;
use kennel_k8s::index::Index;
use kennel_k8s::index::facts::{ObjectKey, PolicyFact};
use kennel_k8s::render::access::rendered::Rendered;
use kennel_k8s::render::transition::{Transition, transition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The state of programming.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// The last rendering; `None` before the first one.
    rendered: Option<Arc<Rendered>>,
    /// The table that the KDC decides by.
    active: AccessTable,
    /// Policies that were written, and of which the watch has reported nothing since.
    written: BTreeMap<ObjectKey, Written>,
    /// Policies that a request may be changing.
    in_flight: BTreeSet<ObjectKey>,
    /// Those of them that the watch has reported during the request.
    reported: BTreeSet<ObjectKey>,
    /// Policies that the cluster has had as they are rendered now: one that differs has drifted.
    as_rendered: BTreeSet<ObjectKey>,
    /// Policies that the cluster has had in some form: a pod that enrols is not open to everybody.
    known: BTreeSet<ObjectKey>,
}

/// The result of a write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Written {
    /// The policy is as the API server answered.
    Put(PolicyFact),
    /// The policy is gone.
    Gone,
}

/// What has happened since the last step.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Whether to render anew.
    pub(crate) render: bool,
    /// Policies that the watch has reported.
    pub(crate) touched: BTreeSet<ObjectKey>,
    /// Writes that have begun.
    pub(crate) begun: BTreeSet<ObjectKey>,
    /// Writes that have ended; `None`: one that failed, or whose result is not known.
    pub(crate) ended: Vec<(ObjectKey, Option<Written>)>,
    /// A listing of our policies.
    pub(crate) listing: Option<Listing>,
}

/// A listing of the policies of ours, beside the watch.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) listed: BTreeMap<ObjectKey, PolicyFact>,
    /// Policies that changed since the listing began, of which the watch knows more.
    pub(crate) newer: BTreeSet<ObjectKey>,
}

/// What to do next.
#[derive(Debug)]
pub(crate) struct ProgramStep {
    /// The rendering.
    pub(crate) rendered: Arc<Rendered>,
    /// The table that the KDC decides by from now on, where it is another one.
    pub(crate) access: Option<Arc<AccessIndex>>,
    /// Policies to write and to delete, without those that a request may be changing.
    pub(crate) apply: Vec<ObjectKey>,
    pub(crate) delete: Vec<ObjectKey>,
    /// All policies that are not as rendered.
    pub(crate) missing: BTreeSet<ObjectKey>,
    /// Policies that the cluster has had in no form yet.
    pub(crate) unknown: BTreeSet<ObjectKey>,
    /// Policies that somebody else has changed or deleted since the last step.
    pub(crate) drifted: Vec<ObjectKey>,
    /// The time at which the next grant ends.
    pub(crate) next_end: Option<KerberosTime>,
}

impl Program {
    /// Takes in the news and says what to do next. `now`: seconds since the epoch.
    pub(crate) fn advance(&mut self, index: &Index, news: News, now: i64) -> ProgramStep {
        self.take_in(&news);
        if let Some(listing) = news.listing {
            self.compare(index, listing);
        }
        let drifted = self.drifted(index, &news.touched);
        if news.render || self.rendered.is_none() {
            self.replace(render(index, now));
        }
        let rendered = self.rendered.clone().unwrap_or_default();
        let Transition { table, apply, delete, .. } = transition(&self.active, &self.applied(index), &rendered);
        let missing: BTreeSet<ObjectKey> = apply.iter().cloned().collect();
        for key in rendered.policies.keys().filter(|key| !missing.contains(*key)) {
            self.as_rendered.insert(key.clone());
            self.known.insert(key.clone());
        }
        let unknown = missing.iter().filter(|key| !self.known.contains(*key)).cloned().collect();
        let access = (table != self.active).then(|| Arc::new(AccessIndex::new(&table)));
        self.active = table;
        let is_free = |key: &ObjectKey| !self.in_flight.contains(key);
        ProgramStep {
            access,
            apply: apply.into_iter().filter(is_free).collect(),
            delete: delete.into_iter().filter(is_free).collect(),
            missing,
            unknown,
            drifted,
            rendered,
        }
    }

    fn take_in(&mut self, news: &News) {
        self.in_flight.extend(news.begun.iter().cloned());
        self.reported.extend(news.touched.intersection(&self.in_flight).cloned());
        for key in &news.touched {
            self.written.remove(key);
        }
        for (key, written) in &news.ended {
            self.in_flight.remove(key);
            // What the watch reported during the request may be older or newer than its answer: the index decides, and at worst
            // the policy is written once more.
            let reported = self.reported.remove(key);
            match written.clone().filter(|_| !reported) {
                Some(written) => _ = self.written.insert(key.clone(), written),
                None => _ = self.written.remove(key),
            }
        }
    }

    /// Believes a listing where the watch says something else and has reported nothing since.
    fn compare(&mut self, index: &Index, Listing { listed, newer }: Listing) {
        let is_open = |key: &ObjectKey| !newer.contains(key);
        for (key, _) in index.own_policies().filter(|(key, _)| is_open(key) && !listed.contains_key(*key)) {
            self.written.insert(key.clone(), Written::Gone);
        }
        for (key, fact) in listed.into_iter().filter(|(key, fact)| is_open(key) && index.is_own_policy(fact)) {
            if index.own_policy(&key) != Some(&fact) {
                self.written.insert(key, Written::Put(fact));
            }
        }
    }

    /// The policies of ours, each as it was last reported or written, without those that a request may be changing.
    fn applied<'a>(&'a self, index: &'a Index) -> BTreeMap<ObjectKey, &'a PolicyFact> {
        let mut applied: BTreeMap<ObjectKey, &PolicyFact> =
            index.own_policies().map(|(key, fact)| (key.clone(), fact)).collect();
        for (key, written) in &self.written {
            match written {
                Written::Put(fact) => _ = applied.insert(key.clone(), fact),
                Written::Gone => _ = applied.remove(key),
            }
        }
        applied.retain(|key, _| !self.in_flight.contains(key));
        applied
    }

    /// Returns the policies among `touched` that were as rendered, and are not any more: nobody but us may change them. A policy
    /// counts once until it is put back.
    fn drifted(&mut self, index: &Index, touched: &BTreeSet<ObjectKey>) -> Vec<ObjectKey> {
        let Some(rendered) = self.rendered.clone() else { return Vec::new() };
        let differs = |key: &&ObjectKey| {
            let wanted = rendered.policies.get(*key);
            wanted.is_some_and(|wanted| index.own_policy(key).is_none_or(|found| !found.is_as(wanted)))
        };
        let drifted = touched.iter().filter(|key| !self.in_flight.contains(*key)).filter(differs);
        drifted.filter(|key| self.as_rendered.remove(*key)).cloned().collect()
    }

    /// Takes another rendering. A policy that is to be another one has not drifted.
    fn replace(&mut self, rendered: Rendered) {
        if let Some(old) = &self.rendered {
            self.as_rendered.retain(|key| rendered.policies.get(key) == old.policies.get(key));
        }
        self.known.retain(|key| rendered.policies.contains_key(key));
        self.rendered = Some(Arc::new(rendered));
    }
}
