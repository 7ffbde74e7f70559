//! Which KerberosRealm the KDC follows, and which namespaces that one has: not those of the cluster itself and of the KDC, and of
//! those that several realms select, the ones that no older realm selects.

use crate::crd::realm::KerberosRealm;
use crate::index::facts::{NamespaceFact, OwnFact};
use crate::index::selector;
use crate::index::table::ObjectTable;
use crate::problem::Problem;
use crate::problem::named::first_names;
use std::collections::BTreeSet;

/// The namespaces of the cluster itself: whoever can label one would make principals of the cluster's own accounts.
const OF_CLUSTER: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Most namespaces that a message names.
const MOST_NAMED: usize = 5;

/// The KerberosRealm that the KDC follows.
#[derive(Debug, Default)]
pub(super) struct RealmChoice {
    followed: Option<KerberosRealm>,
}

/// A namespace, and what decides whether a realm has it.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) namespace: &'a str,
    /// `None` for a namespace that does not exist.
    pub(super) fact: Option<&'a NamespaceFact>,
    /// The namespace of the KDC's pods.
    pub(super) of_kdc: Option<&'a str>,
    pub(super) realms: &'a ObjectTable<OwnFact<KerberosRealm>>,
}

impl RealmChoice {
    /// The KerberosRealm that is followed.
    pub(super) fn followed(&self) -> Option<&KerberosRealm> {
        self.followed.as_ref()
    }

    /// Chooses the oldest KerberosRealm of this realm name. One that was followed and cannot be read any more, or whose selector
    /// cannot, goes on as it was: a mistake in it must not take every namespace out.
    pub(super) fn choose(&mut self, realm_name: &str, realms: &ObjectTable<OwnFact<KerberosRealm>>) {
        let before = self.followed.take();
        let last = |fact: &OwnFact<KerberosRealm>| {
            before.as_ref().filter(|last| last.metadata.uid.is_some() && last.metadata.uid == fact.meta.uid)
        };
        let readable = |fact: &OwnFact<KerberosRealm>| -> Option<KerberosRealm> {
            let Ok(object) = &fact.object else { return last(fact).cloned() };
            if object.spec.realm_name != realm_name {
                return None;
            }
            let mut object = object.clone();
            if let Some(last) = last(fact).filter(|_| selector::unreadable(&object.namespace_selector()).is_some()) {
                object.spec.namespace_selector.clone_from(&last.spec.namespace_selector);
            }
            Some(object)
        };
        let living = realms.iter().filter(|(_, fact)| fact.meta.deletion_timestamp.is_none());
        let ours = living.filter_map(|(key, fact)| Some(((fact.created(), key), readable(fact)?)));
        self.followed = ours.min_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, object)| object);
    }

    /// Returns why the followed realm does not have a namespace; `None` where it has it.
    pub(super) fn not_enrolled(&self, realm_name: &str, candidate: Candidate<'_>) -> Option<Problem> {
        let Candidate { namespace, fact, of_kdc, realms } = candidate;
        let Some(realm) = &self.followed else { return Some(Problem::RealmNotFound { realm: realm_name.to_owned() }) };
        let Some(fact) = fact.filter(|fact| !fact.ending && selects(realm, fact)) else {
            return Some(not_selected(namespace, realm));
        };
        let namespace = namespace.to_owned();
        if OF_CLUSTER.contains(&&*namespace) || of_kdc == Some(&*namespace) {
            return Some(Problem::NamespaceExcluded { namespace });
        }
        older_realm(realm, fact, realms).map(|other| Problem::NamespaceOfOlderRealm { namespace, other })
    }
}

/// Whether a KerberosRealm of another realm name than this selects a namespace.
pub(super) fn selected_by_other(
    realm_name: &str,
    fact: &NamespaceFact,
    realms: &ObjectTable<OwnFact<KerberosRealm>>,
) -> bool {
    let mut others = realms.iter().filter(|(_, fact)| fact.meta.deletion_timestamp.is_none());
    others.any(|(_, other)| {
        let object = other.object.as_ref();
        object.is_ok_and(|object| object.spec.realm_name != realm_name && selects(object, fact))
    })
}

/// Name of a KerberosRealm of another realm name that also selects a namespace and is older.
fn older_realm(
    realm: &KerberosRealm,
    fact: &NamespaceFact,
    realms: &ObjectTable<OwnFact<KerberosRealm>>,
) -> Option<String> {
    let age = |object: &KerberosRealm, created: i64| (created, object.metadata.name.clone());
    let name = realm.metadata.name.as_deref().unwrap_or_default();
    let ours = age(realm, realms.get("", name).map_or(i64::MAX, OwnFact::created));
    let others = realms.iter().filter_map(|(_, other)| {
        let object = other.object.as_ref().ok()?;
        let competes = other.meta.deletion_timestamp.is_none()
            && object.spec.realm_name != realm.spec.realm_name
            && selects(object, fact)
            && age(object, other.created()) < ours;
        competes.then(|| object.metadata.name.clone().unwrap_or_default())
    });
    others.min()
}

/// The namespaces that a KerberosRealm and one of another realm name both select; `None` where there are none.
pub(super) fn overlap(
    realm: &KerberosRealm,
    namespaces: &ObjectTable<NamespaceFact>,
    realms: &ObjectTable<OwnFact<KerberosRealm>>,
) -> Option<Problem> {
    let readable = |(_, fact): (_, &OwnFact<KerberosRealm>)| fact.object.as_ref().ok().cloned();
    let others = realms.iter().filter(|(_, other)| other.meta.deletion_timestamp.is_none()).filter_map(readable);
    let others: Vec<KerberosRealm> = others.filter(|other| other.spec.realm_name != realm.spec.realm_name).collect();
    if others.is_empty() {
        return None;
    }
    let (mut rivals, mut contested) = (BTreeSet::new(), BTreeSet::new());
    for ((_, name), fact) in namespaces.iter().filter(|(_, fact)| selects(realm, fact)) {
        let found = others.iter().filter(|other| selects(other, fact)).filter_map(|other| other.metadata.name.clone());
        for rival in found {
            rivals.insert(rival);
            contested.insert(name.clone());
        }
    }
    (!contested.is_empty()).then(|| Problem::SelectorsOverlap {
        realms: rivals.into_iter().collect::<Vec<_>>().join(", "),
        namespaces: first_names(contested, MOST_NAMED).join(", "),
    })
}

fn selects(realm: &KerberosRealm, fact: &NamespaceFact) -> bool {
    selector::matches(&realm.namespace_selector(), &fact.labels)
}

fn not_selected(namespace: &str, realm: &KerberosRealm) -> Problem {
    Problem::NamespaceNotEnrolled {
        namespace: namespace.to_owned(),
        realm: realm.metadata.name.clone().unwrap_or_default(),
        selector: selector::as_text(&realm.namespace_selector()),
    }
}
