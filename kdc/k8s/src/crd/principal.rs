//! KerberosPrincipal: the service principals of a service account, and how the account gets its credentials.

use crate::crd::conditions_schema::conditions_schema;
use crate::crd::realm::{CredentialKind, KeyRotation};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service principals of a service account: each service class on each host.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "kennel.dev",
    version = "v1alpha1",
    kind = "KerberosPrincipal",
    plural = "kerberosprincipals",
    shortname = "kprinc",
    category = "kennel",
    namespaced,
    status = "KerberosPrincipalStatus",
    derive = "PartialEq",
    validation = Rule::new("self.metadata.name == self.spec.serviceAccountName").message("a service account has one KerberosPrincipal, of its own name: set metadata.name to the value of spec.serviceAccountName, and list all its services there"),
    printcolumn(name = "Account", type_ = "string", json_path = ".spec.serviceAccountName"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Kvno", type_ = "integer", json_path = ".status.kvno"),
    printcolumn(name = "Principals", type_ = "integer", json_path = ".status.principalCount", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct KerberosPrincipalSpec {
    /// Name of the account, which is also the name of this object.
    #[x_kube(validation = Rule::new("self == oldSelf").message("the account cannot change: delete this KerberosPrincipal and create one for the other account"))]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
    /// Service classes, the first part of a service principal: `HTTP`, `postgres`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 64)))]
    #[x_kube(validation = Rule::new("self.all(s, s.matches('^[A-Za-z][A-Za-z0-9_-]{0,30}$'))").message("a service class is the first part of a service principal, such as HTTP, postgres or kafka: letters, digits, dashes and underscores, without a slash or a host"))]
    #[x_kube(validation = Rule::new("self.all(s, !(s in ['krbtgt', 'kadmin', 'K', 'WELLKNOWN']))").message("krbtgt, kadmin, K and WELLKNOWN are the KDC's own: choose another service class"))]
    #[x_kube(validation = Rule::new("self.all(s, self.exists_one(t, t == s))").message("each service class once"))]
    pub services: Vec<String>,
    /// The hosts of the services, the second part of a service principal.
    #[serde(default)]
    pub hosts: ServiceHosts,
    /// Credentials of the account itself, among those that the realm allows; the realm's default by default. A keytab escapes the
    /// binding to the pod: its key works elsewhere and after the end of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub credentials: Option<Vec<CredentialKind>>,
    /// Intervals at which the account's keys are replaced; those of the realm by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<KeyRotation>,
    /// Name of a Secret of this namespace that the KDC writes the keytab to. Everybody who reads Secrets here then has the
    /// keys: leave it out where the agent can run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message("the name of a Secret of this namespace: lower case letters, digits, dashes and dots"))]
    pub keytab_secret: Option<String>,
}

/// The hosts of a service account's services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceHosts {
    /// Names of Services of this namespace: `web` stands for `web.NAMESPACE.svc.cluster.local` and its shorter forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)))]
    #[x_kube(validation = Rule::new("self.all(h, !h.contains('.'))").message("hosts.services are names of Services of this namespace, without a namespace or domain (web, not web.shop.svc.cluster.local): Services of other namespaces cannot be claimed; names outside the cluster go to hosts.aliases"))]
    #[x_kube(validation = Rule::new("self.all(h, h.contains('.') || h.matches('^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'))").message("the name of a Service: lower case letters, digits and dashes"))]
    pub services: Vec<String>,
    /// Names of StatefulSets of this namespace: each of their pods that exists gets a principal with its own stable host name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)))]
    #[x_kube(validation = Rule::new("self.all(h, h.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'))").message("the name of a StatefulSet of this namespace: lower case letters, digits and dashes"))]
    pub stateful_set_pods: Vec<String>,
    /// Names outside the cluster's domain, which the realm's aliasPolicy must allow to this namespace: `web.example.com`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)))]
    #[x_kube(validation = Rule::new("self.all(h, !h.endsWith('.svc') && !h.contains('.svc.'))").message("hosts.aliases are names outside the cluster: a Service of this namespace goes to hosts.services, its shorter forms come by themselves, and Services of other namespaces cannot be claimed"))]
    #[x_kube(validation = Rule::new("self.all(h, h.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?([.][a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$'))").message("a host is a full domain name in lower case, such as web.example.com"))]
    pub aliases: Vec<String>,
}

// Every field is written, so that a merge patch removes outdated values.
/// The state of a KerberosPrincipal, as the KDC last saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KerberosPrincipalStatus {
    /// The generation of the object that this status describes.
    pub observed_generation: Option<i64>,
    /// Number of service principals.
    pub principal_count: Option<i32>,
    /// Names of the first 16 service principals.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub principals: Vec<String>,
    /// Number of other names of the service principals.
    pub alias_count: Option<i32>,
    /// The first 16 of these names.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub aliases: Vec<String>,
    /// The highest version number of their keys.
    pub kvno: Option<i64>,
    /// Time at which the next key is due, in RFC 3339.
    pub next_rotation: Option<String>,
    /// Number of pods that hold the keys.
    pub holders: Option<i32>,
    /// Name of the Secret that holds the keytab.
    pub keytab_secret: Option<String>,
    /// Conditions: Ready, AccountFound, NamesAccepted, Stalled.
    #[serde(default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}
