//! Who may have tickets for whom, and whether a client reaches a server.

use crate::admin::decisions::AccountRef;
#[cfg(doc)]
use crate::admin::path;
use serde::{Deserialize, Serialize};

/// The answer of [`path::ACCESS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessResponse {
    /// Realm of the KDC.
    pub realm: String,
    /// The servers, by namespace and name.
    pub servers: Vec<AccessServer>,
}

/// Who may have tickets for the services of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessServer {
    /// The account.
    pub account: AccountRef,
    /// What happens to a client that no grant allows.
    pub mode: ServerMode,
    /// The grants that are in effect.
    pub grants: Vec<AccessGrant>,
}

/// The mode of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMode {
    /// No ticket.
    Enforce,
    /// A ticket, and a decision that says that Enforce would deny it.
    Observe,
}

/// What one rule of a KerberosAccess grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessGrant {
    /// The KerberosAccess, as `NAMESPACE/NAME`.
    pub access: String,
    /// Who is allowed.
    pub peer: AccessPeer,
    /// Service classes; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub service_classes: Vec<String>,
    /// End of the grant, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_after: Option<String>,
}

/// Whom a grant allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", content = "name")]
pub enum AccessPeer {
    /// One principal, with its realm; a service account too.
    Principal(String),
    /// Every account of a namespace.
    Namespace(String),
    /// Every principal of a realm.
    Realm(String),
}

/// The query of [`path::EXPLAIN`]. The caller needs the permission in the server's namespace; without it in the client's
/// namespace too, the answer names no object of that namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExplainQuery {
    /// The client: `NAMESPACE/ACCOUNT`, or a principal with or without realm.
    pub client: String,
    /// The server: `NAMESPACE/ACCOUNT`, or a service principal such as `HTTP/web.shop.svc.cluster.local`.
    pub server: String,
    /// Port of the server's pods. `None`: the ports of its Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The answer of [`path::EXPLAIN`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainResponse {
    /// The client's principal.
    pub client: String,
    /// The server's account, or its principal where the cluster has no account for it.
    pub server: String,
    /// Whether every layer lets the client through.
    pub reachable: bool,
    /// The layers, in the order in which a call passes them.
    pub layers: Vec<ExplainedLayer>,
}

/// What one layer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedLayer {
    /// The layer.
    pub layer: ExplainLayer,
    /// Its verdict.
    pub verdict: ExplainVerdict,
    /// The objects that decide it, as `KIND NAMESPACE/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub objects: Vec<String>,
    /// One sentence: what allows the call, or what is missing.
    pub sentence: String,
}

/// A layer that decides about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExplainLayer {
    /// The KDC.
    Ticket,
    /// NetworkPolicies of the client's namespace.
    Egress,
    /// NetworkPolicies of the server's namespace.
    Ingress,
    /// Policies of the whole cluster.
    ClusterPolicy,
}

/// The verdict of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExplainVerdict {
    /// Lets the client through.
    Allowed,
    /// Lets the client through in mode Observe; Enforce would not.
    WouldDeny,
    /// Stops the client.
    Denied,
    /// Present, and not evaluated by Kennel.
    NotEvaluated,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_peer_names_its_kind() {
        let peer = AccessPeer::Namespace("shop".into());
        assert_eq!(serde_json::to_value(peer).unwrap(), json!({ "type": "namespace", "name": "shop" }));
    }
}
