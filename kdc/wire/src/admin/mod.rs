//! The bodies of the admin API (`/v1/admin/...`): JSON, in camelCase as the Kubernetes API writes it. Readers skip unknown
//! fields and unknown lines, so that tools and KDCs of different versions understand each other.
//!
//! Every request carries a Kubernetes token for the API server's own audience, and needs the [`Permission`] of its path in the
//! namespace that it asks about; without a namespace, in all namespaces.
//!
//! | module | what |
//! |---|---|
//! | [`path`] | the paths |
//! | `permission` | what the API asks of users of the cluster |
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
pub mod path;
mod permission;
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
pub use permission::Permission;
pub use policies::{PolicyOperation, PolicySettings};
pub use principals::{ForceQuery, NewKeyInfo, NewPrincipalKeys, PrincipalOperation, PrincipalSettings};

use serde::{Deserialize, Serialize};

/// What whoever reaches the KDC may know of its realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RealmInfo {
    /// Its name.
    pub realm: String,
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
