//! Each rule of a rotation, one after the other.

use super::*;
use kennel_core::rotation::apply::{order, revoke};
use kennel_core::rotation::holder::{HeldKeys, HolderRecord, SECRET_LAG};
use kennel_core::rotation::schedule::{MAX_VERSIONS, Waiting, accepted_until};
use kennel_crypto::Enctype;

const ORDERED: i64 = 10 * HOUR;

/// A principal with an order.
fn ordered(name: &str) -> PrincipalRecord {
    let mut record = record(name);
    record.rotation_ordered = Some(at(ORDERED));
    record
}

/// The same, ten hours later, with the next version staged.
fn staged(name: &str) -> PrincipalRecord {
    let mut record = ordered(name);
    assert_eq!(settle(&mut record, &[], &POLICY, at(ORDERED).into())[0], Step::Stage);
    record
}

fn wake(schedule: &Schedule) -> Option<i64> {
    schedule.wake.map(|time| time.0 - START)
}

#[test]
fn a_key_is_staged_then_used_then_accepted_then_gone_and_each_time_the_next_look_is_known() {
    let (mut record, web) = (record("web.shop"), pod(1));
    let first = schedule(&record, &[holding(&web, &[1])], &POLICY, 0);
    assert_eq!((first.step, &first.waiting), (None, &Waiting::Interval));
    assert_eq!(first.wake, first.next);
    let due = first.wake.unwrap().0 - START;
    assert!((DAY * 28..DAY * 32).contains(&due), "{due}");

    assert_eq!(settle(&mut record, &[holding(&web, &[1])], &POLICY, at(due).into()), [Step::Stage]);
    assert_eq!(versions(&record), [(2, KeyState::Staged), (1, KeyState::Active)]);
    let second = schedule(&record, &[holding(&web, &[2, 1])], &POLICY, due);
    assert_eq!((wake(&second), second.waiting), (Some(due + DAY), Waiting::Overlap));

    assert_eq!(settle(&mut record, &[holding(&web, &[2, 1])], &POLICY, at(due + DAY).into()), [Step::Activate(2)]);
    assert_eq!(versions(&record), [(2, KeyState::Active), (1, KeyState::Retiring)]);
    let end = due + DAY + i64::from(POLICY.accept + POLICY.propagation);
    assert_eq!(accepted_until(&record.keys.versions[1], &POLICY), at(end).time);
    assert_eq!(wake(&schedule(&record, &[holding(&web, &[2, 1])], &POLICY, due + DAY)), Some(end));

    assert_eq!(settle(&mut record, &[holding(&web, &[2, 1])], &POLICY, at(end - 1).into()), []);
    assert_eq!(settle(&mut record, &[holding(&web, &[2, 1])], &POLICY, at(end).into()), [Step::Drop(vec![1])]);
    assert_eq!(versions(&record), [(2, KeyState::Active)]);
}

#[test]
fn a_staged_key_waits_for_every_holder_and_the_rotation_stalls_when_patience_ends() {
    let (record, [web, late]) = (staged("web.shop"), [pod(1), pod(2)]);
    let holders = [holding(&web, &[2, 1]), holding(&late, &[1])];
    let ready = ORDERED + i64::from(POLICY.propagation);
    let waiting = schedule(&record, &holders, &POLICY, ready);
    assert_eq!(waiting.waiting, Waiting::Holders { missing: vec![late.clone()], stalled: false });
    let limit = ORDERED + i64::from(POLICY.patience);
    assert_eq!((waiting.step.clone(), wake(&waiting)), (None, Some(limit)));
    let stalled = schedule(&record, &holders, &POLICY, limit);
    assert_eq!(stalled.waiting, Waiting::Holders { missing: vec![late.clone()], stalled: true });
    assert_eq!((stalled.step, stalled.wake), (None, None), "only the holder can bring it on");
    let proceeding = RotationPolicy { missing: MissingHolders::Proceed, ..POLICY };
    assert_eq!(schedule(&record, &holders, &proceeding, limit - 1).step, None);
    assert_eq!(schedule(&record, &holders, &proceeding, limit).step, Some(Step::Activate(2)));
    let back = [holding(&web, &[2, 1]), holding(&late, &[2])];
    assert_eq!(schedule(&record, &back, &POLICY, limit + DAY).step, Some(Step::Activate(2)));
    assert_eq!(schedule(&record, &holders[..1], &POLICY, limit).step, Some(Step::Activate(2)), "the pod is gone");
}

#[test]
fn a_secret_has_a_version_when_mounted_files_have_it() {
    let (record, id) = (staged("web.shop"), secret(1));
    let written = ORDERED + HOUR;
    let holders = [Holding { id: &id, kvnos: &[2, 1], since: at(written) }];
    let seen = written + i64::from(SECRET_LAG);
    let waiting = schedule(&record, &holders, &POLICY, written);
    assert_eq!((waiting.step.clone(), wake(&waiting), waiting.waiting), (None, Some(seen), Waiting::Overlap));
    assert_eq!(schedule(&record, &holders, &POLICY, seen).step, Some(Step::Activate(2)));
}

#[test]
fn an_order_comes_before_the_interval_and_shortens_the_overlap_to_the_propagation() {
    let mut record = staged("web.shop");
    let ready = ORDERED + i64::from(POLICY.propagation);
    assert_eq!(wake(&schedule(&record, &[], &POLICY, ORDERED)), Some(ready));
    assert_eq!(settle(&mut record, &[], &POLICY, at(ready).into()), [Step::Activate(2)]);
    assert_eq!(record.rotation_ordered, None, "done");
    record.rotation_ordered = Some(at(ORDERED));
    assert_eq!(schedule(&record, &[], &POLICY, ready).step, None, "and not done again by whoever forgot to remove it");
}

#[test]
fn a_second_order_while_a_key_is_staged_gets_a_key_that_is_made_after_it() {
    let mut record = staged("web.shop");
    record.rotation_ordered = Some(at(ORDERED + 5));
    let ready = ORDERED + i64::from(POLICY.propagation);
    assert_eq!(settle(&mut record, &[], &POLICY, at(ready).into()), [Step::Activate(2), Step::Stage]);
    assert_eq!(settle(&mut record, &[], &POLICY, at(2 * ready).into()), [Step::Activate(3)]);
    assert_eq!(record.rotation_ordered, None);
    let numbers: Vec<_> = versions(&record).into_iter().map(|(kvno, _)| kvno).collect();
    assert_eq!(numbers, [3, 2, 1], "the leaked keys of both are accepted until their tickets have ended");
}

#[test]
fn an_order_hurries_a_key_that_the_interval_has_staged() {
    let mut record = record("web.shop");
    let due = schedule(&record, &[], &POLICY, 0).wake.unwrap().0 - START;
    settle(&mut record, &[], &POLICY, at(due).into());
    record.rotation_ordered = Some(at(due + 60));
    assert_eq!(schedule(&record, &[], &POLICY, due + 60).step, Some(Step::Activate(2)));
}

#[test]
fn an_order_by_a_clock_that_is_ahead_is_taken_when_its_time_has_come() {
    let mut record = record("web.shop");
    record.rotation_ordered = Some(Timestamp { micros: 7, ..at(120) });
    let early = schedule(&record, &[], &POLICY, 120);
    assert_eq!((early.step.clone(), wake(&early)), (None, Some(121)));
    assert_eq!(settle(&mut record, &[], &POLICY, at(121).into()), [Step::Stage]);
    assert!(Some(record.keys.versions[0].created) >= record.rotation_ordered);
}

#[test]
fn an_order_is_later_than_every_key_by_whatever_clock_it_comes() {
    let mut record = record("web.shop");
    for created in [at(0), Timestamp { micros: 999_999, ..at(0) }] {
        record.keys.versions[0].created = created;
        order(&mut record, at(-HOUR));
        assert!(record.rotation_ordered > Some(created) && record.rotation_ordered <= Some(at(1)));
    }
    order(&mut record, at(ORDERED));
    assert_eq!(record.rotation_ordered, Some(at(ORDERED)));
    assert_eq!(schedule(&record, &[], &POLICY, ORDERED).step, Some(Step::Stage));
}

#[test]
fn without_an_interval_only_an_order_brings_a_new_key() {
    let on_demand = RotationPolicy { interval: None, ..POLICY };
    let never = schedule(&record("web.shop"), &[], &on_demand, 9999 * DAY);
    assert_eq!((never.step, never.wake, never.next, never.waiting), (None, None, None, Waiting::Order));
    assert_eq!(schedule(&ordered("web.shop"), &[], &on_demand, ORDERED).step, Some(Step::Stage));
}

#[test]
fn keys_that_left_by_hand_change_when_asked_or_by_a_policy_of_their_own() {
    let mut record = record("web.shop");
    record.unknown_holder = Some(at(0));
    assert_eq!(schedule(&record, &[], &POLICY, 40 * DAY).waiting, Waiting::Order);
    let explicit = RotationPolicy { explicit: true, ..POLICY };
    assert_eq!(schedule(&record, &[], &explicit, 0).waiting, Waiting::Interval);
    record.rotation_ordered = Some(at(ORDERED));
    assert_eq!(schedule(&record, &[], &POLICY, ORDERED).step, Some(Step::Stage));
}

#[test]
fn passwords_trusts_and_abandoned_principals_keep_their_keys_even_when_asked() {
    let mut person = ordered("alice");
    let aes = [Enctype::Aes128CtsHmacSha1];
    person.keys = KeySet::from_password(&aes, 4, &person.principal, b"secret", at(0)).unwrap();
    let mut gone = ordered("web.shop");
    gone.abandoned = Some(at(0));
    let mut half_way = staged("web.shop");
    half_way.abandoned = Some(at(0));
    for record in [person, gone, half_way, ordered("krbtgt/OTHER"), ordered("krbtgt/R@OTHER")] {
        let idle = schedule(&record, &[], &POLICY, 400 * DAY);
        assert_eq!((idle.step, idle.wake, idle.waiting), (None, None, Waiting::Nobody), "{}", record.principal);
    }
}

#[test]
fn a_principal_without_keys_gets_one_by_an_order_alone() {
    let mut record = record("web.shop");
    record.keys = KeySet::default();
    assert_eq!(schedule(&record, &[], &POLICY, 400 * DAY).waiting, Waiting::Order);
    record.rotation_ordered = Some(at(ORDERED));
    assert_eq!(settle(&mut record, &[], &POLICY, at(ORDERED).into()), [Step::Stage]);
    assert_eq!(settle(&mut record, &[], &POLICY, at(ORDERED + HOUR).into()), [Step::Activate(1)]);
}

#[test]
fn numbers_grow_beyond_eight_bits_and_end_with_thirty_two() {
    let mut record = record("web.shop");
    for (kvno, next) in [(254, 255), (255, 256), (65_535, 65_536), (u32::MAX - 1, u32::MAX)] {
        record.keys.versions = vec![version(kvno, KeyState::Active, 0)];
        record.rotation_ordered = Some(at(ORDERED));
        assert_eq!(settle(&mut record, &[], &POLICY, at(ORDERED).into()), [Step::Stage]);
        assert_eq!(versions(&record), [(next, KeyState::Staged), (kvno, KeyState::Active)]);
    }
    record.keys.versions = vec![version(u32::MAX, KeyState::Active, 0)];
    let end = schedule(&record, &[], &POLICY, ORDERED);
    assert_eq!((end.step, end.wake, end.waiting), (None, None, Waiting::Kvno));
}

#[test]
fn a_set_that_is_full_waits_until_an_old_version_ends() {
    let mut record = ordered("web.shop");
    let old = (1..u32::try_from(MAX_VERSIONS).unwrap()).rev().map(|kvno| version(kvno, KeyState::Retiring, 5 * HOUR));
    record.keys.versions = [version(1000, KeyState::Active, 0)].into_iter().chain(old).collect();
    let full = schedule(&record, &[], &POLICY, ORDERED);
    let end = 5 * HOUR + i64::from(POLICY.accept + POLICY.propagation);
    assert_eq!((full.step.clone(), wake(&full), full.waiting), (None, Some(end), Waiting::Room));
    assert!(settle(&mut record, &[], &POLICY, at(end).into()).contains(&Step::Stage));
}

#[test]
fn krbtgt_rotates_as_services_do_and_needs_no_holder() {
    let mut krbtgt = record("krbtgt/R");
    assert_eq!(settle(&mut krbtgt, &[], &POLICY, at(0).into()), [Step::Extend]);
    let due = schedule(&krbtgt, &[], &POLICY, 0).wake.unwrap().0 - START;
    assert_eq!(settle(&mut krbtgt, &[], &POLICY, at(due).into()), [Step::Stage]);
    assert_eq!(settle(&mut krbtgt, &[], &POLICY, at(due + DAY).into()), [Step::Activate(2)]);
}

#[test]
fn a_ticket_life_that_was_longer_while_a_key_was_in_use_is_kept_after_it_was_lowered() {
    let mut krbtgt = record("krbtgt/R");
    settle(&mut krbtgt, &[], &POLICY, at(0).into());
    let raised = RotationPolicy { accept: 90 * 86_400, ..POLICY };
    assert_eq!(settle(&mut krbtgt, &[], &raised, at(10).into()), [Step::Extend]);
    krbtgt.rotation_ordered = Some(at(ORDERED));
    settle(&mut krbtgt, &[], &POLICY, at(ORDERED).into());
    settle(&mut krbtgt, &[], &POLICY, at(ORDERED + 10).into());
    let by_version = |kvno: u32| krbtgt.keys.versions.iter().find(|version| version.kvno == kvno).unwrap();
    assert_eq!(by_version(1).accept, Some(90 * 86_400));
    assert_eq!(by_version(2).accept, Some(POLICY.accept), "tickets under the new key are none of them");
    assert_eq!(accepted_until(by_version(1), &POLICY), at(ORDERED + 10 + 90 * DAY + 10).time);
}

#[test]
fn a_revoked_key_is_gone_at_once_with_all_before_it_and_its_orders() {
    let mut record = staged("web.shop");
    record.unknown_holder = Some(at(1));
    revoke(&mut record, NO_KEYS, at(ORDERED + 3).into(), &mut rng());
    assert_eq!(versions(&record), [(3, KeyState::Active)]);
    assert_eq!((record.rotation_ordered, record.revoked), (None, Some(at(ORDERED + 3))));
    assert_eq!(record.unknown_holder, None, "what left by hand is worth nothing any more");
    let web = pod(1);
    let after = schedule(&record, &[holding(&web, &[2, 1])], &POLICY, ORDERED + 3);
    assert_eq!((after.step, after.waiting), (None, Waiting::Interval));
}

#[test]
fn a_holder_record_says_what_its_holder_has_of_each_principal() {
    let [web, other] = ["web.shop", "other.shop"].map(|name| record(name).principal);
    let held = vec![HeldKeys { principal: web.clone(), kvnos: vec![2, 1] }];
    let mut record = HolderRecord::new(pod(1), "R", held, at(5));
    record.modified = at(9);
    let holding = record.holding_of(&web).unwrap();
    assert_eq!((holding.id, holding.kvnos, holding.since), (&pod(1), &[2, 1][..], at(9)));
    assert_eq!(record.holding_of(&other), None);
}
