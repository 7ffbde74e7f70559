//! What a record should not hold, but may: stamps of a clock that was wrong, and versions that some hand has left.

use crate::key_set::{KeySet, KeyState, KeyVersion};
use crate::principal::PrincipalRecord;
use crate::rotation::clock::Moment;
use kennel_wire::message::Timestamp;

/// Whether a stamp that a step counts from is missing, or lies in the future. (A version that was retired in the future is
/// accepted until then: so are the tickets of that time.)
pub(super) fn needs_correction(record: &PrincipalRecord, now: Moment) -> bool {
    let future_order = record.rotation_ordered.is_some_and(|order| now.is_future(order));
    future_order || record.keys.versions.iter().any(|version| is_wrong(version, now))
}

fn is_wrong(version: &KeyVersion, now: Moment) -> bool {
    match version.state {
        KeyState::Staged | KeyState::Active => now.is_future(version.created),
        KeyState::Retiring => version.retired.is_none(),
    }
}

/// Sets these stamps to now. An order stays on the same side of the newest version as before.
pub(super) fn correct(record: &mut PrincipalRecord, now: Moment) {
    let stamp = now.stamp();
    let fulfilled = record.rotation_ordered <= newest(&record.keys);
    for version in record.keys.versions.iter_mut().filter(|version| is_wrong(version, now)) {
        match version.state {
            KeyState::Staged => version.created = stamp,
            KeyState::Active => version.created = Timestamp { time: stamp.time.plus(-1), ..stamp },
            KeyState::Retiring => version.retired = Some(stamp),
        }
    }
    record.rotation_ordered = match record.rotation_ordered {
        Some(order) if fulfilled => newest(&record.keys).min(Some(order)),
        Some(order) if now.is_future(order) => Some(Timestamp { time: stamp.time.plus(1), ..stamp }),
        order => order,
    };
}

/// When the newest version that is used or will be was made.
fn newest(keys: &KeySet) -> Option<Timestamp> {
    keys.versions.iter().filter(|version| version.state != KeyState::Retiring).map(|version| version.created).max()
}

/// Staged versions that are never used: older than another staged one, or than the one in use.
pub(super) fn superfluous(keys: &KeySet) -> Vec<u32> {
    let staged =
        || keys.versions.iter().filter(|version| version.state == KeyState::Staged).map(|version| version.kvno);
    let newest = staged().chain(keys.active_version().map(|version| version.kvno)).max();
    staged().filter(|kvno| newest.is_some_and(|newest| *kvno < newest)).collect()
}
