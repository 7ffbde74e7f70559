//! How long a retired key is accepted: as long as any ticket under it may be valid.

use crate::principal::PrincipalRecord;
use crate::realm::Realm;

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
pub(crate) fn longest_ticket(realm: &Realm) -> u32 {
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
