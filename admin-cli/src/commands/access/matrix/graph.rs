//! Who may reach whom, as edges from clients to servers: what every picture is drawn from.

use crate::source::grants::peer_name;
use kennel_wire::admin::{AccessResponse, ServerMode};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Clients, servers, and who may call which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Graph {
    /// The realm.
    pub(super) realm: String,
    /// The servers, each an account: `web.shop`.
    pub(super) servers: Vec<GraphServer>,
    /// The clients that some server allows, by name: `cart.shop`, `namespace batch`, `realm CORP.EXAMPLE`.
    pub(super) clients: Vec<String>,
    /// One for each client and server, by server and client.
    pub(super) edges: Vec<Edge>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphServer {
    /// `web.shop`.
    pub(super) name: String,
    /// Under `Observe`, everybody reaches it.
    pub(super) mode: ServerMode,
}

/// What lets a client reach a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Edge {
    pub(super) client: String,
    pub(super) server: String,
    /// Service classes; empty: all.
    pub(super) service_classes: BTreeSet<String>,
    /// The KerberosAccesses, `NAMESPACE/NAME`.
    pub(super) accesses: BTreeSet<String>,
    /// End of the last grant, RFC 3339; none where a grant has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
}

impl Graph {
    pub(super) fn new(access: &AccessResponse) -> Graph {
        let mut edges: BTreeMap<(String, String), Edge> = BTreeMap::new();
        let mut servers = Vec::new();
        for server in &access.servers {
            let name = format!("{}.{}", server.account.name, server.account.namespace);
            for grant in &server.grants {
                let client = peer_name(&grant.peer, &access.realm);
                let edge = Edge {
                    client: client.clone(),
                    server: name.clone(),
                    service_classes: grant.service_classes.iter().cloned().collect(),
                    accesses: [grant.access.clone()].into(),
                    until: grant.not_after.clone(),
                };
                edges.entry((name.clone(), client)).and_modify(|known| known.add(&edge)).or_insert(edge);
            }
            servers.push(GraphServer { name, mode: server.mode });
        }
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        let edges: Vec<Edge> = edges.into_values().collect();
        let clients: BTreeSet<String> = edges.iter().map(|edge| edge.client.clone()).collect();
        Graph { realm: access.realm.clone(), servers, clients: clients.into_iter().collect(), edges }
    }

    /// The edge from a client to a server.
    pub(super) fn edge(&self, client: &str, server: &str) -> Option<&Edge> {
        self.edges.iter().find(|edge| edge.client == client && edge.server == server)
    }
}

impl Edge {
    /// Adds what another grant lets the same client do.
    fn add(&mut self, other: &Edge) {
        if self.service_classes.is_empty() || other.service_classes.is_empty() {
            self.service_classes.clear();
        } else {
            self.service_classes.extend(other.service_classes.iter().cloned());
        }
        self.accesses.extend(other.accesses.iter().cloned());
        self.until = match (self.until.take(), &other.until) {
            // Both in UTC and of one form: the order of the text is that of the times.
            (Some(own), Some(other)) => Some(own.max(other.clone())),
            _ => None,
        };
    }

    /// What the edge is bounded by, in few words: `HTTP, until 2026-...`; empty where by nothing.
    pub(super) fn bounds(&self) -> String {
        let classes = self.service_classes.iter().cloned();
        let until = self.until.iter().map(|until| format!("until {until}"));
        classes.chain(until).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use kennel_wire::admin::{AccessGrant, AccessPeer, AccessServer, AccountRef};

    fn grant(access: &str, peer: AccessPeer, classes: &[&str], end: Option<&str>) -> AccessGrant {
        let service_classes = classes.iter().map(|class| (*class).to_owned()).collect();
        AccessGrant { access: access.into(), peer, service_classes, not_after: end.map(str::to_owned) }
    }

    fn server(name: &str, mode: ServerMode, grants: Vec<AccessGrant>) -> AccessServer {
        AccessServer { account: AccountRef { namespace: "shop".into(), name: name.into() }, mode, grants }
    }

    pub(crate) fn shop() -> Graph {
        let cart = || AccessPeer::Principal("cart.shop@R".into());
        let alice = AccessPeer::Principal("alice@CORP".into());
        Graph::new(&AccessResponse {
            realm: "R".into(),
            servers: vec![
                server(
                    "web",
                    ServerMode::Enforce,
                    vec![
                        grant("shop/web", cart(), &["HTTP"], Some("2026-01-01T00:00:00Z")),
                        grant("shop/more", cart(), &["host"], Some("2027-01-01T00:00:00Z")),
                        grant("shop/more", AccessPeer::Namespace("batch".into()), &[], None),
                        grant("shop/people", alice, &["HTTP"], None),
                    ],
                ),
                server(
                    "kafka",
                    ServerMode::Observe,
                    vec![grant("shop/kafka", AccessPeer::Realm("R".into()), &[], None)],
                ),
            ],
        })
    }

    #[test]
    fn grants_of_one_client_add_up() {
        let graph = shop();
        assert_eq!(graph.clients, ["alice@CORP", "cart.shop", "namespace batch", "realm R"]);
        assert_eq!(graph.edge("cart.shop", "web.shop").unwrap().bounds(), "HTTP, host, until 2027-01-01T00:00:00Z");
        assert_eq!(graph.edge("cart.shop", "web.shop").unwrap().accesses.len(), 2);
        assert_eq!(graph.edge("namespace batch", "web.shop").unwrap().bounds(), "");
        assert_eq!(graph.edge("cart.shop", "kafka.shop"), None);
        assert_eq!(graph.servers[0], GraphServer { name: "kafka.shop".into(), mode: ServerMode::Observe });
    }
}
