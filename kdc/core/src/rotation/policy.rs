//! How often keys change, and how long each state lasts.

use crate::principal::PrincipalRecord;
use crate::realm::Realm;

/// The policy of one principal. All times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPolicy {
    /// Time between two keys; `None`: only where somebody asks for a new one.
    pub interval: Option<u32>,
    /// Whether the interval is the principal's own, not that of all. Keys of which some left by hand change after no other.
    pub explicit: bool,
    /// Time for which holders have a scheduled key before the KDC issues with it.
    pub overlap: u32,
    /// Time for which every new key is staged at least, an asked one too. By then every replica that answers sees it: a replica
    /// whose view of the store is older, less the difference of clocks, answers nothing.
    pub propagation: u32,
    /// Longest time for which a staged key waits for its holders; then the rotation counts as stalled.
    pub patience: u32,
    /// What a stalled rotation does.
    pub missing: MissingHolders,
    /// Longest life of a ticket under a key, with the clock skew ([`accept_of`]). A retired key is accepted that long, and one
    /// propagation longer: a replica may not know yet that it is retired.
    pub accept: u32,
}

/// What a rotation does about holders that do not confirm a staged key in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingHolders {
    /// Wait for them.
    #[default]
    Wait,
    /// Go on without them.
    Proceed,
}

impl RotationPolicy {
    /// Default time between two keys: 30 days.
    pub const INTERVAL: u32 = 30 * 86_400;
    /// Default overlap: a day.
    pub const OVERLAP: u32 = 86_400;
    /// Default propagation.
    pub const PROPAGATION: u32 = 10;
    /// Default patience: ten minutes.
    pub const PATIENCE: u32 = 600;
}

impl Default for RotationPolicy {
    fn default() -> RotationPolicy {
        RotationPolicy {
            interval: Some(RotationPolicy::INTERVAL),
            explicit: false,
            overlap: RotationPolicy::OVERLAP,
            propagation: RotationPolicy::PROPAGATION,
            patience: RotationPolicy::PATIENCE,
            missing: MissingHolders::Wait,
            accept: 0,
        }
    }
}

/// The longest life of any ticket under the keys of a record, with the clock skew. A realm's limits may have been higher while
/// its keys were in use: the versions of `krbtgt`, the record of the realm's own, remember that for all keys.
#[must_use]
pub fn accept_of(record: &PrincipalRecord, realm: &Realm, krbtgt: &PrincipalRecord) -> u32 {
    let today = longest_ticket(realm);
    // Its own versions each know their own limit, and inherit none.
    if record.principal == krbtgt.principal {
        return today;
    }
    krbtgt.keys.versions.iter().filter_map(|version| version.accept).fold(today, u32::max)
}

/// From the issue of a ticket to the end of its last renewal, where it begins as late as the realm allows.
fn longest_ticket(realm: &Realm) -> u32 {
    let latest_start = if realm.allow_postdate { realm.max_renewable_life } else { 0 };
    let longest = realm.max_life.max(realm.max_renewable_life);
    latest_start.saturating_add(longest).saturating_add(realm.clock_skew)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_set::{KeySet, KeyState, KeyVersion};
    use crate::testing::record;
    use kennel_wire::message::Timestamp;

    #[test]
    fn the_longest_ticket_is_renewed_to_its_end_and_begins_as_late_as_is_allowed() {
        let mut realm = Realm::new("R");
        let krbtgt = record("krbtgt/R");
        let of = |realm: &Realm| accept_of(&record("web.shop"), realm, &krbtgt);
        assert_eq!(of(&realm), 604_800 + 300);
        realm.allow_postdate = true;
        assert_eq!(of(&realm), 2 * 604_800 + 300);
        (realm.max_renewable_life, realm.clock_skew) = (0, 60);
        assert_eq!(of(&realm), 36_000 + 60);
        realm.max_life = u32::MAX;
        assert_eq!(of(&realm), u32::MAX);
    }

    #[test]
    fn a_limit_that_was_lowered_is_remembered_by_the_versions_of_krbtgt_for_all_but_themselves() {
        let (realm, mut krbtgt) = (Realm::new("R"), record("krbtgt/R"));
        let version = |accept| KeyVersion {
            kvno: 1,
            state: KeyState::Retiring,
            created: Timestamp::default(),
            activated: None,
            retired: None,
            accept,
            keys: Vec::new(),
        };
        krbtgt.keys = KeySet { versions: vec![version(None), version(Some(9_000_000)), version(Some(1))] };
        assert_eq!(accept_of(&record("web.shop"), &realm, &krbtgt), 9_000_000);
        assert_eq!(accept_of(&krbtgt, &realm, &krbtgt), 605_100);
    }
}
