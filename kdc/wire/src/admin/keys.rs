//! Versions and holders of keys, and orders to rotate them. No key is in these bodies.

#[cfg(doc)]
use crate::admin::path;
#[cfg(doc)]
use crate::admin::permission::Permission;
use serde::{Deserialize, Serialize};

/// The query of [`path::KEYS`], with the permission [`Permission::KEYS`] in the principal's namespace; for a principal that belongs
/// to no namespace, in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeysQuery {
    /// A principal with or without realm, or `NAMESPACE/ACCOUNT` for all principals of a service account.
    pub principal: String,
}

/// The answer of [`path::KEYS`]. No key is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysResponse {
    /// Realm of the KDC.
    pub realm: String,
    /// Time of this answer, RFC 3339.
    pub time: String,
    /// The principals, by name.
    pub principals: Vec<PrincipalKeys>,
}

/// The keys of a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalKeys {
    /// The principal, canonical.
    pub principal: String,
    /// When its keys rotate.
    pub rotation: RotationKind,
    /// What the next step waits for, one sentence.
    pub waiting_for: String,
    /// Whether it waits for a holder for too long.
    pub stalled: bool,
    /// Time at which the next version is due, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_rotation_time: Option<String>,
    /// Time of an order that is not carried out yet, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ordered: Option<String>,
    /// Tickets of this client from before this time were revoked, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked: Option<String>,
    /// Time since which somebody has keys by hand, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unknown_holder: Option<String>,
    /// The versions, newest first.
    pub versions: Vec<KeyVersionInfo>,
    /// Those that hold the keys, by kind and name.
    pub holders: Vec<KeyHolder>,
}

/// When keys rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RotationKind {
    /// By themselves.
    Scheduled,
    /// Where somebody asks for it.
    OnDemand,
    /// Not at all.
    Never,
}

/// A version of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyVersionInfo {
    /// Version number.
    pub kvno: u32,
    /// What the KDC does with it.
    pub state: KeyVersionState,
    /// Time since which it has this state, RFC 3339.
    pub since: String,
    /// Time of its creation, RFC 3339.
    pub created: String,
    /// End of a retiring version, RFC 3339: no ticket under it is valid from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accepted_until: Option<String>,
    /// Enctypes of its keys, strongest first.
    pub enctypes: Vec<String>,
    /// Number of holders that have it.
    pub holders: u32,
}

/// What the KDC does with a version of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyVersionState {
    /// Keytabs have it, and no ticket is issued under it.
    Staged,
    /// Tickets are issued under it.
    Active,
    /// Tickets under it are accepted.
    Retiring,
}

/// A holder of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyHolder {
    /// `Pod` or `Secret`.
    pub kind: String,
    /// `NAMESPACE/NAME`.
    pub name: String,
    /// Versions that it has, newest first. Empty: keys were sent to it, and it has not confirmed them.
    pub kvnos: Vec<u32>,
    /// Time of the last change, RFC 3339.
    pub since: String,
}

/// The body of [`path::ROTATE`], with the permission [`Permission::ROTATE`] in the principal's namespace; for a principal that
/// belongs to no namespace, or for all principals, in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RotateRequest {
    /// A principal with or without realm, or `NAMESPACE/ACCOUNT` for all principals of a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Every principal of the realm whose keys may rotate, in place of `principal`.
    pub all: bool,
    /// Whether the new key replaces all others at once, which refuses them, their tickets, and the tickets of this client. Without
    /// it, holders get a new key now, and it is used once each of them has it.
    pub revoke_old: bool,
}

/// The answer of [`path::ROTATE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotateResponse {
    /// Realm of the KDC.
    pub realm: String,
    /// Number of principals that were ordered to rotate, or whose keys were revoked.
    pub principals: u32,
    /// Number of principals whose keys never rotate, and were left as they are.
    pub left: u32,
    /// The former by name, where there are few.
    pub names: Vec<String>,
}
