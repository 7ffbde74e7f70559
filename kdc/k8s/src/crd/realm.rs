//! KerberosRealm: a realm, the namespaces that it enrols, the defaults of its principals, and what namespaces may ask for.

use crate::crd::credentials::{CredentialKind, RealmCredentials};
use crate::crd::duration::DurationText;
use crate::crd::enctype::AesEnctype;
use crate::crd::realm_access::RealmAccess;
use crate::crd::realm_limits::RealmLimits;
use crate::crd::realm_names::{AliasRule, ServiceNames, ShortForms};
use crate::crd::realm_network::RealmNetwork;
use crate::crd::rotation::KeyRotation;
use crate::crd::schema::{conditions_schema, time_schema};
use crate::crd::selector::selector_of_some;
use crate::labels::REALM;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A Kerberos realm of this cluster: the namespaces that it enrols, its defaults, and what namespaces may ask for. The kennel-kdc
/// whose configuration has this realm name follows the object.
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
    doc = "A Kerberos realm of this cluster: the namespaces that it enrols, its defaults, and what namespaces may ask for.",
    printcolumn(name = "Realm", type_ = "string", json_path = ".spec.realmName"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.access.defaultMode"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Namespaces", type_ = "integer", json_path = ".status.namespaces"),
    printcolumn(name = "Principals", type_ = "integer", json_path = ".status.principals", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("(has(self.clusterDomain) ? self.clusterDomain : 'cluster.local') == (has(oldSelf.clusterDomain) ? oldSelf.clusterDomain : 'cluster.local')").message("the cluster's domain cannot change, since the names of services end in it: create another KerberosRealm"))]
#[serde(rename_all = "camelCase")]
pub struct KerberosRealmSpec {
    /// The realm's name, in capitals. It cannot change, since every principal, key and ticket contains it.
    #[x_kube(validation = Rule::new("self == oldSelf").message("a realm's name cannot change, since every principal, key and ticket has it in it: create another KerberosRealm"))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Z0-9]([A-Z0-9.-]*[A-Z0-9])?$')").message("a realm's name is made of capital letters, digits, dots and dashes, like a domain name: use EXAMPLE.COM"))]
    #[schemars(length(min = 1, max = 253))]
    pub realm_name: String,
    /// The cluster's DNS domain, in which the names of Services end: cluster.local by default. It cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')").message("a DNS domain in lower case without a dot at its end: use cluster.local"))]
    #[schemars(length(min = 1, max = 253))]
    pub cluster_domain: Option<String>,
    /// The namespaces that the realm enrols; those with the label `kennel.dev/realm=NAME` by default, NAME being the name of this
    /// object. kube-system and the namespace of the KDC are never enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector_of_some")]
    pub namespace_selector: Option<LabelSelector>,
    /// Lifetimes of tickets; those of the KDC's configuration by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickets: Option<TicketLifetimes>,
    /// When keys are replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<KeyRotation>,
    /// Credentials of service accounts, and what a KerberosPrincipal may choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<RealmCredentials>,
    /// What holds where no KerberosAccess allows a call, and what KerberosAccess objects may say.
    #[serde(default, skip_serializing_if = "RealmAccess::is_empty")]
    pub access: RealmAccess,
    /// The NetworkPolicies that Kennel keeps.
    #[serde(default, skip_serializing_if = "RealmNetwork::is_empty")]
    pub network: RealmNetwork,
    /// The most that one namespace or object may ask for.
    #[serde(default, skip_serializing_if = "RealmLimits::is_empty")]
    pub limits: RealmLimits,
    /// Enctypes, the preferred one first; those of the KDC's configuration by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "set"))]
    pub enctypes: Option<Vec<AesEnctype>>,
    /// Names outside the cluster's domain that namespaces may claim. A name that a rule covers belongs to the namespaces of the
    /// rule, even where it is also a short name of a Service (web.shop).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["name"]))]
    pub alias_policy: Vec<AliasRule>,
    /// The names that Services get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<ServiceNames>,
    /// The agent that pods with the label `kennel.dev/inject=enabled` get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub injection: Option<AgentInjection>,
}

impl KerberosRealm {
    /// The namespaces that the realm enrols: its own selector, else those with the label of its name.
    #[must_use]
    pub fn namespace_selector(&self) -> Cow<'_, LabelSelector> {
        match &self.spec.namespace_selector {
            Some(own) => Cow::Borrowed(own),
            None => {
                let name = self.metadata.name.clone().unwrap_or_default();
                let labels = [(REALM.to_owned(), name)].into();
                Cow::Owned(LabelSelector { match_labels: Some(labels), match_expressions: None })
            }
        }
    }
}

impl KerberosRealmSpec {
    /// The cluster's DNS domain.
    #[must_use]
    pub fn cluster_domain(&self) -> &str {
        self.cluster_domain.as_deref().unwrap_or(CLUSTER_DOMAIN)
    }

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

/// Lifetimes of tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.maxLife) || (duration(self.maxLife) >= duration('1m') && duration(self.maxLife) <= duration('744h'))").message("maxLife is from 1m to 744h"))]
#[x_kube(validation = Rule::new("!has(self.maxLife) || !has(self.maxRenewableLife) || duration(self.maxRenewableLife) >= duration(self.maxLife)").message("maxRenewableLife is not below maxLife: raise it, or lower maxLife"))]
pub struct TicketLifetimes {
    /// Longest life of a ticket: `10h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_life: Option<DurationText>,
    /// Longest time over which a ticket can be renewed: `168h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_renewable_life: Option<DurationText>,
}

/// The agent that pods get, and the KDC that it enrols with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentInjection {
    /// Image of the agent.
    #[schemars(length(min = 1, max = 512))]
    pub image: String,
    /// URL of the KDC's enrolment API: `https://kennel.kennel-system.svc:8443`.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.startsWith('https://')").message("the enrolment API speaks TLS alone: begin with https://"))]
    pub server: String,
}

/// The state of a KerberosRealm, as the KDC last saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KerberosRealmStatus {
    /// The generation of the object that this status describes; -1 before the KDC has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Number of enrolled namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<i32>,
    /// Number of principals that objects of the cluster ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principals: Option<i32>,
    /// The key of the ticket-granting service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_granting_key: Option<TicketGrantingKey>,
    /// Conditions: Ready, Reconciling, Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// The key of the ticket-granting service, `krbtgt/REALM`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketGrantingKey {
    /// The version that ticket-granting tickets are issued under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kvno: Option<i64>,
    /// Time since which this version is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub last_rotation_time: Option<Time>,
    /// Time at which the next key is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub next_rotation_time: Option<Time>,
}

/// The DNS domain of a cluster by default.
pub const CLUSTER_DOMAIN: &str = "cluster.local";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_without_a_selector_enrols_by_the_label_of_its_name_and_not_everybody() {
        let spec: KerberosRealmSpec = serde_json::from_value(serde_json::json!({ "realmName": "R" })).unwrap();
        let labels = KerberosRealm::new("prod", spec).namespace_selector().into_owned().match_labels.unwrap();
        assert_eq!(labels, [("kennel.dev/realm".to_owned(), "prod".to_owned())].into());
    }

    #[test]
    fn nothing_that_was_left_out_is_written() {
        let spec: KerberosRealmSpec = serde_json::from_value(serde_json::json!({ "realmName": "R" })).unwrap();
        assert_eq!(serde_json::to_value(&spec).unwrap(), serde_json::json!({ "realmName": "R" }));
        assert_eq!((spec.cluster_domain(), spec.limits.clients_per_target()), ("cluster.local", 512));
    }
}
