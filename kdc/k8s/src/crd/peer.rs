//! Who may call: the peers of a KerberosAccess, and the servers that they call.

use crate::crd::selector::selector;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be called: a KerberosPrincipal of the namespace, or those with some labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.name) != has(self.selector)").message("a target is exactly one of name and selector: make two targets of them"))]
pub struct TargetRef {
    /// Name of a KerberosPrincipal of this namespace, as it is written there: web, not HTTP/web or web@REALM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: Option<String>,
    /// KerberosPrincipals of this namespace by label; an empty selector is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector")]
    pub selector: Option<LabelSelector>,
}

/// Who may call: exactly one of these. A peer of a kind that this KDC does not know allows nobody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.serviceAccount), has(self.namespace), has(self.namespaceSelector), has(self.principal), has(self.realm)].exists_one(x, x)").message("a peer is exactly one of serviceAccount, namespace, namespaceSelector, principal and realm: make a peer of each"))]
#[x_kube(validation = Rule::new("!has(self.namespaceSelector) || (has(self.namespaceSelector.matchLabels) && size(self.namespaceSelector.matchLabels) > 0) || (has(self.namespaceSelector.matchExpressions) && size(self.namespaceSelector.matchExpressions) > 0)").message("an empty namespaceSelector would be every account of the realm: write realm: {} where that is meant"))]
pub struct AccessPeer {
    /// A service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccountPeer>,
    /// Every service account of an enrolled namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<NamespacePeer>,
    /// Every service account of the enrolled namespaces with these labels. Only labels that the realm trusts count:
    /// `spec.access.trustedNamespaceLabels` of the KerberosRealm, and kubernetes.io/metadata.name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// A principal that Kubernetes does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalPeer>,
    /// Everyone of a realm; of this one where it has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<RealmPeer>,
}

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountPeer {
    /// Its name, without the namespace.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
    /// Its namespace; that of this object by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespacePeer {
    /// Its name.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
}

/// A principal that Kubernetes does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalPeer {
    /// Its name: `alice`, `alice@CORP.EXAMPLE`, `host/vm1.example.com`. Of this realm where it names none.
    #[schemars(
        length(min = 1, max = 256),
        regex(pattern = r"^[^@/\\\s*]+(/[^@/\\\s*]+){0,3}(@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)?$")
    )]
    pub name: String,
}

/// A realm.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealmPeer {
    /// Its name; this realm by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"))]
    pub name: Option<String>,
}

/// The one member that a peer has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PeerMember<'a> {
    /// A service account.
    ServiceAccount(&'a ServiceAccountPeer),
    /// Every service account of a namespace.
    Namespace(&'a NamespacePeer),
    /// Every service account of the namespaces with these labels.
    NamespaceSelector(&'a LabelSelector),
    /// A principal that Kubernetes does not know.
    Principal(&'a PrincipalPeer),
    /// Everyone of a realm.
    Realm(&'a RealmPeer),
}

impl AccessPeer {
    /// The member that the peer has. `None` where it has several, or only one that this version does not know: it allows nobody.
    #[must_use]
    pub fn member(&self) -> Option<PeerMember<'_>> {
        let members = [
            self.service_account.as_ref().map(PeerMember::ServiceAccount),
            self.namespace.as_ref().map(PeerMember::Namespace),
            self.namespace_selector.as_ref().map(PeerMember::NamespaceSelector),
            self.principal.as_ref().map(PeerMember::Principal),
            self.realm.as_ref().map(PeerMember::Realm),
        ];
        let mut known = members.into_iter().flatten();
        known.next().filter(|_| known.next().is_none())
    }
}

/// A server that an account calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerRef {
    /// Name of a KerberosPrincipal.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
    /// Its namespace; that of this object by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn peer(text: serde_json::Value) -> AccessPeer {
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_peer_has_one_member() {
        let cart = peer(json!({ "serviceAccount": { "name": "cart" } }));
        assert!(matches!(cart.member(), Some(PeerMember::ServiceAccount(account)) if account.name == "cart"));
        assert!(
            matches!(peer(json!({ "realm": {} })).member(), Some(PeerMember::Realm(realm)) if realm.name.is_none())
        );
    }

    #[test]
    fn a_peer_of_a_kind_that_a_later_version_brings_allows_nobody_and_so_do_two_members() {
        assert_eq!(peer(json!({ "windowsGroup": { "sid": "S-1-5" } })).member(), None);
        assert_eq!(peer(json!({ "realm": {}, "namespace": { "name": "shop" } })).member(), None);
    }
}
