//! An [`AccessIndex`] as a whole, server by server, for people: who may call whom, as requests are decided now.

use crate::access::index::{AccessIndex, Edge, PeerId, Server};
use crate::access::table::{AccessMode, AccessPeer, ServerKey};
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::HashMap;
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
        let peers = self.named_peers();
        let is_asked = |server: &&Server| namespace.is_none_or(|name| self.namespace_name(server.namespace) == name);
        let servers = self.servers.iter().filter(is_asked);
        servers
            .map(|server| {
                let mut grants: Vec<_> =
                    self.edges(server).iter().filter_map(|edge| self.peer_grant(*edge, &peers)).collect();
                grants.sort_by(|a, b| (&a.by, &a.peer).cmp(&(&b.by, &b.peer)));
                let key = ServerKey::new(self.namespace_name(server.namespace), &*server.name);
                ServerGrants { key, mode: server.mode, grants }
            })
            .collect()
    }

    fn peer_grant(&self, edge: Edge, peers: &HashMap<PeerId, AccessPeer>) -> Option<PeerGrant> {
        let (grant, peer) = (self.grants.get(edge.grant.0 as usize)?, peers.get(&edge.peer)?);
        let classes = grant.service_classes.as_ref();
        Some(PeerGrant {
            by: Arc::clone(&grant.by),
            peer: peer.clone(),
            service_classes: classes.map(|classes| classes.iter().map(|class| class.to_string()).collect()),
            not_after: grant.not_after,
        })
    }

    /// The peer of each number: requests look the other way.
    fn named_peers(&self) -> HashMap<PeerId, AccessPeer> {
        let own = self.clients.iter().filter_map(|(name, known)| {
            let principal = Principal::new(name.clone(), &*self.realm);
            Some((known.peer?, AccessPeer::Principal(principal)))
        });
        let foreign = self.foreign_clients.iter().map(|(client, id)| (*id, AccessPeer::Principal(client.clone())));
        let namespaces = self.namespaces.iter().filter_map(|namespace| {
            let name = namespace.name.to_string();
            Some((namespace.peer?, AccessPeer::Namespace(name)))
        });
        let realms = self.foreign_realms.iter().map(|(realm, id)| (*id, AccessPeer::Realm(realm.to_string())));
        let own_realm = self.own_realm.map(|id| (id, AccessPeer::Realm(self.realm.to_string())));
        own.chain(foreign).chain(namespaces).chain(realms).chain(own_realm).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::table::{AccessGrant, AccessTable, AccountAccess, ServerAccess};

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
