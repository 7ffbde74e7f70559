//! The plan of an enrolled namespace: its budget is shared before any name is made, then each KerberosPrincipal asks for the names
//! of its share. The numbers come from what exists: a walk over the objects and pods of the namespace, never over replicas.

use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::index::budget::{Limits, Seniority, Shares};
use crate::index::facts::{AccountFact, OwnFact};
use crate::index::host_owner::NameRules;
use crate::index::policy_claims::Claimant;
use crate::index::services::{PrincipalRequest, RequestFacts, demand, named_sets, request};
use crate::index::set_pods::SetPods;
use crate::index::tables::Tables;
use crate::problem::Problem;
use kennel_core::realm::Realm;
use kennel_wire::message::Principal;
use std::collections::BTreeSet;

/// What a namespace is planned from.
#[derive(Clone, Copy)]
pub(super) struct PlanFacts<'a> {
    pub(super) namespace: &'a str,
    pub(super) realm: &'a KerberosRealm,
    /// The realm as the configuration has it.
    pub(super) configured: &'a Realm,
    pub(super) tables: &'a Tables,
}

/// What the objects of an enrolled namespace ask for within its budget.
pub(super) struct NamespacePlan<'a> {
    pub(super) facts: PlanFacts<'a>,
    /// Pods of the StatefulSets that objects name.
    pub(super) pods: SetPods,
    /// The objects by name, each with its request.
    pub(super) objects: Vec<PlannedObject<'a>>,
    limits: Limits,
    shares: Shares<'a>,
}

/// A KerberosPrincipal with what it asks for.
pub(super) struct PlannedObject<'a> {
    pub(super) name: &'a str,
    pub(super) fact: &'a OwnFact<KerberosPrincipal>,
    pub(super) request: PrincipalRequest,
}

impl<'a> NamespacePlan<'a> {
    /// Plans a namespace. `granted`: the pods of StatefulSets that had principals until now.
    pub(super) fn new(facts: PlanFacts<'a>, granted: &SetPods) -> NamespacePlan<'a> {
        let PlanFacts { namespace, realm, tables, .. } = facts;
        let objects: Vec<_> = tables.principals.of_namespace(namespace).collect();
        let readable = || objects.iter().filter_map(|(name, fact)| Some((*name, *fact, fact.object.as_ref().ok()?)));
        // Without its account, an object makes nothing and takes nothing; it takes its turn after the account.
        let effective = || {
            let turn = |fact: &OwnFact<KerberosPrincipal>, account: &AccountFact| fact.created().max(account.created);
            readable().filter_map(move |(name, fact, object)| {
                Some(((turn(fact, tables.accounts.get(namespace, name)?), name), object))
            })
        };
        let sets = effective().flat_map(|(_, object)| named_sets(object)).collect();
        let pods = SetPods::of_sets(namespace, &sets, tables, granted);
        let demands = effective().filter_map(|(turn, object)| demand(object, turn, &pods));
        let accounts = tables.accounts.of_namespace(namespace).map(|(name, fact)| seniority(name, fact));
        let limits = Limits::of_realm(&realm.spec);
        let shares = limits.share(accounts, demands.collect());
        let mut plan = NamespacePlan { facts, pods, objects: Vec::new(), limits, shares };
        plan.objects = objects.into_iter().map(|(name, fact)| plan.object(name, fact)).collect();
        plan
    }

    fn object(&self, name: &'a str, fact: &'a OwnFact<KerberosPrincipal>) -> PlannedObject<'a> {
        let request = match &fact.object {
            Ok(object) => self.request(name, object),
            Err(error) => PrincipalRequest { problems: vec![malformed(error)], ..PrincipalRequest::default() },
        };
        PlannedObject { name, fact, request }
    }

    fn request(&self, name: &str, object: &KerberosPrincipal) -> PrincipalRequest {
        let PlanFacts { namespace, realm, configured, tables } = self.facts;
        let Some(account) = tables.accounts.get(namespace, name) else {
            let problem = Problem::AccountNotFound { account: name.to_owned(), namespace: namespace.to_owned() };
            return PrincipalRequest { problems: vec![problem], ..PrincipalRequest::default() };
        };
        if !self.shares.has_account(seniority(name, account)) {
            return PrincipalRequest { problems: vec![self.account_exceeds()], ..PrincipalRequest::default() };
        }
        let grant = self.shares.grant(name);
        let rules = NameRules::new(&realm.spec, configured);
        let facts = RequestFacts { namespace, realm, rules, tables, pods: &self.pods };
        let mut request = request(object, grant, facts);
        if let Some(reached) = grant.reached {
            let asking = format!("KerberosPrincipal {namespace}/{name}");
            request.problems.insert(0, self.exceeded(asking, reached.field, reached.limit));
        }
        request
    }

    /// Whether an account is within the budget.
    pub(super) fn has_account(&self, name: &str, account: &AccountFact) -> bool {
        self.shares.has_account(seniority(name, account))
    }

    /// The problem of an account that is over the budget of its namespace.
    pub(super) fn account_exceeds(&self) -> Problem {
        let reached = self.limits.of_namespace();
        self.exceeded(format!("namespace {}", self.facts.namespace), reached.field, reached.limit)
    }

    fn exceeded(&self, asking: String, field: &str, limit: usize) -> Problem {
        let realm = self.facts.realm.metadata.name.clone().unwrap_or_default();
        Problem::QuotaExceeded { asking, field: field.to_owned(), limit: limit.to_string(), realm }
    }

    /// The claims to names of the alias policy, which other namespaces may ask for too.
    pub(super) fn policy_claims(&self) -> BTreeSet<(Principal, Claimant)> {
        let mut claims = BTreeSet::new();
        for PlannedObject { name, request, .. } in &self.objects {
            let claimant = (self.facts.namespace.to_owned(), (*name).to_owned());
            let names =
                request.services.iter().flat_map(|service| std::iter::once(&service.name).chain(&service.aliases));
            let of_policy =
                |name: &&Principal| name.name.components.get(1).is_some_and(|host| request.policy_hosts.contains(host));
            claims.extend(names.filter(of_policy).map(|name| (name.clone(), claimant.clone())));
        }
        claims
    }
}

/// The problem of an object that cannot be read.
pub(super) fn malformed(error: &str) -> Problem {
    Problem::Malformed { error: error.to_owned() }
}

fn seniority<'a>(name: &'a str, account: &AccountFact) -> Seniority<'a> {
    (account.created, name)
}
