//! One KerberosAccess, resolved: its targets, and each rule with the peers that exist and agree.

use crate::crd::access::{AccessRule, KerberosAccess, NetworkRule};
use crate::crd::peer::{AccessPeer, PeerMember, PrincipalPeer, ServiceAccountPeer, TargetRef};
use crate::index::facts::ObjectKey;
use crate::index::selector::{as_text, matches};
use crate::problem::Problem;
use crate::problem::condition::ConditionType;
use crate::render::access::realm_facts::RealmFacts;
use crate::render::policy::parts::{NAMESPACE_NAME, Ports, pod_ports};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kennel_core::access::table::{self, ServerKey};
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::{BTreeMap, BTreeSet};

/// A KerberosAccess with what its references lead to.
pub(crate) struct Declaration<'a> {
    pub(crate) key: &'a ObjectKey,
    /// Time of creation, seconds since the epoch.
    pub(crate) created: i64,
    pub(crate) targets: BTreeSet<ServerKey>,
    pub(crate) rules: Vec<ResolvedRule>,
    pub(crate) network_only: &'a [NetworkRule],
    pub(crate) not_after: Option<KerberosTime>,
    pub(crate) allows_nobody: bool,
    pub(crate) problems: Vec<Problem>,
}

/// A rule of `allow`.
pub(crate) struct ResolvedRule {
    pub(crate) peers: BTreeSet<ResolvedPeer>,
    pub(crate) service_classes: Option<BTreeSet<String>>,
    /// The ports that it gives; empty: those of the target's Services.
    pub(crate) ports: Ports,
}

/// A peer that exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ResolvedPeer {
    /// A service account: namespace and name.
    Account(String, String),
    /// Every account of a namespace.
    Namespace(String),
    /// Every account of these namespaces, which a selector selects.
    Selected(SelectorText, BTreeSet<String>),
    /// Everyone of this realm.
    OwnRealm,
    /// A principal, or a realm, whose packets cannot be told apart.
    Outside(table::AccessPeer),
}

/// A label selector that can be compared: as an object, and in the one form that orders it.
#[derive(Debug, Clone)]
pub(crate) struct SelectorText {
    pub(crate) selector: LabelSelector,
    text: String,
}

impl PartialEq for SelectorText {
    fn eq(&self, other: &SelectorText) -> bool {
        self.text == other.text
    }
}

impl Eq for SelectorText {}

impl PartialOrd for SelectorText {
    fn partial_cmp(&self, other: &SelectorText) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SelectorText {
    fn cmp(&self, other: &SelectorText) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl ResolvedPeer {
    /// The peers of the ticket.
    pub(crate) fn of_ticket(&self, facts: &RealmFacts<'_>) -> Vec<table::AccessPeer> {
        match self {
            ResolvedPeer::Account(namespace, name) => {
                let account = facts.account(namespace, name);
                account.map(|account| table::AccessPeer::Principal(account.principal.clone())).into_iter().collect()
            }
            ResolvedPeer::Namespace(name) => vec![table::AccessPeer::Namespace(name.clone())],
            ResolvedPeer::Selected(_, names) => names.iter().cloned().map(table::AccessPeer::Namespace).collect(),
            ResolvedPeer::OwnRealm => vec![table::AccessPeer::Realm(facts.realm_name().to_owned())],
            ResolvedPeer::Outside(peer) => vec![peer.clone()],
        }
    }

    /// The number of peers that it counts as.
    pub(crate) fn count(&self) -> usize {
        match self {
            ResolvedPeer::Selected(_, names) => names.len(),
            _ => 1,
        }
    }
}

impl<'a> Declaration<'a> {
    /// Resolves an object whose namespace is enrolled. Parts that lead nowhere have no effect and become problems; without a
    /// target, or past its end, nothing of it has an effect.
    pub(crate) fn resolve(
        key: &'a ObjectKey,
        object: &'a KerberosAccess,
        facts: &RealmFacts<'_>,
        now: i64,
    ) -> Declaration<'a> {
        let spec = &object.spec;
        let mut declaration = Declaration {
            key,
            created: i64::MAX,
            targets: BTreeSet::new(),
            rules: Vec::new(),
            network_only: &spec.network_only,
            not_after: spec.not_after_seconds().map(KerberosTime),
            allows_nobody: spec.allow.is_empty(),
            problems: Vec::new(),
        };
        if let Some(end) = declaration.not_after.filter(|end| end.0 <= now) {
            declaration.problems.push(Problem::Expired { time: end.to_rfc3339().to_string() });
        }
        for target in &spec.target_refs {
            declaration.add_target(target, facts);
        }
        for rule in &spec.allow {
            declaration.add_rule(rule, facts);
        }
        declaration
    }

    /// Adds a problem, once.
    pub(crate) fn problem(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Number of peers that the object allows.
    pub(crate) fn clients(&self) -> usize {
        let peers: BTreeSet<&ResolvedPeer> = self.rules.iter().flat_map(|rule| &rule.peers).collect();
        peers.into_iter().map(ResolvedPeer::count).sum()
    }

    /// Whether the object has an effect at all.
    pub(crate) fn is_accepted(&self) -> bool {
        self.problems.iter().all(|problem| problem.condition() != ConditionType::Accepted)
    }

    fn add_target(&mut self, target: &TargetRef, facts: &RealmFacts<'_>) {
        let namespace = &*self.key.0;
        let Some(accounts) = facts.namespaces.get(namespace).map(|facts| &facts.accounts) else { return };
        let found: Vec<ServerKey> = match (&target.name, &target.selector) {
            (Some(name), None) => {
                let account = accounts.get(&**name).filter(|account| account.is_server());
                account.map(|_| ServerKey::new(namespace, &**name)).into_iter().collect()
            }
            (None, Some(selector)) => {
                let none = BTreeMap::new();
                let has_labels = |account: &crate::render::access::realm_facts::AccountFacts<'_>| {
                    account
                        .object
                        .is_some_and(|(fact, _)| matches(selector, fact.meta.labels.as_ref().unwrap_or(&none)))
                };
                let found = accounts.iter().filter(|(_, account)| has_labels(account));
                found.map(|(name, _)| ServerKey::new(namespace, *name)).collect()
            }
            _ => Vec::new(),
        };
        if found.is_empty() {
            let by_label = target.selector.as_ref().map(|selector| format!("with the labels {:?}", as_text(selector)));
            let target = target.name.clone().or(by_label).unwrap_or_else(|| "of an unknown kind".to_owned());
            self.problems.push(Problem::TargetNotFound { target, namespace: namespace.to_owned() });
        }
        self.targets.extend(found);
    }

    fn add_rule(&mut self, rule: &AccessRule, facts: &RealmFacts<'_>) {
        let mut peers = BTreeSet::new();
        for peer in &rule.from {
            match self.resolve_peer(peer, facts) {
                Ok(peer) => _ = peers.insert(peer),
                Err(problem) => self.problems.push(problem),
            }
        }
        let classes: BTreeSet<String> = rule.service_classes.iter().cloned().collect();
        let service_classes = (!classes.is_empty()).then_some(classes);
        if !peers.is_empty() {
            self.rules.push(ResolvedRule { peers, service_classes, ports: pod_ports(&rule.ports) });
        }
    }

    fn resolve_peer(&mut self, peer: &AccessPeer, facts: &RealmFacts<'_>) -> Result<ResolvedPeer, Problem> {
        match peer.member() {
            Some(PeerMember::ServiceAccount(account)) => self.account(account, facts),
            Some(PeerMember::Namespace(namespace)) => {
                enrolled(&namespace.name, facts)?;
                Ok(ResolvedPeer::Namespace(namespace.name.clone()))
            }
            Some(PeerMember::NamespaceSelector(selector)) => selected(selector, facts),
            Some(PeerMember::Principal(principal)) => by_principal(principal, facts),
            Some(PeerMember::Realm(realm)) => match &realm.name {
                Some(name) if name != facts.realm_name() => {
                    Ok(ResolvedPeer::Outside(table::AccessPeer::Realm(name.clone())))
                }
                _ => Ok(ResolvedPeer::OwnRealm),
            },
            None => Err(Problem::UnknownPeer { peer: "an entry of spec.allow[].from".to_owned() }),
        }
    }

    fn account(&mut self, peer: &ServiceAccountPeer, facts: &RealmFacts<'_>) -> Result<ResolvedPeer, Problem> {
        let namespace = peer.namespace.as_deref().unwrap_or(&self.key.0);
        let (account, namespace) = (peer.name.clone(), namespace.to_owned());
        enrolled(&namespace, facts)?;
        let Some(found) = facts.account(&namespace, &account) else {
            return Err(Problem::ClientNotFound { account, namespace });
        };
        for server in self.targets.iter().filter(|server| !facts.consents(&namespace, found, server)) {
            let client = format!("{namespace}/{account}");
            self.problems.push(Problem::ClientNotConsented { client, server: server.to_string() });
        }
        if found.host_network > 0 {
            self.problems.push(Problem::HostNetwork { account: format!("{namespace}/{account}") });
        }
        Ok(ResolvedPeer::Account(namespace, account))
    }
}

/// Whether a namespace takes part.
fn enrolled(namespace: &str, facts: &RealmFacts<'_>) -> Result<(), Problem> {
    let (namespace, realm) = (namespace.to_owned(), facts.object.to_owned());
    match facts.namespaces.get(&*namespace) {
        None => Err(Problem::ClientNotEnrolled { namespace, realm }),
        Some(found) if !found.is_programmed() => Err(Problem::NamespaceNotProgrammed { namespace }),
        Some(_) => Ok(()),
    }
}

fn selected(selector: &LabelSelector, facts: &RealmFacts<'_>) -> Result<ResolvedPeer, Problem> {
    let trusted = &facts.realm.spec.access.trusted_namespace_labels;
    let labels = selector.match_labels.iter().flatten().map(|(key, _)| key);
    let expressions = selector.match_expressions.iter().flatten().map(|expression| &expression.key);
    for label in labels.chain(expressions) {
        if label != NAMESPACE_NAME && !trusted.contains(label) {
            return Err(Problem::UntrustedLabel { label: label.clone(), realm: facts.object.to_owned() });
        }
    }
    let text = as_text(selector);
    let found = facts.programmed().filter(|(_, facts)| matches(selector, facts.labels));
    let names: BTreeSet<String> = found.map(|(name, _)| name.to_owned()).collect();
    if names.is_empty() {
        return Err(Problem::NoNamespaceSelected { selector: format!("{text:?}") });
    }
    Ok(ResolvedPeer::Selected(SelectorText { selector: selector.clone(), text }, names))
}

/// A principal by name. The name of a service account is refused: its namespace could not be asked for its consent, and no policy
/// would follow.
fn by_principal(peer: &PrincipalPeer, facts: &RealmFacts<'_>) -> Result<ResolvedPeer, Problem> {
    let unknown = || Problem::UnknownPeer { peer: format!("principal {:?}", peer.name) };
    let principal = Principal::parse(&peer.name, facts.realm_name()).map_err(|_| unknown())?;
    let account = match &*principal.name.components {
        [one] if principal.realm == *facts.realm_name() => one.rsplit_once('.'),
        _ => None,
    };
    if let Some((account, namespace)) = account.filter(|(name, namespace)| facts.account(namespace, name).is_some()) {
        let (account, namespace) = (account.to_owned(), namespace.to_owned());
        return Err(Problem::AccountByPrincipal { principal: peer.name.clone(), account, namespace });
    }
    Ok(ResolvedPeer::Outside(table::AccessPeer::Principal(principal)))
}
