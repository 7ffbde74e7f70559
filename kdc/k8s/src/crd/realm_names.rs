//! What a KerberosRealm says about host names: short names of Services, and names outside the cluster that namespaces may claim.

use crate::crd::schema::without_description;
use crate::crd::selector::selector_of_some;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The names that Services get.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceNames {
    /// The short names: All by default. SvcOnly where domains outside the cluster end in the name of a namespace (shop, dev, app).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_forms: Option<ShortForms>,
}

/// The short names that Services and pods of StatefulSets get besides their full ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum ShortForms {
    /// Both web.shop.svc and web.shop.
    #[default]
    All,
    /// Only web.shop.svc.
    SvcOnly,
}

/// Namespaces, and the names outside the cluster's domain that they may claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.namespaces) || has(self.namespaceSelector)").message("a rule is for namespaces: give namespaces, namespaceSelector, or both"))]
pub struct AliasRule {
    /// Name of the rule.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Names of namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(min = 1, max = 64),
        inner(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub namespaces: Vec<String>,
    /// Further namespaces, by their labels. Whoever labels a namespace so may claim the names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector_of_some")]
    pub namespace_selector: Option<LabelSelector>,
    /// Domains: `web.example.com`, or `*.example.com` for every name with exactly one more label.
    #[schemars(
        length(min = 1, max = 64),
        inner(
            length(min = 1, max = 253),
            regex(pattern = r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$")
        ),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub domains: Vec<String>,
}
