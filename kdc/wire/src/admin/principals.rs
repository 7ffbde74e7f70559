//! Administration of principals: every operation of kadmin, as a body. Times are seconds since the epoch, as kadmin's protocol has them;
//! enctypes and attributes are names.

use crate::enrol::Blob;
use serde::{Deserialize, Deserializer, Serialize};

/// The query of [`path::PRINCIPALS`](crate::admin::path::PRINCIPALS) and [`path::POLICIES`](crate::admin::path::POLICIES).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ForceQuery {
    /// Whether a principal is changed although objects of the cluster say what it is, and a policy deleted although principals have it.
    pub force: bool,
}

/// An operation on principals. Each principal is named with or without realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "operation")]
pub enum PrincipalOperation {
    /// Creates a principal. Answers `done`.
    Create {
        /// Its name.
        principal: String,
        /// Where its first keys come from.
        keys: NewPrincipalKeys,
        /// Enctypes of the keys; empty: those of the policy, else those of the realm.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        enctypes: Vec<String>,
        /// What is not the realm's default.
        #[serde(default)]
        settings: PrincipalSettings,
    },
    /// Deletes a principal with its aliases, or an alias alone. Answers `done`.
    Delete {
        /// Its name.
        principal: String,
    },
    /// Modifies a principal. Answers `done`.
    Modify {
        /// Its name.
        principal: String,
        /// What changes.
        #[serde(default)]
        settings: PrincipalSettings,
    },
    /// Renames a principal, whose passwords and keytabs stay good. Answers `done`.
    Rename {
        /// The present name.
        principal: String,
        /// The new one.
        to: String,
    },
    /// Answers `principal`.
    Get {
        /// Its name, or an alias.
        principal: String,
    },
    /// Answers `names`.
    List {
        /// Shell pattern of names (`*`, `?`, `[...]`); `None`: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
    },
    /// Sets a password. Answers `done`.
    SetPassword {
        /// Whose.
        principal: String,
        /// The octets of the password.
        password: Blob,
        /// Enctypes of the keys; empty: those of the policy, else those of the realm.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        enctypes: Vec<String>,
        /// Whether the old versions stay.
        #[serde(default)]
        keep_old: bool,
    },
    /// Makes random keys. Answers `keys`: the new version.
    RandomizeKeys {
        /// Whose.
        principal: String,
        /// Enctypes of the keys; empty: those of the policy, else those of the realm.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        enctypes: Vec<String>,
        /// Whether the old versions stay.
        #[serde(default)]
        keep_old: bool,
    },
    /// Sets keys. Answers `done`.
    SetKeys {
        /// Whose.
        principal: String,
        /// At least one; all are of one version.
        keys: Vec<NewKeyInfo>,
        /// Number of the version; `None`: the next one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kvno: Option<u32>,
        /// Whether the old versions stay.
        #[serde(default)]
        keep_old: bool,
    },
    /// Hands out keys as they are. Answers `keys`.
    ExtractKeys {
        /// Whose.
        principal: String,
        /// One version; `None`: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kvno: Option<u32>,
    },
    /// Forgets old versions of keys. Answers `done`.
    PurgeKeys {
        /// Whose.
        principal: String,
        /// Versions below this one go; `None`: all but the newest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<u32>,
        /// Whether all versions go, the newest too.
        #[serde(default)]
        all: bool,
    },
    /// Answers `strings`.
    GetStrings {
        /// Whose.
        principal: String,
    },
    /// Sets or deletes a string attribute. Answers `done`.
    SetString {
        /// Whose.
        principal: String,
        /// The attribute.
        key: String,
        /// `None`: deletes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Gives a principal another name. Answers `done`.
    CreateAlias {
        /// The other name.
        alias: String,
        /// The principal that it stands for.
        principal: String,
    },
    /// Forgets failed logins. Answers `done`.
    Unlock {
        /// Whose.
        principal: String,
    },
    /// Answers `rights`: what the caller may do.
    GetPrivileges,
}

/// Where the first keys of a principal come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NewPrincipalKeys {
    /// Random ones, which nobody receives.
    Random,
    /// A password.
    Password(Blob),
    /// There are none.
    None,
}

/// A key that the caller brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewKeyInfo {
    /// Name of its enctype.
    pub enctype: String,
    /// Its octets.
    pub key: Blob,
    /// The salt, where it comes from a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
}

/// What a principal gets, or what changes of it. A field that is missing changes nothing; `null` is the realm's default, or nothing at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrincipalSettings {
    /// Names of attributes to set, such as `DISALLOW_ALL`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Names of attributes to clear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clear: Vec<String>,
    /// Longest life of a ticket, seconds.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub max_life: Option<Option<u32>>,
    /// Longest renewable life, seconds.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub max_renewable_life: Option<Option<u32>>,
    /// When the principal expires, seconds since the epoch.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub expires: Option<Option<i64>>,
    /// When its password expires, seconds since the epoch.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub password_expires: Option<Option<i64>>,
    /// Name of its policy.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub policy: Option<Option<String>>,
    /// Another number for the newest version of its keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kvno: Option<u32>,
    /// Whether failed logins are forgotten.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unlock: bool,
}

/// Reads a field that is there: `null` too is a value.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use zeroize::Zeroizing;

    #[test]
    fn an_operation_is_named_and_a_password_is_base64_and_never_shown() {
        let operation: PrincipalOperation = serde_json::from_value(json!({
            "operation": "create", "principal": "alice", "keys": { "password": "c2VjcmV0" }
        }))
        .unwrap();
        let PrincipalOperation::Create { keys: NewPrincipalKeys::Password(password), .. } = &operation else {
            panic!("{operation:?}")
        };
        assert_eq!(password.0, Zeroizing::new(b"secret".to_vec()));
        assert!(!format!("{operation:?}").contains("c2VjcmV0"));
        let text = serde_json::to_value(&operation).unwrap();
        assert_eq!(serde_json::from_value::<PrincipalOperation>(text).unwrap(), operation);
        let random: NewPrincipalKeys = serde_json::from_value(json!("random")).unwrap();
        assert_eq!(random, NewPrincipalKeys::Random);
    }

    #[test]
    fn a_missing_field_changes_nothing_and_null_is_the_default() {
        let settings: PrincipalSettings =
            serde_json::from_value(json!({ "maxLife": null, "policy": "hosts" })).unwrap();
        assert_eq!((settings.max_life, settings.max_renewable_life), (Some(None), None));
        assert_eq!(settings.policy, Some(Some("hosts".into())));
        assert_eq!(serde_json::to_value(&settings).unwrap(), json!({ "maxLife": null, "policy": "hosts" }));
        let all: PrincipalOperation = serde_json::from_value(json!({ "operation": "list" })).unwrap();
        assert_eq!(all, PrincipalOperation::List { pattern: None });
    }
}
