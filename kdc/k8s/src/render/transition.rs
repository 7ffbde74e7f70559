//! The order in which a rendering takes effect. A grant: its policies first, then the ticket. A revocation: the ticket first, then
//! the policy. Pure: [`transition`] says which table the KDC may decide by now, and which policies to write once it does. Whoever
//! performs it repeats it with what the watch reports of the policies; it ends where nothing is left to write.

use crate::index::facts::{ObjectKey, PolicyFact};
use crate::policy::kind::{PolicyKey, PolicyKind};
use crate::render::access::rendered::{AccessOutcome, Rendered};
use crate::render::policy::names;
use kennel_core::access::table::{AccessGrant, AccessMode, AccessTable, ServerAccess, ServerKey};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// One step towards a rendering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transition {
    /// The table that the KDC decides by from now on. It must be in force, on every replica that answers, before `apply` and
    /// `delete` begin, since these may narrow what a revoked ticket passed by.
    pub table: AccessTable,
    /// The policies to write, in this order: those of namespaces first, so that DNS is allowed before a first egress policy
    /// closes the rest.
    pub apply: Vec<PolicyKey>,
    /// Policies of ours that are not rendered.
    pub delete: Vec<PolicyKey>,
    /// KerberosAccesses with grants that wait, each with the number of its policies that are not as rendered.
    pub waiting: BTreeMap<ObjectKey, usize>,
}

impl Transition {
    /// Whether the cluster has every policy as rendered, so that the table is the rendered one.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.apply.is_empty() && self.delete.is_empty()
    }
}

/// Returns the next step. `active`: the table that the KDC decides by. `applied`: our policies as the watch has them, **without**
/// those that a write in flight may still change.
///
/// A grant that is active stays active while a policy of it changes, so that an edit that adds a client takes nothing from the
/// others. After a start nothing is active, and every grant waits for its policies.
#[must_use]
pub fn transition(active: &AccessTable, applied: &BTreeMap<PolicyKey, &PolicyFact>, rendered: &Rendered) -> Transition {
    let is_applied = |key: &PolicyKey| match (rendered.policies.get(key), applied.get(key)) {
        (Some(policy), Some(fact)) => fact.is_as(policy),
        _ => false,
    };
    let missing: BTreeSet<&PolicyKey> = rendered.policies.keys().filter(|key| !is_applied(key)).collect();
    let delete: Vec<PolicyKey> = applied.keys().filter(|key| !rendered.policies.contains_key(*key)).cloned().collect();
    let table = allowed_now(active, &Steps { missing: &missing, leftover: &delete }, rendered);
    let waiting = waiting(&table, &missing, rendered);
    let mut apply: Vec<PolicyKey> = missing.into_iter().cloned().collect();
    apply.sort_by_key(|key| (names::writing_order(key), key.clone()));
    Transition { table, apply, delete, waiting }
}

/// The way of the cluster's policies to the rendered ones.
struct Steps<'a> {
    /// Policies that are not as rendered.
    missing: &'a BTreeSet<&'a PolicyKey>,
    /// Policies that are not rendered, in order.
    leftover: &'a [PolicyKey],
}

impl Steps<'_> {
    /// Whether a policy of a server that is to go still drops what nobody allows.
    fn is_closed(&self, server: &ServerKey) -> bool {
        // Those of clusters are the last in order, and mostly there are none.
        if self.leftover.last().is_none_or(|key| key.kind == PolicyKind::NetworkPolicy) {
            return false;
        }
        let key = PolicyKey::cluster(names::cluster(&server.namespace, &server.name));
        self.leftover.binary_search(&key).is_ok()
    }
}

/// The rendered table without the grants and modes whose policies are missing, except for those that are active.
fn allowed_now(active: &AccessTable, steps: &Steps<'_>, rendered: &Rendered) -> AccessTable {
    let before: HashMap<&ServerKey, &ServerAccess> =
        active.servers.iter().map(|server| (&server.key, server)).collect();
    let servers = rendered.access.servers.iter();
    let servers = servers.map(|server| server_now(server, before.get(&server.key).copied(), steps, rendered));
    AccessTable { servers: servers.collect(), ..without_servers(&rendered.access) }
}

fn without_servers(table: &AccessTable) -> AccessTable {
    AccessTable {
        realm: table.realm.clone(),
        accounts: table.accounts.clone(),
        servers: Vec::new(),
        unmanaged_services: table.unmanaged_services,
        client_consent_required: table.client_consent_required,
    }
}

fn server_now(
    server: &ServerAccess,
    before: Option<&ServerAccess>,
    steps: &Steps<'_>,
    rendered: &Rendered,
) -> ServerAccess {
    let (key, needs) = (&server.key, &rendered.needs);
    let missing = steps.missing;
    let observed = before.is_some_and(|before| before.mode == AccessMode::Observe);
    let closed = steps.is_closed(key);
    let is_open = || !closed && !needs.of_observing(key).any(|policy| missing.contains(policy));
    let mode = match server.mode {
        AccessMode::Observe if observed || is_open() => AccessMode::Observe,
        _ => AccessMode::Enforce,
    };
    let grant_now = |grant: &Arc<AccessGrant>| {
        let counts = |peer: &&_| {
            let mut policies = needs.of_peer(key, peer, &rendered.access.realm);
            let passes = !closed && !policies.any(|policy| missing.contains(policy));
            passes || before.is_some_and(|before| before.grants.iter().any(|old| continues(old, grant, peer)))
        };
        if grant.peers.iter().all(|peer| counts(&peer)) {
            return Some(grant.clone());
        }
        let peers: Vec<_> = grant.peers.iter().filter(counts).cloned().collect();
        (!peers.is_empty()).then(|| Arc::new(AccessGrant { peers, ..AccessGrant::clone(grant) }))
    };
    let grants = server.grants.iter().filter_map(grant_now).collect();
    ServerAccess { mode, grants, ..server.clone() }
}

/// Whether a grant gives a peer no more than an old one did: it is of the same object, and for no further service class. What only
/// ends later needs no further policy.
fn continues(old: &AccessGrant, new: &AccessGrant, peer: &kennel_core::access::table::AccessPeer) -> bool {
    let classes = match (&old.service_classes, &new.service_classes) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(old), Some(new)) => new.is_subset(old),
    };
    classes && old.by == new.by && old.peers.contains(peer)
}

/// KerberosAccesses that are not wholly in force, with the number of their policies that are missing.
fn waiting(table: &AccessTable, missing: &BTreeSet<&PolicyKey>, rendered: &Rendered) -> BTreeMap<ObjectKey, usize> {
    if *table == rendered.access && missing.is_empty() {
        return BTreeMap::new();
    }
    let count = |outcome: &AccessOutcome| outcome.policies.iter().filter(|policy| missing.contains(policy)).count();
    let all = rendered.accesses.iter().map(|(key, outcome)| (key.clone(), count(outcome)));
    all.filter(|(_, count)| *count > 0).collect()
}
