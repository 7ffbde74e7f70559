//! Holders: whoever has keys of principals on disk. A rotation relies on this (`tests/rotation/model.rs` checks it):
//!
//! - An agent says with each request for a keytab what is on its disk. The KDC writes that to the holder's record where the record
//!   does not say it yet, also where it is nothing, and only then reads the keys, from a view of the store that has this record.
//!   So no restart, replica or new leader forgets a holder; one that a leader does not see yet gets whatever that leader has
//!   staged; and no keytab from an older view takes a version away.
//! - A record goes with its pod or Secret, and no earlier.

use crate::pods::PodRef;
use kennel_wire::message::{KerberosTime, NameType, Principal, PrincipalName, Timestamp};

/// The class of the reserved names that holder records are stored under.
const CLASS: [&str; 2] = ["WELLKNOWN", "HOLDER"];

/// Time after which a changed Secret is in mounted volumes, seconds: the kubelet takes two minutes at most, and clocks differ.
pub const SECRET_LAG: u32 = 150;

/// Who holds keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HolderId {
    /// A pod, by its agent.
    Pod(PodRef),
    /// A keytab Secret, by its namespace, its name and its UID. Mounted volumes follow it within [`SECRET_LAG`], unseen.
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

    /// The holder as a rotation of this principal sees it; `None` where it holds none of its keys.
    #[must_use]
    pub fn holding_of(&self, principal: &Principal) -> Option<Holding<'_>> {
        let kvnos = self.versions_of(principal)?;
        Some(Holding { id: &self.id, kvnos, since: self.modified })
    }
}

/// What one holder has of one principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding<'a> {
    /// The holder.
    pub id: &'a HolderId,
    /// The versions that it has confirmed.
    pub kvnos: &'a [u32],
    /// When it confirmed them ([`Moment::stamp`](crate::rotation::clock::Moment::stamp)). Whoever writes the record of a Secret
    /// writes one again of which this lies in the future: a clock was wrong.
    pub since: Timestamp,
}

impl Holding<'_> {
    /// Whether it has this version on disk.
    pub(super) fn has(&self, kvno: u32) -> bool {
        self.kvnos.contains(&kvno)
    }

    /// When whoever reads its files sees what it has confirmed; `None`: at once.
    pub(super) fn seen_from(&self) -> Option<KerberosTime> {
        matches!(self.id, HolderId::Secret { .. }).then(|| self.since.time.plus(SECRET_LAG.into()))
    }
}
