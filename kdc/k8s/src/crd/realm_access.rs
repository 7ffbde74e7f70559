//! What a KerberosRealm says about access: modes, consent, and the labels that KerberosAccess objects may trust.

use crate::crd::schema::without_description;
use crate::crd::selector::selector_of_some;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What holds where no KerberosAccess allows a call, and what KerberosAccess objects may say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealmAccess {
    /// Treatment of callers that no KerberosAccess allows, where neither the server nor namespaceModes says: Enforce by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mode: Option<AccessMode>,
    /// Modes of namespaces; the first that fits a namespace decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub namespace_modes: Vec<NamespaceMode>,
    /// Modes that a KerberosPrincipal may choose; both by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2), extend("x-kubernetes-list-type" = "set"))]
    pub allowed_modes: Option<Vec<AccessMode>>,
    /// Services that an administrator made with kadmin, which no KerberosAccess can name: AllowRealm by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmanaged_services: Option<UnmanagedServices>,
    /// Whether a client of another namespace counts only once the calls of its KerberosPrincipal name the server: NotRequired by
    /// default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_consent: Option<ClientConsent>,
    /// Keys of namespace labels that a namespaceSelector of a KerberosAccess may ask for. Whoever labels a namespace with one of
    /// them decides who calls: list only labels that tenants cannot write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 317)), extend("x-kubernetes-list-type" = "set"))]
    pub trusted_namespace_labels: Vec<String>,
}

/// Treatment of callers that no KerberosAccess allows: Enforce denies them, Observe lets them through and reports them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum AccessMode {
    /// The client gets no ticket, and its packets do not arrive.
    #[default]
    Enforce,
    /// The client gets a ticket, its packets arrive, and the audit line says that `Enforce` would deny it.
    Observe,
}

/// A mode of the servers of some namespaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceMode {
    /// The namespaces.
    #[schemars(schema_with = "selector_of_some")]
    pub namespace_selector: LabelSelector,
    /// The mode.
    pub mode: AccessMode,
}

/// Treatment of services that no KerberosAccess can name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum UnmanagedServices {
    /// Every client of the realm gets tickets for them.
    #[default]
    AllowRealm,
    /// Nobody gets tickets for them.
    Deny,
}

/// Whether the client's namespace has to agree to a call into another namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum ClientConsent {
    /// It agrees unless it says whom it calls.
    #[default]
    NotRequired,
    /// It has to name the server.
    Required,
}

impl AccessMode {
    /// The name in objects: `Enforce`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AccessMode::Enforce => "Enforce",
            AccessMode::Observe => "Observe",
        }
    }
}

impl RealmAccess {
    /// Whether the object says nothing about access.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == RealmAccess::default()
    }

    /// The mode where neither the server nor its namespace has another.
    #[must_use]
    pub fn default_mode(&self) -> AccessMode {
        self.default_mode.unwrap_or_default()
    }

    /// The modes that a KerberosPrincipal may choose.
    #[must_use]
    pub fn allowed_modes(&self) -> &[AccessMode] {
        self.allowed_modes.as_deref().unwrap_or(&[AccessMode::Enforce, AccessMode::Observe])
    }

    /// Treatment of services that no KerberosAccess can name.
    #[must_use]
    pub fn unmanaged_services(&self) -> UnmanagedServices {
        self.unmanaged_services.unwrap_or_default()
    }

    /// Whether the client's namespace has to agree.
    #[must_use]
    pub fn client_consent(&self) -> ClientConsent {
        self.client_consent.unwrap_or_default()
    }
}
