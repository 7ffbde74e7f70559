//! The bodies of the admin API (`/v1/admin/...`): JSON, in camelCase as the Kubernetes API writes it. Readers skip unknown
//! fields and unknown lines, so that tools and KDCs of different versions understand each other.
//!
//! Every request carries a Kubernetes token for the API server's own audience, and needs the [`Permission`] of its path in the
//! namespace that it asks about; without a namespace, in all namespaces.
//!
//! | module | what |
//! |---|---|
//! | `decisions` | decisions about requests, and who asked for whom |
//! | `access` | who may have tickets for whom, and whether a client reaches a server |
//! | `keys` | versions and holders of keys, and orders to rotate them |
//! | `principals` | administration of principals: every operation of kadmin |
//! | `policies` | administration of policies for passwords |
//! | `answer` | the answers of administration |

mod access;
mod answer;
mod decisions;
mod keys;
mod policies;
mod principals;

pub use access::{
    AccessGrant, AccessPeer, AccessResponse, AccessServer, ExplainLayer, ExplainQuery, ExplainResponse, ExplainVerdict,
    ExplainedLayer, ServerMode,
};
pub use answer::{AdminAnswer, AdminKey, AdminKeyVersion, PolicyInfo, PrincipalInfo, ShownKeyInfo};
pub use decisions::{
    AccountRef, DecisionLine, DecisionOutcome, DecisionRecord, DecisionsQuery, Heartbeat, LINES, LostDecisions,
    NamespaceQuery, Pair, PairsResponse, StreamStart,
};
pub use keys::{
    KeyHolder, KeyVersionInfo, KeyVersionState, KeysQuery, KeysResponse, PrincipalKeys, RotateRequest, RotateResponse,
    RotationKind,
};
pub use policies::{PolicyOperation, PolicySettings};
pub use principals::{ForceQuery, NewKeyInfo, NewPrincipalKeys, PrincipalOperation, PrincipalSettings};

use serde::{Deserialize, Serialize};

/// The API's paths.
pub mod path {
    /// GET: decisions about the servers of a namespace, as lines. See [`DecisionsQuery`](super::DecisionsQuery).
    pub const DECISIONS: &str = "/v1/admin/decisions";
    /// GET: who asked for which server. See [`NamespaceQuery`](super::NamespaceQuery).
    pub const PAIRS: &str = "/v1/admin/pairs";
    /// GET: who may have tickets for which server, as the KDC applies it now. See [`NamespaceQuery`](super::NamespaceQuery).
    pub const ACCESS: &str = "/v1/admin/access";
    /// GET: whether a client reaches a server, layer by layer. See [`ExplainQuery`](super::ExplainQuery). A KDC that does not judge
    /// packets answers 404, and the caller judges by the objects of the cluster.
    pub const EXPLAIN: &str = "/v1/admin/explain";
    /// GET: versions, holders and rotation of the keys of a principal. See [`KeysQuery`](super::KeysQuery).
    pub const KEYS: &str = "/v1/admin/keys";
    /// POST: rotates or revokes keys. See [`RotateRequest`](super::RotateRequest).
    pub const ROTATE: &str = "/v1/admin/rotate";
    /// POST: performs a [`PrincipalOperation`](super::PrincipalOperation), and answers an [`AdminAnswer`](super::AdminAnswer). See
    /// [`ForceQuery`](super::ForceQuery).
    pub const PRINCIPALS: &str = "/v1/admin/principals";
    /// POST: performs a [`PolicyOperation`](super::PolicyOperation), and answers an [`AdminAnswer`](super::AdminAnswer). See
    /// [`ForceQuery`](super::ForceQuery).
    pub const POLICIES: &str = "/v1/admin/policies";
}

/// A permission that the API asks of its callers. The sub-resource is virtual: no object of it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission {
    /// Resource of the API group [`Permission::GROUP`].
    pub resource: &'static str,
    /// Sub-resource.
    pub subresource: &'static str,
    /// Verb.
    pub verb: &'static str,
}

impl Permission {
    /// API group of every resource.
    pub const GROUP: &'static str = "kennel.dev";
    /// To see decisions, who asked for whom, and who may have tickets for whom.
    pub const DECISIONS: Permission =
        Permission { resource: "kerberosaccesses", subresource: "decisions", verb: "get" };
    /// To see versions and holders of keys. (The sub-resource `keys` is the keys themselves.)
    pub const KEYS: Permission = Permission { resource: "kerberosprincipals", subresource: "keyversions", verb: "get" };
    /// To rotate and revoke keys.
    pub const ROTATE: Permission =
        Permission { resource: "kerberosprincipals", subresource: "rotation", verb: "update" };
    /// To see a principal and its string attributes.
    pub const GET_PRINCIPAL: Permission = principal_record("get");
    /// To list the names of principals.
    pub const LIST_PRINCIPALS: Permission = principal_record("list");
    /// To create a principal or an alias.
    pub const CREATE_PRINCIPAL: Permission = principal_record("create");
    /// To modify a principal, its string attributes and the age of its oldest key.
    pub const MODIFY_PRINCIPAL: Permission = principal_record("update");
    /// To delete a principal or an alias. To rename one needs this, and to create the other.
    pub const DELETE_PRINCIPAL: Permission = principal_record("delete");
    /// To change a password, and to forget failed logins.
    pub const CHANGE_PASSWORD: Permission =
        Permission { resource: "kerberosprincipals", subresource: "password", verb: "update" };
    /// To receive the keys of a principal as they are.
    pub const EXTRACT_KEYS: Permission = principal_keys("get");
    /// To make random keys and receive them.
    pub const RANDOMIZE_KEYS: Permission = principal_keys("create");
    /// To bring keys.
    pub const SET_KEYS: Permission = principal_keys("update");
    /// To see a policy.
    pub const GET_POLICY: Permission = policy("get");
    /// To list the names of policies.
    pub const LIST_POLICIES: Permission = policy("list");
    /// To create a policy.
    pub const CREATE_POLICY: Permission = policy("create");
    /// To modify a policy.
    pub const MODIFY_POLICY: Permission = policy("update");
    /// To delete a policy.
    pub const DELETE_POLICY: Permission = policy("delete");
}

const fn principal_record(verb: &'static str) -> Permission {
    Permission { resource: "kerberosprincipals", subresource: "records", verb }
}

const fn principal_keys(verb: &'static str) -> Permission {
    Permission { resource: "kerberosprincipals", subresource: "keys", verb }
}

/// Policies belong to the realm, not to a namespace.
const fn policy(verb: &'static str) -> Permission {
    Permission { resource: "kerberosrealms", subresource: "policies", verb }
}

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminError {
    /// Stable name of the refusal.
    pub reason: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Whether the same request may succeed later (Retry-After says when).
    pub retryable: bool,
}
