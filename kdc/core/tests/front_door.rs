//! What is answered, what is not, and what every end of a request has in common.

use crate::realm::TestRealm;
use kennel_client::{AsExchange, AsRequest, Secret, TicketOptions};
use kennel_core::access::AllowAll;
use kennel_core::event::{Decision, Exchange};
use kennel_core::kdc::{Kdc, Step};
use kennel_core::outcome::AMPLIFICATION;
use kennel_core::realm::Realm;
use kennel_core::refusal::Refusal;
use kennel_wire::message::{ErrorCode, KrbError};
use std::sync::Arc;

fn as_request(realm: &mut TestRealm) -> Vec<u8> {
    let request = AsRequest::new(realm.principal("alice"));
    let secret = Secret::Keys(realm.keys("alice"));
    AsExchange::begin(request, secret, realm.now, &mut realm.rng.clone()).unwrap().1
}

#[test]
fn what_cannot_be_read_is_answered_with_an_error() {
    let mut realm = TestRealm::new();
    let good = as_request(&mut realm);
    let mut inputs: Vec<Vec<u8>> =
        vec![Vec::new(), vec![0], vec![0x30, 0x00], vec![0x6a], b"GET / HTTP/1.1\r\n".to_vec()];
    inputs.extend((1..good.len()).map(|n| good[..n].to_vec()));
    for input in inputs {
        let outcome = realm.ask(&input);
        let error = KrbError::decode(&outcome.reply.expect("an answer")).unwrap();
        assert_eq!(error.error_code, ErrorCode::GENERIC);
        assert_eq!((error.realm.as_str(), error.stime), ("R", realm.now));
        assert_eq!(realm.last_refusal(), Refusal::Malformed);
        assert_eq!(outcome.event.exchange, Exchange::Unreadable);
    }
}

#[test]
fn replies_and_errors_are_never_answered() {
    let mut realm = TestRealm::new();
    let request = as_request(&mut realm);
    let error = realm.ask(&request).reply.unwrap();
    let outcome = realm.ask(&error);
    assert_eq!(outcome.reply, None);
    assert_eq!(outcome.event.outcome, Decision::Dropped(Refusal::NotARequest));
    for tag in 0..=0xff_u8 {
        let answered = realm.ask(&[tag, 0x00]).reply.is_some();
        assert_eq!(answered, ![0x6b, 0x6d, 0x6f, 0x7e].contains(&tag), "{tag:#x}");
    }
}

#[test]
fn a_store_that_cannot_answer_sends_the_client_elsewhere() {
    let mut realm = TestRealm::new();
    let request = as_request(&mut realm);
    let kdc = Kdc::new(Arc::new(Realm::new("R")), Arc::new(AllowAll));
    let Step::Need(pending) = kdc.begin(&request, realm.peer, realm.now) else { panic!() };
    let outcome = pending.refuse(Refusal::StoreUnavailable, realm.now);
    assert_eq!(KrbError::decode(&outcome.reply.unwrap()).unwrap().error_code, ErrorCode::SVC_UNAVAILABLE);
    assert!(matches!(outcome.event.outcome, Decision::Refused { refusal: Refusal::StoreUnavailable, .. }));
}

#[test]
fn the_store_is_asked_for_the_realms_key_only_where_a_service_ticket_can_come_back() {
    let realm = TestRealm::new();
    let kdc = Kdc::new(Arc::new(Realm::new("R")), Arc::new(AllowAll));
    let renewable = TicketOptions { renewable_life: Some(3_600), ..Default::default() };
    let service = Some(realm.principal("HTTP/web.r").name);
    for (server, options, wanted) in [
        (&service, TicketOptions::default(), 2),
        (&service, renewable.clone(), 3),
        // A TGT needs no vouching: its key is the realm's own.
        (&None, renewable, 2),
    ] {
        let request = AsRequest { server: server.clone(), options, ..AsRequest::new(realm.principal("alice")) };
        let secret = Secret::Keys(realm.keys("alice"));
        let (_, bytes) = AsExchange::begin(request, secret, realm.now, &mut realm.rng.clone()).unwrap();
        let Step::Need(pending) = kdc.begin(&bytes, realm.peer, realm.now) else { panic!() };
        assert_eq!(pending.wants().iter().count(), wanted, "{server:?}");
    }
}

#[test]
fn a_reply_too_long_for_a_datagram_becomes_an_error_that_is_not() {
    let mut realm = TestRealm::new();
    realm.change("alice", |r| r.attributes = kennel_core::principal::Attributes::NO_PREAUTH_REQUIRED);
    let request = as_request(&mut realm);
    let rules = Realm::new("R");
    let whole = realm.ask(&request);
    let length = whole.reply.as_ref().unwrap().len();
    let fits = whole.fit_datagram(request.len(), length, &rules, realm.now);
    assert_eq!(fits.reply.as_ref().unwrap().len(), length);
    let short = fits.fit_datagram(request.len(), length - 1, &rules, realm.now);
    let reply = short.reply.unwrap();
    assert!(reply.len() < length);
    assert_eq!(KrbError::decode(&reply).unwrap().error_code, ErrorCode::RESPONSE_TOO_BIG);
    assert!(matches!(short.event.outcome, Decision::Refused { refusal: Refusal::ResponseTooBig, .. }));
}

#[test]
fn a_reply_in_a_datagram_is_at_most_six_times_as_long_as_its_request() {
    let mut realm = TestRealm::new();
    realm.change("alice", |r| r.attributes = kennel_core::principal::Attributes::NO_PREAUTH_REQUIRED);
    let request = as_request(&mut realm);
    let reply = realm.ask(&request).fit_datagram(request.len(), 1_400, &Realm::new("R"), realm.now).reply.unwrap();
    assert!(reply.len() > request.len() && reply[0] == 0x6b, "stock clients are answered over UDP");
    // As if the same ticket had been asked for in fewer octets.
    let short = reply.len() / AMPLIFICATION - 1;
    let outcome = realm.ask(&request).fit_datagram(short, 1_400, &Realm::new("R"), realm.now);
    assert!(outcome.reply.as_ref().unwrap().len() <= short * AMPLIFICATION);
    assert!(matches!(outcome.event.outcome, Decision::Refused { refusal: Refusal::ResponseTooBig, .. }));
    assert_eq!(realm.ask(&request).fit_datagram(5, 1_400, &Realm::new("R"), realm.now).reply, None);
}

#[test]
fn an_error_with_long_names_keeps_its_reason_and_loses_its_names() {
    let mut realm = TestRealm::new();
    let request = AsRequest::new(realm.principal(&"\u{e9}".repeat(500)));
    let secret = Secret::Keys(realm.keys("alice"));
    let (_, request) = AsExchange::begin(request, secret, realm.now, &mut realm.rng.clone()).unwrap();
    let outcome = realm.ask(&request).fit_datagram(request.len(), 600, &Realm::new("R"), realm.now);
    let error = KrbError::decode(&outcome.reply.unwrap()).unwrap();
    assert_eq!((error.error_code, error.cname), (ErrorCode::C_PRINCIPAL_UNKNOWN, None));
    assert_eq!(error.e_text.as_deref(), Some(Refusal::ClientUnknown.text()));
    assert!(matches!(outcome.event.outcome, Decision::Refused { refusal: Refusal::ClientUnknown, .. }));
    assert!(outcome.event.client.is_some(), "the trail has the name");
}

#[test]
fn a_datagram_that_is_no_request_gets_no_reply() {
    let mut realm = TestRealm::new();
    for garbage in [&b"not"[..], b"", b"\x6a\x03\x30\x01\x00", b"\x6c\x00", b"\x30\x00"] {
        let outcome = realm.ask(garbage);
        assert!(outcome.reply.is_some(), "over TCP it gets an error");
        let outcome = outcome.fit_datagram(garbage.len(), 1_400, &Realm::new("R"), realm.now);
        assert_eq!(outcome.reply, None, "{garbage:?}");
        assert_eq!(outcome.event.outcome, Decision::Dropped(Refusal::Malformed));
    }
}

#[test]
fn a_datagram_that_is_too_long_is_sent_to_tcp_if_it_begins_as_a_request() {
    let realm = TestRealm::new();
    let kdc = Kdc::new(Arc::new(Realm::new("R")), Arc::new(AllowAll));
    for tag in [0x6a, 0x6c] {
        let reply = kdc.refuse_datagram(&[tag; 8192], realm.peer, realm.now).reply.unwrap();
        assert_eq!(KrbError::decode(&reply).unwrap().error_code, ErrorCode::RESPONSE_TOO_BIG);
        assert!(reply.len() < 8192);
    }
    for tag in [0x00, 0x30, 0x6b, 0x7e] {
        assert_eq!(kdc.refuse_datagram(&[tag; 8192], realm.peer, realm.now).reply, None);
    }
}

#[test]
fn an_error_for_a_datagram_leaves_out_names_that_do_not_fit_with_it() {
    let mut realm = TestRealm::new();
    let name = "x".repeat(1_000);
    realm.add(&name, |r| r.attributes = kennel_core::principal::Attributes::NO_PREAUTH_REQUIRED);
    let secret = Secret::Keys(realm.keys(&name));
    let request = AsRequest::new(realm.principal(&name));
    let (_, request) = AsExchange::begin(request, secret, realm.now, &mut realm.rng.clone()).unwrap();
    let mut fitted = |limit| {
        let reply = realm.ask(&request).fit_datagram(request.len(), limit, &Realm::new("R"), realm.now).reply.unwrap();
        let error = KrbError::decode(&reply).unwrap();
        assert_eq!(error.error_code, ErrorCode::RESPONSE_TOO_BIG);
        (reply.len(), error.cname.is_some())
    };
    let (length, named) = fitted(1_200);
    assert!(named);
    assert_eq!(fitted(length), (length, true));
    let (shorter, named) = fitted(length - 1);
    assert!(shorter < 200 && !named);
}

#[test]
fn an_error_repeats_the_names_of_the_request() {
    let mut realm = TestRealm::new();
    let request = as_request(&mut realm);
    let alice = realm.principal("alice");
    realm.entries.remove(&alice);
    let error = KrbError::decode(&realm.ask(&request).reply.unwrap()).unwrap();
    assert_eq!(error.error_code, ErrorCode::C_PRINCIPAL_UNKNOWN);
    assert_eq!(error.cname, Some(alice.name));
    assert_eq!(error.sname.krbtgt_realm(), Some("R"));
}

#[test]
fn what_is_no_request_at_all_is_refused_and_recorded_too() {
    let realm = TestRealm::new();
    let kdc = Kdc::new(Arc::new(Realm::new("R")), Arc::new(AllowAll));
    let outcome = kdc.refuse(Refusal::FrameLength, realm.peer, realm.now);
    assert_eq!(KrbError::decode(&outcome.reply.unwrap()).unwrap().error_code, ErrorCode::FIELD_TOOLONG);
    assert_eq!(outcome.event.exchange, Exchange::Unreadable);
}
