//! What is known of the cluster, and what follows from it: events of watches in, desired principals out. Synchronous and
//! without IO, so that no cluster is needed to test it.
//!
//! | module | what |
//! |---|---|
//! | [`facts`] | what is kept of each object |
//! | [`table`] | the objects of a kind, and listings that replace them |
//! | `services` | what a KerberosPrincipal asks for |
//! | `claims` | who has a name that several claim |
//! | [`namespace`] | what a namespace asks for |
//! | `selector` | label selectors |
//! | `view` | the index as the core sees it: enrolment's rules, the pods of tickets |

pub mod facts;
pub mod namespace;
pub mod table;

mod claims;
mod selector;
mod services;
mod view;

#[cfg(test)]
mod tests;

pub use namespace::{NamespaceDesire, Outcome};
pub use services::Problem;
pub use view::SharedIndex;

use crate::crd::{KerberosPrincipal, KerberosRealm};
use claims::Claims;
use facts::{AccountFact, Key, NamespaceFact, OwnFact, PodFact, ServiceFact, StatefulSetFact};
use kennel_core::accounts::DesiredPrincipal;
use kennel_wire::message::Principal;
use namespace::Requests;
use std::collections::{BTreeMap, BTreeSet};
use table::{Change, Table};

/// One event of a watch.
#[derive(Debug, Clone)]
pub enum Event {
    /// Of a namespace.
    Namespace(Change<NamespaceFact>),
    /// Of a service account.
    Account(Change<AccountFact>),
    /// Of a Service.
    Service(Change<ServiceFact>),
    /// Of a pod.
    Pod(Change<PodFact>),
    /// Of a StatefulSet.
    StatefulSet(Change<StatefulSetFact>),
    /// Of a KerberosRealm.
    Realm(Change<OwnFact<KerberosRealm>>),
    /// Of a KerberosPrincipal.
    Principal(Change<OwnFact<KerberosPrincipal>>),
}

/// The objects of each kind.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) namespaces: Table<NamespaceFact>,
    pub(crate) accounts: Table<AccountFact>,
    pub(crate) services: Table<ServiceFact>,
    pub(crate) pods: Table<PodFact>,
    pub(crate) stateful_sets: Table<StatefulSetFact>,
    pub(crate) realms: Table<OwnFact<KerberosRealm>>,
    pub(crate) principals: Table<OwnFact<KerberosPrincipal>>,
}

/// What is known of the cluster.
#[derive(Debug)]
pub struct Index {
    realm: String,
    tables: Tables,
    claims: Claims,
    desires: BTreeMap<String, NamespaceDesire>,
    /// The namespace that wants a principal.
    wanted_by: BTreeMap<Principal, String>,
    /// Alias to principal, of all namespaces.
    aliases: BTreeMap<Principal, Principal>,
    dirty: BTreeSet<String>,
    realms_dirty: bool,
    /// Name of the KerberosRealm that is followed.
    followed: Option<String>,
}

/// What a settling changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Principals that are wanted otherwise than before.
    pub principals: BTreeSet<Principal>,
    /// Aliases, likewise.
    pub aliases: BTreeSet<Principal>,
    /// Namespaces of which something was computed anew: enrolment, or the outcomes of their objects.
    pub namespaces: BTreeSet<String>,
    /// KerberosRealms may be others.
    pub realms: bool,
}

impl Index {
    /// Of the KDC that serves this realm; nothing is known yet.
    #[must_use]
    pub fn new(realm: impl Into<String>) -> Index {
        Index {
            realm: realm.into(),
            tables: Tables::default(),
            claims: Claims::default(),
            desires: BTreeMap::new(),
            wanted_by: BTreeMap::new(),
            aliases: BTreeMap::new(),
            dirty: BTreeSet::new(),
            realms_dirty: false,
            followed: None,
        }
    }

    /// Takes in an event. What follows from it shows after the next [`Index::settle`], except for pods: they count at once.
    pub fn apply(&mut self, event: Event) {
        let tables = &mut self.tables;
        let namespaces = |keys: BTreeSet<Key>| keys.into_iter().map(|(namespace, _)| namespace).collect::<Vec<_>>();
        let touched = match event {
            Event::Namespace(change) => tables.namespaces.apply(change).into_iter().map(|(_, name)| name).collect(),
            Event::Account(change) => namespaces(tables.accounts.apply(change)),
            Event::Service(change) => namespaces(tables.services.apply(change)),
            Event::StatefulSet(change) => namespaces(tables.stateful_sets.apply(change)),
            Event::Principal(change) => namespaces(tables.principals.apply(change)),
            Event::Pod(change) => {
                tables.pods.apply(change);
                return;
            }
            Event::Realm(change) => {
                self.realms_dirty |= !tables.realms.apply(change).is_empty();
                return;
            }
        };
        self.dirty.extend(touched);
    }

    /// Whether every kind was listed since the start: before, what is missing may only not be known yet.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        let t = &self.tables;
        t.namespaces.is_listed()
            && t.accounts.is_listed()
            && t.services.is_listed()
            && t.pods.is_listed()
            && t.stateful_sets.is_listed()
            && t.realms.is_listed()
            && t.principals.is_listed()
    }

    /// Computes what follows from the events since the last time.
    pub fn settle(&mut self) -> Settled {
        let mut settled = Settled { realms: std::mem::take(&mut self.realms_dirty), ..Settled::default() };
        if settled.realms {
            self.followed = self.oldest_realm();
            let known = self.tables.namespaces.iter().map(|((_, name), _)| name);
            self.dirty.extend(known.chain(self.desires.keys()).cloned());
        }
        // A name that becomes another's touches further namespaces; each claim is settled once its namespace is.
        while let Some(namespace) = self.dirty.pop_first() {
            let desire = self.desire(&namespace);
            let old = self.desires.remove(&namespace).unwrap_or_default();
            settled.compare(&old, &desire);
            self.register(&namespace, &old, &desire);
            settled.namespaces.insert(namespace.clone());
            if desire != NamespaceDesire::default() {
                self.desires.insert(namespace, desire);
            }
        }
        settled
    }

    /// Keeps the ways from a name to who wants it. A name may have gone to another namespace before this one was settled.
    fn register(&mut self, namespace: &str, old: &NamespaceDesire, new: &NamespaceDesire) {
        for (name, desired) in &old.principals {
            if self.wanted_by.get(name).is_some_and(|wanted_by| wanted_by == namespace) {
                self.wanted_by.remove(name);
            }
            for alias in &desired.aliases {
                if self.aliases.get(alias) == Some(name) {
                    self.aliases.remove(alias);
                }
            }
        }
        for (name, desired) in &new.principals {
            self.wanted_by.insert(name.clone(), namespace.to_owned());
            self.aliases.extend(desired.aliases.iter().map(|alias| (alias.clone(), name.clone())));
        }
    }

    fn desire(&mut self, namespace: &str) -> NamespaceDesire {
        let tables = &self.tables;
        let not_enrolled = match (self.followed_realm(), tables.namespaces.get("", namespace)) {
            (None, _) => Some(no_realm(&self.realm)),
            (Some(realm), Some(fact))
                if !fact.ending && selector::takes(&realm.spec.namespace_selector, &fact.labels) =>
            {
                None
            }
            (Some(realm), _) => Some(not_selected(namespace, realm)),
        };
        if let Some(why) = not_enrolled {
            self.dirty.extend(self.claims.replace(namespace, BTreeSet::new()));
            return NamespaceDesire::not_enrolled(namespace, &why, tables);
        }
        let Some(realm) = self.followed.as_ref().and_then(|name| tables.realms.get("", name)?.object.as_ref().ok())
        else {
            return NamespaceDesire::default();
        };
        let requests = Requests::of(namespace, realm, tables);
        self.dirty.extend(self.claims.replace(namespace, requests.claims(namespace)));
        NamespaceDesire::enrolled(namespace, realm, requests, &self.claims, tables)
    }

    /// The oldest KerberosRealm of our realm's name; the others have no effect.
    fn oldest_realm(&self) -> Option<String> {
        let ours = self.tables.realms.iter().filter(|(_, fact)| {
            let of_our_name = |realm: &KerberosRealm| realm.spec.realm_name == self.realm;
            fact.meta.deletion_timestamp.is_none() && fact.object.as_ref().is_ok_and(of_our_name)
        });
        ours.min_by_key(|(_, fact)| fact.seniority()).map(|((_, name), _)| name.clone())
    }

    /// The KerberosRealm that is followed.
    #[must_use]
    pub fn followed_realm(&self) -> Option<&KerberosRealm> {
        self.tables.realms.get("", self.followed.as_ref()?)?.object.as_ref().ok()
    }

    /// All KerberosRealms of our realm's name, and those that cannot be read.
    pub fn realms(&self) -> impl Iterator<Item = &OwnFact<KerberosRealm>> {
        let ours =
            |fact: &OwnFact<KerberosRealm>| fact.object.as_ref().map_or(true, |o| o.spec.realm_name == self.realm);
        self.tables.realms.iter().map(|(_, fact)| fact).filter(move |fact| ours(fact))
    }

    /// A KerberosPrincipal.
    #[must_use]
    pub fn principal_object(&self, namespace: &str, name: &str) -> Option<&OwnFact<KerberosPrincipal>> {
        self.tables.principals.get(namespace, name)
    }

    /// What a namespace asks for.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<&NamespaceDesire> {
        self.desires.get(name)
    }

    /// All namespaces that ask for something.
    pub fn namespaces(&self) -> impl Iterator<Item = (&str, &NamespaceDesire)> {
        self.desires.iter().map(|(name, desire)| (&**name, desire))
    }

    /// What is wanted under a name.
    #[must_use]
    pub fn desired(&self, name: &Principal) -> Option<&DesiredPrincipal> {
        self.desires.get(self.wanted_by.get(name)?)?.principals.get(name)
    }

    /// The namespace that a name is wanted by.
    #[must_use]
    pub fn wanted_by(&self, name: &Principal) -> Option<&str> {
        self.wanted_by.get(name).map(String::as_str)
    }

    /// All principals that are wanted.
    pub fn wanted(&self) -> impl Iterator<Item = &Principal> {
        self.wanted_by.keys()
    }

    /// All aliases that are wanted.
    pub fn wanted_aliases(&self) -> impl Iterator<Item = &Principal> {
        self.aliases.keys()
    }

    /// What a name is to be another name of.
    #[must_use]
    pub fn alias_target(&self, alias: &Principal) -> Option<&Principal> {
        self.aliases.get(alias)
    }
}

impl Settled {
    fn compare(&mut self, old: &NamespaceDesire, new: &NamespaceDesire) {
        let changed = |a: &NamespaceDesire, b: &NamespaceDesire| {
            let other = a.principals.iter().filter(|(name, desired)| b.principals.get(*name) != Some(*desired));
            other.map(|(_, desired)| desired.clone()).collect::<Vec<_>>()
        };
        for desired in changed(old, new).into_iter().chain(changed(new, old)) {
            self.aliases.extend(desired.aliases);
            self.principals.insert(desired.name);
        }
    }

    /// Nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Settled::default()
    }
}

fn no_realm(realm: &str) -> Problem {
    let message = format!("there is no KerberosRealm for {realm}: create one with spec.realmName {realm}");
    Problem { reason: "RealmNotFound", message }
}

fn not_selected(namespace: &str, realm: &KerberosRealm) -> Problem {
    let object = realm.metadata.name.as_deref().unwrap_or_default();
    let message = format!(
        "namespace {namespace} is not enrolled: give it the labels that spec.namespaceSelector of KerberosRealm {object} asks for ({})",
        selector::text(&realm.spec.namespace_selector)
    );
    Problem { reason: "NamespaceNotEnrolled", message }
}
