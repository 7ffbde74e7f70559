//! What is programmed at a moment: for the statuses of objects, and for pods that enrol.

use arc_swap::ArcSwapOption;
use kennel_k8s::index::facts::ObjectKey;
use kennel_k8s::policy::kind::PolicyKey;
use kennel_k8s::render::access::rendered::Rendered;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The last step of programming.
#[derive(Debug, Default)]
pub(crate) struct AccessSnapshot {
    /// The rendering.
    pub(crate) rendered: Arc<Rendered>,
    /// Policies that are not as rendered.
    pub(crate) missing: BTreeSet<PolicyKey>,
    /// Policies that the cluster has had in no form yet.
    pub(crate) unknown: BTreeSet<PolicyKey>,
    /// Policies that somebody else keeps changing.
    pub(crate) contended: BTreeSet<PolicyKey>,
    /// KerberosAccesses with a grant that waits for its policies, `NAMESPACE/NAME`.
    pub(crate) waiting: BTreeSet<Arc<str>>,
    /// The generation of each KerberosAccess that the rendering describes.
    pub(crate) generations: Arc<BTreeMap<ObjectKey, Option<i64>>>,
    /// Why policies could not be written.
    pub(crate) errors: BTreeMap<PolicyKey, String>,
}

/// The present snapshot; none before the first step.
#[derive(Clone, Default)]
pub struct Programmed(Arc<ArcSwapOption<AccessSnapshot>>);

impl Programmed {
    /// Whether the policies of an account's pods are in the cluster: those of its namespace, and its own. A policy that has
    /// drifted since counts: it is put back within seconds, and whoever changes policies stops no pod from starting.
    #[must_use]
    pub fn has_policies(&self, namespace: &str, account: &str) -> bool {
        let snapshot = self.0.load();
        snapshot.as_ref().is_some_and(|snapshot| {
            let rendered = &snapshot.rendered;
            let needed = rendered.policies_of_account(namespace, account);
            rendered.namespaces.contains_key(namespace) && needed.iter().all(|key| !snapshot.unknown.contains(*key))
        })
    }

    /// The rendering of the last step.
    #[must_use]
    pub fn rendered(&self) -> Option<Arc<Rendered>> {
        self.0.load().as_ref().map(|snapshot| snapshot.rendered.clone())
    }

    pub(crate) fn load(&self) -> Option<Arc<AccessSnapshot>> {
        self.0.load_full()
    }

    pub(crate) fn set(&self, snapshot: Arc<AccessSnapshot>) {
        self.0.store(Some(snapshot));
    }
}
