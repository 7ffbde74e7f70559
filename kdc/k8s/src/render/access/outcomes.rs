//! What each object is told of the rendering, and which policies a grant needs.

use crate::crd::realm_access::AccessMode;
use crate::index::facts::{ObjectKey, PolicyFact};
use crate::index::selector::matches;
use crate::labels::SERVICE_ACCOUNT;
use crate::policy::kind::{PolicyKey, PolicyKind};
use crate::problem::Problem;
use crate::render::access::declaration::Declaration;
use crate::render::access::realm_facts::{AccountFacts, RealmFacts};
use crate::render::access::rendered::{AccessOutcome, NamespaceOutcome, NetworkEffect, Rendered, ServerOutcome};
use crate::render::policy::names;
use kennel_core::access::table::{self, AccessPeer, ServerKey};
use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

/// Most problems of one object that are kept.
const MOST_PROBLEMS: usize = 16;
/// Most policies and pods that are named.
const MOST_NAMED: usize = 16;

/// The mode as the core calls it.
pub(super) fn core_mode(mode: AccessMode) -> table::AccessMode {
    match mode {
        AccessMode::Enforce => table::AccessMode::Enforce,
        AccessMode::Observe => table::AccessMode::Observe,
    }
}

/// Fills in which policies servers and clients need, of those that are rendered.
pub(super) fn needs(rendered: &mut Rendered, facts: &RealmFacts<'_>) {
    let policies = &rendered.policies;
    let rendered_of = |namespace: &str, names: &[String]| -> BTreeSet<PolicyKey> {
        let keys = names.iter().map(|name| PolicyKey::network(namespace, name));
        keys.filter(|key| policies.contains_key(key)).collect()
    };
    let of_server = |server: &ServerKey| {
        let names = [names::NAMESPACE.to_owned(), names::OBSERVED.to_owned(), names::ingress(&server.name)];
        let cluster = facts.cluster_priority.map(|_| names::cluster(&server.namespace, &server.name));
        let cluster = cluster.map(PolicyKey::cluster).filter(|key| policies.contains_key(key));
        rendered_of(&server.namespace, &names).into_iter().chain(cluster).collect::<BTreeSet<_>>()
    };
    let servers = rendered.access.servers.iter().map(|server| (server.key.clone(), of_server(&server.key)));
    rendered.needs.servers = servers.collect();
    for (namespace, of) in facts.programmed() {
        let mut members = rendered_of(namespace, &[names::NAMESPACE.to_owned(), names::MEMBERS.to_owned()]);
        for (name, account) in &of.accounts {
            let own = rendered_of(namespace, &[names::egress(name)]);
            if account.calls.is_some() {
                members.extend(own.iter().cloned());
            }
            let peer = AccessPeer::Principal(Principal::clone(account.principal));
            let of_namespace = rendered_of(namespace, &[names::NAMESPACE.to_owned()]);
            rendered.needs.clients.insert(peer, own.into_iter().chain(of_namespace).collect());
        }
        rendered.needs.everybody.extend(members.iter().cloned());
        rendered.needs.clients.insert(AccessPeer::Namespace(namespace.to_owned()), members);
    }
}

/// Fills in the outcome of each KerberosAccess.
pub(super) fn accesses(
    rendered: &mut Rendered,
    declarations: Vec<Declaration<'_>>,
    mut pairs: BTreeMap<ObjectKey, BTreeSet<(ServerKey, AccessPeer)>>,
    facts: &RealmFacts<'_>,
) {
    let without_dns = rendered.realm.problems.iter().any(|problem| matches!(problem, Problem::DnsNotFound { .. }));
    for mut declaration in declarations {
        let grants = pairs.remove(declaration.key).unwrap_or_default();
        let accepted = declaration.is_accepted();
        let mut policies = BTreeSet::new();
        for target in declaration.targets.iter().filter(|_| accepted) {
            let own = rendered.needs.servers.get(target).into_iter().flatten();
            policies.extend(own.filter(|key| !is_of_namespace(key)).cloned());
        }
        for (server, peer) in &grants {
            let all = rendered.needs.of_peer(server, peer, facts.realm_name());
            policies.extend(all.filter(|key| !is_of_namespace(key)).cloned());
        }
        if without_dns && policies.iter().any(names::is_of_client) {
            declaration.problem(Problem::ClientsWithoutDns { realm: facts.object.to_owned() });
        }
        let is_observed = |server: &ServerKey| {
            facts.account(&server.namespace, &server.name).is_some_and(|account| account.mode == AccessMode::Observe)
        };
        let network = match () {
            () if !facts.is_managed => NetworkEffect::Disabled,
            () if declaration.targets.iter().any(is_observed) => NetworkEffect::Observing,
            () => NetworkEffect::Programmed,
        };
        declaration.problems.truncate(MOST_PROBLEMS);
        let outcome = AccessOutcome {
            targets: declaration.targets.len(),
            clients: if accepted { declaration.clients() } else { 0 },
            grants,
            policies,
            network,
            allows_nobody: declaration.allows_nobody,
            problems: declaration.problems,
        };
        rendered.accesses.insert(declaration.key.clone(), outcome);
    }
}

/// Whether a policy is that of a namespace, which no KerberosAccess changes.
fn is_of_namespace(key: &PolicyKey) -> bool {
    key.kind == PolicyKind::NetworkPolicy && key.name == names::NAMESPACE
}

/// Fills in the outcome of each KerberosPrincipal as a server. `too_large`: those whose cluster policy cannot be made;
/// `outside`: their callers without Kerberos.
pub(super) fn servers(
    rendered: &mut Rendered,
    mut too_large: BTreeMap<ServerKey, Problem>,
    mut outside: BTreeMap<ServerKey, Vec<String>>,
    facts: &RealmFacts<'_>,
) {
    for (namespace, of) in &facts.namespaces {
        // Ours add nothing to each other that is not declared; what others let in is.
        let foreign = facts.index.policies_of(namespace).filter(|(_, policy)| !policy.managed && lets_in(policy));
        let foreign: Vec<(&str, &PolicyFact)> = if facts.is_managed { foreign.collect() } else { Vec::new() };
        for (name, account) in of.accounts.iter().filter(|(_, account)| account.is_server()) {
            let mut outcome = server(namespace, name, account, &foreign, facts);
            let key = ServerKey::new(*namespace, *name);
            outcome.problems.extend(too_large.remove(&key));
            outcome.outside_callers = outside.remove(&key).unwrap_or_default();
            rendered.servers.insert(((*namespace).to_owned(), (*name).to_owned()), outcome);
        }
    }
}

fn server(
    namespace: &str,
    name: &str,
    account: &AccountFacts<'_>,
    foreign: &[(&str, &PolicyFact)],
    facts: &RealmFacts<'_>,
) -> ServerOutcome {
    let key = format!("{namespace}/{name}");
    let mut problems = Vec::new();
    if let Some(mode) = account.mode_refused {
        problems.push(Problem::ModeNotAllowed { mode: mode.name().to_owned(), realm: facts.object.to_owned() });
    }
    if facts.is_managed && !account.has_label {
        problems.push(Problem::AccountNameTooLong { account: key.clone() });
    }
    if facts.is_managed && account.host_network > 0 {
        problems.push(Problem::HostNetwork { account: key.clone() });
    }
    let is_enforced = account.mode == AccessMode::Enforce;
    let widening = foreign.iter().filter(|(_, policy)| is_enforced && selects(policy, namespace, name, facts));
    let widened_by: Vec<String> = widening.take(MOST_NAMED).map(|(policy, _)| (*policy).to_owned()).collect();
    problems.extend(
        widened_by
            .iter()
            .map(|policy| Problem::WidenedByPolicy { policy: format!("{namespace}/{policy}"), account: key.clone() }),
    );
    let mode = core_mode(account.mode);
    ServerOutcome { mode, widened_by, host_network_pods: account.host_network, problems, ..ServerOutcome::default() }
}

/// Whether a policy lets anything in.
fn lets_in(policy: &PolicyFact) -> bool {
    policy.network_spec().and_then(|spec| spec.ingress.as_ref()).is_some_and(|rules| !rules.is_empty())
}

/// Whether a policy selects pods of an account: those that there are, or one that carries only our label.
fn selects(policy: &PolicyFact, namespace: &str, account: &str, facts: &RealmFacts<'_>) -> bool {
    let Some(selector) = policy.network_spec().and_then(|spec| spec.pod_selector.as_ref()) else { return true };
    let alone = BTreeMap::from([(SERVICE_ACCOUNT.to_owned(), account.to_owned())]);
    let shapes = facts.index.pod_shapes(namespace).filter(|(shape, _)| shape.account == account);
    matches(selector, &alone) || shapes.into_iter().any(|(shape, _)| matches(selector, &shape.labels))
}

/// Fills in the outcome of each enrolled namespace, and what the realm is told of them.
pub(super) fn namespaces(rendered: &mut Rendered, facts: &RealmFacts<'_>) {
    for (name, of) in &facts.namespaces {
        let namespace = (*name).to_owned();
        let mut problems = Vec::new();
        if !of.mislabelled.is_empty() {
            let pods = of.mislabelled.join(", ");
            problems.push(Problem::MislabelledPods { pods, namespace: namespace.clone() });
        }
        if of.unlabelled > 0 && facts.is_managed {
            let count = of.unlabelled.to_string();
            problems.push(Problem::UnlabelledPods { count, namespace: namespace.clone() });
        }
        let all = [names::NAMESPACE, names::OBSERVED, names::MEMBERS];
        let all = all.map(|name| PolicyKey::network(&*namespace, name));
        let policies = all.into_iter().filter(|key| rendered.policies.contains_key(key)).collect();
        let outcome = NamespaceOutcome {
            unlabelled_pods: of.unlabelled,
            mislabelled_pods: of.mislabelled.clone(),
            policies,
            problems,
        };
        rendered.namespaces.insert(namespace, outcome);
    }
    let kinds = facts.index.surroundings().kinds.iter().filter(|kind| kind.is_not_evaluated());
    let kinds: Vec<&str> = kinds.map(|kind| kind.name()).collect();
    if facts.is_managed && !kinds.is_empty() {
        rendered.realm.problems.push(Problem::PoliciesNotEvaluated { kinds: kinds.join(", ") });
    }
}
