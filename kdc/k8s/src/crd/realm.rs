//! KerberosRealm: a realm, the namespaces that it enrols, and the defaults of its principals.

use crate::crd::conditions_schema::conditions_schema;
use crate::crd::duration::DurationText;
use crate::labels::ENROLL;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Kerberos realm of this cluster. The kennel-kdc whose configuration has this realm name follows the object.
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
    /// The realm's name, in capitals by custom. It cannot change, since every principal, key and ticket contains it.
    #[x_kube(validation = Rule::new("self == oldSelf").message("a realm's name cannot change, since every principal, key and ticket has it in it: create another KerberosRealm"))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$')").message("a realm's name is made of letters, digits, dots and dashes, like a domain name: use EXAMPLE.COM"))]
    #[schemars(length(min = 1, max = 253))]
    pub realm_name: String,
    /// The cluster's DNS domain, in which the names of Services end. It cannot change.
    #[serde(default = "cluster_domain")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("the cluster's domain cannot change, since the names of services end in it: create another KerberosRealm"))]
    #[schemars(length(min = 1, max = 253))]
    pub cluster_domain: String,
    /// The namespaces that the realm enrols; those with the label `kennel.dev/enroll=true` by default.
    #[serde(default = "enrolled_by_label")]
    pub namespace_selector: LabelSelector,
    /// Credentials of service accounts, and what a KerberosPrincipal may choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<RealmCredentials>,
    /// Treatment of clients that no KerberosAccess allows.
    #[serde(default)]
    pub default_mode: AccessMode,
    /// Enctypes, the preferred one first; those of the KDC's configuration by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    pub enctypes: Option<Vec<RealmEnctype>>,
    /// Lifetimes of tickets; those of the KDC's configuration by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tickets: Option<TicketLifetimes>,
    /// Intervals at which keys are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<KeyRotation>,
    /// The agent that pods with the label `kennel.dev/inject=enabled` get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub injection: Option<AgentInjection>,
    /// Names outside the cluster's domain that namespaces may claim. A name that a rule covers belongs to the namespaces of the
    /// rule, even where it is also a short name of a Service (web.shop).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub alias_policy: Vec<AliasRule>,
    /// The names that Services get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<ServiceNames>,
    /// The most that one namespace or object may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<RealmLimits>,
}

impl KerberosRealmSpec {
    /// The credentials of accounts whose KerberosPrincipal does not choose.
    #[must_use]
    pub fn default_credentials(&self) -> &[CredentialKind] {
        let default = self.credentials.as_ref().and_then(|credentials| credentials.default.as_deref());
        default.unwrap_or(&[CredentialKind::Ticket])
    }

    /// The credentials that a KerberosPrincipal may choose.
    #[must_use]
    pub fn allowed_credentials(&self) -> &[CredentialKind] {
        let allowed = self.credentials.as_ref().and_then(|credentials| credentials.allowed.as_deref());
        allowed.unwrap_or(&[CredentialKind::Ticket, CredentialKind::Keytab])
    }

    /// The short names that Services get.
    #[must_use]
    pub fn short_forms(&self) -> ShortForms {
        self.names.as_ref().and_then(|names| names.short_forms).unwrap_or_default()
    }
}

/// A kind of credentials of a service account itself. The keys of its services are no matter of choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum CredentialKind {
    /// A ticket that is bound to the pod and ends with it; no key leaves the KDC.
    Ticket,
    /// A keytab with the account's own key, which whoever copies it can use elsewhere and after the end of the pod.
    Keytab,
}

/// The credentials of service accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.default) || self.default.all(c, c in (has(self.allowed) ? self.allowed : ['Ticket', 'Keytab']))").message("default is among allowed"))]
#[x_kube(validation = Rule::new("has(self.default) || !has(self.allowed) || 'Ticket' in self.allowed").message("give default where allowed lacks Ticket"))]
pub struct RealmCredentials {
    /// Credentials of accounts whose KerberosPrincipal does not choose: Ticket by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub default: Option<Vec<CredentialKind>>,
    /// Credentials that a KerberosPrincipal may choose: Ticket and Keytab by default. A keytab escapes the binding to the pod:
    /// its key works elsewhere and after the end of the pod. Allow Ticket alone where no account needs a keytab.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub allowed: Option<Vec<CredentialKind>>,
}

/// The names that Services get.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceNames {
    /// The short names: All by default. SvcOnly where domains outside the cluster end in the name of a namespace (shop, dev, app).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_forms: Option<ShortForms>,
}

/// The short names that Services and pods of StatefulSets get besides their full ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ShortForms {
    /// Both web.shop.svc and web.shop.
    #[default]
    All,
    /// Only web.shop.svc.
    SvcOnly,
}

/// The most that one namespace or object may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealmLimits {
    /// Most principals of one namespace: accounts, and the services of KerberosPrincipals (each class on each host or alias).
    /// 1000 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub principals_per_namespace: Option<i32>,
    /// Most services of one KerberosPrincipal: each class on each host or alias. 256 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub principals_per_object: Option<i32>,
}

/// Treatment of clients that no KerberosAccess allows: Enforce denies them, Observe lets them through and reports them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessMode {
    /// The client gets no ticket.
    #[default]
    Enforce,
    /// The client gets a ticket, and the audit line says that `Enforce` would deny it; there is no NetworkPolicy.
    Observe,
}

/// An encryption type by its name in the registry of RFC 3961.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RealmEnctype {
    /// Number 20, RFC 8009.
    #[serde(rename = "aes256-cts-hmac-sha384-192")]
    Aes256Sha384,
    /// Number 19, RFC 8009.
    #[serde(rename = "aes128-cts-hmac-sha256-128")]
    Aes128Sha256,
    /// Number 18, RFC 3962.
    #[serde(rename = "aes256-cts-hmac-sha1-96")]
    Aes256Sha1,
    /// Number 17, RFC 3962.
    #[serde(rename = "aes128-cts-hmac-sha1-96")]
    Aes128Sha1,
}

/// Lifetimes of tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketLifetimes {
    /// Longest life of a ticket: `10h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_life: Option<DurationText>,
    /// Longest time over which a ticket can be renewed: `7d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_renewable_life: Option<DurationText>,
}

/// Intervals at which keys are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRotation {
    /// Interval between two keys: `30d`.
    pub interval: DurationText,
    /// Time for which holders have a new key before the KDC uses it: `1d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<DurationText>,
}

/// The agent that pods get, and the KDC that it enrols with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentInjection {
    /// Image of the agent.
    #[schemars(length(min = 1, max = 512))]
    pub image: String,
    /// URL of the KDC's enrolment API: `https://kennel.kennel-system.svc:8443`.
    #[schemars(length(min = 1, max = 512))]
    pub server: String,
}

/// Namespaces, and the names outside the cluster's domain that they may claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AliasRule {
    /// Names of namespaces.
    #[schemars(length(min = 1, max = 64))]
    pub namespaces: Vec<String>,
    /// Domains: `web.example.com`, or `*.example.com` for every name with exactly one more label.
    #[schemars(length(min = 1, max = 64))]
    pub domains: Vec<String>,
}

// Every field is written, so that a merge patch removes outdated values.
/// The state of a KerberosRealm, as the KDC last saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KerberosRealmStatus {
    /// The generation of the object that this status describes.
    pub observed_generation: Option<i64>,
    /// Number of enrolled namespaces.
    pub namespaces: Option<i32>,
    /// Number of principals that objects of the cluster ask for.
    pub principals: Option<i32>,
    /// Conditions: Ready, Stalled.
    #[serde(default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// The DNS domain of a cluster by default.
#[must_use]
pub fn cluster_domain() -> String {
    "cluster.local".into()
}

fn enrolled_by_label() -> LabelSelector {
    LabelSelector { match_labels: Some([ENROLL.entry()].into()), match_expressions: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_without_a_selector_enrols_by_our_label_and_not_everybody() {
        let spec: KerberosRealmSpec = serde_json::from_value(serde_json::json!({ "realmName": "R" })).unwrap();
        let labels = spec.namespace_selector.match_labels.unwrap();
        assert_eq!(labels, [("kennel.dev/enroll".to_owned(), "true".to_owned())].into());
    }
}
