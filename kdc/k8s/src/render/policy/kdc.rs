//! The policy of the KDC's own pods: everybody reaches the ports for clients and agents, since clients of the realm may be anywhere,
//! outside of the cluster too; nobody reaches another port.

use crate::index::facts::PortRef;
use crate::labels::KDC_POD;
use crate::render::access::realm_facts::RealmFacts;
use crate::render::policy::names;
use crate::render::policy::parts::{KeyedPolicy, PolicyDraft, Port, ingress_rule, labelled};

/// The policy, where the KDC is a pod of the cluster.
pub(crate) fn policy(facts: &RealmFacts<'_>) -> Option<KeyedPolicy> {
    let kdc = facts.index.surroundings().kdc.as_ref().filter(|kdc| !kdc.ports.is_empty())?;
    let ports = kdc.ports.iter().map(|(port, protocol)| Port::single(*protocol, PortRef::Number(*port)));
    let draft = PolicyDraft {
        namespace: &kdc.namespace,
        name: names::KDC.to_owned(),
        realm: facts.object,
        owner: None,
        pods: labelled(KDC_POD.key, KDC_POD.value),
        ingress: Some(vec![ingress_rule(Vec::new(), &ports.collect())]),
        egress: None,
    };
    Some(draft.finish())
}
