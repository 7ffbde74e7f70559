//! The enrolled part of the cluster, as rendering reads it: namespaces with their modes, accounts with their services and consent.

use crate::crd::principal::{KerberosPrincipal, KerberosPrincipalSpec};
use crate::crd::realm::KerberosRealm;
use crate::crd::realm_access::{AccessMode, ClientConsent};
use crate::crd::realm_network::{EgressMode, PolicyManagement};
use crate::index::Index;
use crate::index::facts::{AccountLabel, OwnFact, PodShape};
use crate::index::selector::matches;
use crate::labels::LONGEST_LABEL;
use crate::policy::kind::PolicyKind;
use crate::render::policy::parts::{Accounts, without_namespaces};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kennel_core::access::table::ServerKey;
use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

/// The realm that is rendered.
pub(crate) struct RealmFacts<'a> {
    pub(crate) index: &'a Index,
    /// The KerberosRealm.
    pub(crate) realm: &'a KerberosRealm,
    /// Its name.
    pub(crate) object: &'a str,
    /// Selects the namespaces that take part: the realm's own selector, without namespaces that do not.
    pub(crate) selector: LabelSelector,
    /// The enrolled namespaces.
    pub(crate) namespaces: BTreeMap<&'a str, NamespaceFacts<'a>>,
    /// Whether Kennel writes NetworkPolicies.
    pub(crate) is_managed: bool,
    /// Priority of the ClusterNetworkPolicies of servers, where the realm asks for them and the KDC may write them.
    pub(crate) cluster_priority: Option<i32>,
    /// Whether egress of enrolled pods is closed.
    pub(crate) closes_egress: bool,
    /// Whether a client of another namespace has to name the server in its `calls`.
    pub(crate) consent_required: bool,
}

/// An enrolled namespace.
pub(crate) struct NamespaceFacts<'a> {
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// The mode of accounts that choose none.
    pub(crate) mode: AccessMode,
    pub(crate) accounts: BTreeMap<&'a str, AccountFacts<'a>>,
    /// Pods with the label of another account; the first 16.
    pub(crate) mislabelled: Vec<String>,
    /// Pods without the label.
    pub(crate) unlabelled: usize,
}

/// An account of an enrolled namespace.
pub(crate) struct AccountFacts<'a> {
    /// The account's own principal.
    pub(crate) principal: &'a Principal,
    /// Its service principals.
    pub(crate) services: Vec<&'a Principal>,
    /// Its KerberosPrincipal, where it has one that can be read.
    pub(crate) object: Option<(&'a OwnFact<KerberosPrincipal>, &'a KerberosPrincipalSpec)>,
    /// The mode in force.
    pub(crate) mode: AccessMode,
    /// Whether the KerberosPrincipal asks for a mode that the realm does not allow.
    pub(crate) mode_refused: Option<AccessMode>,
    /// The only servers that it calls.
    pub(crate) calls: Option<BTreeSet<ServerKey>>,
    /// Number of its pods in the network of their nodes.
    pub(crate) host_network: usize,
    /// Whether its name can be a label.
    pub(crate) has_label: bool,
}

impl<'a> RealmFacts<'a> {
    /// The facts of the realm that is followed; `None` where none is.
    pub(crate) fn new(index: &'a Index) -> Option<RealmFacts<'a>> {
        let realm = index.followed_realm()?;
        let enrolled = index.namespaces().filter(|(_, desire)| desire.enrolled);
        let facts = enrolled.filter_map(|(name, _)| Some((name, NamespaceFacts::new(name, realm, index)?)));
        let namespaces: BTreeMap<&str, NamespaceFacts<'_>> = facts.collect();
        let not_programmed = namespaces.iter().filter(|(_, facts)| !facts.is_programmed()).map(|(name, _)| *name);
        let is_managed = realm.spec.network.policies() == PolicyManagement::Managed;
        let cluster = realm.spec.network.cluster_policy.filter(|_| is_managed);
        let cluster =
            cluster.filter(|_| index.surroundings().support(PolicyKind::ClusterNetworkPolicy).may_be_written());
        Some(RealmFacts {
            index,
            realm,
            object: realm.metadata.name.as_deref().unwrap_or_default(),
            selector: without_namespaces(&realm.namespace_selector(), not_programmed),
            is_managed,
            cluster_priority: cluster.map(|cluster| cluster.priority),
            closes_egress: realm.spec.network.egress() == EgressMode::DefaultDeny,
            consent_required: realm.spec.access.client_consent() == ClientConsent::Required,
            namespaces,
        })
    }

    /// The realm's name, as principals have it.
    pub(crate) fn realm_name(&self) -> &'a str {
        &self.realm.spec.realm_name
    }

    /// An account.
    pub(crate) fn account(&self, namespace: &str, name: &str) -> Option<&AccountFacts<'a>> {
        self.namespaces.get(namespace)?.accounts.get(name)
    }

    /// Whether an account agrees to call a server. The accounts of the server's own namespace need not say so.
    pub(crate) fn consents(&self, namespace: &str, account: &AccountFacts<'_>, server: &ServerKey) -> bool {
        match &account.calls {
            Some(calls) => calls.contains(server),
            None => !self.consent_required || namespace == server.namespace,
        }
    }

    /// The accounts of a namespace that may call a server where its members are allowed; `None`: nobody.
    pub(crate) fn members(&self, namespace: &str, server: &ServerKey) -> Option<Accounts> {
        let facts = self.namespaces.get(namespace).filter(|facts| facts.is_programmed())?;
        let selective = || facts.accounts.iter().filter(|(_, account)| account.calls.is_some());
        if self.consent_required && namespace != server.namespace {
            let agree = selective().filter(|(_, account)| self.consents(namespace, account, server));
            let names: Vec<String> = agree.map(|(name, _)| (*name).to_owned()).collect();
            return (!names.is_empty()).then_some(Accounts::Only(names));
        }
        let refuse = selective().filter(|(_, account)| !self.consents(namespace, account, server));
        let names: Vec<String> = refuse.map(|(name, _)| (*name).to_owned()).collect();
        Some(if names.is_empty() { Accounts::All } else { Accounts::Except(names) })
    }

    /// The enrolled namespaces that take part.
    pub(crate) fn programmed(&self) -> impl Iterator<Item = (&'a str, &NamespaceFacts<'a>)> {
        self.namespaces.iter().filter(|(_, facts)| facts.is_programmed()).map(|(name, facts)| (*name, facts))
    }
}

impl<'a> NamespaceFacts<'a> {
    fn new(name: &'a str, realm: &'a KerberosRealm, index: &'a Index) -> Option<NamespaceFacts<'a>> {
        let labels = index.namespace_labels(name)?;
        let access = &realm.spec.access;
        let own = access.namespace_modes.iter().find(|mode| matches(&mode.namespace_selector, labels));
        let mode = own.map_or_else(|| access.default_mode(), |own| own.mode);
        let mut facts =
            NamespaceFacts { labels, mode, accounts: BTreeMap::new(), mislabelled: Vec::new(), unlabelled: 0 };
        let shapes: Vec<_> = index.pod_shapes(name).collect();
        for (account, principal, services) in index.namespace(name)?.accounts() {
            let object = index.principal_object(name, account);
            let object = object.and_then(|fact| Some((fact, &fact.object.as_ref().ok()?.spec)));
            let mut of_account = AccountFacts::new(account, principal, object, name, realm, mode);
            of_account.services = services.collect();
            facts.accounts.insert(account, of_account);
        }
        for (shape, pods) in shapes {
            facts.count(shape, pods);
        }
        if !facts.mislabelled.is_empty() {
            facts.mislabelled = index.mislabelled_pods(name).take(16).map(str::to_owned).collect();
        }
        Some(facts)
    }

    fn count(&mut self, shape: &PodShape, pods: usize) {
        match shape.account_label() {
            AccountLabel::Right => {}
            AccountLabel::Missing => self.unlabelled += pods,
            AccountLabel::OfOther => self.mislabelled.push(shape.account.clone()),
        }
        if let Some(account) = self.accounts.get_mut(&*shape.account).filter(|_| shape.host_network) {
            account.host_network += pods;
        }
    }

    /// Whether its accounts take part: no pod carries the label of another account.
    pub(crate) fn is_programmed(&self) -> bool {
        self.mislabelled.is_empty()
    }

    /// The accounts in mode Observe; `None`: nobody.
    pub(crate) fn observed(&self) -> Option<Accounts> {
        let other = self.accounts.iter().filter(|(_, account)| account.mode != self.mode && account.has_label);
        let names: Vec<String> = other.map(|(name, _)| (*name).to_owned()).collect();
        match (self.mode, names.is_empty()) {
            (AccessMode::Observe, true) => Some(Accounts::All),
            (AccessMode::Observe, false) => Some(Accounts::Except(names)),
            (AccessMode::Enforce, true) => None,
            (AccessMode::Enforce, false) => Some(Accounts::Only(names)),
        }
    }
}

impl<'a> AccountFacts<'a> {
    fn new(
        name: &str,
        principal: &'a Principal,
        object: Option<(&'a OwnFact<KerberosPrincipal>, &'a KerberosPrincipalSpec)>,
        namespace: &str,
        realm: &KerberosRealm,
        mode: AccessMode,
    ) -> AccountFacts<'a> {
        let wanted = object.and_then(|(_, spec)| spec.access_mode);
        let is_allowed = |wanted: &AccessMode| realm.spec.access.allowed_modes().contains(wanted);
        let server = |server: &crate::crd::peer::ServerRef| {
            ServerKey::new(server.namespace.as_deref().unwrap_or(namespace), &*server.name)
        };
        let calls = object.and_then(|(_, spec)| spec.calls.as_ref());
        AccountFacts {
            principal,
            services: Vec::new(),
            object,
            mode: wanted.filter(is_allowed).unwrap_or(mode),
            mode_refused: wanted.filter(|wanted| !is_allowed(wanted)),
            calls: calls.map(|calls| calls.iter().map(server).collect()),
            host_network: 0,
            has_label: name.len() <= LONGEST_LABEL,
        }
    }

    /// Whether somebody can be allowed to call it: it has a KerberosPrincipal.
    pub(crate) fn is_server(&self) -> bool {
        self.object.is_some()
    }
}
