//! What is kept of a principal: versions and times of its keys, without the keys.

use crate::rotation::policy::Rotatable;
use kennel_core::key_set::{KeySet, KeyState, KeyVersion};
use kennel_core::principal::PrincipalRecord;
use kennel_core::rotation::holder::HolderId;
use kennel_core::rotation::policy::RotationPolicy;
use kennel_core::rotation::schedule::{Rotating, Schedule};
use kennel_store::Revision;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use sha2::{Digest, Sha256};

/// The facts of one principal.
#[derive(Debug)]
pub(crate) struct KeyFacts {
    /// Revision of the record that they are of.
    pub(crate) revision: Revision,
    /// Versions without keys.
    pub(crate) keys: KeySet,
    pub(crate) ordered: Option<Timestamp>,
    pub(crate) rotatable: Rotatable,
    spread: u32,
    /// When the principal is due.
    pub(crate) wake: Option<KerberosTime>,
    /// The last that was computed.
    pub(crate) progress: Option<KeyProgress>,
}

/// How far the keys of a principal are, for the status and the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyProgress {
    /// The version that is used.
    pub(crate) kvno: Option<u32>,
    /// The version that is in keytabs and not used yet.
    pub(crate) staged: Option<u32>,
    /// When the KDC began to use the version.
    pub(crate) since: Option<KerberosTime>,
    /// When the next version is due.
    pub(crate) next: Option<KerberosTime>,
    /// Number of versions: keytabs have each of them.
    pub(crate) versions: usize,
    /// Holders, and those of them that have the newest version.
    pub(crate) holders: (usize, usize),
    /// Holders for which the rotation has waited too long.
    pub(crate) stalled: Vec<HolderId>,
}

impl KeyFacts {
    pub(crate) fn of_record(record: &PrincipalRecord, revision: Revision) -> KeyFacts {
        let without_keys = |version: &KeyVersion| KeyVersion {
            kvno: version.kvno,
            state: version.state,
            created: version.created,
            activated: version.activated,
            retired: version.retired,
            accept: version.accept,
            keys: Vec::new(),
        };
        KeyFacts {
            revision,
            keys: KeySet { versions: record.keys.versions.iter().map(without_keys).collect() },
            ordered: record.rotation_ordered,
            rotatable: Rotatable::of_record(record),
            spread: spread(&record.principal),
            wake: None,
            progress: None,
        }
    }

    /// The schedule; `None` where the principal never rotates.
    pub(crate) fn schedule(
        &self,
        holders: &[(&HolderId, &[u32])],
        policy: &RotationPolicy,
        now: KerberosTime,
    ) -> Option<Schedule> {
        let rotating = Rotating { keys: &self.keys, ordered: self.ordered, holders, spread: self.spread };
        match self.rotatable {
            Rotatable::Never(_) => None,
            Rotatable::ByPolicy | Rotatable::ByOrder => Some(rotating.schedule(policy, now)),
        }
    }

    /// The newest version that holders should have.
    pub(crate) fn newest(&self) -> Option<u32> {
        self.keys.versions.iter().filter(|version| version.state != KeyState::Retiring).map(|v| v.kvno).max()
    }
}

/// A number of a name, the same in every process: a rotation is not due at another time after a restart.
pub(crate) fn spread(name: &Principal) -> u32 {
    let digest = Sha256::digest(name.to_string().as_bytes());
    digest.iter().take(4).fold(0, |number, octet| number << 8 | u32::from(*octet))
}
