//! What is known of the cluster, and what follows from it: events of watches in, desired principals out. Synchronous and
//! without IO, so that tests need no cluster.
//!
//! | module | what |
//! |---|---|
//! | [`facts`] | what the index keeps of each object |
//! | [`table`] | the objects of one kind, and listings that replace them |
//! | [`tables`] | the objects of every kind, and the events that change them |
//! | `host_owner` | who may have a host name, from the name alone |
//! | `pod_shapes` | what the pods of a namespace are like, each kind once |
//! | `set_pods` | the pods of StatefulSets that have principals of their own |
//! | `budget` | how much of what a namespace asks for it may have |
//! | `records` | the records of the store, as the budgets count them |
//! | `services` | the names that a KerberosPrincipal asks for |
//! | `plan` | what the objects of a namespace ask for within its budget |
//! | `policy_claims` | who has a name that the alias policy gives to several namespaces |
//! | `lookup` | the facts that rendering reads |
//! | [`namespace`] | the principals that a namespace asks for |
//! | `realm_choice` | which KerberosRealm is followed, and which namespaces it has |
//! | `selector` | label selectors |
//! | [`surroundings`] | facts that no object tells: the KDC's own pods, the kinds that are served |
//! | [`view`] | the index as the core sees it: enrolment's rules, the pods of tickets |

pub mod facts;
pub mod namespace;
pub(crate) mod selector;
pub mod surroundings;
pub mod table;
pub mod tables;
pub mod view;

mod budget;
mod host_owner;
mod lookup;
mod plan;
mod pod_shapes;
mod policy_claims;
mod realm_choice;
mod records;
mod services;
mod set_pods;

#[cfg(test)]
mod tests;

use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::index::facts::OwnFact;
use crate::index::namespace::NamespaceDesire;
use crate::index::plan::{NamespacePlan, PlanFacts};
use crate::index::policy_claims::PolicyClaims;
use crate::index::realm_choice::{Candidate, RealmChoice, overlap, selected_by_other};
use crate::index::records::UnclaimedRecords;
use crate::index::surroundings::Surroundings;
use crate::index::tables::{ClusterEvent, Tables};
use crate::policy::kind::PolicyKey;
use crate::problem::Problem;
use kennel_core::accounts::DesiredPrincipal;
use kennel_core::realm::Realm;
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the cluster.
#[derive(Debug)]
pub struct Index {
    /// The realm as the configuration has it.
    realm: Realm,
    tables: Tables,
    claims: PolicyClaims,
    /// Records of the store that no object asks for.
    unclaimed: UnclaimedRecords,
    desires: BTreeMap<String, NamespaceDesire>,
    /// The namespace that wants a principal.
    wanted_by: BTreeMap<Principal, String>,
    /// Alias to principal, of all namespaces.
    aliases: BTreeMap<Principal, Principal>,
    /// Namespaces to compute anew.
    dirty: BTreeSet<String>,
    /// The same, since accounts of theirs changed: where all of them are over the budget, nothing follows.
    dirty_by_accounts: BTreeSet<String>,
    realms_dirty: bool,
    choice: RealmChoice,
    surroundings: Surroundings,
    access_dirty: bool,
    own_policies: BTreeSet<PolicyKey>,
}

/// What [`Index::settle`] changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexChanges {
    /// Principals that are wanted in another way than before, or no longer.
    pub principals: BTreeSet<Principal>,
    /// Aliases that are wanted in another way than before, or no longer.
    pub aliases: BTreeSet<Principal>,
    /// Namespaces that were computed anew: their enrolment, or the outcomes of their objects. One where only accounts changed is among
    /// them if something followed from that.
    pub namespaces: BTreeSet<String>,
    /// Whether KerberosRealms changed.
    pub realms: bool,
    /// Whether accesses are to be rendered anew: something changed that decides tickets or policies. The phase of a pod does not,
    /// and neither does a status.
    pub access: bool,
    /// Policies with our label that changed: what a write did, or drift.
    pub policies: BTreeSet<PolicyKey>,
}

impl Index {
    /// An empty index for the KDC that serves this realm, as the configuration has it: its name, and the domains of other realms.
    #[must_use]
    pub fn new(realm: Realm) -> Index {
        Index {
            realm,
            tables: Tables::default(),
            claims: PolicyClaims::default(),
            unclaimed: UnclaimedRecords::default(),
            desires: BTreeMap::new(),
            wanted_by: BTreeMap::new(),
            aliases: BTreeMap::new(),
            dirty: BTreeSet::new(),
            dirty_by_accounts: BTreeSet::new(),
            realms_dirty: false,
            choice: RealmChoice::default(),
            surroundings: Surroundings::default(),
            access_dirty: true,
            own_policies: BTreeSet::new(),
        }
    }

    /// Takes in what no object tells; accesses are to be rendered anew where it changed.
    pub fn set_surroundings(&mut self, surroundings: Surroundings) {
        self.access_dirty |= self.surroundings != surroundings;
        // The namespace of the KDC is never enrolled.
        self.realms_dirty |= self.surroundings.kdc != surroundings.kdc;
        self.surroundings = surroundings;
    }

    /// What no object tells of the cluster.
    #[must_use]
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Takes in an event. Its effect shows after the next [`Index::settle`], except for pods: they count at once.
    pub fn apply(&mut self, event: ClusterEvent) {
        let touched = self.tables.apply(event);
        self.dirty.extend(touched.namespaces);
        self.dirty_by_accounts.extend(touched.accounts);
        self.realms_dirty |= touched.realms;
        self.access_dirty |= touched.access;
        self.own_policies.extend(touched.own_policies);
        // Most pods belong to no StatefulSet that an object names: they cause no work.
        let is_named =
            |(namespace, set): &(String, String)| self.desires.get(namespace).is_some_and(|d| d.names_set(set));
        self.dirty.extend(touched.set_pods.into_iter().filter(is_named).map(|(namespace, _)| namespace));
    }

    /// Whether every kind was listed since the start. Before that, an object that is missing may only be unknown.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.tables.are_listed()
    }

    /// Computes what follows from the events since the last call.
    pub fn settle(&mut self) -> IndexChanges {
        let mut changes = IndexChanges {
            realms: std::mem::take(&mut self.realms_dirty),
            access: std::mem::take(&mut self.access_dirty),
            policies: std::mem::take(&mut self.own_policies),
            ..IndexChanges::default()
        };
        if changes.realms {
            self.choice.choose(&self.realm.name, &self.tables.realms);
            let known = self.tables.namespaces.iter().map(|((_, name), _)| name);
            self.dirty.extend(known.chain(self.desires.keys()).cloned());
        }
        let changed = self.unclaimed.take_changed();
        let waits = |namespace: &String| self.desires.get(namespace).is_some_and(|desire| desire.exceeds_quota);
        self.dirty.extend(changed.into_iter().filter(waits));
        let mut by_accounts = std::mem::take(&mut self.dirty_by_accounts);
        by_accounts.retain(|namespace| !self.dirty.contains(namespace));
        self.dirty.extend(by_accounts.iter().cloned());
        // A name that changes its owner touches further namespaces; each claim is settled once its namespace is.
        while let Some(namespace) = self.dirty.pop_first() {
            let old = self.desires.remove(&namespace).unwrap_or_default();
            let desire = self.desire(&namespace, &old);
            changes.add_differences(&old, &desire);
            changes.access |= !desire.has_accounts_of(&old);
            if !by_accounts.contains(&namespace) || desire != old {
                changes.namespaces.insert(namespace.clone());
            }
            self.register(&namespace, &old, &desire);
            self.claim_records(&namespace, &old, &desire);
            if desire != NamespaceDesire::default() {
                self.desires.insert(namespace, desire);
            }
        }
        changes
    }

    /// Keeps the maps from a name to the namespace that wants it. Another namespace may have got a name before this one was
    /// settled.
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

    /// Follows the records: one that is wanted no longer counts until the store has deleted it.
    fn claim_records(&mut self, namespace: &str, old: &NamespaceDesire, new: &NamespaceDesire) {
        let given_up = old.principals.keys().filter(|name| !self.wanted_by.contains_key(*name));
        given_up.for_each(|name| self.unclaimed.insert(name, Some(namespace)));
        new.principals.keys().for_each(|name| self.unclaimed.remove(name));
    }

    /// Takes in a record of the store that the controller made once, with the namespace that it was made for. The records have to be
    /// known before the first [`Index::settle`]: they count to the budgets.
    pub fn record_exists(&mut self, name: &Principal, namespace: Option<&str>) {
        if !self.wanted_by.contains_key(name) {
            self.unclaimed.insert(name, namespace);
        }
    }

    /// Takes in when the store deletes the record of a name that no object asks for.
    pub fn record_ends(&mut self, name: &Principal, end: KerberosTime) {
        self.unclaimed.set_end(name, end);
    }

    /// Takes in that the store holds no record of a name that no object asks for.
    pub fn record_deleted(&mut self, name: &Principal) {
        self.unclaimed.remove(name);
    }

    /// Number of records of the store that no object asks for.
    #[must_use]
    pub fn count_unclaimed(&self) -> usize {
        self.unclaimed.count()
    }

    /// Whether a namespace that is over its budget may have more since the last [`Index::settle`], as records were deleted.
    #[must_use]
    pub fn has_new_room(&self) -> bool {
        let waits = |namespace: &str| self.desires.get(namespace).is_some_and(|desire| desire.exceeds_quota);
        self.unclaimed.changed().any(waits)
    }

    fn desire(&mut self, namespace: &str, old: &NamespaceDesire) -> NamespaceDesire {
        let tables = &self.tables;
        let candidate = Candidate {
            namespace,
            fact: tables.namespaces.get("", namespace),
            of_kdc: self.surroundings.kdc.as_ref().map(|kdc| &*kdc.namespace),
            realms: &tables.realms,
        };
        if let Some(why) = self.choice.not_enrolled(&self.realm.name, candidate) {
            self.dirty.extend(self.claims.replace(namespace, BTreeSet::new()));
            return NamespaceDesire::not_enrolled(namespace, &why, tables);
        }
        let Some(realm) = self.choice.followed() else { return NamespaceDesire::default() };
        let facts = PlanFacts { namespace, realm, configured: &self.realm, tables };
        let records = self.unclaimed.of(namespace, &old.principals);
        let plan = NamespacePlan::new(facts, old.granted_pods(), records);
        self.dirty.extend(self.claims.replace(namespace, plan.policy_claims()));
        NamespaceDesire::enrolled(plan, &self.claims)
    }

    /// The KerberosRealm that the KDC follows: the oldest with our realm's name, as it could be read last.
    #[must_use]
    pub fn followed_realm(&self) -> Option<&KerberosRealm> {
        self.choice.followed()
    }

    /// All KerberosRealms with our realm's name, and those that cannot be read.
    pub fn realms(&self) -> impl Iterator<Item = &OwnFact<KerberosRealm>> {
        let ours =
            |fact: &OwnFact<KerberosRealm>| fact.object.as_ref().map_or(true, |o| o.spec.realm_name == self.realm.name);
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

    /// Whether a namespace that this realm does not have is one that another KerberosRealm selects. The KDC of that realm writes the
    /// status of its objects: two that wrote it would never end.
    #[must_use]
    pub fn is_of_other_realm(&self, namespace: &str) -> bool {
        let is_ours = self.desires.get(namespace).is_some_and(|desire| desire.enrolled);
        let fact = self.tables.namespaces.get("", namespace);
        !is_ours && fact.is_some_and(|fact| selected_by_other(&self.realm.name, fact, &self.tables.realms))
    }

    /// The namespaces of the followed KerberosRealm that one of another realm name selects too.
    #[must_use]
    pub fn overlap(&self) -> Option<Problem> {
        overlap(self.followed_realm()?, &self.tables.namespaces, &self.tables.realms)
    }

    /// The principal that is wanted under a name.
    #[must_use]
    pub fn desired(&self, name: &Principal) -> Option<&DesiredPrincipal> {
        self.desires.get(self.wanted_by.get(name)?)?.principals.get(name)
    }

    /// The namespace that wants a name.
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

    /// The principal that an alias should lead to.
    #[must_use]
    pub fn alias_target(&self, alias: &Principal) -> Option<&Principal> {
        self.aliases.get(alias)
    }
}

impl IndexChanges {
    fn add_differences(&mut self, old: &NamespaceDesire, new: &NamespaceDesire) {
        let changed = |a: &NamespaceDesire, b: &NamespaceDesire| {
            let other = a.principals.iter().filter(|(name, desired)| b.principals.get(*name) != Some(*desired));
            other.map(|(_, desired)| desired.clone()).collect::<Vec<_>>()
        };
        for desired in changed(old, new).into_iter().chain(changed(new, old)) {
            self.aliases.extend(desired.aliases);
            self.principals.insert(desired.name);
        }
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == IndexChanges::default()
    }
}
