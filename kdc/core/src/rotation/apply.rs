//! A step, done to a record. The shell writes the record with the revision that the schedule was made from.

use crate::key_set::{KeyState, KeyVersion, NewKeys, StoredKey};
use crate::principal::PrincipalRecord;
use crate::rotation::clock::Moment;
use crate::rotation::policy::RotationPolicy;
use crate::rotation::repair::correct;
use crate::rotation::schedule::{Step, may_issue};
use kennel_crypto::Key;
use kennel_wire::message::Timestamp;
use rand_core::CryptoRngCore;

/// Applies a step of a schedule that was made from this record by this policy.
pub fn apply(
    record: &mut PrincipalRecord,
    step: &Step,
    policy: &RotationPolicy,
    keys: NewKeys<'_>,
    now: Moment,
    rng: &mut dyn CryptoRngCore,
) {
    match step {
        Step::Correct => correct(record, now),
        Step::Stage => {
            let version = random_version(record, keys, now.stamp(), rng);
            record.keys.versions.insert(0, version);
        }
        Step::Activate(kvno) => activate(record, *kvno, policy, now.stamp()),
        Step::Drop(kvnos) => {
            record.keys.versions.retain(|v| v.state == KeyState::Active || !kvnos.contains(&v.kvno));
        }
        Step::Extend => {
            let in_use = record.keys.versions.iter_mut().filter(|version| may_issue(version, policy, now));
            in_use.for_each(|version| version.accept = version.accept.max(Some(policy.accept)));
        }
    }
}

/// Notes that somebody wants a new key: one that is made after this order, whatever clock the versions so far were made by.
pub fn order(record: &mut PrincipalRecord, now: Timestamp) {
    let newest = record.keys.versions.iter().map(|version| version.created).max();
    record.rotation_ordered = newest.map(next_micro).max(Some(now));
}

fn next_micro(stamp: Timestamp) -> Timestamp {
    match stamp.micros {
        999_999.. => Timestamp { time: stamp.time.plus(1), micros: 0 },
        micros => Timestamp { micros: micros + 1, ..stamp },
    }
}

/// A new key at once, and no other: after a leak. Tickets under the former keys cannot be opened any more, and those of the
/// principal itself are refused. What `krbtgt` remembers of the realm's limits stays: other keys need it.
pub fn revoke(record: &mut PrincipalRecord, keys: NewKeys<'_>, now: Moment, rng: &mut dyn CryptoRngCore) {
    let stamp = now.stamp();
    let mut version = random_version(record, keys, stamp, rng);
    (version.state, version.activated) = (KeyState::Active, Some(stamp));
    version.accept = record.keys.versions.iter().filter_map(|version| version.accept).max();
    record.keys.versions = vec![version];
    (record.rotation_ordered, record.revoked, record.unknown_holder) = (None, Some(stamp), None);
}

fn random_version(
    record: &PrincipalRecord,
    rules: NewKeys<'_>,
    created: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> KeyVersion {
    let kvno = rules.next_kvno(&record.keys);
    let keys = rules.enctypes.iter().map(|e| StoredKey { key: Key::generate(*e, rng), salt: None }).collect();
    KeyVersion { kvno, state: KeyState::Staged, created, activated: None, retired: None, accept: None, keys }
}

/// Issues with this version alone. An order that came before the version was made is done. A version of `krbtgt` knows from the first how long
/// the realm's tickets live, as [`Step::Extend`] would write next.
fn activate(record: &mut PrincipalRecord, kvno: u32, policy: &RotationPolicy, now: Timestamp) {
    let is_krbtgt = record.principal.name.krbtgt_realm() == Some(&*record.principal.realm);
    let versions = &mut record.keys.versions;
    let Some(chosen) = versions.iter().position(|v| v.kvno == kvno && v.state != KeyState::Retiring) else {
        return;
    };
    for (at, version) in versions.iter_mut().enumerate() {
        if at == chosen {
            version.state = KeyState::Active;
            version.activated = version.activated.or(Some(now));
            if is_krbtgt {
                version.accept = version.accept.max(Some(policy.accept));
            }
            record.rotation_ordered = record.rotation_ordered.filter(|order| *order > version.created);
        } else if version.state == KeyState::Active {
            (version.state, version.retired) = (KeyState::Retiring, Some(now));
            version.accept = version.accept.max(Some(policy.accept));
        }
    }
}
