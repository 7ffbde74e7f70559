//! What one namespace asks for, from what is known of the cluster: pure.

use super::Tables;
use super::claims::{Claimant, Claims};
use super::facts::OwnFact;
use super::services::{Problem, Request, Wanted, request};
use crate::crd::realm::Credentials as Choice;
use crate::crd::{KerberosPrincipal, KerberosRealm};
use crate::names;
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
    /// What became of its KerberosPrincipals, by name.
    pub outcomes: BTreeMap<String, Outcome>,
    accounts: BTreeMap<String, AccountDesire>,
}

/// What became of a KerberosPrincipal, as far as the cluster's objects say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The account exists.
    pub account_found: bool,
    /// Its service principals.
    pub principals: Vec<Principal>,
    /// Their other names.
    pub aliases: Vec<Principal>,
    /// The account's own principal, where its key is handed out.
    pub client: Option<Principal>,
    /// What is wrong.
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

/// The requests of a namespace's KerberosPrincipals.
pub(super) struct Requests<'a>(Vec<(&'a str, &'a OwnFact<KerberosPrincipal>, Request)>);

impl<'a> Requests<'a> {
    /// Of an enrolled namespace.
    pub(super) fn of(namespace: &'a str, realm: &KerberosRealm, tables: &'a Tables) -> Requests<'a> {
        let all = tables.principals.of_namespace(namespace);
        Requests(all.map(|(name, fact)| (name, fact, request_of(fact, namespace, realm, tables))).collect())
    }

    /// Every name that they claim.
    pub(super) fn claims(&self, namespace: &str) -> BTreeSet<(Principal, Claimant)> {
        let mut claims = BTreeSet::new();
        for (name, fact, request) in &self.0 {
            let claimant = claimant(namespace, name, fact);
            for wanted in &request.wanted {
                let names = std::iter::once(&wanted.name).chain(&wanted.aliases);
                claims.extend(names.map(|name| (name.clone(), claimant.clone())));
            }
        }
        claims
    }
}

fn request_of(fact: &OwnFact<KerberosPrincipal>, namespace: &str, realm: &KerberosRealm, tables: &Tables) -> Request {
    match &fact.object {
        Ok(object) => request(object, namespace, realm, tables),
        Err(error) => Request { problems: vec![malformed(error)], ..Request::default() },
    }
}

/// Of an object that the decoder refuses.
pub(super) fn malformed(error: &str) -> Problem {
    let message = format!(
        "the object cannot be read, and has no effect: {error}. Update the custom resource definitions (deploy/crds), then write the object again"
    );
    Problem { reason: "Malformed", message }
}

fn claimant(namespace: &str, name: &str, fact: &OwnFact<KerberosPrincipal>) -> Claimant {
    let (created, uid) = fact.seniority();
    Claimant { created, uid, namespace: namespace.to_owned(), name: name.to_owned() }
}

impl NamespaceDesire {
    /// Of a namespace that is not enrolled: nothing, and its KerberosPrincipals say so.
    pub(super) fn not_enrolled(namespace: &str, why: &Problem, tables: &Tables) -> NamespaceDesire {
        let mut desire = NamespaceDesire::default();
        for (name, fact) in tables.principals.of_namespace(namespace) {
            let problem = fact.object.as_ref().err().map_or_else(|| why.clone(), |error| malformed(error));
            let account_found = tables.accounts.get(namespace, name).is_some();
            let outcome = Outcome { account_found, problems: vec![problem], ..Outcome::default() };
            desire.outcomes.insert(name.to_owned(), outcome);
        }
        desire
    }

    /// Of an enrolled one.
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
        for (name, fact, request) in requests.0 {
            let claimant = claimant(namespace, name, fact);
            let outcome = desire.add_services(name, fact, request, &claimant, claims, namespace, tables);
            desire.outcomes.insert(name.to_owned(), outcome);
        }
        desire.settle_keys();
        desire
    }

    fn add_account(&mut self, account: &str, uid: &str, namespace: &str, realm: &KerberosRealm) {
        let client = names::client(account, namespace, &realm.spec.realm_name);
        let (owner, aliases) = (Owner::account(uid), BTreeSet::new());
        let desired = DesiredPrincipal { name: client.clone(), owner, role: Role::Client, keys: false, aliases };
        self.principals.insert(client.clone(), desired);
        let credentials = credentials(realm.spec.credentials);
        let desire = AccountDesire { client, credentials, services: Vec::new(), of_pods: Vec::new() };
        self.accounts.insert(account.to_owned(), desire);
    }

    #[expect(clippy::too_many_arguments, reason = "what a KerberosPrincipal is judged by")]
    fn add_services(
        &mut self,
        name: &str,
        fact: &OwnFact<KerberosPrincipal>,
        request: Request,
        claimant: &Claimant,
        claims: &Claims,
        namespace: &str,
        tables: &Tables,
    ) -> Outcome {
        let mut outcome = Outcome { problems: request.problems, ..Outcome::default() };
        let Ok(object) = &fact.object else { return outcome };
        let account = tables.accounts.get(namespace, name);
        let Some((account, desire)) = account.zip(self.accounts.get_mut(name)) else {
            outcome.problems.insert(0, account_missing(name, namespace));
            return outcome;
        };
        outcome.account_found = true;
        if let Some(choice) = object.spec.credentials {
            desire.credentials = credentials(choice);
        }
        // Another account of this name, or another declaration, is another service.
        let owner = Owner::object(&account.uid, fact.meta.uid.as_deref().unwrap_or_default());
        for Wanted { name, aliases, pod } in request.wanted {
            if let Err(problem) = free(&name, claimant, claims) {
                outcome.problems.push(problem);
                continue;
            }
            let (free, taken): (Vec<_>, Vec<_>) = aliases
                .into_iter()
                .map(|alias| free(&alias, claimant, claims).map(|()| alias))
                .partition(Result::is_ok);
            outcome.problems.extend(taken.into_iter().filter_map(Result::err));
            let aliases: Vec<Principal> = free.into_iter().flatten().collect();
            let service = Service { name: name.clone(), aliases: aliases.clone() };
            match pod {
                Some(pod) => desire.of_pods.push((pod, service)),
                None => desire.services.push(service),
            }
            outcome.principals.push(name.clone());
            outcome.aliases.extend(aliases.iter().cloned());
            let aliases = aliases.into_iter().collect();
            let desired =
                DesiredPrincipal { name: name.clone(), owner: owner.clone(), role: Role::Service, keys: true, aliases };
            self.principals.insert(name, desired);
        }
        outcome
    }

    /// An account has a key where one is handed out; its KerberosPrincipal, which has its name, says so.
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

    /// What a pod of an account gets: of the services of single pods its own.
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

fn credentials(choice: Choice) -> AccountCredentials {
    match choice {
        Choice::Ticket => AccountCredentials::Ticket,
        Choice::Keytab => AccountCredentials::Keytab,
        Choice::Both => AccountCredentials::Both,
    }
}

fn account_missing(name: &str, namespace: &str) -> Problem {
    let message = format!(
        "there is no service account {name} in namespace {namespace}: create it (kubectl -n {namespace} create serviceaccount {name})"
    );
    Problem { reason: "AccountNotFound", message }
}

fn free(name: &Principal, claimant: &Claimant, claims: &Claims) -> Result<(), Problem> {
    match claims.owner(name) {
        Some(owner) if owner != claimant => Err(Problem {
            reason: "NameTaken",
            message: format!(
                "{name} belongs to KerberosPrincipal {}/{}, which was there before {}/{}: take the name out of one of them",
                owner.namespace, owner.name, claimant.namespace, claimant.name
            ),
        }),
        _ => Ok(()),
    }
}
