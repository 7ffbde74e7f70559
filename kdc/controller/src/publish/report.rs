//! What there is to say about a namespace and about the realms, from one moment of the index and of the names' progress. Pure.

use crate::state::{Name, State, States};
use kennel_k8s::crd::{KerberosPrincipal, KerberosRealm};
use kennel_k8s::index::Index;
use kennel_k8s::index::facts::OwnFact;
use kennel_k8s::index::namespace::{NamespaceDesire, PrincipalOutcome};
use kennel_k8s::problem::Problem;
use kennel_k8s::render::status::{RealmCounts, StoreProgress};
use kennel_wire::message::Principal;

/// A namespace.
#[derive(Default)]
pub(crate) struct NamespaceReport {
    pub(crate) enrolled: bool,
    pub(crate) principals: Vec<PrincipalReport>,
    pub(crate) refused: Vec<RefusedAccount>,
}

/// A KerberosPrincipal.
pub(crate) struct PrincipalReport {
    pub(crate) name: String,
    pub(crate) fact: OwnFact<KerberosPrincipal>,
    /// The names that it may have, without those that somebody else has in the store.
    pub(crate) outcome: PrincipalOutcome,
    pub(crate) progress: StoreProgress,
}

/// A service account whose name belongs to somebody else.
pub(crate) struct RefusedAccount {
    pub(crate) principal: Principal,
    pub(crate) account: String,
    pub(crate) uid: String,
    pub(crate) problem: Problem,
}

/// The KerberosRealms of the cluster.
pub(crate) struct RealmsReport {
    pub(crate) realms: Vec<OwnFact<KerberosRealm>>,
    /// Name of the one that the KDC follows.
    pub(crate) followed: Option<String>,
    pub(crate) counts: RealmCounts,
}

/// Reports a namespace; an unknown one has nothing.
pub(crate) fn namespace_report(index: &Index, states: &States, namespace: &str) -> NamespaceReport {
    let Some(desire) = index.namespace(namespace) else { return NamespaceReport::default() };
    let principals = desire.outcomes.iter().filter_map(|(name, outcome)| {
        let fact = index.principal_object(namespace, name)?.clone();
        let progress = progress(outcome, states, namespace);
        Some(PrincipalReport { name: name.clone(), fact, outcome: available(outcome, states), progress })
    });
    NamespaceReport {
        enrolled: desire.enrolled,
        principals: principals.collect(),
        refused: refused(desire, states, namespace),
    }
}

/// Reports the realms.
pub(crate) fn realms_report(index: &Index) -> RealmsReport {
    let namespaces = index.namespaces().filter(|(_, desire)| desire.enrolled).count();
    RealmsReport {
        realms: index.realms().cloned().collect(),
        followed: index.followed_realm().and_then(|realm| realm.metadata.name.clone()),
        counts: RealmCounts { namespaces, principals: index.wanted().count() },
    }
}

/// The outcome without the names that somebody else has in the store.
fn available(outcome: &PrincipalOutcome, states: &States) -> PrincipalOutcome {
    let mut outcome = outcome.clone();
    let is_ours = |name: Name| !matches!(states.find(&name), Some(State::Refused(_)));
    outcome.client = outcome.client.filter(|name| is_ours(Name::Principal(name.clone())));
    outcome.principals.retain(|name| is_ours(Name::Principal(name.clone())));
    outcome.aliases.retain(|name| is_ours(Name::Alias(name.clone())));
    outcome
}

/// Progress of the store with the names of a KerberosPrincipal.
fn progress(outcome: &PrincipalOutcome, states: &States, namespace: &str) -> StoreProgress {
    let mut progress = StoreProgress::default();
    let own = outcome.client.iter().chain(&outcome.principals);
    let principals = own.map(|name| (Name::Principal(name.clone()), name));
    let aliases = outcome.aliases.iter().map(|name| (Name::Alias(name.clone()), name));
    for (key, name) in principals.chain(aliases) {
        match states.find(&key) {
            Some(State::Made(kvno)) => progress.kvno = progress.kvno.max(kvno),
            Some(State::Refused(conflict)) => {
                progress.problems.push(Problem::from_conflict(conflict, name, namespace));
            }
            _ => progress.waiting += 1,
        }
    }
    progress
}

/// Accounts of a namespace whose own name somebody else has in the store. A service is reported at its KerberosPrincipal.
fn refused(desire: &NamespaceDesire, states: &States, namespace: &str) -> Vec<RefusedAccount> {
    let accounts = desire.principals.iter().filter(|(_, desired)| desired.owner.object.is_none());
    let refused = accounts.filter_map(|(name, desired)| {
        let Some(State::Refused(conflict)) = states.find(&Name::Principal(name.clone())) else { return None };
        let account = name.name.components.first().and_then(|n| n.rsplit_once('.')).map_or("", |(account, _)| account);
        Some(RefusedAccount {
            principal: name.clone(),
            account: account.to_owned(),
            uid: desired.owner.account.clone(),
            problem: Problem::from_conflict(conflict, name, namespace),
        })
    });
    refused.collect()
}
