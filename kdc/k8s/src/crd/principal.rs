//! KerberosPrincipal: the Kerberos side of a service account. Its services, how it gets its credentials, whom it calls.

use crate::crd::credentials::CredentialKind;
use crate::crd::enctype::AesEnctype;
use crate::crd::peer::ServerRef;
use crate::crd::realm_access::AccessMode;
use crate::crd::rotation::KeyRotation;
use crate::crd::schema::{conditions_schema, time_schema};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Kerberos side of a service account: its services, its credentials, whom it calls.
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
    doc = "The Kerberos side of a service account: its services, its credentials, whom it calls.",
    validation = Rule::new("self.metadata.name == self.spec.serviceAccountName").message("a service account has one KerberosPrincipal, of its own name: set metadata.name to the value of spec.serviceAccountName, and list all its services there"),
    printcolumn(name = "Account", type_ = "string", json_path = ".spec.serviceAccountName", priority = "1"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".status.accessMode"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Kvno", type_ = "integer", json_path = ".status.kvno"),
    printcolumn(name = "Next-Rotation", type_ = "string", json_path = ".status.nextRotationTime"),
    printcolumn(name = "Holders", type_ = "string", json_path = ".status.holderSummary"),
    printcolumn(name = "Principals", type_ = "integer", json_path = ".status.principalCount", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("has(self.serviceClasses) == has(self.hosts)").message("a service principal is a service class on a host: give serviceClasses and hosts, or neither"))]
#[x_kube(validation = Rule::new("!has(self.sessionEnctypes) || has(self.serviceClasses)").message("sessionEnctypes is about tickets for a service: give serviceClasses and hosts, or remove it"))]
#[x_kube(validation = Rule::new("!has(self.accessMode) || has(self.serviceClasses)").message("accessMode is about callers of a service: give serviceClasses and hosts, or remove it"))]
#[serde(rename_all = "camelCase")]
pub struct KerberosPrincipalSpec {
    /// Name of the account, which is also the name of this object.
    #[x_kube(validation = Rule::new("self == oldSelf").message("the account cannot change: delete this KerberosPrincipal and create one for the other account"))]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
    /// Service classes, the first part of a service principal: `HTTP`, `postgres`. Each class on each host is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), inner(length(max = 64)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(validation = Rule::new("self.all(s, s.matches('^[A-Za-z][A-Za-z0-9_-]{0,30}$'))").message("a service class is the first part of a service principal, such as HTTP, postgres or kafka: letters, digits, dashes and underscores, without a slash or a host"))]
    #[x_kube(validation = Rule::new("self.all(s, !(s in ['krbtgt', 'kadmin', 'K', 'WELLKNOWN']))").message("krbtgt, kadmin, K and WELLKNOWN are the KDC's own: choose another service class"))]
    pub service_classes: Vec<String>,
    /// The hosts of the services, the second part of a service principal.
    #[serde(default, skip_serializing_if = "ServiceHosts::is_empty")]
    #[schemars(extend("minProperties" = 1))]
    pub hosts: ServiceHosts,
    /// Treatment of callers that no KerberosAccess allows: Enforce denies them, Observe lets them through and reports them. By
    /// default that of the namespace in the KerberosRealm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<AccessMode>,
    /// The servers that this account may call, at most. Where the list is given, a KerberosAccess of a server that is not in it
    /// allows this account nothing; an empty list is no server at all. Every server by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub calls: Option<Vec<ServerRef>>,
    /// Credentials of the account itself, among those that the realm allows; the realm's default by default. A keytab escapes the
    /// binding to the pod: its key works elsewhere and after the end of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub credentials: Option<Vec<CredentialKind>>,
    /// Enctypes that the services understand for session keys, where their library knows fewer than their keytab has keys of: one of them,
    /// by the choice of the client. Those of their keys and aes256-cts-hmac-sha1-96 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub session_enctypes: Option<Vec<AesEnctype>>,
    /// When the account's keys are replaced; as the realm says by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<KeyRotation>,
    /// A Secret of this namespace that the KDC writes the keytab to. Everybody who reads Secrets here then has the keys: leave
    /// it out where the agent can run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keytab_secret_ref: Option<SecretRef>,
}

impl KerberosPrincipalSpec {
    /// Name of the Secret that the KDC writes the keytab to.
    #[must_use]
    pub fn keytab_secret(&self) -> Option<&str> {
        self.keytab_secret_ref.as_ref().map(|secret| &*secret.name)
    }
}

/// A Secret of the same namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message("the name of a Secret of this namespace: lower case letters, digits, dashes and dots"))]
    pub name: String,
}

/// The hosts of a service account's services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceHosts {
    /// Names of Services of this namespace: `web` stands for `web.NAMESPACE.svc.cluster.local` and its shorter forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(validation = Rule::new("self.all(h, !h.contains('.'))").message("hosts.services are names of Services of this namespace, without a namespace or domain (web, not web.shop.svc.cluster.local): Services of other namespaces cannot be claimed; names outside the cluster go to hosts.aliases"))]
    #[x_kube(validation = Rule::new("self.all(h, h.contains('.') || h.matches('^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'))").message("the name of a Service: lower case letters, digits and dashes"))]
    pub services: Vec<String>,
    /// Names of StatefulSets of this namespace: each of their pods that exists gets a principal with its own stable host name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(validation = Rule::new("self.all(h, h.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'))").message("the name of a StatefulSet of this namespace: lower case letters, digits and dashes"))]
    pub stateful_sets: Vec<String>,
    /// Names outside the cluster's domain, which the realm's aliasPolicy must allow to this namespace: `web.example.com`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(validation = Rule::new("self.all(h, !h.endsWith('.svc') && !h.contains('.svc.'))").message("hosts.aliases are names outside the cluster: a Service of this namespace goes to hosts.services, its shorter forms come by themselves, and Services of other namespaces cannot be claimed"))]
    #[x_kube(validation = Rule::new("self.all(h, h.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?([.][a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$'))").message("a host is a full domain name in lower case, such as web.example.com"))]
    pub aliases: Vec<String>,
}

impl ServiceHosts {
    /// Whether there is no host at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.stateful_sets.is_empty() && self.aliases.is_empty()
    }
}

/// The state of a KerberosPrincipal, as the KDC last saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KerberosPrincipalStatus {
    /// The generation of the object that this status describes; -1 before the KDC has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Number of service principals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_count: Option<i32>,
    /// Names of the first 16 service principals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub principals: Vec<String>,
    /// Number of other names of the service principals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_count: Option<i32>,
    /// The first 16 of these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub aliases: Vec<String>,
    /// Treatment of callers that no KerberosAccess allows, as it is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<AccessMode>,
    /// The highest version number of the account's keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kvno: Option<i64>,
    /// Time at which the next key is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub next_rotation_time: Option<Time>,
    /// Number of pods and Secrets that hold the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holders: Option<i32>,
    /// Number of those that have the newest version of each key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_holders: Option<i32>,
    /// Both numbers, as kubectl get shows them: `2/3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder_summary: Option<String>,
    /// The Secret that holds the keytab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keytab_secret_ref: Option<SecretRef>,
    /// Conditions: Ready, AccountFound, NamesAccepted, Reconciling, Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}
