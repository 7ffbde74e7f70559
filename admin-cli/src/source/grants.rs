//! The access table in the words of the admin API, so that offline and live commands show the same.

use kennel_core::access::table::{AccessMode, AccessPeer as Peer, AccessTable, AccountAccess, ServerAccess, ServerKey};
use kennel_wire::admin::{AccessGrant, AccessPeer, AccessResponse, AccessServer, AccountRef, ServerMode};
use kennel_wire::message::Principal;
use std::collections::HashMap;

/// Every server that somebody may call, or that observes. Peers whose own `calls` leave the server out are not in it.
pub(crate) fn access_response(table: &AccessTable) -> AccessResponse {
    let accounts: HashMap<&Principal, &AccountAccess> =
        table.accounts.iter().map(|account| (&account.principal, account)).collect();
    let servers = table.servers.iter().filter(|server| !server.grants.is_empty() || server.mode == AccessMode::Observe);
    AccessResponse {
        realm: table.realm.clone(),
        servers: servers.map(|server| access_server(server, &accounts)).collect(),
    }
}

fn access_server(server: &ServerAccess, accounts: &HashMap<&Principal, &AccountAccess>) -> AccessServer {
    let consents = |peer: &&Peer| match peer {
        Peer::Principal(name) => accounts.get(name).is_none_or(|account| consents(account, &server.key)),
        Peer::Namespace(_) | Peer::Realm(_) => true,
    };
    let grants = server.grants.iter().flat_map(|grant| {
        grant.peers.iter().filter(consents).map(|peer| AccessGrant {
            access: grant.by.to_string(),
            peer: access_peer(peer),
            service_classes: grant.service_classes.iter().flatten().cloned().collect(),
            not_after: grant.not_after.map(|end| end.to_rfc3339().to_string()),
        })
    });
    AccessServer {
        account: AccountRef { namespace: server.key.namespace.clone(), name: server.key.name.clone() },
        mode: match server.mode {
            AccessMode::Enforce => ServerMode::Enforce,
            AccessMode::Observe => ServerMode::Observe,
        },
        grants: grants.collect(),
    }
}

/// Whether the owner of a client lets it call a server.
fn consents(account: &AccountAccess, server: &ServerKey) -> bool {
    account.calls.as_ref().is_none_or(|calls| calls.contains(server))
}

/// A peer of the table in the words of the admin API.
pub(crate) fn access_peer(peer: &Peer) -> AccessPeer {
    match peer {
        Peer::Principal(name) => AccessPeer::Principal(name.to_string()),
        Peer::Namespace(name) => AccessPeer::Namespace(name.clone()),
        Peer::Realm(name) => AccessPeer::Realm(name.clone()),
    }
}

/// A peer in words; a principal of this realm without it.
pub(crate) fn peer_name(peer: &AccessPeer, realm: &str) -> String {
    match peer {
        AccessPeer::Principal(name) => {
            name.strip_suffix(realm).and_then(|name| name.strip_suffix('@')).unwrap_or(name).to_owned()
        }
        AccessPeer::Namespace(name) => format!("namespace {name}"),
        AccessPeer::Realm(name) => format!("realm {name}"),
    }
}
