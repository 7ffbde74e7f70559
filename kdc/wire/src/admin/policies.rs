//! Administration of policies: rules for passwords and failed logins.

use serde::{Deserialize, Serialize};

/// An operation on policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "operation")]
pub enum PolicyOperation {
    /// Creates a policy. Answers `done`.
    Create {
        /// Its name.
        policy: String,
        /// What is not the default, which restricts nothing.
        #[serde(default)]
        settings: PolicySettings,
    },
    /// Modifies a policy. Answers `done`.
    Modify {
        /// Its name.
        policy: String,
        /// What changes.
        #[serde(default)]
        settings: PolicySettings,
    },
    /// Deletes a policy. Answers `done`.
    Delete {
        /// Its name.
        policy: String,
    },
    /// Answers `policy`.
    Get {
        /// Its name.
        policy: String,
    },
    /// Answers `policies`.
    List {
        /// Shell pattern of names (`*`, `?`, `[...]`); `None`: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
    },
}

/// The rules of a policy, or those that change: a missing field changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicySettings {
    /// Time for which a password stays before its owner may change it again, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_life: Option<u32>,
    /// Time after which a password has to be changed, seconds; 0: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_life: Option<u32>,
    /// Least number of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Least number of kinds of characters: small letters, capital letters, digits, punctuation, others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_classes: Option<u32>,
    /// Number of passwords of which a new one must differ, the present one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<u32>,
    /// Failed attempts after which the principal is locked out; 0: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<u32>,
    /// Time without a failed attempt after which the counter starts anew, seconds; 0: it does so after a success alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_count_interval: Option<u32>,
    /// Time for which it is locked out, seconds; 0: until an administrator unlocks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_duration: Option<u32>,
    /// Names of enctypes that keys of its principals may have; empty: those of the realm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_enctypes: Option<Vec<String>>,
}
