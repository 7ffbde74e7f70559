//! KerberosRealm: a realm, what it enrols, and the defaults of its principals.

use super::Duration;
use crate::labels::ENROLL;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Kerberos realm of this cluster. The kennel-kdc that serves this realm name follows it.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "kennel.dev",
    version = "v1alpha1",
    kind = "KerberosRealm",
    plural = "kerberosrealms",
    shortname = "krealm",
    category = "kennel",
    status = "KerberosRealmStatus",
    derive = "PartialEq",
    printcolumn(name = "Realm", type_ = "string", json_path = ".spec.realmName"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Namespaces", type_ = "integer", json_path = ".status.namespaces"),
    printcolumn(name = "Principals", type_ = "integer", json_path = ".status.principals"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct KerberosRealmSpec {
    /// The realm's name, by custom in capitals. It cannot change: every principal, key and ticket has it in it.
    #[x_kube(validation = Rule::new("self == oldSelf").message("a realm's name cannot change, since every principal, key and ticket has it in it: create another KerberosRealm"))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$')").message("a realm's name is made of letters, digits, dots and dashes, like a domain name: use EXAMPLE.COM"))]
    #[schemars(length(min = 1, max = 253))]
    pub realm_name: String,
    /// The cluster's DNS domain; the names of Services end in it.
    #[serde(default = "cluster_domain")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("the cluster's domain cannot change, since the names of services end in it: create another KerberosRealm"))]
    #[schemars(length(min = 1, max = 253))]
    pub cluster_domain: String,
    /// Which namespaces are enrolled; those with the label `kennel.dev/enroll=true` by default.
    #[serde(default = "enrolled_by_label")]
    pub namespace_selector: LabelSelector,
    /// What service accounts get for themselves, unless their KerberosPrincipal says otherwise.
    #[serde(default)]
    pub credentials: Credentials,
    /// What happens to a request that no KerberosAccess allows.
    #[serde(default)]
    pub default_mode: Mode,
    /// Enctypes, the preferred one first; those of the KDC's configuration by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    pub enctypes: Option<Vec<EnctypeName>>,
    /// Lifetimes of tickets; those of the KDC's configuration by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tickets: Option<Tickets>,
    /// When keys are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// The agent that is put into pods with the label `kennel.dev/inject=enabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub injection: Option<Injection>,
    /// Names outside the cluster's domain that namespaces may claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub alias_policy: Vec<AliasRule>,
}

/// What an account gets for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Credentials {
    /// A ticket that is bound to the pod; no key leaves the KDC.
    #[default]
    Ticket,
    /// A keytab with the account's own key.
    Keytab,
    /// Both.
    Both,
}

/// What happens to what nobody allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// No ticket.
    #[default]
    Enforce,
    /// A ticket, an audit line that says that it would have been denied, and no NetworkPolicy.
    Observe,
}

/// An enctype by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EnctypeName {
    /// 20.
    #[serde(rename = "aes256-cts-hmac-sha384-192")]
    Aes256Sha384,
    /// 19.
    #[serde(rename = "aes128-cts-hmac-sha256-128")]
    Aes128Sha256,
    /// 18.
    #[serde(rename = "aes256-cts-hmac-sha1-96")]
    Aes256Sha1,
    /// 17.
    #[serde(rename = "aes128-cts-hmac-sha1-96")]
    Aes128Sha1,
}

/// Lifetimes of tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tickets {
    /// Longest life: `10h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_life: Option<Duration>,
    /// How long a ticket can be renewed: `7d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_renewable_life: Option<Duration>,
}

/// When keys are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// A new key every so often: `30d`.
    pub interval: Duration,
    /// A new key is with its holders so long before it is used: `1d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Duration>,
}

/// The agent of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Injection {
    /// Its image.
    #[schemars(length(min = 1, max = 512))]
    pub image: String,
    /// The KDC's enrolment API: `https://kennel.kennel-system.svc:8443`.
    #[schemars(length(min = 1, max = 512))]
    pub server: String,
}

/// Who may claim which names outside the cluster's domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AliasRule {
    /// Namespaces by name.
    #[schemars(length(min = 1, max = 64))]
    pub namespaces: Vec<String>,
    /// Domains: `web.example.com`, or `*.example.com` for every name of one more label.
    #[schemars(length(min = 1, max = 64))]
    pub domains: Vec<String>,
}

/// What became of a realm. Every field is written, so that a merge patch takes away what is not so any more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KerberosRealmStatus {
    /// The generation that this is about.
    pub observed_generation: Option<i64>,
    /// Enrolled namespaces.
    pub namespaces: Option<i32>,
    /// Principals that are made from objects of the cluster.
    pub principals: Option<i32>,
    /// Ready, Stalled.
    #[serde(default)]
    #[schemars(schema_with = "super::conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// Where nothing else is said.
#[must_use]
pub fn cluster_domain() -> String {
    "cluster.local".into()
}

fn enrolled_by_label() -> LabelSelector {
    LabelSelector { match_labels: Some([ENROLL.entry()].into()), match_expressions: None }
}
