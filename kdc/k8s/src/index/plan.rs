//! The plan of an enrolled namespace: its budget is shared before any name is made, then each KerberosPrincipal asks for the names
//! of its share. The numbers come from what exists: a walk over the objects and pods of the namespace, never over replicas.

use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::index::budget::{Limits, Reached, Seniority, Shares};
use crate::index::facts::{AccountFact, OwnFact};
use crate::index::host_owner::NameRules;
use crate::index::policy_claims::Claimant;
use crate::index::records::{Abandoned, NamespaceRecords};
use crate::index::services::{PrincipalRequest, RequestFacts, demand, named_sets, request};
use crate::index::set_pods::SetPods;
use crate::index::tables::Tables;
use crate::names::client_principal;
use crate::problem::Problem;
use kennel_core::realm::Realm;
use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Accounts within the budget for whose new record there is no room.
    without_room: BTreeSet<&'a str>,
    /// What takes the room up.
    abandoned: Abandoned,
}

/// The turn of a new record: age and name of its account or object, then the account's own principal before the services.
type Turn<'a> = (Seniority<'a>, usize);

/// A KerberosPrincipal with what it asks for.
pub(super) struct PlannedObject<'a> {
    pub(super) name: &'a str,
    pub(super) fact: &'a OwnFact<KerberosPrincipal>,
    pub(super) request: PrincipalRequest,
}

impl<'a> PlanFacts<'a> {
    /// The turn of an object, which comes after its account; `None` without the account: the object makes nothing and takes nothing.
    fn turn(&self, name: &'a str, fact: &OwnFact<KerberosPrincipal>) -> Option<Seniority<'a>> {
        let account = self.tables.accounts.get(self.namespace, name)?;
        Some((fact.created().max(account.created), name))
    }
}

impl<'a> NamespacePlan<'a> {
    /// Plans a namespace. `granted`: the pods of StatefulSets that had principals until now; `records`: its records in the store.
    pub(super) fn new(facts: PlanFacts<'a>, granted: &SetPods, records: NamespaceRecords<'_>) -> NamespacePlan<'a> {
        let PlanFacts { namespace, realm, tables, .. } = facts;
        let objects: Vec<_> = tables.principals.of_namespace(namespace).collect();
        let readable = || objects.iter().filter_map(|(name, fact)| Some((*name, *fact, fact.object.as_ref().ok()?)));
        let effective = || readable().filter_map(|(name, fact, object)| Some((facts.turn(name, fact)?, object)));
        let sets = effective().flat_map(|(_, object)| named_sets(object)).collect();
        let pods = SetPods::of_sets(namespace, &sets, tables, granted);
        let demands = effective().filter_map(|(turn, object)| demand(object, turn, &pods));
        let accounts = tables.accounts.of_namespace(namespace).map(|(name, fact)| seniority(name, fact));
        let limits = Limits::of_realm(&realm.spec);
        let shares = limits.share(accounts, demands.collect());
        let (without_room, abandoned) = (BTreeSet::new(), Abandoned::default());
        let mut plan = NamespacePlan { facts, pods, objects: Vec::new(), limits, shares, without_room, abandoned };
        plan.objects = objects.into_iter().map(|(name, fact)| plan.object(name, fact)).collect();
        plan.keep_within_room(records);
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
            return PrincipalRequest { problems: vec![self.account_exceeds(name)], ..PrincipalRequest::default() };
        }
        let grant = self.shares.grant(name);
        let rules = NameRules::new(&realm.spec, configured);
        let facts = RequestFacts { namespace, realm, rules, tables, pods: &self.pods };
        let mut request = request(object, grant, facts);
        if let Some(reached) = grant.reached {
            let asking = format!("KerberosPrincipal {namespace}/{name}");
            request.problems.insert(0, self.exceeded(asking, reached));
        }
        request
    }

    /// Takes away what needs a new record for which there is no room, the youngest first: the records of the namespace, those of
    /// deleted objects included, never become more than its limit. What has its record keeps it, also where a deleted object left it.
    fn keep_within_room(&mut self, records: NamespaceRecords<'_>) {
        let room = self.limits.of_namespace().limit.saturating_sub(records.count());
        let (mut newcomers, mut claimed) = (BTreeMap::<Principal, Turn<'a>>::new(), BTreeSet::new());
        for (turn, name) in self.accounts_by_turn().chain(self.services_by_turn()) {
            if records.has(&name) {
                claimed.insert(name);
            } else {
                newcomers.entry(name).and_modify(|first| *first = turn.min(*first)).or_insert(turn);
            }
        }
        if newcomers.len() <= room {
            return;
        }
        let mut newcomers: Vec<_> = newcomers.into_iter().map(|(name, turn)| (turn, name)).collect();
        newcomers.sort_unstable();
        let mut refused = BTreeSet::new();
        for (((_, object), place), name) in newcomers.drain(room..) {
            if place == 0 {
                self.without_room.insert(object);
            }
            refused.insert(name);
        }
        self.abandoned = records.abandoned(&claimed);
        self.take_away(&refused);
    }

    fn take_away(&mut self, refused: &BTreeSet<Principal>) {
        let namespace = self.facts.namespace;
        let mut objects = std::mem::take(&mut self.objects);
        for PlannedObject { name, request, .. } in &mut objects {
            if self.without_room.contains(name) {
                let problems = vec![self.no_room(format!("namespace {namespace}"))];
                *request = PrincipalRequest { problems, ..PrincipalRequest::default() };
                continue;
            }
            let before = request.services.len();
            request.services.retain(|service| !refused.contains(&service.name));
            if request.services.len() < before {
                // Of the two reasons, this one says what to wait for.
                request.problems.retain(|problem| !matches!(problem, Problem::QuotaExceeded { .. }));
                request.problems.insert(0, self.no_room(format!("KerberosPrincipal {namespace}/{name}")));
            }
        }
        self.objects = objects;
    }

    /// The principals of the accounts within the budget.
    fn accounts_by_turn(&self) -> impl Iterator<Item = (Turn<'a>, Principal)> {
        let PlanFacts { namespace, realm, tables, .. } = self.facts;
        let within = tables.accounts.of_namespace(namespace).filter(|(name, account)| self.has_account(name, account));
        within.map(move |(name, account)| {
            ((seniority(name, account), 0), client_principal(name, namespace, &realm.spec.realm_name))
        })
    }

    fn services_by_turn(&self) -> impl Iterator<Item = (Turn<'a>, Principal)> {
        let turn = |object: &PlannedObject<'a>| self.facts.turn(object.name, object.fact);
        let objects = self.objects.iter().filter_map(move |object| Some((turn(object)?, &object.request.services)));
        objects.flat_map(|(turn, services)| {
            services.iter().enumerate().map(move |(n, service)| ((turn, n + 1), service.name.clone()))
        })
    }

    /// Whether an account is within the budget, and has its record or room for one.
    pub(super) fn has_account(&self, name: &str, account: &AccountFact) -> bool {
        self.shares.has_account(seniority(name, account)) && !self.without_room.contains(name)
    }

    /// The problem of an account that is over the budget of its namespace.
    pub(super) fn account_exceeds(&self, name: &str) -> Problem {
        let asking = format!("namespace {}", self.facts.namespace);
        if self.without_room.contains(name) {
            return self.no_room(asking);
        }
        self.exceeded(asking, self.limits.of_namespace())
    }

    fn exceeded(&self, asking: String, reached: Reached) -> Problem {
        let instead = "take hosts, service classes or accounts away".to_owned();
        self.quota_exceeded(asking, reached, String::new(), instead)
    }

    /// The problem of what fits into the budget, but finds no room beside the principals of deleted objects.
    fn no_room(&self, asking: String) -> Problem {
        let Abandoned { count, first_end } = self.abandoned;
        let first = first_end.map(|end| format!(", the first one at {}", end.to_rfc3339())).unwrap_or_default();
        let counted = format!(
            ", of which {count} are disabled principals of deleted objects, which count until their last tickets have ended{first}"
        );
        self.quota_exceeded(asking, self.limits.of_namespace(), counted, "wait until then".to_owned())
    }

    fn quota_exceeded(&self, asking: String, reached: Reached, counted: String, instead: String) -> Problem {
        let realm = self.facts.realm.metadata.name.clone().unwrap_or_default();
        let limit = format!("{} of spec.limits.{}", reached.limit, reached.field);
        Problem::QuotaExceeded { asking, limit, realm, counted, instead }
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
