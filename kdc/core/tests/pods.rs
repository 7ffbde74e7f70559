//! Tickets that are bound to a pod: how an enrolment issues them, and when the KDC accepts them.

use crate::realm::{TestRealm, denial};
use kennel_client::TgsRequest;
use kennel_core::access::{AccessDecision, AccessPath};
use kennel_core::pods::{PodRef, PodState};
use kennel_core::principal::Attributes;
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, KeyUsage};
use kennel_wire::message::{AuthorizationData, AuthorizationDatum, EncTicketPart, KdcOptions, TicketFlags, ad_type};

fn pod() -> PodRef {
    PodRef { namespace: "shop".into(), name: "cart-5d4f".into(), uid: "3c0e-1".into() }
}

/// A realm with the account `cart.shop`, which has no keys, and its pod.
fn realm() -> TestRealm {
    let mut realm = TestRealm::new();
    realm.add("cart.shop", |record| {
        record.keys.versions.clear();
        record.attributes = Attributes::DISALLOW_SERVER;
    });
    set(&realm, PodState::Live);
    realm
}

fn set(realm: &TestRealm, state: PodState) {
    realm.pods.0.lock().unwrap().insert(pod().uid, state);
}

#[test]
fn a_pod_gets_a_tgt_that_buys_service_tickets_and_names_the_pod_in_each_event() {
    let mut realm = realm();
    let tgt = realm.enrol("cart.shop", &pod(), &[]).unwrap();
    assert_eq!(tgt.flags, TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT | TicketFlags::FORWARDABLE);
    assert_eq!(tgt.endtime, realm.now.time.plus(36_000));
    assert_eq!(tgt.session_key.enctype(), Enctype::Aes256CtsHmacSha384);
    realm.service(&tgt, "HTTP/web.r").unwrap();
    assert_eq!(realm.events.last().unwrap().pod, Some(pod()));
}

#[test]
fn the_binding_is_of_a_local_type_inside_if_relevant_so_that_services_pass_over_it_and_no_client_can_set_it() {
    let mut realm = realm();
    let tgt = realm.enrol("cart.shop", &pod(), &[]).unwrap();
    let ticket = realm.service(&tgt, "HTTP/web.r").unwrap();
    let key = &realm.keys("HTTP/web.r")[0];
    let opened = key.prepare(KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).unwrap();
    let data = EncTicketPart::decode(&opened).unwrap().authorization_data.unwrap().0;
    assert_eq!(data.iter().map(|datum| datum.ad_type).collect::<Vec<_>>(), [ad_type::IF_RELEVANT]);
    let inner = AuthorizationData::decode(&data[0].ad_data).unwrap().0;
    assert_eq!(inner, [AuthorizationDatum { ad_type: -0x4b50, ad_data: b"shop/cart-5d4f 3c0e-1".to_vec() }]);
}

#[test]
fn the_session_key_is_of_an_enctype_that_the_pods_libraries_know() {
    let mut realm = realm();
    let tgt = realm.enrol("cart.shop", &pod(), &[23, 17]).unwrap();
    assert_eq!(tgt.session_key.enctype(), Enctype::Aes128CtsHmacSha1);
    assert_eq!(realm.enrol("cart.shop", &pod(), &[23, 1]).unwrap_err(), Refusal::NoSessionEnctype);
}

#[test]
fn a_tgt_dies_with_its_pod_and_so_does_every_ticket_that_came_out_of_it() {
    let mut realm = realm();
    let tgt = realm.enrol("cart.shop", &pod(), &[]).unwrap();
    let forwarded = realm.service_with(&tgt, "krbtgt/R", KdcOptions::FORWARDED | KdcOptions::FORWARDABLE).unwrap();
    realm.service(&forwarded, "HTTP/web.r").unwrap();
    set(&realm, PodState::Gone);
    for ticket in [&tgt, &forwarded] {
        let refused = realm.service(ticket, "HTTP/web.r");
        realm.assert_refused(refused, Refusal::PodGone);
        assert_eq!(realm.events.last().unwrap().pod, Some(pod()), "the refusal names the pod");
    }
    assert_eq!(realm.enrol("cart.shop", &pod(), &[]).unwrap_err(), Refusal::PodGone);
}

#[test]
fn a_tgt_of_a_dead_pod_is_no_additional_ticket_either() {
    let mut realm = realm();
    let (alice, cart) = (realm.tgt("alice"), realm.enrol("cart.shop", &pod(), &[]).unwrap());
    let request = TgsRequest::user_to_user(realm.principal("cart.shop"), cart.ticket);
    realm.tgs(&alice, &request).unwrap();
    set(&realm, PodState::Gone);
    let refused = realm.tgs(&alice, &request);
    realm.assert_refused(refused, Refusal::PodGone);
}

#[test]
fn while_nothing_is_known_of_the_cluster_issuing_goes_on() {
    let mut realm = realm();
    let tgt = realm.enrol("cart.shop", &pod(), &[]).unwrap();
    set(&realm, PodState::Unknown);
    realm.service(&tgt, "HTTP/web.r").unwrap();
    assert_eq!(realm.events.last().unwrap().pod, Some(pod()));
}

#[test]
fn a_client_can_neither_bind_its_ticket_to_a_pod_nor_pass_for_an_unbound_one() {
    let mut realm = realm();
    let tgt = realm.enrol("cart.shop", &pod(), &[]).unwrap();
    let other = PodRef { uid: "other".into(), ..pod() };
    let foreign = AuthorizationDatum { ad_type: -0x4b50, ad_data: format!("{other} {}", other.uid).into_bytes() };
    let wrapped = AuthorizationDatum {
        ad_type: ad_type::IF_RELEVANT,
        ad_data: AuthorizationData(vec![foreign.clone()]).encode(),
    };
    let mut request = TgsRequest::with_flags(realm.principal("krbtgt/R"), KdcOptions::FORWARDED);
    request.authorization_data = Some(AuthorizationData(vec![foreign, wrapped]));
    let forwarded = realm.tgs(&tgt, &request).unwrap();
    realm.service(&forwarded, "HTTP/web.r").unwrap();
    assert_eq!(realm.events.last().unwrap().pod, Some(pod()));
}

#[test]
fn an_enrolment_passes_the_access_decision_and_the_checks_of_an_as_exchange() {
    let mut realm = realm();
    realm.enrol("cart.shop", &pod(), &[]).unwrap();
    let asked = realm.access.asked.lock().unwrap().last().cloned();
    assert_eq!(asked, Some(("cart.shop@R".into(), "krbtgt/R@R".into(), AccessPath::Enrolment)));
    *realm.access.answer.lock().unwrap() = AccessDecision::Deny(denial());
    assert_eq!(realm.enrol("cart.shop", &pod(), &[]).unwrap_err(), Refusal::AccessDenied);
    *realm.access.answer.lock().unwrap() = AccessDecision::ALLOW;
    realm.change("cart.shop", |record| record.attributes |= Attributes::DISALLOW_ALL);
    assert_eq!(realm.enrol("cart.shop", &pod(), &[]).unwrap_err(), Refusal::ClientLocked);
    let end = realm.now.time.plus(60);
    realm.change("cart.shop", |record| {
        record.attributes = Attributes::DISALLOW_FORWARDABLE;
        record.expires = Some(end);
    });
    let tgt = realm.enrol("cart.shop", &pod(), &[]).unwrap();
    assert_eq!((tgt.endtime, tgt.flags.contains(TicketFlags::FORWARDABLE)), (end, false));
    realm.change("cart.shop", |record| record.max_life = Some(0));
    assert_eq!(realm.enrol("cart.shop", &pod(), &[]).unwrap_err(), Refusal::NeverValid);
}
