//! Lockout in the AS exchange: which failures count, and that a principal that is locked out learns nothing.

use crate::realm::{TestRealm, code};
use kennel_client::{AsRequest, ClientError, InitialTicket, Secret, TicketOptions};
use kennel_core::lockout::guard::{Attempt, LockedOut, LoginGuard, Proof};
use kennel_core::lockout::table::AttemptTable;
use kennel_core::password_policy::PasswordPolicy;
use kennel_core::refusal::Refusal;
use kennel_wire::message::ErrorCode;
use std::sync::{Arc, Mutex};

/// Three failures, one minute; keeps what it was asked.
struct Guard {
    table: Mutex<AttemptTable>,
    settled: Mutex<Vec<Proof>>,
}

const POLICY: PasswordPolicy = PasswordPolicy {
    min_life: 0,
    max_life: 0,
    min_length: 1,
    min_classes: 1,
    history: 1,
    max_failures: 3,
    failure_count_interval: 0,
    lockout_duration: 60,
    allowed_enctypes: Vec::new(),
};

impl LoginGuard for Guard {
    fn admit(&self, attempt: &Attempt<'_>) -> Result<(), LockedOut> {
        let mut table = self.table.lock().unwrap();
        let attempts = table.find(&attempt.client.principal);
        attempts.map_or(Ok(()), |attempts| attempts.admit(attempt.peer.into(), &POLICY, attempt.now))
    }

    fn settle(&self, attempt: &Attempt<'_>, proof: Proof) -> Result<(), LockedOut> {
        self.settled.lock().unwrap().push(proof);
        let mut table = self.table.lock().unwrap();
        table.entry(&attempt.client.principal).settle(attempt.peer.into(), proof, &POLICY, attempt.now)
    }
}

fn realm(policy: Option<&str>) -> (TestRealm, Arc<Guard>) {
    let mut realm = TestRealm::new();
    realm.set_password("alice", "secret");
    realm.change("alice", |record| record.policy = policy.map(str::to_owned));
    let guard = Arc::new(Guard { table: Mutex::new(AttemptTable::new(8)), settled: Mutex::default() });
    realm.guard_logins(guard.clone());
    (realm, guard)
}

fn login(realm: &mut TestRealm, password: &str) -> Result<InitialTicket, ClientError> {
    let request = AsRequest { client: realm.principal("alice"), server: None, options: TicketOptions::default() };
    realm.initial_with(request, Secret::password(password))
}

#[test]
fn after_too_many_wrong_passwords_the_right_one_is_refused_until_the_lockout_ends() {
    let (mut realm, _) = realm(Some("people"));
    for number in 0..3 {
        let failed = login(&mut realm, &format!("wrong {number}"));
        assert_eq!(code(failed), ErrorCode::PREAUTH_FAILED);
    }
    let refused = login(&mut realm, "secret");
    realm.assert_refused(refused, Refusal::ClientLockedOut);
    assert_eq!(Refusal::ClientLockedOut.code(), ErrorCode::CLIENT_REVOKED, "as MIT krb5kdc");
    realm.peer = "192.0.2.9:4711".parse().unwrap();
    assert!(login(&mut realm, "secret").is_ok(), "another source");
    realm.peer = "127.0.0.1:40000".parse().unwrap();
    realm.wait(60);
    assert!(login(&mut realm, "secret").is_ok());
}

/// CVE-2021-20251: attempts at the same moment were all admitted before the first of them counted.
#[test]
fn attempts_at_the_same_moment_learn_no_more_than_one_after_another_cve_2021_20251() {
    // All are admitted before the first is verified; what each learns is decided when its proof is.
    let (mut realm, guard) = realm(Some("people"));
    for number in 0..3 {
        let _ = login(&mut realm, &format!("wrong {number}"));
    }
    let entry = realm.entries[&realm.principal("alice")].clone();
    let attempt = Attempt { client: &entry.record, peer: realm.peer.ip(), now: realm.now };
    for proof in [Proof::Good, Proof::Old, Proof::Wrong { fingerprint: 9 }] {
        assert_eq!(guard.settle(&attempt, proof), Err(LockedOut));
    }
}

#[test]
fn only_wrong_keys_and_logins_count_and_only_where_a_policy_asks() {
    let (mut realm, guard) = realm(Some("people"));
    assert!(login(&mut realm, "secret").is_ok());
    assert_eq!(std::mem::take(&mut *guard.settled.lock().unwrap()), [Proof::Good]);
    let _ = login(&mut realm, "wrong");
    assert!(matches!(guard.settled.lock().unwrap()[..], [Proof::Wrong { .. }]));
    realm.change("alice", |record| record.policy = None);
    let _ = login(&mut realm, "wrong");
    assert_eq!(guard.settled.lock().unwrap().len(), 1, "no policy");
}
