//! The bodies of the admin API about the master key: JSON, in camelCase as the Kubernetes API writes it. Readers skip unknown fields.
//!
//! No body carries a key: an id is a fingerprint that reveals nothing of it.

use serde::{Deserialize, Serialize};

/// The API's paths.
pub mod path {
    /// GET: which master key the store is under, and the progress of a re-wrap. Answer: [`MasterKeyStatus`](super::MasterKeyStatus).
    pub const MASTER_KEY: &str = "/v1/admin/master-key";
    /// POST: begins to wrap every record anew under the next key. Body: [`RotateMasterKey`](super::RotateMasterKey); the answer is that
    /// of [`MASTER_KEY`] right after.
    pub const ROTATE: &str = "/v1/admin/master-key/rotate";
}

/// The permissions that these paths ask of their callers, in the whole cluster.
pub mod permission {
    use crate::admin::Permission;

    /// To see which master key the store is under: [`path::MASTER_KEY`](super::path::MASTER_KEY).
    pub const READ: Permission = Permission { resource: "kerberosrealms", subresource: "master-key", verb: "get" };
    /// To rotate the master key: [`path::ROTATE`](super::path::ROTATE).
    pub const ROTATE: Permission = Permission { verb: "update", ..READ };
}

/// The body of [`path::ROTATE`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RotateMasterKey {
    /// Has the KDC make the next key where no file holds one, in the folder of the key, which must be writable: not in a mounted Secret.
    pub generate: bool,
}

/// What a store is doing with its master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MasterKeyPhase {
    /// Everything is under one key.
    Settled,
    /// The records are wrapped anew.
    Rewrapping,
    /// The records are done; the rest follows: the mark of the store's revision, the file of the certificate authority.
    Completing,
}

/// The answer of both paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MasterKeyStatus {
    /// Realm of the KDC.
    pub realm: String,
    /// What is going on.
    pub phase: MasterKeyPhase,
    /// Id of the master key that the store is under.
    pub current: String,
    /// Id of the key that everything is being wrapped under anew; else of the one that a file holds for the next rotation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    /// Id of the key before the last rotation. Copies of the store from before need it, and nothing else does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<String>,
    /// Number of records in the store.
    pub records: u64,
    /// Number of records under the newest key: all of them where no rotation is under way.
    pub rewrapped: u64,
    /// What is wrong, and what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
    /// What the operator does next, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_step: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_leaves_out_what_there_is_not_and_is_read_back() {
        let status = MasterKeyStatus {
            realm: "R".into(),
            phase: MasterKeyPhase::Rewrapping,
            current: "a".into(),
            next: Some("b".into()),
            previous: None,
            records: 5,
            rewrapped: 2,
            problem: None,
            next_step: None,
        };
        let text = serde_json::to_value(&status).unwrap();
        let written = json!({
            "realm": "R", "phase": "Rewrapping", "current": "a", "next": "b", "records": 5, "rewrapped": 2,
        });
        assert_eq!(text, written);
        assert_eq!(serde_json::from_value::<MasterKeyStatus>(text).unwrap(), status);
    }

    #[test]
    fn a_request_makes_no_key_unless_it_says_so_and_a_typing_error_is_none() {
        assert!(!serde_json::from_str::<RotateMasterKey>("{}").unwrap().generate);
        assert!(serde_json::from_str::<RotateMasterKey>(r#"{"generate":true}"#).unwrap().generate);
        assert!(serde_json::from_str::<RotateMasterKey>(r#"{"generat":true}"#).is_err());
    }
}
