//! What is rendered, what is in force, what was written: the step from there to what the cluster asks for. Synchronous and without
//! IO; a step costs some milliseconds at thousands of policies, so it runs beside the async threads.

use kennel_core::access::AccessIndex;
use kennel_core::access::table::AccessTable;
use kennel_k8s::index::Index;
use kennel_k8s::index::facts::{ObjectKey, PolicyFact};
use kennel_k8s::policy::kind::PolicyKey;
use kennel_k8s::render::access::render;
use kennel_k8s::render::access::rendered::Rendered;
use kennel_k8s::render::transition::{Transition, transition};
use kennel_wire::message::KerberosTime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The state of programming.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// Name of the realm.
    realm: String,
    /// The last rendering; `None` before the first one.
    rendered: Option<Arc<Rendered>>,
    generations: Arc<BTreeMap<ObjectKey, Option<i64>>>,
    /// The table that the KDC decides by.
    active: AccessTable,
    /// Policies that were written, and of which the watch has reported nothing since.
    written: BTreeMap<PolicyKey, Written>,
    /// Policies that a request may be changing.
    in_flight: BTreeSet<PolicyKey>,
    /// Those of them that the watch has reported during the request.
    reported: BTreeSet<PolicyKey>,
    /// Policies that the cluster has had as they are rendered now: one that differs has drifted.
    as_rendered: BTreeSet<PolicyKey>,
    /// Policies that the cluster has had in some form: a pod that enrols is not open to everybody.
    known: BTreeSet<PolicyKey>,
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
    pub(crate) touched: BTreeSet<PolicyKey>,
    /// Writes that have begun.
    pub(crate) begun: BTreeSet<PolicyKey>,
    /// Writes that have ended; `None`: one that failed, or whose result is not known.
    pub(crate) ended: Vec<(PolicyKey, Option<Written>)>,
    /// A listing of our policies.
    pub(crate) listing: Option<Listing>,
}

/// A listing of the policies of ours, beside the watch.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) listed: BTreeMap<PolicyKey, PolicyFact>,
    /// Policies that changed since the listing began, of which the watch knows more.
    pub(crate) newer: BTreeSet<PolicyKey>,
}

/// What to do next.
#[derive(Debug)]
pub(crate) struct ProgramStep {
    /// The rendering.
    pub(crate) rendered: Arc<Rendered>,
    /// The table that the KDC decides by from now on, where it is another one.
    pub(crate) access: Option<Arc<AccessIndex>>,
    /// Policies to write and to delete, without those that a request may be changing.
    pub(crate) apply: Vec<PolicyKey>,
    pub(crate) delete: Vec<PolicyKey>,
    /// All policies that are not as rendered.
    pub(crate) missing: BTreeSet<PolicyKey>,
    /// Policies that the cluster has had in no form yet.
    pub(crate) unknown: BTreeSet<PolicyKey>,
    /// Policies that somebody else has changed or deleted since the last step.
    pub(crate) drifted: Vec<PolicyKey>,
    /// KerberosAccesses with a grant that waits for its policies, `NAMESPACE/NAME`.
    pub(crate) waiting: BTreeSet<Arc<str>>,
    /// The generation of each KerberosAccess that the rendering describes.
    pub(crate) generations: Arc<BTreeMap<ObjectKey, Option<i64>>>,
}

impl Program {
    pub(crate) fn new(realm: &str) -> Program {
        Program { realm: realm.to_owned(), ..Program::default() }
    }

    /// Takes in the news and says what to do next.
    pub(crate) fn advance(&mut self, index: &Index, news: News, now: KerberosTime) -> ProgramStep {
        let watched = index.own_policies();
        self.take_in(&news);
        if let Some(listing) = news.listing {
            self.believe(listing, &watched);
        }
        let drifted = self.drifted(&watched, &news.touched);
        if news.render || self.rendered.is_none() {
            self.generations = generations(index);
            self.replace(render(index, now.0));
        }
        let rendered = self.rendered.clone().unwrap_or_default();
        let Transition { table, apply, delete, .. } = transition(&self.active, &self.applied(watched), &rendered);
        let missing: BTreeSet<PolicyKey> = apply.iter().cloned().collect();
        for key in rendered.policies.keys().filter(|key| !missing.contains(*key)) {
            self.as_rendered.insert(key.clone());
            self.known.insert(key.clone());
        }
        let unknown = missing.iter().filter(|key| !self.known.contains(*key)).cloned().collect();
        let access = (table != self.active).then(|| Arc::new(AccessIndex::new(&table)));
        self.active = table;
        let is_free = |key: &PolicyKey| !self.in_flight.contains(key);
        ProgramStep {
            access,
            apply: apply.into_iter().filter(is_free).collect(),
            delete: delete.into_iter().filter(is_free).collect(),
            waiting: waiting(&rendered.access, &self.active),
            generations: self.generations.clone(),
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
    fn believe(&mut self, Listing { listed, newer }: Listing, watched: &BTreeMap<PolicyKey, &PolicyFact>) {
        let is_open = |key: &PolicyKey| !newer.contains(key);
        for key in watched.keys().filter(|key| is_open(key) && !listed.contains_key(*key)) {
            self.written.insert(key.clone(), Written::Gone);
        }
        for (key, fact) in listed.into_iter().filter(|(key, _)| is_open(key)) {
            // A policy that is not watched as ours may be that of another realm.
            let is_rendered = || self.rendered.as_ref().is_some_and(|rendered| rendered.policies.contains_key(&key));
            if watched.get(&key).map_or_else(is_rendered, |watched| **watched != fact) {
                self.written.insert(key, Written::Put(fact));
            }
        }
    }

    /// The policies of ours, each as it was last reported or written, without those that a request may be changing.
    fn applied<'a>(&'a self, watched: BTreeMap<PolicyKey, &'a PolicyFact>) -> BTreeMap<PolicyKey, &'a PolicyFact> {
        let mut applied = watched;
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
    fn drifted(&mut self, watched: &BTreeMap<PolicyKey, &PolicyFact>, touched: &BTreeSet<PolicyKey>) -> Vec<PolicyKey> {
        let Some(rendered) = self.rendered.clone() else { return Vec::new() };
        let differs = |key: &&PolicyKey| {
            let wanted = rendered.policies.get(*key);
            wanted.is_some_and(|wanted| watched.get(*key).is_none_or(|found| !found.is_as(wanted)))
        };
        let idle = touched.iter().filter(|key| !self.in_flight.contains(*key));
        let drifted: Vec<PolicyKey> = idle.filter(differs).cloned().collect();
        drifted.into_iter().filter(|key| self.as_rendered.remove(key)).collect()
    }

    /// Takes another rendering. A policy that is to be another one has not drifted.
    fn replace(&mut self, mut rendered: Rendered) {
        // Without a KerberosRealm, the services that an administrator made are those of the realm of the configuration.
        rendered.access.realm.clone_from(&self.realm);
        if let Some(old) = &self.rendered {
            self.as_rendered.retain(|key| rendered.policies.get(key) == old.policies.get(key));
        }
        self.known.retain(|key| rendered.policies.contains_key(key));
        self.rendered = Some(Arc::new(rendered));
    }
}

/// The generation of each KerberosAccess.
fn generations(index: &Index) -> Arc<BTreeMap<ObjectKey, Option<i64>>> {
    Arc::new(index.accesses().map(|(key, fact)| (key.clone(), fact.meta.generation)).collect())
}

/// The KerberosAccesses with a grant that is rendered and not in force yet, `NAMESPACE/NAME`.
fn waiting(rendered: &AccessTable, active: &AccessTable) -> BTreeSet<Arc<str>> {
    let mut waiting = BTreeSet::new();
    // Both have the same servers in the same order: the one is made from the other.
    let servers = rendered.servers.iter().zip(&active.servers);
    for (wanted, now) in servers.filter(|(wanted, now)| wanted.grants != now.grants) {
        let missing = wanted.grants.iter().filter(|grant| !now.grants.contains(*grant));
        waiting.extend(missing.map(|grant| grant.by.clone()));
    }
    waiting
}
