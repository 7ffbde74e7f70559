//! What one namespace asks for, from what is known of the cluster: pure.

use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::{CredentialsChoice, KerberosRealm};
use crate::index::claims::{Claimant, Claims};
use crate::index::facts::OwnFact;
use crate::index::services::{PrincipalRequest, RequestedService, request};
use crate::index::tables::Tables;
use crate::names::client_principal;
use crate::problem::Problem;
use kennel_core::accounts::{DesiredPrincipal, Role};
use kennel_core::enrolment::{AccountCredentials, Entitlement, Service};
use kennel_core::principal::Owner;
use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

/// What a namespace asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamespaceDesire {
    /// Whether the realm enrols it.
    pub enrolled: bool,
    /// Its principals, by name.
    pub principals: BTreeMap<Principal, DesiredPrincipal>,
    /// The outcome of each KerberosPrincipal, by name.
    pub outcomes: BTreeMap<String, PrincipalOutcome>,
    accounts: BTreeMap<String, AccountDesire>,
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
    /// Parts of the object without effect.
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AccountDesire {
    client: Principal,
    credentials: AccountCredentials,
    services: Vec<Service>,
    /// Services of single pods: StatefulSet and pod.
    of_pods: Vec<((String, String), Service)>,
}

/// What a KerberosPrincipal is judged by.
#[derive(Clone, Copy)]
struct ClusterFacts<'a> {
    namespace: &'a str,
    claims: &'a Claims,
    tables: &'a Tables,
}

/// The requests of a namespace's KerberosPrincipals.
pub(super) struct Requests<'a>(Vec<(&'a str, &'a OwnFact<KerberosPrincipal>, PrincipalRequest)>);

impl<'a> Requests<'a> {
    /// Collects the requests of an enrolled namespace.
    pub(super) fn collect(namespace: &'a str, realm: &KerberosRealm, tables: &'a Tables) -> Requests<'a> {
        let request = |fact: &OwnFact<KerberosPrincipal>| match &fact.object {
            Ok(object) => request(object, namespace, realm, tables),
            Err(error) => PrincipalRequest { problems: vec![malformed(error)], ..PrincipalRequest::default() },
        };
        Requests(tables.principals.of_namespace(namespace).map(|(name, fact)| (name, fact, request(fact))).collect())
    }

    /// Every name that the objects claim.
    pub(super) fn claims(&self, namespace: &str) -> BTreeSet<(Principal, Claimant)> {
        let mut claims = BTreeSet::new();
        for (name, fact, request) in &self.0 {
            let claimant = claimant(namespace, name, fact);
            for service in &request.services {
                let names = std::iter::once(&service.name).chain(&service.aliases);
                claims.extend(names.map(|name| (name.clone(), claimant.clone())));
            }
        }
        claims
    }
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

    /// The desire of an enrolled namespace: a client for each account, and the services of its KerberosPrincipals.
    pub(super) fn enrolled(
        namespace: &str,
        realm: &KerberosRealm,
        requests: Requests<'_>,
        claims: &Claims,
        tables: &Tables,
    ) -> NamespaceDesire {
        let mut desire = NamespaceDesire { enrolled: true, ..NamespaceDesire::default() };
        for (account, fact) in tables.accounts.of_namespace(namespace) {
            desire.add_account(account, &fact.uid, namespace, realm);
        }
        let facts = ClusterFacts { namespace, claims, tables };
        for (name, fact, request) in requests.0 {
            let outcome = desire.add_principal(name, fact, request, facts);
            desire.outcomes.insert(name.to_owned(), outcome);
        }
        desire.settle_keys();
        desire
    }

    fn add_account(&mut self, account: &str, uid: &str, namespace: &str, realm: &KerberosRealm) {
        let client = client_principal(account, namespace, &realm.spec.realm_name);
        let (owner, aliases) = (Owner::account(uid), BTreeSet::new());
        let desired = DesiredPrincipal { name: client.clone(), owner, role: Role::Client, keys: false, aliases };
        self.principals.insert(client.clone(), desired);
        let credentials = credentials(realm.spec.credentials);
        let desire = AccountDesire { client, credentials, services: Vec::new(), of_pods: Vec::new() };
        self.accounts.insert(account.to_owned(), desire);
    }

    fn add_principal(
        &mut self,
        name: &str,
        fact: &OwnFact<KerberosPrincipal>,
        request: PrincipalRequest,
        facts: ClusterFacts<'_>,
    ) -> PrincipalOutcome {
        let mut outcome = PrincipalOutcome { problems: request.problems, ..PrincipalOutcome::default() };
        let Ok(object) = &fact.object else { return outcome };
        let account = facts.tables.accounts.get(facts.namespace, name);
        let Some((account, desire)) = account.zip(self.accounts.get_mut(name)) else {
            let (account, namespace) = (name.to_owned(), facts.namespace.to_owned());
            outcome.problems.insert(0, Problem::AccountNotFound { account, namespace });
            return outcome;
        };
        if let Some(choice) = object.spec.credentials {
            desire.credentials = credentials(choice);
        }
        let claimant = claimant(facts.namespace, name, fact);
        // Another account of this name, or another declaration, is another service.
        let owner = Owner::object(&account.uid, fact.meta.uid.as_deref().unwrap_or_default());
        for requested in request.services {
            let pod = requested.pod.clone();
            let Some(service) = granted(requested, &claimant, facts.claims, &mut outcome.problems) else { continue };
            outcome.principals.push(service.name.clone());
            outcome.aliases.extend(service.aliases.iter().cloned());
            let desired = desired_service(&service, owner.clone());
            self.principals.insert(service.name.clone(), desired);
            match pod {
                Some(pod) => desire.of_pods.push((pod, service)),
                None => desire.services.push(service),
            }
        }
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

    /// Returns what a pod of an account gets: the account's services, and of the services of single pods its own.
    pub(super) fn entitlement(&self, account: &str, pod: &str, stateful_set: Option<&str>) -> Option<Entitlement> {
        let desire = self.accounts.get(account)?;
        let own = |(set, name): &(String, String)| stateful_set == Some(set) && name == pod;
        let of_pod = desire.of_pods.iter().filter(|(of, _)| own(of)).map(|(_, service)| service);
        Some(Entitlement {
            client: desire.client.clone(),
            credentials: desire.credentials,
            services: desire.services.iter().chain(of_pod).cloned().collect(),
        })
    }
}

/// The service with those of its aliases that nobody else has; `None` where its own name is another's.
fn granted(
    requested: RequestedService,
    claimant: &Claimant,
    claims: &Claims,
    problems: &mut Vec<Problem>,
) -> Option<Service> {
    let mut is_free = |name: &Principal| taken(name, claimant, claims).map(|problem| problems.push(problem)).is_none();
    if !is_free(&requested.name) {
        return None;
    }
    let aliases = requested.aliases.into_iter().filter(|alias| is_free(alias)).collect();
    Some(Service { name: requested.name, aliases })
}

fn desired_service(service: &Service, owner: Owner) -> DesiredPrincipal {
    let aliases = service.aliases.iter().cloned().collect();
    DesiredPrincipal { name: service.name.clone(), owner, role: Role::Service, keys: true, aliases }
}

fn credentials(choice: CredentialsChoice) -> AccountCredentials {
    match choice {
        CredentialsChoice::Ticket => AccountCredentials::Ticket,
        CredentialsChoice::Keytab => AccountCredentials::Keytab,
        CredentialsChoice::Both => AccountCredentials::Both,
    }
}

fn claimant(namespace: &str, name: &str, fact: &OwnFact<KerberosPrincipal>) -> Claimant {
    let (created, uid) = fact.seniority();
    Claimant { created, uid, namespace: namespace.to_owned(), name: name.to_owned() }
}

fn malformed(error: &str) -> Problem {
    Problem::Malformed { error: error.to_owned() }
}

fn taken(name: &Principal, claimant: &Claimant, claims: &Claims) -> Option<Problem> {
    let owner = claims.owner(name).filter(|owner| *owner != claimant)?;
    Some(Problem::NameTaken {
        name: name.to_string(),
        owner: format!("{}/{}", owner.namespace, owner.name),
        claimant: format!("{}/{}", claimant.namespace, claimant.name),
    })
}
