//! What one namespace asks for, from what is known of the cluster: pure.

use crate::crd::credentials::CredentialKind;
use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::index::facts::OwnFact;
use crate::index::plan::{NamespacePlan, PlanFacts, PlannedObject, malformed};
use crate::index::policy_claims::PolicyClaims;
use crate::index::services::{RequestedService, SetPod};
use crate::index::set_pods::SetPods;
use crate::index::tables::Tables;
use crate::names::client_principal;
use crate::problem::Problem;
use kennel_core::accounts::{DesiredPrincipal, Role};
use kennel_core::enrolment::{AccountCredentials, Entitlement, Service};
use kennel_core::principal::Owner;
use kennel_crypto::Enctype;
use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

/// Most problems of one object that are kept: a status lists fewer, and an object can ask for many names that do not exist.
const MOST_PROBLEMS: usize = 16;
/// Most accounts over the budget that are named.
const MOST_NAMED: usize = 16;

/// What a namespace asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamespaceDesire {
    /// Whether the realm enrols it.
    pub enrolled: bool,
    /// Its principals, by name.
    pub principals: BTreeMap<Principal, DesiredPrincipal>,
    /// The outcome of each KerberosPrincipal, by name.
    pub outcomes: BTreeMap<String, PrincipalOutcome>,
    /// The first accounts that have no principal, since the namespace is over its budget.
    pub exceeding: Vec<ExceedingAccount>,
    /// Whether the namespace or one of its objects asks for more than its budget.
    pub exceeds_quota: bool,
    accounts: BTreeMap<String, AccountDesire>,
    /// The pods of StatefulSets that have principals of their own.
    pods: SetPods,
    /// StatefulSets that objects name, whose pods decide principals.
    sets: BTreeSet<String>,
}

/// The effect of a KerberosPrincipal, as far as the cluster's objects decide it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrincipalOutcome {
    /// Its service principals.
    pub principals: Vec<Principal>,
    /// Their other names.
    pub aliases: Vec<Principal>,
    /// The account's own principal, where the account gets its key.
    pub client: Option<Principal>,
    /// Short names that its hosts do not get, since they can be read in another way.
    pub withheld: usize,
    /// Parts of the object without effect; the first 16.
    pub problems: Vec<Problem>,
}

/// An account without a principal, since its namespace is over its budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceedingAccount {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// The principal that it would have.
    pub principal: Principal,
    /// The reason, [`Problem::QuotaExceeded`].
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AccountDesire {
    client: Principal,
    credentials: AccountCredentials,
    services: Vec<Service>,
    /// Services of single pods.
    of_pods: Vec<(SetPod, Service)>,
}

/// Which object of the namespace has a name, and which object of all namespaces has a name of the alias policy.
struct NameOwners<'a> {
    in_namespace: BTreeMap<Principal, &'a str>,
    of_policy: &'a PolicyClaims,
}

impl NamespaceDesire {
    /// The desire of a namespace that is not enrolled: no principals, and a problem for each of its KerberosPrincipals.
    pub(super) fn not_enrolled(namespace: &str, why: &Problem, tables: &Tables) -> NamespaceDesire {
        let outcome = |fact: &OwnFact<KerberosPrincipal>| {
            let problem = fact.object.as_ref().err().map_or_else(|| why.clone(), |error| malformed(error));
            PrincipalOutcome { problems: vec![problem], ..PrincipalOutcome::default() }
        };
        let all = tables.principals.of_namespace(namespace);
        let outcomes = all.map(|(name, fact)| (name.to_owned(), outcome(fact))).collect();
        NamespaceDesire { outcomes, ..NamespaceDesire::default() }
    }

    /// The desire of an enrolled namespace: a client for each account, and the services of its KerberosPrincipals. Of two objects
    /// that ask for one name, the first by its own name has it.
    pub(super) fn enrolled(plan: NamespacePlan<'_>, claims: &PolicyClaims) -> NamespaceDesire {
        let sets = plan.pods.sets().map(str::to_owned).collect();
        let mut desire = NamespaceDesire { enrolled: true, sets, ..NamespaceDesire::default() };
        desire.add_accounts(&plan);
        let mut owners = NameOwners { in_namespace: BTreeMap::new(), of_policy: claims };
        for object in plan.objects {
            let name = object.name;
            let outcome = desire.add_object(object, plan.facts, &plan.pods, &mut owners);
            desire.exceeds_quota |= outcome.problems.iter().any(|p| matches!(p, Problem::QuotaExceeded { .. }));
            desire.outcomes.insert(name.to_owned(), outcome);
        }
        desire.settle_keys();
        desire
    }

    fn add_accounts(&mut self, plan: &NamespacePlan<'_>) {
        let PlanFacts { namespace, realm, tables, .. } = plan.facts;
        for (name, fact) in tables.accounts.of_namespace(namespace) {
            if plan.has_account(name, fact) {
                self.add_account(name, &fact.uid, namespace, realm);
                continue;
            }
            self.exceeds_quota = true;
            if self.exceeding.len() < MOST_NAMED {
                let principal = client_principal(name, namespace, &realm.spec.realm_name);
                let (name, uid, problem) = (name.to_owned(), fact.uid.clone(), plan.account_exceeds(name));
                self.exceeding.push(ExceedingAccount { name, uid, principal, problem });
            }
        }
    }

    fn add_account(&mut self, account: &str, uid: &str, namespace: &str, realm: &KerberosRealm) {
        let client = client_principal(account, namespace, &realm.spec.realm_name);
        let desired = DesiredPrincipal {
            name: client.clone(),
            owner: Owner::account(uid),
            namespace: namespace.to_owned(),
            role: Role::Client,
            keys: false,
            session_enctypes: None,
            aliases: BTreeSet::new(),
        };
        self.principals.insert(client.clone(), desired);
        let credentials = credentials(realm.spec.default_credentials(), realm);
        let credentials = credentials.unwrap_or(AccountCredentials::Ticket);
        let desire = AccountDesire { client, credentials, services: Vec::new(), of_pods: Vec::new() };
        self.accounts.insert(account.to_owned(), desire);
    }

    fn add_object<'a>(
        &mut self,
        PlannedObject { name, fact, request }: PlannedObject<'a>,
        facts: PlanFacts<'a>,
        pods: &SetPods,
        owners: &mut NameOwners<'a>,
    ) -> PrincipalOutcome {
        let mut outcome = PrincipalOutcome { withheld: request.withheld.len(), ..PrincipalOutcome::default() };
        outcome.problems = request.problems;
        let account = facts.tables.accounts.get(facts.namespace, name);
        if let (Ok(object), Some((account, desire))) = (&fact.object, account.zip(self.accounts.get_mut(name))) {
            outcome.problems.extend(desire.choose_credentials(object, facts.realm));
            // Another account of this name, or another declaration, is another service.
            let owner = Owner::object(&account.uid, fact.meta.uid.as_deref().unwrap_or_default());
            for requested in request.services {
                let pod = requested.pod.clone();
                let claimant = (facts.namespace, name);
                let Some(service) = owners.granted(requested, claimant, &mut outcome.problems) else { continue };
                outcome.principals.push(service.name.clone());
                outcome.aliases.extend(service.aliases.iter().cloned());
                let desired = desired_service(&service, owner.clone(), facts.namespace, object);
                self.principals.insert(service.name.clone(), desired);
                match pod {
                    Some(pod) => {
                        self.pods.grant(&pod.set, pod.ordinal, pods);
                        desire.of_pods.push((pod, service));
                    }
                    None => desire.services.push(service),
                }
            }
        }
        outcome.problems.truncate(MOST_PROBLEMS);
        outcome
    }

    /// Gives keys to the accounts that get them; the outcome of their KerberosPrincipal, which has the account's name, says so.
    fn settle_keys(&mut self) {
        for (name, account) in &self.accounts {
            let keys = account.credentials != AccountCredentials::Ticket;
            if let Some(desired) = self.principals.get_mut(&account.client) {
                desired.keys = keys;
            }
            if let Some(outcome) = self.outcomes.get_mut(name).filter(|_| keys) {
                outcome.client = Some(account.client.clone());
            }
        }
    }

    /// Whether the same accounts have the same principals as in another desire of the namespace: accesses are rendered from them.
    pub(super) fn has_accounts_of(&self, other: &NamespaceDesire) -> bool {
        (self.enrolled, &self.accounts) == (other.enrolled, &other.accounts)
    }

    /// The accounts that have principals: name, own principal, and the service principals of all their pods.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (&str, &Principal, impl Iterator<Item = &Principal>)> {
        self.accounts.iter().map(|(name, account)| {
            let of_pods = account.of_pods.iter().map(|(_, service)| &service.name);
            (&**name, &account.client, account.services.iter().map(|service| &service.name).chain(of_pods))
        })
    }

    /// The pods of StatefulSets that have principals of their own.
    pub(super) fn granted_pods(&self) -> &SetPods {
        &self.pods
    }

    /// Whether pods of a StatefulSet decide principals of this namespace.
    pub(super) fn names_set(&self, set: &str) -> bool {
        self.sets.contains(set)
    }

    /// Returns what a pod of an account gets: the account's services, and of the services of single pods its own.
    /// `stateful_set`: the StatefulSet that owns the pod.
    pub(super) fn entitlement(&self, account: &str, pod: &str, stateful_set: Option<&str>) -> Option<Entitlement> {
        let desire = self.accounts.get(account)?;
        let own = |of: &SetPod| stateful_set == Some(&of.set) && of.name() == pod;
        let of_pod = desire.of_pods.iter().filter(|(of, _)| own(of)).map(|(_, service)| service);
        Some(Entitlement {
            client: desire.client.clone(),
            credentials: desire.credentials,
            services: desire.services.iter().chain(of_pod).cloned().collect(),
        })
    }
}

impl AccountDesire {
    /// Takes the choice of a KerberosPrincipal as far as the realm allows it. Of a choice that the realm does not allow at all, the
    /// realm's default stays.
    fn choose_credentials(&mut self, object: &KerberosPrincipal, realm: &KerberosRealm) -> Option<Problem> {
        let choice = object.spec.credentials.as_deref()?;
        self.credentials = credentials(choice, realm).unwrap_or(self.credentials);
        let allowed = realm.spec.allowed_credentials();
        let refused = choice.iter().filter(|kind| !allowed.contains(kind)).map(|kind| format!("{kind:?}"));
        let refused = refused.collect::<Vec<_>>().join(", ");
        let realm = realm.metadata.name.clone().unwrap_or_default();
        (!refused.is_empty()).then_some(Problem::CredentialsNotAllowed { credentials: refused, realm })
    }
}

impl<'a> NameOwners<'a> {
    /// The service with those of its aliases that nobody else has; `None` where its own name is another's.
    fn granted(
        &mut self,
        requested: RequestedService,
        claimant: (&'a str, &'a str),
        problems: &mut Vec<Problem>,
    ) -> Option<Service> {
        let mut is_free =
            |name: &Principal| self.take(name, claimant).map_err(|problem| problems.push(problem)).is_ok();
        if !is_free(&requested.name) {
            return None;
        }
        let aliases = requested.aliases.into_iter().filter(|alias| is_free(alias)).collect();
        Some(Service { name: requested.name, aliases })
    }

    fn take(&mut self, name: &Principal, (namespace, object): (&'a str, &'a str)) -> Result<(), Problem> {
        let taken = |owner: String| Problem::NameTaken {
            name: name.to_string(),
            owner,
            claimant: format!("{namespace}/{object}"),
        };
        if let Some((of, owner)) =
            self.of_policy.owner(name).filter(|(of, owner)| (&**of, &**owner) != (namespace, object))
        {
            return Err(taken(format!("{of}/{owner}")));
        }
        let owner = *self.in_namespace.entry(name.clone()).or_insert(object);
        if owner == object { Ok(()) } else { Err(taken(format!("{namespace}/{owner}"))) }
    }
}

fn desired_service(service: &Service, owner: Owner, namespace: &str, object: &KerberosPrincipal) -> DesiredPrincipal {
    let (name, namespace) = (service.name.clone(), namespace.to_owned());
    let session_enctypes = object.spec.session_enctypes.as_ref();
    let session_enctypes = session_enctypes.map(|named| named.iter().copied().map(Enctype::from).collect());
    let aliases = service.aliases.iter().cloned().collect();
    DesiredPrincipal { name, owner, namespace, role: Role::Service, keys: true, session_enctypes, aliases }
}

/// The credentials of a choice that the realm allows; `None` where it allows none of them.
fn credentials(choice: &[CredentialKind], realm: &KerberosRealm) -> Option<AccountCredentials> {
    let has = |kind| choice.contains(&kind) && realm.spec.allowed_credentials().contains(&kind);
    match (has(CredentialKind::Ticket), has(CredentialKind::Keytab)) {
        (true, true) => Some(AccountCredentials::Both),
        (true, false) => Some(AccountCredentials::Ticket),
        (false, true) => Some(AccountCredentials::Keytab),
        (false, false) => None,
    }
}
