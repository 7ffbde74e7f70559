//! What Enforce would drop of the packets to accounts in mode Observe, where Calico can say it: the policy of the namespace, which denies
//! what nothing lets in, and before it what KerberosAccess objects let in. No grant waits for these policies.

use crate::index::surroundings::PolicySupport;
use crate::policy::kind::PolicyKind;
use crate::render::access::realm_facts::RealmFacts;
use crate::render::access::rendered::Rendered;
use crate::render::policy::names;
use crate::render::policy::parts::account;
use crate::render::policy::staged::StagedDraft;

/// Places in Calico's order, before those of all NetworkPolicies (1000).
const OF_SERVER: u16 = 890;
const OF_NAMESPACE: u16 = 900;

/// Adds the policies of accounts in mode Observe.
pub(super) fn add(rendered: &mut Rendered, facts: &RealmFacts<'_>) {
    let support = facts.index.surroundings().support(PolicyKind::StagedNetworkPolicy);
    if !facts.is_managed || support != PolicySupport::Writable {
        return;
    }
    let mut policies = Vec::new();
    for (namespace, of) in facts.programmed() {
        let Some(observed) = of.observed() else { continue };
        let ingress = |name: &str| {
            let spec = rendered.network_policy(namespace, name);
            spec.and_then(|spec| spec.ingress.as_deref()).unwrap_or_default()
        };
        let of_namespace = StagedDraft {
            namespace,
            name: names::NAMESPACE.to_owned(),
            realm: facts.object,
            order: OF_NAMESPACE,
            pods: observed.pod_selector(),
            ingress: ingress(names::NAMESPACE),
            denies: true,
        };
        policies.extend(of_namespace.finish());
        for (server, _) in of.accounts.iter().filter(|(name, server)| server.has_label && observed.contains(name)) {
            let name = names::ingress(server);
            let of_server = StagedDraft {
                namespace,
                realm: facts.object,
                order: OF_SERVER,
                pods: account(server),
                ingress: ingress(&name),
                denies: false,
                name,
            };
            policies.extend(of_server.finish());
        }
    }
    rendered.policies.extend(policies);
}
