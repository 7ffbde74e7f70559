//! Who may have tickets for whom, as the KDC decides now.

use kennel_audit::DecisionScope;
use kennel_core::access::AccessIndex;
use kennel_core::access::matrix::{PeerGrant, ServerGrants};
use kennel_core::access::table::{AccessMode, AccessPeer as Peer};
use kennel_wire::admin::{AccessGrant, AccessPeer, AccessResponse, AccessServer, AccountRef, ServerMode};

/// Who may have tickets for the servers of a scope.
pub(super) fn access_response(index: &AccessIndex, realm: &str, scope: &DecisionScope) -> AccessResponse {
    let namespace = match scope {
        DecisionScope::All => None,
        DecisionScope::Namespace(name) => Some(name.as_str()),
    };
    let servers = index.server_grants(namespace).into_iter().map(server).collect();
    AccessResponse { realm: realm.to_owned(), servers }
}

fn server(ServerGrants { key, mode, grants }: ServerGrants) -> AccessServer {
    let mode = match mode {
        AccessMode::Enforce => ServerMode::Enforce,
        AccessMode::Observe => ServerMode::Observe,
    };
    let account = AccountRef { namespace: key.namespace, name: key.name };
    AccessServer { account, mode, grants: grants.into_iter().map(grant).collect() }
}

fn grant(PeerGrant { by, peer, service_classes, not_after }: PeerGrant) -> AccessGrant {
    AccessGrant {
        access: by.to_string(),
        peer: match peer {
            Peer::Principal(principal) => AccessPeer::Principal(principal.to_string()),
            Peer::Namespace(namespace) => AccessPeer::Namespace(namespace),
            Peer::Realm(realm) => AccessPeer::Realm(realm),
        },
        service_classes: service_classes.unwrap_or_default(),
        not_after: not_after.map(|end| end.to_rfc3339().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::access::table::{AccessTable, AccountAccess, ServerAccess, ServerKey};
    use kennel_wire::message::Principal;
    use std::sync::Arc;

    fn principal(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    fn index() -> AccessIndex {
        let account = |name: &str| AccountAccess {
            principal: principal(&format!("{name}.shop")),
            namespace: "shop".into(),
            name: name.into(),
            calls: None,
        };
        let grant = kennel_core::access::table::AccessGrant {
            by: "shop/web".into(),
            peers: vec![Peer::Principal(principal("cart.shop"))],
            service_classes: None,
            not_after: None,
        };
        let server = ServerAccess {
            key: ServerKey::new("shop", "web"),
            mode: AccessMode::Enforce,
            own: principal("web.shop"),
            names: vec![principal("HTTP/web.shop")],
            grants: vec![Arc::new(grant)],
        };
        let accounts = ["batch", "cart", "web"].map(account).into();
        AccessIndex::new(&AccessTable { realm: "R".into(), accounts, servers: vec![server], ..AccessTable::default() })
    }

    #[test]
    fn the_servers_of_a_namespace_are_listed_with_their_grants() {
        let response = access_response(&index(), "R", &DecisionScope::Namespace("shop".into()));
        let [server] = response.servers.as_slice() else { panic!("{response:?}") };
        assert_eq!((server.account.to_string(), server.mode), ("shop/web".into(), ServerMode::Enforce));
        assert_eq!(server.grants[0].peer, AccessPeer::Principal("cart.shop@R".into()));
        let other = DecisionScope::Namespace("bank".into());
        assert!(access_response(&index(), "R", &other).servers.is_empty());
        assert_eq!(access_response(&index(), "R", &DecisionScope::All), response);
    }
}
