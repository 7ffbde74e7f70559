//! FAST, wrong on purpose (RFC 6113): each fault has its refusal, and is refused inside the armor once there is one.

use crate::fast::{
    armor, armored, armored_in, assert_refused_inside, cookie, element, error, inner, padata_types, proving,
    realm_with_host, tgs,
};
use crate::realm::{AES, TestRealm};
use kennel_client::dangerous::{TgsParts, dangerous_as_request, dangerous_enc_timestamp, dangerous_tgs_request};
use kennel_client::{Credential, FastArmor, TgsRequest, TicketOptions};
use kennel_core::event::Decision;
use kennel_core::key_set::{KeySet, KeyState};
use kennel_core::outcome::Outcome;
use kennel_core::pods::{PodRef, PodState};
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::der::writer::Writer;
use kennel_wire::message::{
    AuthorizationData, AuthorizationDatum, Checksum, EncTicketPart, EncryptedData, ErrorCode, FastOptions, KrbError,
    KrbFastArmoredReq, KrbFastReq, PaData, Principal, Ticket, Timestamp, ad_type, pa_type,
};

/// Asserts that a request was refused in clear text: there is no armor that an answer could go into.
fn assert_refused_outside(outcome: &Outcome, refusal: Refusal) {
    let error = KrbError::decode(outcome.reply.as_deref().expect("a reply")).expect("an error");
    assert_eq!((error.error_code, error.e_data), (refusal.code(), None));
    assert!(matches!(outcome.event.outcome, Decision::Refused { refusal: said, .. } if said == refusal), "{outcome:?}");
    assert_eq!(outcome.event.armor, None);
}

/// Asks with a request of alice that is right inside, in an altered armor.
fn ask_altered(realm: &mut TestRealm, armor: &FastArmor, alter: impl FnOnce(&mut KrbFastArmoredReq)) -> Outcome {
    let inner = proving(realm, armor, None);
    let fast = armor.wrap_altered(&inner, &inner.body.encode(), &mut realm.rng, alter);
    realm.ask(&dangerous_as_request(inner.body, vec![fast]))
}

/// Asks with an altered request of alice inside.
fn ask_inside(realm: &mut TestRealm, armor: &FastArmor, alter: impl FnOnce(&mut KrbFastReq)) -> Outcome {
    let mut inner = proving(realm, armor, None);
    let outer = inner.body.clone();
    alter(&mut inner);
    let request = armored_in(realm, armor, &inner, outer);
    realm.ask(&request)
}

#[test]
fn cve_2021_36222_an_encrypted_challenge_without_armor_proves_nothing() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let inner = proving(&mut realm, &armor, None);
    let outcome = realm.ask(&dangerous_as_request(inner.body, inner.padata));
    assert_eq!(outcome.event.outcome, Decision::PreauthRequired);
    // Nor does one that needs no armor key because there is none.
    let key = realm.keys("alice").remove(0);
    let plain = dangerous_enc_timestamp(&key, KeyUsage::ENC_CHALLENGE_CLIENT, realm.now, &mut realm.rng);
    let request = crate::fast::inner(&mut realm);
    let challenge = element(pa_type::ENCRYPTED_CHALLENGE, &plain.value);
    let outcome = realm.ask(&dangerous_as_request(request.body, vec![challenge]));
    assert_eq!(outcome.event.outcome, Decision::PreauthRequired);
}

#[test]
fn a_timestamp_inside_armor_proves_nothing() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let key = realm.keys("alice").remove(0);
    let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
    let outcome = ask_inside(&mut realm, &armor, |inner| inner.padata = vec![proof]);
    assert_eq!(outcome.event.outcome, Decision::PreauthRequired);
    assert!(padata_types(&error(&outcome, &armor).2).contains(&pa_type::ENCRYPTED_CHALLENGE));
}

#[test]
fn cve_2021_37750_a_request_without_a_server_inside_is_refused_whatever_stands_outside() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let outcome = ask_inside(&mut realm, &armor, |inner| inner.body.sname = None);
    assert_refused_inside(&outcome, &armor, Refusal::ServerMissing);
    let outcome = ask_inside(&mut realm, &armor, |inner| inner.body.cname = None);
    assert_refused_inside(&outcome, &armor, Refusal::ClientMissing);
    let outcome = ask_inside(&mut realm, &armor, |inner| inner.body.realm.clear());
    assert_refused_inside(&outcome, &armor, Refusal::WrongRealm);
    let tgt = realm.tgt("alice");
    let missing = |inner: &mut KrbFastReq| inner.body.sname = None;
    let (armor, _, _, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |armor, _| armor, missing);
    let outcome = realm.ask(&message);
    assert_refused_inside(&outcome, &armor, Refusal::ServerMissing);
}

#[test]
fn a_fast_request_inside_a_fast_request_is_refused() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let nested = {
        let inner = proving(&mut realm, &armor, None);
        armor.wrap(&inner, &inner.body.encode(), &mut realm.rng)
    };
    for nested in [nested, element(pa_type::FX_FAST, &[])] {
        let outcome = ask_inside(&mut realm, &armor, |inner| inner.padata.push(nested.clone()));
        assert_refused_inside(&outcome, &armor, Refusal::FastNested);
        let tgt = realm.tgt("alice");
        let nest = |inner: &mut KrbFastReq| inner.padata.push(nested);
        let (armor, _, _, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |armor, _| armor, nest);
        assert_refused_inside(&realm.ask(&message), &armor, Refusal::FastNested);
    }
}

#[test]
fn the_checksum_must_be_keyed_with_the_armor_key_and_cover_what_was_sent() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    // Somebody between changes what stands outside.
    let inner = proving(&mut realm, &armor, None);
    let fast = armor.wrap(&inner, &inner.body.encode(), &mut realm.rng);
    let mut changed = inner.body.clone();
    changed.nonce = 7u32.into();
    let outcome = realm.ask(&dangerous_as_request(changed, vec![fast]));
    assert_refused_inside(&outcome, &armor, Refusal::FastChecksumMismatch);
    for (cksumtype, length) in [(1, 4), (7, 16), (14, 20), (-138, 16)] {
        let unkeyed = Checksum { cksumtype, checksum: vec![0; length] };
        let outcome = ask_altered(&mut realm, &armor, |request| request.req_checksum = unkeyed);
        assert_refused_inside(&outcome, &armor, Refusal::FastChecksumType);
    }
    // Of a TGS request it covers the AP-REQ.
    let tgt = realm.tgt("alice");
    let (armor, _, inner, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |armor, _| armor, |_| {});
    let mut request = kennel_wire::message::KdcReq::decode(&message).unwrap();
    request.padata.pop();
    request.padata.push(armor.wrap(&inner, &inner.body.encode(), &mut realm.rng));
    let outcome = realm.ask(&request.encode());
    assert_refused_inside(&outcome, &armor, Refusal::FastChecksumMismatch);
}

#[test]
fn what_does_not_decrypt_or_cannot_be_read_is_refused_outside() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let outcome = ask_altered(&mut realm, &armor, |request| request.enc_fast_req.cipher[20] ^= 1);
    assert_refused_outside(&outcome, Refusal::FastIntegrity);
    let outcome = ask_altered(&mut realm, &armor, |request| request.enc_fast_req.etype = 17);
    assert_refused_outside(&outcome, Refusal::FastIntegrity);
    let sealed = EncryptedData {
        etype: armor.key.enctype().number(),
        kvno: None,
        cipher: armor.key.prepare(KeyUsage::FAST_REQ).seal(&[0x30, 0], &mut realm.rng),
    };
    let outcome = ask_altered(&mut realm, &armor, |request| request.enc_fast_req = sealed);
    assert_refused_outside(&outcome, Refusal::FastMalformed);
    for value in [&b""[..], &[0xa0, 2, 0x30, 0], b"MIT"] {
        let body = inner(&mut realm).body;
        let outcome = realm.ask(&dangerous_as_request(body, vec![element(pa_type::FX_FAST, value)]));
        assert_refused_outside(&outcome, Refusal::FastMalformed);
        assert_eq!(outcome.event.client, Some(realm.principal("alice")), "as it stands outside");
    }
}

#[test]
fn an_as_request_needs_an_armor_of_a_known_type() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let outcome = ask_altered(&mut realm, &armor, |request| request.armor = None);
    assert_refused_outside(&outcome, Refusal::FastArmorMissing);
    for armor_type in [0, 2, -1] {
        let outcome =
            ask_altered(&mut realm, &armor, |request| request.armor.as_mut().unwrap().armor_type = armor_type);
        assert_refused_outside(&outcome, Refusal::FastArmorType);
    }
    let outcome = ask_altered(&mut realm, &armor, |request| request.armor.as_mut().unwrap().armor_value.truncate(9));
    assert_refused_outside(&outcome, Refusal::FastMalformed);
}

#[test]
fn an_armor_is_a_ticket_for_the_ticket_granting_service_of_this_realm_and_no_other() {
    let (mut realm, tgt) = realm_with_host();
    let service = realm.service(&tgt, "HTTP/web.r").unwrap();
    let armor = armor(&mut realm, &service);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::FastArmorNotTgt);
    // A service that renames its ticket.
    let renamed =
        Credential { ticket: Ticket { sname: tgt.ticket.sname.clone(), ..service.ticket.clone() }, ..service };
    let armor = crate::fast::armor(&mut realm, &renamed);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::TicketIntegrity);
    // A TGT of another realm under a trust that does not exist.
    let foreign = Credential { ticket: Ticket { realm: "FAR".into(), ..tgt.ticket.clone() }, ..tgt };
    let armor = crate::fast::armor(&mut realm, &foreign);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::TicketNotForUs);
}

#[test]
fn a_foreign_armor_must_be_of_a_foreign_client() {
    let (mut realm, tgt) = realm_with_host();
    let trust = realm.add("krbtgt/R@FAR", |_| {});
    let ticket = |crealm: &str, realm: &mut TestRealm| {
        let key = trust.active_keys().next().unwrap();
        let opened = realm.entries[&realm.principal("krbtgt/R")].active_keys().next().unwrap().key.clone();
        let plain = opened.prepare(KeyUsage::TICKET).open(&tgt.ticket.enc_part.cipher).unwrap();
        let part = EncTicketPart { crealm: crealm.into(), ..EncTicketPart::decode(&plain).unwrap() };
        let server = Principal::krbtgt("R", "FAR");
        let client = Principal::new(part.cname.clone(), crealm);
        let ticket = sealed(&server, &part, &key.key, key.kvno, realm);
        Credential { ticket, client, server, ..tgt.clone() }
    };
    let spoofed = ticket("R", &mut realm);
    let armor = crate::fast::armor(&mut realm, &spoofed);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::TicketSpoofsLocalClient);
    let honest = ticket("FAR", &mut realm);
    let armor = crate::fast::armor(&mut realm, &honest);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert!(matches!(outcome.event.outcome, Decision::Issued(_)));
    assert_eq!(outcome.event.armor.unwrap().realm, "FAR");
}

fn sealed(server: &Principal, part: &EncTicketPart, key: &Key, kvno: u32, realm: &mut TestRealm) -> Ticket {
    let mut writer = Writer::with_capacity(512);
    part.write(&mut writer);
    let cipher = key.prepare(KeyUsage::TICKET).seal(&writer.into_vec(), &mut realm.rng);
    let enc_part = EncryptedData { etype: key.enctype().number(), kvno: Some(kvno), cipher };
    Ticket { realm: server.realm.clone(), sname: server.name.clone(), enc_part }
}

#[test]
fn an_armor_without_a_subkey_is_refused_in_both_exchanges() {
    let (mut realm, tgt) = realm_with_host();
    let armor = FastArmor::of_ticket(&tgt, realm.now, &mut realm.rng, |authenticator| authenticator.subkey = None);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::FastArmorWithoutSubkey);
    let weak = |authenticator: &mut kennel_wire::message::Authenticator| {
        authenticator.subkey.as_mut().unwrap().keytype = 23;
    };
    let armor = FastArmor::of_ticket(&tgt, realm.now, &mut realm.rng, weak);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::AuthenticatorSubkey);

    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    let mut body = None;
    let (_, message) = dangerous_tgs_request(&tgt, &request, realm.now, &mut realm.rng, |parts| {
        parts.subkey = None;
        body = Some(parts.body.clone());
    });
    let inner = KrbFastReq { options: FastOptions::empty(), padata: Vec::new(), body: body.unwrap() };
    let implicit = FastArmor::of_request(&tgt.session_key, &tgt.session_key);
    let message = implicit.wrap_tgs(&message, &inner, &mut realm.rng).unwrap();
    assert_refused_outside(&realm.ask(&message), Refusal::FastArmorWithoutSubkey);
}

#[test]
fn an_armor_is_recent_in_force_and_of_a_pod_that_lives() {
    let (mut realm, tgt) = realm_with_host();
    let late = |authenticator: &mut kennel_wire::message::Authenticator| {
        authenticator.ctime.time = authenticator.ctime.time.plus(301);
    };
    let armor = FastArmor::of_ticket(&tgt, realm.now, &mut realm.rng, late);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::AuthenticatorSkew);

    let short = realm.initial("host/web.r", TicketOptions { life: Some(60), ..Default::default() }).unwrap();
    realm.wait(400);
    let armor = crate::fast::armor(&mut realm, &short);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::TicketExpired);

    let pod = PodRef { namespace: "shop".into(), name: "cart-1".into(), uid: "u-1".into() };
    let bound = realm.enrol("host/web.r", &pod, &[]).unwrap();
    let armor = crate::fast::armor(&mut realm, &bound);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert!(matches!(outcome.event.outcome, Decision::Issued(_)), "{:?}", outcome.event);
    realm.pods.0.lock().unwrap().insert("u-1".into(), PodState::Gone);
    let outcome = ask_altered(&mut realm, &armor, |_| {});
    assert_refused_outside(&outcome, Refusal::PodGone);
}

#[test]
fn a_critical_option_that_is_not_known_is_refused_and_others_are_passed_over() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    for bit in (0..16).filter(|bit| *bit != 1) {
        let option = FastOptions::from_bits_retain(0x8000_0000 >> bit);
        let outcome = ask_inside(&mut realm, &armor, |inner| inner.options = option);
        assert_refused_inside(&outcome, &armor, Refusal::FastCriticalOption);
    }
    let outcome = ask_inside(&mut realm, &armor, |inner| inner.options = FastOptions::from_bits_retain(0xffff));
    assert!(matches!(outcome.event.outcome, Decision::Issued(_)));
}

#[test]
fn a_wrong_challenge_is_refused_and_says_again_how_to_make_a_right_one() {
    let (mut realm, tgt) = realm_with_host();
    realm.add("bob", |_| {});
    let armor = armor(&mut realm, &tgt);
    let key = realm.keys("alice").remove(0);
    let now = realm.now;
    let rng = realm.rng.clone();
    let challenge = |key: &Key, time| armor.challenge(key, time, &mut rng.clone());
    let bob = realm.keys("bob").remove(0);
    let wrong_key = challenge(&bob, now);
    // What the KDC itself would send.
    let kdc_key = armor.key.fx_cf2("kdcchallengearmor", &key, "challengelongterm");
    let reflected = dangerous_enc_timestamp(&kdc_key, KeyUsage::ENC_CHALLENGE_CLIENT, now, &mut realm.rng.clone());
    let other_armor = FastArmor::of_ticket(&tgt, now, &mut realm.rng.clone(), |_| {});
    let of_other_armor = {
        let mut rng = realm.rng.clone();
        let _ = Key::generate(Enctype::Aes256CtsHmacSha1, &mut rng);
        FastArmor::of_ticket(&tgt, now, &mut rng, |_| {}).challenge(&key, now, &mut rng)
    };
    assert_ne!(other_armor.key, armor.key);
    for proof in [wrong_key, element(pa_type::ENCRYPTED_CHALLENGE, &reflected.value), of_other_armor] {
        let outcome = ask_inside(&mut realm, &armor, |inner| inner.padata = vec![proof]);
        let (_, inside, methods) = error(&outcome, &armor);
        assert_eq!(inside.error_code, ErrorCode::PREAUTH_FAILED);
        assert_eq!(realm.last_refusal(), Refusal::PreauthFailed);
        assert_eq!(padata_types(&methods), [pa_type::ETYPE_INFO2, pa_type::ENCRYPTED_CHALLENGE, pa_type::FX_COOKIE]);
    }
    for seconds in [-301, 301] {
        let skewed = challenge(&key, Timestamp { time: now.time.plus(seconds), ..now });
        let outcome = ask_inside(&mut realm, &armor, |inner| inner.padata = vec![skewed]);
        assert_eq!(error(&outcome, &armor).1.error_code, ErrorCode::AP_SKEW);
    }
    let torn = element(pa_type::ENCRYPTED_CHALLENGE, b"");
    let outcome = ask_inside(&mut realm, &armor, |inner| inner.padata = vec![torn]);
    assert_eq!(error(&outcome, &armor).1.error_code, ErrorCode::PREAUTH_FAILED);
}

#[test]
fn a_cookie_of_another_client_a_forged_one_and_an_old_one_are_refused() {
    let (mut realm, tgt) = realm_with_host();
    realm.add("bob", |_| {});
    realm.wait(10);
    let armor = armor(&mut realm, &tgt);
    let good = cookie(&mut realm, &armor);
    let with = |realm: &mut TestRealm, cookie: PaData| {
        let now = realm.now;
        let armor = FastArmor::of_ticket(&tgt, now, &mut realm.rng, |_| {});
        let inner = proving(realm, &armor, Some(cookie));
        let request = armored(realm, &armor, &inner);
        (realm.ask(&request), armor)
    };
    // Every octet counts, and so does every length.
    for at in 4..good.value.len() {
        let mut forged = good.clone();
        forged.value[at] ^= 0x40;
        let (outcome, armor) = with(&mut realm, forged);
        assert_refused_inside(&outcome, &armor, Refusal::CookieForged);
    }
    let (outcome, armor) = with(&mut realm, element(pa_type::FX_COOKIE, b"KNL1"));
    assert_refused_inside(&outcome, &armor, Refusal::CookieForged);
    // Of another client.
    let outcome = ask_inside(&mut realm, &armor, |inner| {
        inner.body.cname = Some(Principal::parse("bob", "R").unwrap().name);
        inner.padata = vec![good.clone()];
    });
    assert_refused_inside(&outcome, &armor, Refusal::CookieForged);
    // Of another time.
    realm.wait(600);
    let (outcome, _) = with(&mut realm, good.clone());
    assert!(matches!(outcome.event.outcome, Decision::Issued(_)), "ten minutes are enough to type a password");
    realm.wait(1);
    let (outcome, armor) = with(&mut realm, good.clone());
    assert_refused_inside(&outcome, &armor, Refusal::CookieExpired);
    realm.wait(-601 - 301);
    let (outcome, armor) = with(&mut realm, good);
    assert_refused_inside(&outcome, &armor, Refusal::CookieExpired);
}

#[test]
fn a_cookie_outlives_a_rotation_of_the_key_that_seals_it_and_ends_with_that_key() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let good = cookie(&mut realm, &armor);
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change("krbtgt/R", |r| {
        let new = KeySet::random(&AES, 2, now, &mut rng).versions.remove(0);
        r.keys.versions[0].state = KeyState::Retiring;
        r.keys.versions.insert(0, new);
    });
    let outcome = ask_inside(&mut realm, &armor, |inner| inner.padata.push(good.clone()));
    assert!(matches!(outcome.event.outcome, Decision::Issued(_)));
    realm.change("krbtgt/R", |r| {
        r.keys.versions.pop();
    });
    let tgt = realm.tgt("host/web.r");
    let armor = crate::fast::armor(&mut realm, &tgt);
    let outcome = ask_inside(&mut realm, &armor, |inner| inner.padata.push(good));
    assert_refused_inside(&outcome, &armor, Refusal::CookieForged);
}

#[test]
fn cookies_of_other_kdcs_and_cookies_outside_are_passed_over() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    for value in [&b""[..], b"MIT", b"Microsoft", b"KNL"] {
        let outcome = ask_inside(&mut realm, &armor, |inner| inner.padata.push(element(pa_type::FX_COOKIE, value)));
        assert!(matches!(outcome.event.outcome, Decision::Issued(_)), "{value:?}");
    }
    let inner = proving(&mut realm, &armor, None);
    let fast = armor.wrap(&inner, &inner.body.encode(), &mut realm.rng);
    let outcome = realm.ask(&dangerous_as_request(inner.body, vec![element(pa_type::FX_COOKIE, b"KNL1"), fast]));
    assert!(matches!(outcome.event.outcome, Decision::Issued(_)));
}

fn marker(ad_type: i32) -> AuthorizationData {
    AuthorizationData(vec![AuthorizationDatum { ad_type, ad_data: Vec::new() }])
}

/// Alone, and inside AD-IF-RELEVANT.
fn markers(ad_type: i32) -> [AuthorizationData; 2] {
    let inner = marker(ad_type).encode();
    [marker(ad_type), AuthorizationData(vec![AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data: inner }])]
}

/// Asks for HTTP/web with these data in the authenticator, with and without FAST; returns both outcomes.
fn with_and_without_fast(realm: &mut TestRealm, tgt: &Credential, data: Option<AuthorizationData>) -> [Outcome; 2] {
    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    let (mut subkey, mut body) = (None, None);
    let (_, message) = dangerous_tgs_request(tgt, &request, realm.now, &mut realm.rng, |parts: &mut TgsParts| {
        parts.authenticator.authorization_data = data;
        (subkey, body) = (parts.subkey.clone(), Some(parts.body.clone()));
    });
    let armor = FastArmor::of_request(&tgt.session_key, &subkey.unwrap());
    let inner = KrbFastReq { options: FastOptions::empty(), padata: Vec::new(), body: body.unwrap() };
    let armored = armor.wrap_tgs(&message, &inner, &mut realm.rng).unwrap();
    [realm.ask(&armored), realm.ask(&message)]
}

#[test]
fn what_is_armor_alone_buys_no_ticket_and_still_serves_as_armor() {
    let (mut realm, host) = realm_with_host();
    let tgt = realm.tgt("alice");
    for data in markers(ad_type::FX_FAST_ARMOR) {
        for outcome in with_and_without_fast(&mut realm, &tgt, Some(data.clone())) {
            assert_refused_outside(&outcome, Refusal::FastArmorOnly);
        }
        // In the ticket.
        let krbtgt = realm.entries[&realm.principal("krbtgt/R")].clone();
        let key = krbtgt.active_keys().next().unwrap();
        let plain = key.key.prepare(KeyUsage::TICKET).open(&host.ticket.enc_part.cipher).unwrap();
        let part = EncTicketPart { authorization_data: Some(data.clone()), ..EncTicketPart::decode(&plain).unwrap() };
        let ticket = sealed(&host.server, &part, &key.key, key.kvno, &mut realm);
        let marked = Credential { ticket, ..host.clone() };
        for outcome in with_and_without_fast(&mut realm, &marked, None) {
            assert_refused_outside(&outcome, Refusal::FastArmorOnly);
        }
        // Heimdal marks the authenticator of its armor.
        let mark = |authenticator: &mut kennel_wire::message::Authenticator| {
            authenticator.authorization_data = Some(data);
        };
        let armor = FastArmor::of_ticket(&marked, realm.now, &mut realm.rng, mark);
        let outcome = ask_altered(&mut realm, &armor, |_| {});
        assert!(matches!(outcome.event.outcome, Decision::Issued(_)));
    }
}

#[test]
fn nobody_between_can_take_the_armor_away_from_a_client_that_says_it_uses_one() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    for data in markers(ad_type::FX_FAST_USED) {
        let [armored, stripped] = with_and_without_fast(&mut realm, &tgt, Some(data));
        assert!(matches!(armored.event.outcome, Decision::Issued(_)));
        assert_refused_outside(&stripped, Refusal::FastStripped);
    }
    for outcome in with_and_without_fast(&mut realm, &tgt, None) {
        assert!(matches!(outcome.event.outcome, Decision::Issued(_)));
    }
}

#[test]
fn an_explicit_armor_of_a_tgs_request_is_held_to_the_same_rules() {
    let (mut realm, host) = realm_with_host();
    let tgt = realm.tgt("alice");
    let service = realm.service(&host, "HTTP/web.r").unwrap();
    let explicit = armor(&mut realm, &service);
    let (_, _, _, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |_, subkey| explicit.in_tgs(subkey), |_| {});
    assert_refused_outside(&realm.ask(&message), Refusal::FastArmorNotTgt);
    // The key of the armor alone, without the request's own sub-key.
    let explicit = armor(&mut realm, &host);
    let (_, _, _, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |_, _| explicit, |_| {});
    assert_refused_outside(&realm.ask(&message), Refusal::FastIntegrity);
    let bare = FastArmor::of_ticket(&host, realm.now, &mut realm.rng, |authenticator| authenticator.subkey = None);
    let (_, _, _, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |_, subkey| bare.in_tgs(subkey), |_| {});
    assert_refused_outside(&realm.ask(&message), Refusal::FastArmorWithoutSubkey);
}

#[test]
fn a_service_ticket_buys_no_armor_in_the_tgs_exchange() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let service = realm.service(&tgt, "HTTP/web.r").unwrap();
    let (armor, _, _, message) = tgs(&mut realm, &service, "HTTP/web.r", |armor, _| armor, |_| {});
    let outcome = realm.ask(&message);
    assert_refused_inside(&outcome, &armor, Refusal::TicketNotForUs);
}
