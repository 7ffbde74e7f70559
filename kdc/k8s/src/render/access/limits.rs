//! Objects that ask for more than the realm's limits. They are counted before anything is made, the oldest object first: the one
//! that goes over has no effect, and those before it keep theirs.

use crate::problem::Problem;
use crate::render::access::declaration::{Declaration, ResolvedPeer};
use crate::render::access::realm_facts::RealmFacts;
use kennel_core::access::table::ServerKey;
use std::collections::{BTreeSet, HashMap};

/// Takes the effect from objects that go over a limit.
pub(super) fn check(declarations: &mut [Declaration<'_>], facts: &RealmFacts<'_>) {
    declarations.sort_by_key(|declaration| (declaration.created, declaration.key));
    let limits = &facts.realm.spec.limits;
    let mut clients: HashMap<ServerKey, usize> = HashMap::new();
    for declaration in declarations.iter_mut().filter(|declaration| declaration.is_accepted()) {
        let problem = too_many_policies(declaration, limits.network_policies_per_access(), facts)
            .or_else(|| too_many_clients(declaration, limits.clients_per_target(), &clients, facts));
        match problem {
            Some(problem) => declaration.problems.insert(0, problem),
            None => {
                let peers = declaration.clients();
                for target in &declaration.targets {
                    *clients.entry(target.clone()).or_default() += peers;
                }
            }
        }
    }
}

fn too_many_clients(
    declaration: &Declaration<'_>,
    limit: usize,
    clients: &HashMap<ServerKey, usize>,
    facts: &RealmFacts<'_>,
) -> Option<Problem> {
    let peers = declaration.clients();
    let is_over = |target: &&ServerKey| clients.get(*target).copied().unwrap_or_default() + peers > limit;
    let target = declaration.targets.iter().find(is_over)?.to_string();
    Some(Problem::TooManyClients { target, limit: limit.to_string(), realm: facts.object.to_owned() })
}

/// The policies of an object: one for each target, and one for each client that is an account or a namespace.
fn too_many_policies(declaration: &Declaration<'_>, limit: usize, facts: &RealmFacts<'_>) -> Option<Problem> {
    if !facts.is_managed {
        return None;
    }
    let mut egress: BTreeSet<(&str, &str)> = BTreeSet::new();
    let peers = declaration.rules.iter().flat_map(|rule| &rule.peers);
    for peer in peers.filter(|_| facts.closes_egress) {
        match peer {
            ResolvedPeer::Account(namespace, name) => _ = egress.insert((namespace, name)),
            ResolvedPeer::Namespace(namespace) => _ = egress.insert((namespace, "")),
            ResolvedPeer::Selected(_, names) => egress.extend(names.iter().map(|name| (&**name, ""))),
            ResolvedPeer::OwnRealm => egress.extend(facts.programmed().map(|(name, _)| (name, ""))),
            ResolvedPeer::Outside(_) => {}
        }
    }
    let policies = declaration.targets.len() + egress.len();
    let (count, realm) = (policies.to_string(), facts.object.to_owned());
    (policies > limit).then(|| Problem::TooManyPolicies { policies: count, limit: limit.to_string(), realm })
}
