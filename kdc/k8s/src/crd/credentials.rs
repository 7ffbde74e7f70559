//! The credentials of service accounts.

use crate::crd::schema::without_description;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of credentials of a service account itself. The keys of its services are no matter of choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum CredentialKind {
    /// A ticket that is bound to the pod and ends with it; no key leaves the KDC.
    Ticket,
    /// A keytab with the account's own key, which whoever copies it can use elsewhere and after the end of the pod.
    Keytab,
}

/// The credentials of service accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.default) || self.default.all(c, c in (has(self.allowed) ? self.allowed : ['Ticket', 'Keytab']))").message("default is among allowed: add it there, or take it out of default"))]
#[x_kube(validation = Rule::new("has(self.default) || !has(self.allowed) || 'Ticket' in self.allowed").message("give default where allowed lacks Ticket"))]
pub struct RealmCredentials {
    /// Credentials of accounts whose KerberosPrincipal does not choose: Ticket by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub default: Option<Vec<CredentialKind>>,
    /// Credentials that a KerberosPrincipal may choose: Ticket and Keytab by default. A keytab escapes the binding to the pod:
    /// its key works elsewhere and after the end of the pod. Allow Ticket alone where no account needs a keytab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub allowed: Option<Vec<CredentialKind>>,
}
