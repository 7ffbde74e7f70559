//! A step, done to a key set.

use crate::key_set::{KeySet, KeyState, KeyVersion, StoredKey};
use crate::rotation::schedule::Step;
use kennel_crypto::{Enctype, Key};
use kennel_wire::message::Timestamp;
use rand_core::CryptoRngCore;

/// Applies a step of a schedule that was made from these keys. `accept`: that of the policy, kept with the version that retires.
pub fn apply(
    keys: &mut KeySet,
    step: &Step,
    enctypes: &[Enctype],
    accept: u32,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) {
    match step {
        Step::Stage => keys.versions.insert(0, random_version(keys.next_kvno(), KeyState::Staged, enctypes, now, rng)),
        Step::Activate(kvno) => activate(keys, *kvno, accept, now),
        Step::Drop(kvnos) => keys.versions.retain(|version| !kvnos.contains(&version.kvno)),
    }
}

/// A new key at once, and no other: after a leak. Tickets under the former keys cannot be opened any more.
pub fn revoke(keys: &mut KeySet, enctypes: &[Enctype], now: Timestamp, rng: &mut dyn CryptoRngCore) {
    let mut version = random_version(keys.next_kvno(), KeyState::Active, enctypes, now, rng);
    version.activated = Some(now);
    keys.versions = vec![version];
}

fn random_version(
    kvno: u32,
    state: KeyState,
    enctypes: &[Enctype],
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> KeyVersion {
    let keys = enctypes.iter().map(|e| StoredKey { key: Key::generate(*e, rng), salt: None }).collect();
    KeyVersion { kvno, state, created: now, activated: None, retired: None, accept: None, keys }
}

fn activate(keys: &mut KeySet, kvno: u32, accept: u32, now: Timestamp) {
    for version in &mut keys.versions {
        if version.kvno == kvno {
            (version.state, version.activated) = (KeyState::Active, Some(now));
        } else if version.state == KeyState::Active {
            (version.state, version.retired) = (KeyState::Retiring, Some(now));
            version.accept = Some(version.accept.unwrap_or(0).max(accept));
        }
    }
}
