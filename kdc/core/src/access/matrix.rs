//! An [`AccessIndex`] as a whole, server by server, for people: who may call whom, as requests are decided now.

use crate::access::index::{AccessIndex, Grant, GrantId, Number, ServerId};
use crate::access::table::{AccessMode, AccessPeer, ServerKey};
use kennel_wire::message::KerberosTime;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// A server and whom it lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerGrants {
    /// The account.
    pub key: ServerKey,
    /// The answer to everybody else.
    pub mode: AccessMode,
    /// The peers, each with one rule of a KerberosAccess, by KerberosAccess and peer.
    pub grants: Vec<PeerGrant>,
}

/// A peer that a rule of a KerberosAccess lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerGrant {
    /// The KerberosAccess, `NAMESPACE/NAME`.
    pub by: Arc<str>,
    /// The peer.
    pub peer: AccessPeer,
    /// The service classes; `None`: all.
    pub service_classes: Option<Vec<String>>,
    /// The grant counts before this time.
    pub not_after: Option<KerberosTime>,
}

impl AccessIndex {
    /// Returns the servers of a namespace, or of all, in the order of the table, with their grants. Grants whose time is over are
    /// among them.
    #[must_use]
    pub fn server_grants(&self, namespace: Option<&str>) -> Vec<ServerGrants> {
        let namespaces = self.namespaces.iter().map(|name| &**name).collect();
        let servers = (0..self.servers.len()).map(|at| ServerId(Number::of_position(at)));
        let keyed = servers.map(|server| (server, self.server_parts(server)));
        let asked = keyed.filter(|(_, (of, _))| namespace.is_none_or(|namespace| namespace == *of));
        asked
            .map(|(server, (namespace, name))| ServerGrants {
                key: ServerKey::new(namespace, name),
                mode: self.mode(server),
                grants: self.peer_grants(server, &namespaces),
            })
            .collect()
    }

    fn peer_grants(&self, server: ServerId, namespaces: &HashSet<&str>) -> Vec<PeerGrant> {
        // A namespace without accounts and servers means nobody.
        let is_somebody = |peer: &&AccessPeer| match peer {
            AccessPeer::Namespace(name) => namespaces.contains(name.as_str()),
            AccessPeer::Principal(_) | AccessPeer::Realm(_) => true,
        };
        let ids: BTreeSet<GrantId> = self.edges(server).iter().map(|edge| edge.grant).collect();
        let mut grants: Vec<(&Grant, &AccessPeer)> = Vec::new();
        for grant in ids.into_iter().filter_map(|id| self.grant(id)) {
            let peers: BTreeSet<&AccessPeer> = grant.rule.peers.iter().filter(is_somebody).collect();
            grants.extend(peers.into_iter().map(|peer| (grant, peer)));
        }
        // Of the rules of one KerberosAccess for one peer, the longest comes first.
        grants.sort_by(|(a, one), (b, other)| (&a.by, one, Reverse(a.end())).cmp(&(&b.by, other, Reverse(b.end()))));
        grants.into_iter().map(|(grant, peer)| peer_grant(grant, peer)).collect()
    }
}

fn peer_grant(grant: &Grant, peer: &AccessPeer) -> PeerGrant {
    let classes = grant.rule.service_classes.as_ref();
    PeerGrant {
        by: Arc::clone(&grant.by),
        peer: peer.clone(),
        service_classes: classes.map(|classes| classes.iter().cloned().collect()),
        not_after: grant.rule.not_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::table::{AccessGrant, AccessTable, AccountAccess, ServerAccess};
    use kennel_wire::message::Principal;

    fn principal(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    fn account(namespace: &str, name: &str) -> AccountAccess {
        let principal = principal(&format!("{name}.{namespace}"));
        AccountAccess { principal, namespace: namespace.into(), name: name.into(), calls: None }
    }

    fn server(namespace: &str, name: &str, mode: AccessMode, grants: Vec<AccessGrant>) -> ServerAccess {
        ServerAccess {
            key: ServerKey::new(namespace, name),
            mode,
            own: principal(&format!("{name}.{namespace}")),
            names: vec![principal(&format!("HTTP/{name}.{namespace}.svc"))],
            grants: grants.into_iter().map(Arc::new).collect(),
        }
    }

    fn grant(by: &str, peers: Vec<AccessPeer>, classes: Option<&str>) -> AccessGrant {
        let service_classes = classes.map(|class| [class.to_owned()].into());
        AccessGrant { by: by.into(), peers, service_classes, not_after: Some(KerberosTime(9)) }
    }

    #[test]
    fn every_kind_of_peer_is_named_again_and_a_namespace_has_its_own_servers_alone() {
        let every_kind = vec![
            AccessPeer::Principal(principal("cart.shop")),
            AccessPeer::Principal(Principal::parse("alice@FAR", "R").unwrap()),
            AccessPeer::Namespace("shop".into()),
            AccessPeer::Realm("FAR".into()),
            AccessPeer::Realm("R".into()),
        ];
        let table = AccessTable {
            realm: "R".into(),
            accounts: vec![account("shop", "cart"), account("shop", "web"), account("bank", "vault")],
            servers: vec![
                server("bank", "vault", AccessMode::Observe, Vec::new()),
                server("shop", "web", AccessMode::Enforce, vec![grant("shop/web", every_kind.clone(), Some("HTTP"))]),
            ],
            ..AccessTable::default()
        };
        let index = AccessIndex::new(&table);
        let all = index.server_grants(None);
        let modes: Vec<_> = all.iter().map(|server| (server.key.to_string(), server.mode)).collect();
        assert_eq!(modes, [("bank/vault".into(), AccessMode::Observe), ("shop/web".into(), AccessMode::Enforce)]);
        let shop = index.server_grants(Some("shop"));
        assert_eq!(shop, all[1..]);
        let mut wanted = every_kind;
        wanted.sort();
        assert_eq!(shop[0].grants.iter().map(|grant| grant.peer.clone()).collect::<Vec<_>>(), wanted);
        let first = &shop[0].grants[0];
        assert_eq!((&*first.by, &first.service_classes), ("shop/web", &Some(vec!["HTTP".to_owned()])));
        assert_eq!(first.not_after, Some(KerberosTime(9)));
        assert!(index.server_grants(Some("none")).is_empty());
    }
}
