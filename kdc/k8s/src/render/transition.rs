//! The order in which a rendering takes effect. A grant: its policies first, then the ticket. A revocation: the ticket first, then
//! the policy. Pure: [`transition`] says which table the KDC may decide by now, and which policies to write once it does. Whoever
//! performs it repeats it with what the watch reports of the policies; it ends where nothing is left to write.

use crate::index::facts::{ObjectKey, PolicyFact};
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
    pub apply: Vec<ObjectKey>,
    /// Policies of ours that are not rendered.
    pub delete: Vec<ObjectKey>,
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
pub fn transition(active: &AccessTable, applied: &BTreeMap<ObjectKey, &PolicyFact>, rendered: &Rendered) -> Transition {
    let is_applied = |key: &ObjectKey| match (rendered.policies.get(key), applied.get(key)) {
        (Some(policy), Some(fact)) => fact.is_as(policy),
        _ => false,
    };
    let missing: BTreeSet<&ObjectKey> = rendered.policies.keys().filter(|key| !is_applied(key)).collect();
    let table = allowed_now(active, &missing, rendered);
    let waiting = waiting(&table, &missing, rendered);
    let mut apply: Vec<ObjectKey> = missing.into_iter().cloned().collect();
    apply.sort_by_key(|key| (names::writing_order(&key.1), key.clone()));
    let delete = applied.keys().filter(|key| !rendered.policies.contains_key(*key)).cloned().collect();
    Transition { table, apply, delete, waiting }
}

/// The rendered table without the grants and modes whose policies are missing, except for those that are active.
fn allowed_now(active: &AccessTable, missing: &BTreeSet<&ObjectKey>, rendered: &Rendered) -> AccessTable {
    let before: HashMap<&ServerKey, &ServerAccess> =
        active.servers.iter().map(|server| (&server.key, server)).collect();
    let servers = rendered.access.servers.iter();
    let servers = servers.map(|server| server_now(server, before.get(&server.key).copied(), missing, rendered));
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
    missing: &BTreeSet<&ObjectKey>,
    rendered: &Rendered,
) -> ServerAccess {
    let (key, needs) = (&server.key, &rendered.needs);
    let observed = before.is_some_and(|before| before.mode == AccessMode::Observe);
    let may_observe = observed || !needs.of_observing(key).any(|policy| missing.contains(policy));
    let mode = if may_observe { server.mode } else { AccessMode::Enforce };
    let grant_now = |grant: &Arc<AccessGrant>| {
        let counts = |peer: &&_| {
            let is_missing = needs.of_peer(key, peer, &rendered.access.realm).any(|policy| missing.contains(policy));
            !is_missing || before.is_some_and(|before| before.grants.iter().any(|old| continues(old, grant, peer)))
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
fn waiting(table: &AccessTable, missing: &BTreeSet<&ObjectKey>, rendered: &Rendered) -> BTreeMap<ObjectKey, usize> {
    if *table == rendered.access && missing.is_empty() {
        return BTreeMap::new();
    }
    let count = |outcome: &AccessOutcome| outcome.policies.iter().filter(|policy| missing.contains(policy)).count();
    let all = rendered.accesses.iter().map(|(key, outcome)| (key.clone(), count(outcome)));
    all.filter(|(_, count)| *count > 0).collect()
}
