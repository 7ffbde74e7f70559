//! The answers of administration.

use crate::admin::keys::KeyVersionState;
use crate::admin::policies::PolicySettings;
use crate::enrol::Blob;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer to an operation on principals or policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "answer")]
pub enum AdminAnswer {
    /// The change is durable, and this KDC decides by it.
    Done,
    /// A principal.
    Principal(Box<PrincipalInfo>),
    /// Names of principals and aliases, with their realm, in their order.
    Names {
        /// The names.
        names: Vec<String>,
    },
    /// Keys, newest version first.
    Keys {
        /// The principal, as the request named it.
        principal: String,
        /// The versions.
        versions: Vec<AdminKeyVersion>,
    },
    /// String attributes.
    Strings {
        /// The attributes.
        strings: BTreeMap<String, String>,
    },
    /// A policy.
    Policy(PolicyInfo),
    /// Names of policies, in their order.
    Policies {
        /// The names.
        policies: Vec<String>,
    },
    /// What the caller may do.
    Rights {
        /// Letters of an access list, of `admcilspe`.
        rights: String,
    },
}

/// A principal, without its keys. Times are seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalInfo {
    /// Its canonical name, with its realm.
    pub principal: String,
    /// `Manual` or `Kubernetes`: who made it.
    pub origin: String,
    /// Names of its attributes, such as `DISALLOW_ALL`.
    pub attributes: Vec<String>,
    /// Longest life of a ticket, seconds; the realm's where the principal has none of its own.
    pub max_life: u32,
    /// Longest renewable life, seconds; the realm's where the principal has none of its own.
    pub max_renewable_life: u32,
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// When its password expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_expires: Option<i64>,
    /// When its keys changed last; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_password_change: Option<i64>,
    /// Name of its policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Time of its last change.
    pub modified: i64,
    /// Who changed it last.
    pub modified_by: String,
    /// Its keys, newest version first.
    pub keys: Vec<ShownKeyInfo>,
    /// Last login that succeeded, as far as this process has seen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<i64>,
    /// Last login that failed, as far as this process has seen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<i64>,
    /// Failed logins in a row, as far as this process has seen them.
    pub failures: u32,
}

/// What is shown of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownKeyInfo {
    /// Its version.
    pub kvno: u32,
    /// What the KDC does with the version.
    pub state: KeyVersionState,
    /// Name of its enctype.
    pub enctype: String,
    /// Whether it comes from a password by another salt than that of its name.
    pub special_salt: bool,
}

/// A version of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminKeyVersion {
    /// Its number.
    pub kvno: u32,
    /// What the KDC does with it.
    pub state: KeyVersionState,
    /// One key for each enctype.
    pub keys: Vec<AdminKey>,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminKey {
    /// Name of its enctype.
    pub enctype: String,
    /// Number of its enctype.
    pub enctype_number: i32,
    /// Its octets.
    pub key: Blob,
    /// The salt, where it comes from a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyInfo {
    /// Its name.
    pub policy: String,
    /// Its rules; no field is missing.
    pub settings: PolicySettings,
    /// Time of its last change.
    pub modified: i64,
    /// Who changed it last.
    pub modified_by: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use zeroize::Zeroizing;

    #[test]
    fn an_answer_is_named_and_read_back_and_keys_are_never_shown() {
        let key = AdminKey {
            enctype: "aes128-cts-hmac-sha1-96".into(),
            enctype_number: 17,
            key: Blob(Zeroizing::new(vec![5, 4])),
            salt: None,
        };
        let version = AdminKeyVersion { kvno: 2, state: KeyVersionState::Active, keys: vec![key] };
        let answer = AdminAnswer::Keys { principal: "HTTP/web@R".into(), versions: vec![version] };
        let text = serde_json::to_value(&answer).unwrap();
        assert_eq!((&text["answer"], &text["versions"][0]["keys"][0]["key"]), (&json!("keys"), &json!("BQQ=")));
        assert_eq!(serde_json::from_value::<AdminAnswer>(text).unwrap(), answer);
        assert!(!format!("{answer:?}").contains("BQQ"));
        assert_eq!(serde_json::to_value(AdminAnswer::Done).unwrap(), json!({ "answer": "done" }));
    }
}
