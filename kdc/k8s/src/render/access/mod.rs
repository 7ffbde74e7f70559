//! Who may call whom, out of everything that is known of the cluster: the tickets and the NetworkPolicies of one declaration.
//!
//! | module | what |
//! |---|---|
//! | [`rendered`] | the result, and what each object is told |
//! | `realm_facts` | the enrolled part of the cluster: modes, accounts, consent |
//! | `declaration` | one KerberosAccess with what its references lead to |
//! | `server_ports` | the ports of a server's pods |
//! | `limits` | objects that ask for more than the realm allows |
//! | `effects` | grants, and the packets that go with them |
//! | `cluster_policies` | the cluster policies of servers |
//! | `outside` | who calls servers without Kerberos |
//! | `staged_policies` | what Enforce would drop of packets to observed accounts |
//! | `outcomes` | what servers, namespaces and the realm are told |

pub mod rendered;

mod cluster_policies;
pub(crate) mod declaration;
mod effects;
mod limits;
mod outcomes;
mod outside;
pub(crate) mod realm_facts;
pub(crate) mod server_ports;
mod staged_policies;

use crate::index::Index;
use crate::problem::Problem;
use crate::render::access::declaration::Declaration;
use crate::render::access::effects::Effects;
use crate::render::access::realm_facts::{AccountFacts, RealmFacts};
use crate::render::access::rendered::{AccessOutcome, Rendered};
use crate::render::policy::namespace::AlwaysAllowed;
use crate::render::policy::{kdc, namespace};
use kennel_core::access::table::{AccessTable, ServerAccess, ServerKey, UnmanagedServices};
use std::collections::BTreeMap;

/// Renders the accesses of the cluster at the time `now` (seconds since the epoch): all of them anew, from facts alone. Without a
/// KerberosRealm that is followed, nothing is rendered; whoever applies the result leaves the policies then as they are.
#[must_use]
pub fn render(index: &Index, now: i64) -> Rendered {
    let Some(facts) = RealmFacts::new(index) else { return Rendered::default() };
    let mut rendered = Rendered { access: clients(&facts), ..Rendered::default() };
    let mut declarations = resolve(&facts, now, &mut rendered);
    limits::check(&mut declarations, &facts);
    declarations.sort_by_key(|declaration| declaration.key);
    let mut effects = Effects::default();
    for declaration in &mut declarations {
        effects.add(declaration, &facts);
    }
    rendered.next_expiry = declarations.iter().filter_map(|d| Some(d.not_after?.0)).filter(|end| *end > now).min();
    rendered.access.servers = servers(&facts, &mut effects.grants);
    let outside = outside::callers(&facts, &effects.ingress);
    if facts.is_managed {
        add_policies(&mut rendered, effects.ingress, effects.egress, &facts);
    }
    let too_large = cluster_policies::add(&mut rendered, &facts);
    staged_policies::add(&mut rendered, &facts);
    outcomes::needs(&mut rendered, &facts);
    outcomes::accesses(&mut rendered, declarations, effects.pairs, &facts);
    outcomes::servers(&mut rendered, too_large, outside, &facts);
    outcomes::namespaces(&mut rendered, &facts);
    rendered
}

/// The table without servers.
fn clients(facts: &RealmFacts<'_>) -> AccessTable {
    // No policy selects the pods of an account whose name is no label: it gets no ticket either.
    let takes_part = |account: &AccountFacts<'_>| account.has_label || !facts.is_managed;
    let accounts = facts.programmed().flat_map(|(namespace, of)| {
        let taking_part = of.accounts.iter().filter(move |(_, account)| takes_part(account));
        taking_part.map(move |(name, account)| kennel_core::access::table::AccountAccess {
            principal: account.principal.clone(),
            namespace: namespace.to_owned(),
            name: (*name).to_owned(),
            calls: account.calls.clone(),
        })
    });
    AccessTable {
        realm: facts.realm_name().to_owned(),
        accounts: accounts.collect(),
        servers: Vec::new(),
        unmanaged_services: match facts.realm.spec.access.unmanaged_services() {
            crate::crd::realm_access::UnmanagedServices::AllowRealm => UnmanagedServices::AllowRealm,
            crate::crd::realm_access::UnmanagedServices::Deny => UnmanagedServices::Deny,
        },
        client_consent_required: facts.consent_required,
    }
}

/// The servers with their grants: every account, since each is a server to user-to-user.
fn servers(
    facts: &RealmFacts<'_>,
    grants: &mut BTreeMap<ServerKey, Vec<std::sync::Arc<kennel_core::access::table::AccessGrant>>>,
) -> Vec<ServerAccess> {
    let mut servers = Vec::new();
    for (namespace, of) in &facts.namespaces {
        for (name, account) in &of.accounts {
            let key = ServerKey::new(*namespace, *name);
            // Nobody of a namespace with forged labels is called, whatever its mode.
            let mode = if of.is_programmed() { outcomes::core_mode(account.mode) } else { Default::default() };
            servers.push(ServerAccess {
                mode,
                own: account.principal.clone(),
                names: account.services.iter().map(|name| (*name).clone()).collect(),
                grants: grants.remove(&key).unwrap_or_default(),
                key,
            });
        }
    }
    servers
}

/// Resolves every object; those that cannot be resolved at all have their outcome at once.
fn resolve<'a>(facts: &RealmFacts<'a>, now: i64, rendered: &mut Rendered) -> Vec<Declaration<'a>> {
    let mut declarations = Vec::new();
    for (key, fact) in facts.index.accesses() {
        if fact.meta.deletion_timestamp.is_some() {
            continue;
        }
        let problem = match (&fact.object, facts.namespaces.get(&*key.0)) {
            (Err(error), _) => Problem::AccessMalformed { error: error.clone() },
            (_, None) if facts.index.is_of_other_realm(&key.0) => continue,
            (_, None) => Problem::ServerNotEnrolled { namespace: key.0.clone(), realm: facts.object.to_owned() },
            (_, Some(of)) if !of.is_programmed() => Problem::NamespaceNotProgrammed { namespace: key.0.clone() },
            (Ok(object), Some(_)) => {
                let mut declaration = Declaration::resolve(key, object, facts, now);
                declaration.created = fact.created();
                declarations.push(declaration);
                continue;
            }
        };
        let outcome = AccessOutcome { problems: vec![problem], ..AccessOutcome::default() };
        rendered.accesses.insert(key.clone(), outcome);
    }
    declarations
}

fn add_policies(
    rendered: &mut Rendered,
    ingress: BTreeMap<ServerKey, crate::render::policy::ingress::ServerIngress>,
    egress: crate::render::policy::egress::ClientEgress,
    facts: &RealmFacts<'_>,
) {
    let always = AlwaysAllowed::new(facts);
    for name in facts.namespaces.keys() {
        rendered.policies.extend([always.policy(name, facts)]);
    }
    rendered.realm.problems.extend(always.problems);
    rendered.realm.assumed.extend(always.assumed);
    rendered.policies.extend(facts.programmed().filter_map(|(name, of)| namespace::observed(name, of, facts)));
    for (server, ingress) in ingress {
        if let Some(account) = facts.account(&server.namespace, &server.name) {
            rendered.policies.extend(ingress.policy(&server, account, facts));
        }
    }
    if facts.closes_egress {
        rendered.policies.extend(egress.policies(facts));
    }
    rendered.policies.extend(kdc::policy(facts));
}
