//! Keys that were revoked after a leak: whatever was issued under them, or to whom had them, ends at once, on every path; whoever
//! fetches the new key goes on in the same second.

use crate::realm::{AES, TestRealm};
use kennel_client::{TgsRequest, TicketOptions};
use kennel_core::key_set::NewKeys;
use kennel_core::pods::{PodRef, PodState};
use kennel_core::refusal::Refusal;
use kennel_core::rotation::apply::revoke;
use kennel_wire::message::{ErrorCode, KdcOptions};

/// Revokes the keys of a principal now.
fn revoke_keys(realm: &mut TestRealm, name: &str) {
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change(name, |record| {
        let keys = NewKeys { enctypes: &AES, kvno_floor: 0 };
        revoke(record, keys, now.into(), &mut rng);
    });
}

#[test]
fn no_ticket_of_any_kind_outlives_the_revocation_of_its_client_not_even_by_a_second() {
    let mut realm = TestRealm::postdating();
    let options = TicketOptions {
        renewable_life: Some(86_400),
        ..TicketOptions::with_flags(KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE)
    };
    let web = realm.principal("HTTP/web.r");
    let tgt = realm.initial("alice", options.clone()).unwrap();
    let renewable = TgsRequest { options, ..TgsRequest::new(web.clone()) };
    let service = realm.tgs(&tgt, &renewable).unwrap();
    let requests = [
        (&tgt, TgsRequest::new(web.clone())),
        (&tgt, TgsRequest::renew(&tgt)),
        (&tgt, TgsRequest::forward(&tgt, Vec::new())),
        (&tgt, TgsRequest::proxy(web, Vec::new())),
        (&service, TgsRequest::renew(&service)),
    ];
    for (ticket, request) in &requests {
        realm.tgs(ticket, request).unwrap();
    }
    // In the very second in which the tickets were issued.
    revoke_keys(&mut realm, "alice");
    for (ticket, request) in requests {
        let refused = realm.tgs(ticket, &request);
        realm.assert_refused(refused, Refusal::TicketBeforeRevocation);
    }
    assert_eq!(Refusal::TicketBeforeRevocation.code(), ErrorCode::TGT_REVOKED);
}

#[test]
fn whoever_has_the_new_key_gets_tickets_in_the_second_of_the_revocation_and_they_last() {
    let mut realm = TestRealm::new();
    revoke_keys(&mut realm, "alice");
    let tgt = realm.tgt("alice");
    realm.service(&tgt, "HTTP/web.r").unwrap();
    assert_eq!(tgt.starttime, realm.now.time, "no ticket begins later than it is asked for");
    realm.wait(3600);
    realm.service(&tgt, "HTTP/web.r").unwrap();
}

#[test]
fn the_tickets_of_pods_end_too_and_a_pod_that_enrols_again_goes_on() {
    let mut realm = TestRealm::new();
    let pod = PodRef { namespace: "shop".into(), name: "alice-1".into(), uid: "u-1".into() };
    realm.pods.0.lock().unwrap().insert(pod.uid.clone(), PodState::Live);
    let stolen = realm.enrol("alice", &pod, &[]).unwrap();
    realm.service(&stolen, "HTTP/web.r").unwrap();
    revoke_keys(&mut realm, "alice");
    let refused = realm.service(&stolen, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketBeforeRevocation);
    let new = realm.enrol("alice", &pod, &[]).unwrap();
    realm.service(&new, "HTTP/web.r").unwrap();
}

#[test]
fn a_stolen_key_logs_nobody_in_and_a_stolen_service_ticket_is_not_renewed() {
    let mut realm = TestRealm::new();
    let options = TicketOptions { renewable_life: Some(86_400), ..Default::default() };
    let tgt = realm.initial("alice", options.clone()).unwrap();
    let web = realm.principal("HTTP/web.r");
    let service = realm.tgs(&tgt, &TgsRequest { options, ..TgsRequest::new(web) }).unwrap();
    let stolen = realm.keys("alice");
    for name in ["alice", "HTTP/web.r"] {
        revoke_keys(&mut realm, name);
    }
    let refused = realm
        .initial_with(kennel_client::AsRequest::new(realm.principal("alice")), kennel_client::Secret::Keys(stolen));
    realm.assert_refused(refused, Refusal::PreauthFailed);
    let refused = realm.tgs(&service, &TgsRequest::renew(&service));
    realm.assert_refused(refused, Refusal::TicketKeyVersion);
}

#[test]
fn the_tgt_of_a_user_to_user_server_ends_with_its_keys() {
    let mut realm = TestRealm::new();
    realm.add("bob", |_| {});
    let (alice, bob) = (realm.tgt("alice"), realm.tgt("bob"));
    revoke_keys(&mut realm, "bob");
    let request = TgsRequest::user_to_user(realm.principal("bob"), bob.ticket);
    let refused = realm.tgs(&alice, &request);
    realm.assert_refused(refused, Refusal::TicketBeforeRevocation);
}

#[test]
fn revoked_keys_of_the_ticket_granting_service_end_every_tgt() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    revoke_keys(&mut realm, "krbtgt/R");
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketKeyVersion);
    let tgt = realm.tgt("alice");
    realm.service(&tgt, "HTTP/web.r").unwrap();
}
