//! What differs between two renderings: tickets that are gained and lost, modes, and NetworkPolicies. Pure.

use crate::commands::diff::cover::Clients;
use crate::source::grants::{access_peer, peer_name};
use kennel_core::access::table::{AccessTable, ServerAccess, ServerKey};
use kennel_k8s::render::access::rendered::Rendered;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Difference {
    /// Calls that get tickets and got none.
    pub(super) gained: BTreeSet<Call>,
    /// Calls that got tickets and get none.
    pub(super) lost: BTreeSet<Call>,
    /// Calls whose tickets end at another time: the later call.
    pub(super) ends: BTreeSet<Call>,
    /// Servers in another mode.
    pub(super) modes: Vec<ModeChange>,
    /// NetworkPolicies, `NAMESPACE/NAME`.
    pub(super) policies: PolicyDifference,
}

/// A client that calls a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call {
    /// `NAMESPACE/NAME`.
    pub(super) server: String,
    /// `cart.shop`, `namespace batch`, `realm CORP.EXAMPLE`.
    pub(super) client: String,
    /// Service class; none: all of the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_class: Option<String>,
    /// The KerberosAccess, `NAMESPACE/NAME`.
    pub(super) access: String,
    /// End of the tickets, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
}

/// A server in another mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ModeChange {
    pub(super) server: String,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// Policies that differ, each with its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct PolicyDifference {
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) changed: Vec<String>,
}

impl Difference {
    /// From `old` to `new`.
    pub(super) fn new(old: &Rendered, new: &Rendered) -> Difference {
        let (gained, ends) = missing(&new.access, &old.access);
        let (lost, _) = missing(&old.access, &new.access);
        Difference { gained, lost, ends, modes: modes(&old.access, &new.access), policies: policies(old, new) }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Difference::default()
    }
}

/// The calls that the grants of `of` allow and those of `within` do not; and the calls that both allow, until another time.
fn missing(of: &AccessTable, within: &AccessTable) -> (BTreeSet<Call>, BTreeSet<Call>) {
    let (known, other) = (Clients::new(of), Clients::new(within));
    let servers = by_key(within);
    let (mut missing, mut ends) = (BTreeSet::new(), BTreeSet::new());
    for server in &of.servers {
        let counterpart = servers.get(&server.key);
        for grant in &server.grants {
            let classes: Vec<Option<&str>> = match &grant.service_classes {
                None => vec![None],
                Some(classes) => classes.iter().map(|class| Some(&**class)).collect(),
            };
            for peer in &grant.peers {
                for class in &classes {
                    let Some(end) = known.cover(peer, server, *class) else { continue };
                    let call = || Call {
                        server: server.key.to_string(),
                        client: peer_name(&access_peer(peer), &of.realm),
                        service_class: class.map(str::to_owned),
                        access: grant.by.to_string(),
                        until: end.map(|end| end.to_rfc3339().to_string()),
                    };
                    match counterpart.and_then(|server| other.cover(peer, server, *class)) {
                        None => _ = missing.insert(call()),
                        Some(also) if also != end => _ = ends.insert(call()),
                        Some(_) => {}
                    }
                }
            }
        }
    }
    (missing, ends)
}

fn by_key(table: &AccessTable) -> BTreeMap<&ServerKey, &ServerAccess> {
    table.servers.iter().map(|server| (&server.key, server)).collect()
}

fn modes(old: &AccessTable, new: &AccessTable) -> Vec<ModeChange> {
    let before = by_key(old);
    let change = |server: &ServerAccess| {
        let (from, to) = (before.get(&server.key)?.mode, server.mode);
        (from != to).then(|| ModeChange { server: server.key.to_string(), from: from.name(), to: to.name() })
    };
    new.servers.iter().filter_map(change).collect()
}

fn policies(old: &Rendered, new: &Rendered) -> PolicyDifference {
    let only = |a: &Rendered, b: &Rendered| {
        a.policies.keys().filter(|key| !b.policies.contains_key(*key)).map(ToString::to_string).collect::<Vec<_>>()
    };
    let changed = new
        .policies
        .iter()
        .filter(|(key, policy)| old.policies.get(*key).is_some_and(|before| !before.has_spec_of(policy)));
    PolicyDifference {
        added: only(new, old),
        removed: only(old, new),
        changed: changed.map(|(key, _)| key.to_string()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::diff::cover::End;
    use kennel_core::access::table::{AccessGrant, AccessMode, AccessPeer, AccountAccess};
    use kennel_wire::message::{KerberosTime, Principal};
    use std::sync::Arc;

    fn principal(name: &str) -> Principal {
        Principal::parse(name, "R").unwrap()
    }

    fn grant(by: &str, peers: Vec<AccessPeer>, classes: Option<&[&str]>, end: End) -> Arc<AccessGrant> {
        let service_classes = classes.map(|classes| classes.iter().map(|class| (*class).to_owned()).collect());
        Arc::new(AccessGrant { by: by.into(), peers, service_classes, not_after: end })
    }

    fn rendered(mode: AccessMode, grants: Vec<Arc<AccessGrant>>) -> Rendered {
        let account = |name: &str| AccountAccess {
            principal: principal(&format!("{name}.shop@R")),
            namespace: "shop".into(),
            name: name.into(),
            calls: None,
        };
        let server = ServerAccess {
            key: ServerKey::new("shop", "web"),
            mode,
            own: principal("web.shop@R"),
            names: vec![principal("HTTP/web.shop.svc@R")],
            grants,
        };
        let access = AccessTable {
            realm: "R".into(),
            accounts: vec![account("cart"), account("batch")],
            servers: vec![server],
            ..AccessTable::default()
        };
        Rendered { access, ..Rendered::default() }
    }

    fn account(name: &str) -> AccessPeer {
        AccessPeer::Principal(principal(&format!("{name}.shop@R")))
    }

    #[test]
    fn the_same_rendering_differs_in_nothing() {
        let one = rendered(AccessMode::Enforce, vec![grant("shop/web", vec![account("cart")], None, None)]);
        assert!(Difference::new(&one, &one).is_empty());
    }

    #[test]
    fn a_client_that_another_object_lets_in_has_lost_nothing() {
        let old =
            rendered(AccessMode::Enforce, vec![grant("shop/web", vec![account("cart"), account("batch")], None, None)]);
        let all = AccessPeer::Namespace("shop".into());
        let new = rendered(AccessMode::Enforce, vec![grant("shop/all", vec![all], None, None)]);
        let difference = Difference::new(&old, &new);
        assert_eq!(difference.lost, BTreeSet::new());
        assert_eq!(difference.gained.first().unwrap().client, "namespace shop");
        assert_eq!(Difference::new(&new, &old).lost.len(), 1, "the rest of the namespace");
    }

    #[test]
    fn classes_ends_and_modes_differ_each_for_itself() {
        let end = Some(KerberosTime(1_800_000_000));
        let old = rendered(
            AccessMode::Observe,
            vec![grant("shop/web", vec![account("cart")], Some(&["HTTP", "host"]), None)],
        );
        let new = rendered(AccessMode::Enforce, vec![grant("shop/web", vec![account("cart")], Some(&["HTTP"]), end)]);
        let difference = Difference::new(&old, &new);
        let lost: Vec<_> = difference.lost.iter().map(|call| call.service_class.as_deref()).collect();
        assert_eq!(lost, [Some("host")]);
        assert_eq!(difference.ends.first().unwrap().until.as_deref(), Some("2027-01-15T08:00:00Z"));
        assert_eq!((difference.modes[0].from, difference.modes[0].to), ("Observe", "Enforce"));
        assert!(difference.gained.is_empty());
    }

    #[test]
    fn an_owner_s_veto_takes_tickets_away() {
        let old = rendered(AccessMode::Enforce, vec![grant("shop/web", vec![account("cart")], None, None)]);
        let mut new = old.clone();
        new.access.accounts[0].calls = Some(BTreeSet::new());
        assert_eq!(Difference::new(&old, &new).lost.len(), 1);
    }
}
