//! The ClusterNetworkPolicies of servers in mode Enforce, where the realm asks for them.

use crate::crd::realm_access::AccessMode;
use crate::index::surroundings::PolicySupport;
use crate::policy::kind::PolicyKind;
use crate::problem::Problem;
use crate::render::access::realm_facts::{AccountFacts, RealmFacts};
use crate::render::access::rendered::Rendered;
use crate::render::policy::cluster::ClusterDraft;
use crate::render::policy::names;
use kennel_core::access::table::ServerKey;
use std::collections::BTreeMap;

/// What an offline rendering assumes.
const ASSUMED: &str = "ClusterNetworkPolicy: the cluster serves policy.networking.k8s.io/v1alpha2, and its CNI enforces it (spec.network.clusterPolicy)";

/// Adds the ClusterNetworkPolicies of servers in mode Enforce, out of what the NetworkPolicies let in. Returns the problems of servers
/// whose policy would be too large.
pub(super) fn add(rendered: &mut Rendered, facts: &RealmFacts<'_>) -> BTreeMap<ServerKey, Problem> {
    let mut too_large = BTreeMap::new();
    if let Some(problem) = problem(facts) {
        rendered.realm.problems.push(problem);
    }
    let Some(priority) = facts.cluster_priority else { return too_large };
    if facts.index.surroundings().offline {
        rendered.realm.assumed.push(ASSUMED.to_owned());
    }
    let mut policies = Vec::new();
    for (namespace, of) in &facts.namespaces {
        let shared = rendered.network_policy(namespace, names::NAMESPACE);
        let is_enforced = |account: &AccountFacts<'_>| account.mode == AccessMode::Enforce || !of.is_programmed();
        let servers = of.accounts.iter().filter(|(_, account)| account.is_server() && is_enforced(account));
        for (name, _) in servers.filter(|(_, account)| account.has_label) {
            let server = ServerKey::new(*namespace, *name);
            let own = rendered.network_policy(namespace, &names::ingress(name));
            let ingress = shared.into_iter().chain(own).flat_map(|spec| spec.ingress.iter().flatten()).collect();
            match (ClusterDraft { realm: facts.object, priority, server: &server, ingress }).finish() {
                Ok(policy) => policies.push(policy),
                Err(problem) => _ = too_large.insert(server, problem),
            }
        }
    }
    rendered.policies.extend(policies);
    too_large
}

/// What stands against the ClusterNetworkPolicies that the realm asks for.
fn problem(facts: &RealmFacts<'_>) -> Option<Problem> {
    facts.realm.spec.network.cluster_policy.filter(|_| facts.is_managed)?;
    match facts.index.surroundings().support(PolicyKind::ClusterNetworkPolicy) {
        PolicySupport::Unknown | PolicySupport::Writable => None,
        PolicySupport::NotServed => Some(Problem::ClusterPolicyNotServed { realm: facts.object.to_owned() }),
        PolicySupport::Forbidden => Some(Problem::ClusterPolicyForbidden { realm: facts.object.to_owned() }),
    }
}
