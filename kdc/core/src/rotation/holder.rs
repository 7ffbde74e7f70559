//! Holders: whoever has keys of principals on disk. A holder is recorded before its first keytab leaves the KDC, so that no
//! restart, replica or new leader forgets it.

use crate::pods::PodRef;
use kennel_wire::message::{NameType, Principal, PrincipalName, Timestamp};

/// The class of the reserved names that holder records are stored under.
const CLASS: [&str; 2] = ["WELLKNOWN", "HOLDER"];

/// Who holds keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HolderId {
    /// A pod, by its agent.
    Pod(PodRef),
    /// A keytab Secret, by its namespace, its name and its UID. The kubelet brings a changed Secret into mounted volumes within
    /// two minutes, unseen.
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// `metadata.uid`.
        uid: String,
    },
}

impl HolderId {
    /// The UID of the pod or Secret.
    #[must_use]
    pub fn uid(&self) -> &str {
        match self {
            HolderId::Pod(pod) => &pod.uid,
            HolderId::Secret { uid, .. } => uid,
        }
    }
}

/// The versions of one principal that a holder has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKeys {
    /// Canonical name.
    pub principal: Principal,
    /// Versions that are on the holder's disk, newest first. Empty: the keytab was sent, and the holder has not confirmed it.
    pub kvnos: Vec<u32>,
}

/// A holder as it is stored: written when its versions change, deleted when the pod or Secret is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderRecord {
    /// The reserved name that it is stored under: [`HolderRecord::name_of`] its UID and realm.
    pub name: Principal,
    /// The pod or Secret.
    pub id: HolderId,
    /// Its principals, in the order of the keytab; each once.
    pub held: Vec<HeldKeys>,
    /// Time of the first keytab.
    pub created: Timestamp,
    /// Time of the last change.
    pub modified: Timestamp,
}

impl HolderRecord {
    /// A holder of a realm that has confirmed nothing yet.
    #[must_use]
    pub fn new(id: HolderId, realm: &str, held: Vec<HeldKeys>, now: Timestamp) -> HolderRecord {
        HolderRecord { name: HolderRecord::name_of(id.uid(), realm), id, held, created: now, modified: now }
    }

    /// `WELLKNOWN/HOLDER/UID`.
    #[must_use]
    pub fn name_of(uid: &str, realm: &str) -> Principal {
        Principal::new(PrincipalName::new(NameType::UNKNOWN, CLASS.into_iter().chain([uid])), realm)
    }

    /// The versions of a principal that the holder has; `None` where it holds none of its keys.
    #[must_use]
    pub fn versions_of(&self, principal: &Principal) -> Option<&[u32]> {
        self.held.iter().find(|held| held.principal == *principal).map(|held| &*held.kvnos)
    }
}
