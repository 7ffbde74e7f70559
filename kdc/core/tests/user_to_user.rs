//! User-to-user (RFC 4120, sections 2.9.2 and 3.7).

use crate::realm::TestRealm;
use kennel_client::{TgsRequest, TicketOptions};
use kennel_core::principal::Attributes;
use kennel_core::refusal::Refusal;
use kennel_crypto::KeyUsage;
use kennel_wire::message::{EncTicketPart, KdcOptions};

#[test]
fn a_ticket_is_sealed_in_the_session_key_of_the_servers_tgt() {
    let mut realm = TestRealm::new();
    realm.add("bob", |r| r.attributes = Attributes::DISALLOW_SERVER);
    let (alice, bob) = (realm.tgt("alice"), realm.tgt("bob"));
    let request = TgsRequest::user_to_user(realm.principal("bob"), bob.ticket.clone());
    let ticket = realm.tgs(&alice, &request).unwrap();
    assert_eq!(ticket.ticket.enc_part.kvno, None);
    let opened = bob.session_key.prepare(KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).unwrap();
    assert_eq!(EncTicketPart::decode(&opened).unwrap().cname, alice.client.name);
    assert!(realm.last_issued().user_to_user);
    let without = realm.service(&alice, "bob");
    realm.assert_refused(without, Refusal::ServerIsNoService);
}

#[test]
fn the_additional_ticket_must_be_the_servers_own_tgt() {
    // CVE-2020-25719: user-to-user name confusion.
    let mut realm = TestRealm::new();
    realm.add("bob", |_| {});
    realm.add("mallory", |_| {});
    let (alice, mallory) = (realm.tgt("alice"), realm.tgt("mallory"));
    let request = TgsRequest::user_to_user(realm.principal("bob"), mallory.ticket.clone());
    let refused = realm.tgs(&alice, &request);
    realm.assert_refused(refused, Refusal::SecondTicketMismatch);
    let service = realm.service(&mallory, "HTTP/web.r").unwrap();
    let request = TgsRequest::user_to_user(realm.principal("mallory"), service.ticket);
    let refused = realm.tgs(&alice, &request);
    realm.assert_refused(refused, Refusal::SecondTicketNotTgt);
}

#[test]
fn the_tgt_of_a_former_account_of_that_name_is_refused() {
    let mut realm = TestRealm::new();
    realm.add("bob", |_| {});
    let (alice, bob) = (realm.tgt("alice"), realm.tgt("bob"));
    realm.wait(60);
    let now = realm.now;
    realm.add("bob", |r| r.created = now);
    let request = TgsRequest::user_to_user(realm.principal("bob"), bob.ticket);
    let refused = realm.tgs(&alice, &request);
    realm.assert_refused(refused, Refusal::SecondTicketMismatch);
}

#[test]
fn the_tgt_of_an_account_that_is_as_old_as_its_first_ticket_is_accepted() {
    let mut realm = TestRealm::new();
    let now = realm.now;
    realm.add("bob", |r| r.created = now);
    let (alice, bob) = (realm.tgt("alice"), realm.tgt("bob"));
    realm.tgs(&alice, &TgsRequest::user_to_user(realm.principal("bob"), bob.ticket)).unwrap();
    assert!(realm.last_issued().user_to_user);
}

#[test]
fn an_expired_or_invalid_additional_ticket_is_refused() {
    let mut realm = TestRealm::postdating();
    realm.add("bob", |_| {});
    let short = realm.initial("bob", TicketOptions { life: Some(60), ..Default::default() }).unwrap();
    let start = Some(realm.now.time.plus(900));
    let postdated = realm.initial("bob", TicketOptions { start, ..Default::default() }).unwrap();
    realm.wait(1_000);
    let alice = realm.tgt("alice");
    for ticket in [short.ticket, postdated.ticket] {
        let request = TgsRequest::user_to_user(realm.principal("bob"), ticket);
        let refused = realm.tgs(&alice, &request);
        realm.assert_refused(refused, Refusal::SecondTicketUnusable);
    }
}

#[test]
fn a_request_without_an_additional_ticket_or_for_a_server_that_takes_none_is_refused() {
    let mut realm = TestRealm::new();
    realm.add("bob", |r| r.attributes = Attributes::DISALLOW_DUP_SKEY);
    let (alice, bob) = (realm.tgt("alice"), realm.tgt("bob"));
    let refused = realm.service_with(&alice, "bob", KdcOptions::ENC_TKT_IN_SKEY);
    realm.assert_refused(refused, Refusal::SecondTicketMissing);
    let request = TgsRequest::user_to_user(realm.principal("bob"), bob.ticket);
    let refused = realm.tgs(&alice, &request);
    realm.assert_refused(refused, Refusal::ServerRefusesUserToUser);
}
