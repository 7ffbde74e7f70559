//! Who may call whom, as plain values: what `k8s` renders from the objects of a cluster (or from files), and what an
//! [`AccessIndex`](crate::access::AccessIndex) is built from. Full renderings are compared as values, so each list has one order.

use kennel_wire::message::{KerberosTime, Principal};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Who may call whom in one realm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessTable {
    /// Name of the realm, such as `DEV.KENNEL`.
    pub realm: String,
    /// The service accounts of the enrolled namespaces. An account that is missing here counts as a client of the realm, and by
    /// its name, but for no namespace, and nothing vetoes its calls.
    pub accounts: Vec<AccountAccess>,
    /// The servers, each with its grants. A server of the cluster that is missing here gets no callers.
    pub servers: Vec<ServerAccess>,
    /// The rule for services that an administrator made by hand.
    pub unmanaged_services: UnmanagedServices,
    /// Whether an account calls servers of another namespace only where its own `calls` name them.
    pub client_consent_required: bool,
}

/// A service account as a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAccess {
    /// The account's own principal, `cart.shop@REALM`.
    pub principal: Principal,
    /// Its namespace.
    pub namespace: String,
    /// Its name in the namespace.
    pub name: String,
    /// The only servers that the account may call, whatever their owners grant; `None`: no veto.
    pub calls: Option<BTreeSet<ServerKey>>,
}

/// A server by its account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerKey {
    /// Namespace of the account.
    pub namespace: String,
    /// Name of the account, which is the name of its KerberosPrincipal.
    pub name: String,
}

/// A service account as a server: its principals, its mode and who may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAccess {
    /// The account.
    pub key: ServerKey,
    /// The mode, resolved from KerberosPrincipal, namespace and realm.
    pub mode: AccessMode,
    /// The account's own principal, `web.shop@REALM`.
    pub own: Principal,
    /// Canonical names of its service principals, `HTTP/web.shop.svc.cluster.local@REALM`. Aliases do not stand here.
    pub names: Vec<Principal>,
    /// The grants of every KerberosAccess for the server. They add up; nothing denies. Servers that one rule of a
    /// KerberosAccess targets together share the grant.
    pub grants: Vec<Arc<AccessGrant>>,
}

/// One rule of a KerberosAccess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGrant {
    /// The KerberosAccess, `NAMESPACE/NAME`.
    pub by: Arc<str>,
    /// The clients that it lets in.
    pub peers: Vec<AccessPeer>,
    /// The service classes that it is for (first component of the server's principal); `None`: every class, and the
    /// account's own principal too.
    pub service_classes: Option<BTreeSet<String>>,
    /// The grant counts before this time, and no ticket by it ends later; `None`: no end.
    pub not_after: Option<KerberosTime>,
}

/// Clients that a grant lets in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessPeer {
    /// One principal by its full name: a service account, a person, a client of another realm. A principal made by hand that
    /// has the name of an account of the table is not meant.
    Principal(Principal),
    /// Every account of a namespace that the table knows. A principal made by hand that is named like one is no account.
    Namespace(String),
    /// Every client of a realm: of this one, or of another that it trusts.
    Realm(String),
}

/// The answer to a client that no grant lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AccessMode {
    /// Refuse the ticket.
    #[default]
    Enforce,
    /// Issue the ticket, and record that `Enforce` would refuse it.
    Observe,
}

/// The rule for services that an administrator made by hand, which no KerberosAccess can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UnmanagedServices {
    /// Every client of this realm may call them.
    #[default]
    AllowRealm,
    /// Nobody may call them.
    Deny,
}

impl AccessMode {
    /// The name in the Kubernetes API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AccessMode::Enforce => "Enforce",
            AccessMode::Observe => "Observe",
        }
    }
}

impl UnmanagedServices {
    /// The name in the Kubernetes API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            UnmanagedServices::AllowRealm => "AllowRealm",
            UnmanagedServices::Deny => "Deny",
        }
    }
}

impl ServerKey {
    /// The server of an account.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> ServerKey {
        ServerKey { namespace: namespace.into(), name: name.into() }
    }
}

/// `NAMESPACE/NAME`.
impl std::fmt::Display for ServerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
