//! How keys change: step by step, over random histories, and in every state of a model.

mod histories;
mod model;
mod repairs;
mod steps;

use kennel_core::key_set::{KeySet, KeyState, KeyVersion, NewKeys};
use kennel_core::pods::PodRef;
use kennel_core::principal::{Origin, PrincipalRecord};
use kennel_core::rotation::apply::apply;
use kennel_core::rotation::clock::Moment;
use kennel_core::rotation::holder::{HolderId, Holding};
use kennel_core::rotation::policy::{MissingHolders, RotationPolicy};
use kennel_core::rotation::schedule::{Rotating, Schedule, Step};
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// A moment long after all intervals; every history begins here.
const START: i64 = 1_800_000_000;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// No enctypes: a version is all that matters here.
const NO_KEYS: NewKeys<'static> = NewKeys { enctypes: &[], kvno_floor: 0 };

const POLICY: RotationPolicy = RotationPolicy {
    interval: Some(RotationPolicy::INTERVAL),
    explicit: false,
    overlap: RotationPolicy::OVERLAP,
    propagation: RotationPolicy::PROPAGATION,
    patience: 3 * 86_400,
    missing: MissingHolders::Wait,
    accept: 604_800,
};

/// A moment after the start.
fn at(seconds: i64) -> Timestamp {
    Timestamp { time: KerberosTime(START + seconds), micros: 0 }
}

/// A principal whose first key was made at the start. No enctypes, no keys: a version is all that matters here.
fn record(name: &str) -> PrincipalRecord {
    let principal = Principal::parse(name, "R").unwrap();
    let keys = KeySet::random(&[], 1, at(0), &mut rng());
    PrincipalRecord::new(principal, Origin::Kubernetes, keys, at(0), "test")
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(15)
}

fn pod(uid: u32) -> HolderId {
    HolderId::Pod(PodRef { namespace: "shop".into(), name: format!("web-{uid}"), uid: format!("u-{uid}") })
}

fn secret(uid: u32) -> HolderId {
    HolderId::Secret { namespace: "shop".into(), name: format!("keytab-{uid}"), uid: format!("s-{uid}") }
}

fn holding<'a>(id: &'a HolderId, kvnos: &'a [u32]) -> Holding<'a> {
    Holding { id, kvnos, since: at(0) }
}

fn schedule(record: &PrincipalRecord, holders: &[Holding<'_>], policy: &RotationPolicy, now: i64) -> Schedule {
    Rotating { record, holders }.schedule(policy, at(now).into())
}

fn do_step(record: &mut PrincipalRecord, step: &Step, policy: &RotationPolicy, now: Moment) {
    apply(record, step, policy, NO_KEYS, now, &mut rng());
}

/// Performs what is due until nothing is; returns the steps.
fn settle(record: &mut PrincipalRecord, holders: &[Holding<'_>], policy: &RotationPolicy, now: Moment) -> Vec<Step> {
    let mut done = Vec::new();
    while let Some(step) = (Rotating { record, holders }).schedule(policy, now).step {
        do_step(record, &step, policy, now);
        done.push(step);
        assert!(done.len() < 600, "no end: {:?}", &done[..20]);
    }
    done
}

/// Number and state of each version, newest first.
fn versions(record: &PrincipalRecord) -> Vec<(u32, KeyState)> {
    record.keys.versions.iter().map(|version| (version.kvno, version.state)).collect()
}

fn version(kvno: u32, state: KeyState, created: i64) -> KeyVersion {
    let at = at(created);
    let retired = (state == KeyState::Retiring).then_some(at);
    KeyVersion { kvno, state, created: at, activated: None, retired, accept: None, keys: Vec::new() }
}
