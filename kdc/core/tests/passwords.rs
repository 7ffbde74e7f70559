//! Principals with a password: nobody gets a ticket under a key that could be guessed, and no ticket outlives its client's
//! password.

use crate::realm::{AES, TestRealm};
use kennel_client::{AsRequest, ClientError, Credential, Secret, TgsRequest, TicketOptions};
use kennel_core::key_set::{KeySet, KeyState};
use kennel_core::refusal::Refusal;
use kennel_wire::message::{ErrorCode, KdcOptions};

/// A realm whose `alice` and `bob` have passwords.
fn realm() -> TestRealm {
    passwords_in(TestRealm::new())
}

fn passwords_in(mut realm: TestRealm) -> TestRealm {
    realm.add("bob", |_| {});
    for user in ["alice", "bob"] {
        realm.set_password(user, "secret");
    }
    realm
}

/// An initial ticket of alice for another server than the ticket-granting service.
fn initial_for(realm: &mut TestRealm, server: &str) -> Result<Credential, ClientError> {
    let request = AsRequest { server: Some(realm.principal(server).name), ..AsRequest::new(realm.principal("alice")) };
    let secret = Secret::Keys(realm.keys("alice"));
    realm.initial_with(request, secret).map(|ticket| ticket.credential)
}

#[test]
fn nobody_gets_a_ticket_under_a_password_by_as_tgs_or_renewal() {
    let mut realm = realm();
    realm.alias("HTTP/bob.r", "bob");
    let tgt = realm.tgt("alice");
    for name in ["bob", "HTTP/bob.r", "alice"] {
        let refused = realm.service(&tgt, name);
        realm.assert_refused(refused, Refusal::ServerHasPassword);
        let refused = initial_for(&mut realm, name);
        realm.assert_refused(refused, Refusal::ServerHasPassword);
    }
    assert_eq!(Refusal::ServerHasPassword.code(), ErrorCode::MUST_USE_USER2USER);
}

#[test]
fn a_ticket_from_before_a_server_had_a_password_is_not_renewed_under_it() {
    let mut realm = realm();
    realm.add("ftp", |_| {});
    let options = TicketOptions { renewable_life: Some(86_400), ..Default::default() };
    let tgt = realm.initial("alice", options.clone()).unwrap();
    let ticket = realm.tgs(&tgt, &TgsRequest { options, ..TgsRequest::new(realm.principal("ftp")) }).unwrap();
    realm.change("ftp", |record| record.keys.versions[0].keys[0].salt = Some("Rftp".into()));
    let refused = realm.tgs(&ticket, &TgsRequest::renew(&ticket));
    realm.assert_refused(refused, Refusal::ServerHasPassword);
}

#[test]
fn user_to_user_with_a_person_goes_on() {
    let mut realm = realm();
    let (alice, bob) = (realm.tgt("alice"), realm.tgt("bob"));
    realm.tgs(&alice, &TgsRequest::user_to_user(realm.principal("bob"), bob.ticket)).unwrap();
    assert!(realm.last_issued().user_to_user);
}

#[test]
fn services_with_a_password_and_principals_of_one_component_with_random_keys_are_served() {
    let mut realm = realm();
    realm.add("batch", |_| {});
    for name in ["HTTP/web.r", "krbtgt/R"] {
        realm.set_password(name, "a long secret of both");
    }
    let tgt = realm.tgt("alice");
    for name in ["batch", "HTTP/web.r"] {
        realm.service(&tgt, name).unwrap();
        initial_for(&mut realm, name).unwrap();
    }
    // An old password that is only accepted seals no ticket.
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change("bob", |record| {
        record.keys.versions[0].state = KeyState::Retiring;
        record.keys.versions.insert(0, KeySet::random(&AES, 9, now, &mut rng).versions.remove(0));
    });
    realm.service(&tgt, "bob").unwrap();
}

#[test]
fn no_ticket_of_any_kind_outlives_the_password_of_its_client() {
    let mut realm = passwords_in(TestRealm::postdating());
    let options = TicketOptions {
        renewable_life: Some(86_400),
        ..TicketOptions::with_flags(KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE)
    };
    let web = realm.principal("HTTP/web.r");
    let tgt = realm.initial("alice", options.clone()).unwrap();
    let start = Some(realm.now.time.plus(600));
    let postdated = realm.initial("alice", TicketOptions { start, ..options.clone() }).unwrap();
    let renewable = TgsRequest { options, ..TgsRequest::new(web.clone()) };
    let service = realm.tgs(&tgt, &renewable).unwrap();
    let mut requests = vec![
        (&tgt, TgsRequest::new(web.clone())),
        (&tgt, TgsRequest::renew(&tgt)),
        (&tgt, TgsRequest::forward(&tgt, Vec::new())),
        (&tgt, TgsRequest::proxy(web, Vec::new())),
        (&service, TgsRequest::renew(&service)),
    ];
    for (ticket, request) in &requests {
        realm.tgs(ticket, request).unwrap();
    }
    realm.wait(600);
    requests.push((&postdated, TgsRequest::validate(&postdated)));
    realm.set_password("alice", "new");
    for (ticket, request) in requests {
        let refused = realm.tgs(ticket, &request);
        realm.assert_refused(refused, Refusal::TicketBeforePasswordChange);
    }
    let tgt = realm.tgt("alice");
    realm.service(&tgt, "HTTP/web.r").unwrap();
}

#[test]
fn the_tgt_of_a_user_to_user_server_ends_with_its_password_too() {
    let mut realm = realm();
    let (alice, bob) = (realm.tgt("alice"), realm.tgt("bob"));
    realm.wait(1);
    realm.set_password("bob", "new");
    let refused = realm.tgs(&alice, &TgsRequest::user_to_user(realm.principal("bob"), bob.ticket));
    realm.assert_refused(refused, Refusal::TicketBeforePasswordChange);
}

#[test]
fn a_ticket_of_the_second_in_which_the_password_was_set_is_as_young_as_it() {
    let mut realm = realm();
    let tgt = realm.tgt("alice");
    realm.now.micros = 999_999;
    realm.set_password("alice", "new");
    realm.service(&tgt, "HTTP/web.r").unwrap();
    realm.wait(1);
    realm.set_password("alice", "newer");
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketBeforePasswordChange);
}

#[test]
fn the_rotation_of_random_keys_ends_no_ticket() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    realm.wait(60);
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change("alice", |record| record.keys = KeySet::random(&AES, 2, now, &mut rng));
    realm.service(&tgt, "HTTP/web.r").unwrap();
}

#[test]
fn a_realm_may_let_tickets_outlive_a_password() {
    let mut realm = passwords_in(TestRealm::with(|rules| rules.password_change_ends_tickets = false));
    let tgt = realm.tgt("alice");
    realm.wait(60);
    realm.set_password("alice", "new");
    realm.service(&tgt, "HTTP/web.r").unwrap();
}

#[test]
fn nothing_is_postdated_unless_the_realm_allows_it() {
    let mut realm = TestRealm::new();
    let start = Some(realm.now.time.plus(7_200));
    let refused = realm.initial("alice", TicketOptions { start, ..Default::default() });
    realm.assert_refused(refused, Refusal::CannotPostdate);
    let tgt = realm.initial("alice", TicketOptions::with_flags(KdcOptions::ALLOW_POSTDATE)).unwrap();
    let mut request = TgsRequest::new(realm.principal("HTTP/web.r"));
    request.options.start = start;
    let refused = realm.tgs(&tgt, &request);
    realm.assert_refused(refused, Refusal::TgtNotPostdatable);
}

#[test]
fn a_ticket_does_not_begin_in_ten_years() {
    let mut realm = TestRealm::postdating();
    for (seconds, refusal) in [(604_800, None), (315_360_000, Some(Refusal::PostdatedTooFar))] {
        let start = realm.now.time.plus(seconds);
        let answer = realm.initial("alice", TicketOptions { start: Some(start), ..Default::default() });
        match refusal {
            Some(refusal) => realm.assert_refused(answer, refusal),
            None => assert_eq!(answer.unwrap().starttime, start),
        }
    }
}
