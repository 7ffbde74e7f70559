//! The AP-REQ of a TGS request (RFC 4120, sections 3.2.3 and 3.3.3), wrong on purpose: each fault has its refusal.

use crate::realm::TestRealm;
use kennel_client::dangerous::{BodyChecksum, TgsParts, dangerous_tgs_request};
use kennel_client::{Credential, TgsRequest};
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key, KeyUsage, UnkeyedChecksum};
use kennel_wire::message::{
    AuthorizationData, AuthorizationDatum, Checksum, EncTicketPart, EncryptedData, KdcReq, MessageType,
};

/// Asks for HTTP/web with an altered request; returns the refusal.
fn refusal(alter: impl FnOnce(&mut TgsParts)) -> Refusal {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    ask(&mut realm, &tgt, alter);
    realm.last_refusal()
}

fn ask(realm: &mut TestRealm, tgt: &Credential, alter: impl FnOnce(&mut TgsParts)) {
    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    let mut rng = realm.rng.clone();
    let (_, message) = dangerous_tgs_request(tgt, &request, realm.now, &mut rng, alter);
    let _ = realm.ask(&message);
}

#[test]
fn the_authenticator_must_name_the_client_of_the_ticket() {
    assert_eq!(
        refusal(|parts| parts.authenticator.cname.components = vec!["mallory".into()]),
        Refusal::AuthenticatorMismatch
    );
    assert_eq!(refusal(|parts| parts.authenticator.crealm = "r".into()), Refusal::AuthenticatorMismatch);
}

#[test]
fn the_authenticator_must_be_recent() {
    for seconds in [-301, 301] {
        let stale = refusal(|parts| parts.authenticator.ctime.time = parts.authenticator.ctime.time.plus(seconds));
        assert_eq!(stale, Refusal::AuthenticatorSkew);
    }
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    ask(&mut realm, &tgt, |parts| parts.authenticator.ctime.time = parts.authenticator.ctime.time.plus(-300));
    realm.last_issued();
}

#[test]
fn the_body_must_be_the_one_that_the_authenticator_was_made_for() {
    let mut realm = TestRealm::new();
    realm.add("HTTP/other.r", |_| {});
    let tgt = realm.tgt("alice");
    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    let mut rng = realm.rng.clone();
    let (_, message) = dangerous_tgs_request(&tgt, &request, realm.now, &mut rng, |_| {});
    // Somebody between changes the server that is asked for.
    let mut changed = KdcReq::decode(&message).unwrap();
    assert_eq!(changed.message_type, MessageType::TgsReq);
    changed.body.sname = Some(realm.principal("HTTP/other.r").name);
    let _ = realm.ask(&changed.encode());
    assert_eq!(realm.last_refusal(), Refusal::ChecksumMismatch);
}

/// The authenticator carries a checksum of this type over the body, of which `change` may change octets.
fn unkeyed(parts: &mut TgsParts, cksumtype: i32, change: impl FnOnce(&mut Vec<u8>)) {
    let kind = UnkeyedChecksum::from_number(cksumtype).unwrap();
    let mut checksum = kind.compute(&parts.body.encode());
    change(&mut checksum);
    parts.body_checksum = BodyChecksum::Given(Some(Checksum { cksumtype, checksum }));
}

#[test]
fn a_checksum_without_a_key_is_accepted_where_it_is_collision_proof_and_over_this_very_body() {
    // RFC 4120, section 3.3.2: the checksum stands inside the encrypted authenticator, where nobody between reaches it.
    for cksumtype in [2, 7, 9, 14] {
        let mut realm = TestRealm::new();
        let tgt = realm.tgt("alice");
        ask(&mut realm, &tgt, |parts| unkeyed(parts, cksumtype, |_| {}));
        realm.last_issued();
        let changed = refusal(|parts| unkeyed(parts, cksumtype, |sum| sum[0] ^= 1));
        assert_eq!(changed, Refusal::ChecksumMismatch, "{cksumtype}");
        assert_eq!(refusal(|parts| unkeyed(parts, cksumtype, Vec::clear)), Refusal::ChecksumMismatch, "{cksumtype}");
    }
}

#[test]
fn a_checksum_that_is_missing_not_collision_proof_or_of_another_usage_is_refused() {
    assert_eq!(refusal(|parts| parts.body_checksum = BodyChecksum::Given(None)), Refusal::ChecksumMissing);
    // CRC-32, and those of DES.
    for (cksumtype, length) in [(1, 4), (3, 24), (4, 16), (8, 24)] {
        let weak = Checksum { cksumtype, checksum: vec![0; length] };
        let given = BodyChecksum::Given(Some(weak));
        assert_eq!(refusal(|parts| parts.body_checksum = given), Refusal::ChecksumType);
    }
    let other_usage = BodyChecksum::Keyed(KeyUsage::AP_REQ_CHECKSUM);
    assert_eq!(refusal(|parts| parts.body_checksum = other_usage), Refusal::ChecksumMismatch);
}

#[test]
fn an_authenticator_under_another_key_or_usage_does_not_decrypt() {
    let usage = KeyUsage::AP_REQ_AUTHENTICATOR;
    assert_eq!(refusal(|parts| parts.authenticator_usage = usage), Refusal::AuthenticatorIntegrity);
    let other = Key::new(Enctype::Aes256CtsHmacSha384, &[7; 32]).unwrap();
    assert_eq!(refusal(|parts| parts.session_key = other), Refusal::AuthenticatorIntegrity);
}

#[test]
fn a_request_without_a_server_is_refused() {
    // CVE-2021-37750: missing sname.
    assert_eq!(refusal(|parts| parts.body.sname = None), Refusal::ServerMissing);
    assert_eq!(refusal(|parts| parts.body.sname.as_mut().unwrap().components.clear()), Refusal::ServerMissing);
}

#[test]
fn a_request_without_a_readable_ap_req_is_refused() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    let mut rng = realm.rng.clone();
    let (_, message) = dangerous_tgs_request(&tgt, &request, realm.now, &mut rng, |_| {});
    let mut without = KdcReq::decode(&message).unwrap();
    without.padata.clear();
    let _ = realm.ask(&without.encode());
    assert_eq!(realm.last_refusal(), Refusal::NoTgsReq);
    let mut torn = KdcReq::decode(&message).unwrap();
    torn.padata[0].value.truncate(20);
    let _ = realm.ask(&torn.encode());
    assert_eq!(realm.last_refusal(), Refusal::TgsReqMalformed);
}

#[test]
fn a_ticket_under_an_enctype_that_is_not_permitted_is_refused() {
    let rc4 = |parts: &mut TgsParts| {
        parts.ticket.enc_part = EncryptedData { etype: 23, kvno: Some(1), cipher: vec![0; 64] };
    };
    assert_eq!(refusal(rc4), Refusal::TicketEnctype);
    assert_eq!(refusal(|parts| parts.ticket.enc_part.cipher[20] ^= 1), Refusal::TicketIntegrity);
}

#[test]
fn authorization_data_of_the_client_gets_into_the_ticket_but_not_what_only_a_kdc_may_say() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let datum = |ad_type| AuthorizationDatum { ad_type, ad_data: vec![0x30, 0] };
    let mut request = TgsRequest::new(realm.principal("HTTP/web.r"));
    request.authorization_data = Some(AuthorizationData(vec![datum(143), datum(9), datum(-71), datum(128)]));
    let ticket = realm.tgs(&tgt, &request).unwrap();
    let key = &realm.keys("HTTP/web.r")[0];
    let opened = key.prepare(KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).unwrap();
    let part = EncTicketPart::decode(&opened).unwrap();
    assert_eq!(part.authorization_data, Some(AuthorizationData(vec![datum(143)])));
}

#[test]
fn authorization_data_that_does_not_decrypt_is_refused() {
    let torn = EncryptedData { etype: 20, kvno: None, cipher: vec![0; 80] };
    assert_eq!(refusal(|parts| parts.body.enc_authorization_data = Some(torn)), Refusal::AuthorizationDataIntegrity);
}
