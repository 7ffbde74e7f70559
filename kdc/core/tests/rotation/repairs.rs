//! Records that some clock, crash or hand has left in disorder, and clocks that jump.

use super::*;
use kennel_core::rotation::clock::SteadyClock;
use kennel_core::rotation::schedule::{Waiting, accepted_until};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

const YEAR: i64 = 365 * DAY;

/// The moment at which a clock that was right jumps, after it has run for some seconds.
fn jumped(run: i64, jump: i64) -> Moment {
    let mut clock = SteadyClock::new(at(0), Duration::ZERO);
    clock.observe(at(run + jump), Duration::from_secs(run.unsigned_abs()))
}

#[test]
fn a_jump_forward_changes_no_key_and_ends_none() {
    let mut record = record("web.shop");
    record.keys.versions = vec![version(2, KeyState::Active, 0), version(1, KeyState::Retiring, 0)];
    assert_eq!(settle(&mut record, &[], &POLICY, jumped(HOUR, YEAR)), []);
    record.keys.versions.insert(0, version(3, KeyState::Staged, 0));
    assert_eq!(settle(&mut record, &[], &POLICY, jumped(HOUR, YEAR)), []);
    let schedule = Rotating { record: &record, holders: &[] }.schedule(&POLICY, jumped(HOUR, YEAR));
    assert_eq!(schedule.wake, Some(at(YEAR + 2 * HOUR).time), "looked at again when the doubt ends");
}

#[test]
fn a_key_that_retires_while_the_clock_is_behind_is_accepted_as_long_as_by_the_right_clock() {
    let mut record = record("web.shop");
    record.keys.versions.insert(0, version(2, KeyState::Staged, -2 * YEAR));
    assert_eq!(settle(&mut record, &[], &POLICY, jumped(HOUR, -YEAR)), [Step::Activate(2)]);
    let accepted = i64::from(POLICY.accept + POLICY.propagation);
    assert_eq!(accepted_until(&record.keys.versions[1], &POLICY), at(HOUR + accepted).time);
}

#[test]
fn stamps_that_a_clock_of_the_future_has_left_are_set_to_now_and_what_they_measure_begins_again() {
    let mut record = record("web.shop");
    record.keys.versions = vec![version(2, KeyState::Staged, YEAR), version(1, KeyState::Active, YEAR)];
    record.rotation_ordered = Some(at(YEAR));
    assert_eq!(settle(&mut record, &[], &POLICY, at(0).into()), [Step::Correct]);
    let ready = i64::from(POLICY.propagation);
    assert_eq!(settle(&mut record, &[], &POLICY, at(ready).into()), [Step::Activate(2)]);
    assert_eq!(record.rotation_ordered, None);
}

#[test]
fn an_order_of_the_future_that_came_after_the_staged_key_still_gets_a_key_of_its_own() {
    let mut record = record("web.shop");
    record.keys.versions.insert(0, version(2, KeyState::Staged, YEAR));
    record.rotation_ordered = Some(at(YEAR + 60));
    assert_eq!(settle(&mut record, &[], &POLICY, at(0).into()), [Step::Correct]);
    assert_eq!(settle(&mut record, &[], &POLICY, at(10).into()), [Step::Activate(2), Step::Stage]);
}

#[test]
fn a_stamp_that_is_ahead_by_less_than_two_leaders_differ_is_left() {
    let mut record = record("web.shop");
    record.keys.versions[0].created = at(300);
    assert_eq!(settle(&mut record, &[], &POLICY, at(0).into()), []);
}

#[test]
fn a_version_that_retired_nobody_knows_when_is_accepted_from_now_on() {
    let mut record = record("web.shop");
    record.keys.versions.insert(0, version(2, KeyState::Active, 0));
    (record.keys.versions[1].state, record.keys.versions[1].retired) = (KeyState::Retiring, None);
    assert_eq!(settle(&mut record, &[], &POLICY, at(20 * DAY).into()), [Step::Correct]);
    assert_eq!(record.keys.versions[1].retired, Some(at(20 * DAY)));
}

#[test]
fn of_several_active_versions_the_one_that_is_issued_with_stays_and_the_others_retire() {
    let mut record = record("web.shop");
    record.keys.versions = [3, 2, 1].map(|kvno| version(kvno, KeyState::Active, 0)).to_vec();
    assert_eq!(settle(&mut record, &[], &POLICY, at(DAY).into()), [Step::Activate(3)]);
    assert_eq!(versions(&record), [(3, KeyState::Active), (2, KeyState::Retiring), (1, KeyState::Retiring)]);
}

#[test]
fn staged_versions_that_a_newer_one_has_passed_go() {
    let mut record = record("web.shop");
    let staged = |kvno| version(kvno, KeyState::Staged, DAY);
    record.keys.versions = vec![staged(6), staged(5), version(4, KeyState::Active, 0), staged(3)];
    assert_eq!(settle(&mut record, &[], &POLICY, at(DAY).into()), [Step::Drop(vec![5, 3])]);
    assert_eq!(versions(&record), [(6, KeyState::Staged), (4, KeyState::Active)]);
}

#[test]
fn a_staged_version_alone_is_used_when_its_holders_have_it() {
    let (mut record, web) = (record("web.shop"), pod(1));
    record.keys.versions = vec![version(2, KeyState::Staged, 0)];
    assert_eq!(settle(&mut record, &[holding(&web, &[])], &POLICY, at(DAY).into()), []);
    assert_eq!(settle(&mut record, &[holding(&web, &[2])], &POLICY, at(DAY).into()), [Step::Activate(2)]);
}

#[test]
fn a_staged_key_is_never_used_in_place_of_a_password() {
    let mut record = record("alice");
    let aes = [kennel_crypto::Enctype::Aes128CtsHmacSha1];
    record.keys = KeySet::from_password(&aes, 2, &record.principal, b"secret", at(0)).unwrap();
    record.keys.versions.insert(0, version(3, KeyState::Staged, 0));
    assert_eq!(schedule(&record, &[], &POLICY, YEAR).waiting, Waiting::Nobody);
    assert_eq!(settle(&mut record, &[], &POLICY, at(YEAR).into()), []);
}

fn some_stamp() -> impl Strategy<Value = Timestamp> {
    let seconds = prop_oneof![-30 * DAY..30 * DAY, Just(-START), Just(i64::MAX - START), Just(YEAR)];
    (seconds, 0..1_000_000_u32).prop_map(|(seconds, micros)| Timestamp { micros, ..at(seconds) })
}

fn some_version() -> impl Strategy<Value = KeyVersion> {
    use KeyState::{Active, Retiring, Staged};
    let kvno = prop_oneof![0..12_u32, u32::MAX - 2..=u32::MAX];
    let stamps = (some_stamp(), proptest::option::of(some_stamp()), proptest::option::of(some_stamp()));
    let state = proptest::sample::select(vec![Staged, Active, Retiring]);
    (kvno, state, stamps, proptest::option::of(any::<u32>())).prop_map(
        |(kvno, state, (created, activated, retired), accept)| KeyVersion {
            kvno,
            state,
            created,
            activated,
            retired,
            accept,
            keys: Vec::new(),
        },
    )
}

fn some_record() -> impl Strategy<Value = PrincipalRecord> {
    let names =
        proptest::sample::select(vec!["web.shop", "HTTP/web.shop.svc.cluster.local", "krbtgt/R", "krbtgt/OTHER"]);
    let orders = proptest::option::of(some_stamp());
    (names, proptest::collection::vec(some_version(), 0..8), orders, any::<bool>()).prop_map(
        |(name, versions, ordered, sorted)| {
            let mut record = record(name);
            let mut numbers = BTreeSet::new();
            record.keys.versions = versions.into_iter().filter(|version| numbers.insert(version.kvno)).collect();
            if sorted {
                record.keys.versions.sort_by_key(|version| std::cmp::Reverse(version.kvno));
            }
            record.rotation_ordered = ordered;
            record
        },
    )
}

fn some_policy() -> impl Strategy<Value = RotationPolicy> {
    let seconds = || prop_oneof![0..100_u32, 3600..10_000_000_u32, Just(u32::MAX)];
    let missing = proptest::sample::select(vec![MissingHolders::Wait, MissingHolders::Proceed]);
    let times = (proptest::option::of(seconds()), seconds(), 0..100_u32, seconds(), seconds());
    (times, missing, any::<bool>()).prop_map(
        |((interval, overlap, propagation, patience, accept), missing, explicit)| RotationPolicy {
            interval,
            explicit,
            overlap,
            propagation,
            patience,
            missing,
            accept,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever a record holds, a few writes bring it into order, and then nothing changes before time or a holder moves.
    #[test]
    fn every_record_comes_to_rest_with_at_most_one_active_version(
        mut record in some_record(),
        policy in some_policy(),
        now in (0..HOUR, prop_oneof![Just(0), -YEAR..YEAR]).prop_map(|(run, jump)| jumped(run, jump)),
    ) {
        let before = record.clone();
        // A key of an interval of seconds is due again at once.
        let policy = RotationPolicy { propagation: policy.propagation.max(1), ..policy };
        let steps = settle(&mut record, &[], &policy, now);
        prop_assert!(steps.len() <= 8, "{steps:?}");
        let active: Vec<u32> =
            record.keys.versions.iter().filter(|v| v.state == KeyState::Active).map(|v| v.kvno).collect();
        prop_assert!(active.len() <= 1);
        if let Some(issuing) = before.keys.active_version() {
            let kept = record.keys.versions.iter().any(|v| v.kvno == issuing.kvno && v.state != KeyState::Staged);
            prop_assert!(kept, "the key in use is never lost");
        }
        let numbers = |record: &PrincipalRecord| record.keys.versions.iter().map(|v| v.kvno).collect::<BTreeSet<_>>();
        for made in numbers(&record).difference(&numbers(&before)) {
            prop_assert!(numbers(&before).iter().all(|old| old < made), "{made} is not new");
        }
        let rest = Rotating { record: &record, holders: &[] }.schedule(&policy, now);
        prop_assert!(rest.wake.is_none_or(|wake| wake > now.sure()));
    }
}
