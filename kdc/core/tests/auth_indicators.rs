//! Authentication indicators (RFC 8129): who gets one, where it goes, and what a server makes of it.

use crate::fast::{armor, armored, element, opened, proving};
use crate::realm::{TestRealm, code};
use kennel_client::dangerous::{dangerous_enc_timestamp, dangerous_tgs_request};
use kennel_client::{ClientError, Credential, TgsRequest};
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::message::{
    AuthenticationIndicators, AuthorizationData, AuthorizationDatum, Cammac, EncTicketPart, EncryptedData, ErrorCode,
    KdcOptions, KrbFastReq, Principal, TicketFlags, ad_type, pa_type,
};

const WEB: &str = "HTTP/web.r";
const STRICT: &str = "HTTP/strict.r";

/// A realm that calls a login inside armor `fast`, with a service that takes no others.
fn realm() -> TestRealm {
    let mut realm = TestRealm::with(|rules| rules.encrypted_challenge_indicator = Some("fast".into()));
    realm.add("host/web.r", |_| {});
    realm.add(STRICT, |record| {
        record.strings.insert("require_auth".into(), "otp fast".into());
    });
    realm
}

/// The ticket that alice gets inside the armor of a host.
fn login(realm: &mut TestRealm, alter: impl FnOnce(&mut KrbFastReq)) -> Result<Credential, Refusal> {
    let host = realm.tgt("host/web.r");
    let armor = armor(realm, &host);
    let mut inner = proving(realm, &armor, None);
    alter(&mut inner);
    let request = armored(realm, &armor, &inner);
    let outcome = realm.ask(&request);
    if !matches!(outcome.event.outcome, kennel_core::event::Decision::Issued(_)) {
        return Err(realm.last_refusal());
    }
    let key = realm.keys("alice").remove(0);
    let (rep, _, enc, _) = opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
    let session_key = Key::new(Enctype::from_number(enc.key.keytype).unwrap(), &enc.key.keyvalue).unwrap();
    Ok(Credential {
        client: Principal::new(rep.cname.clone(), &*rep.crealm),
        server: Principal::new(enc.sname, enc.srealm),
        ticket: rep.ticket,
        session_key,
        flags: enc.flags,
        authtime: enc.authtime,
        starttime: enc.authtime,
        endtime: enc.endtime,
        renew_till: enc.renew_till,
        addresses: Vec::new(),
        second_ticket: None,
        authdata: Vec::new(),
    })
}

fn for_service(realm: &TestRealm, service: &str) -> impl FnOnce(&mut KrbFastReq) + use<> {
    let name = realm.principal(service).name;
    move |inner| inner.body.sname = Some(name)
}

/// The CAMMACs of a ticket, and whether an indicator stands anywhere outside of them.
fn cammacs(realm: &TestRealm, ticket: &Credential, server: &str) -> Vec<Cammac> {
    let key = &realm.keys(server)[0];
    let plain = key.prepare(KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).unwrap();
    let data = EncTicketPart::decode(&plain).unwrap().authorization_data.unwrap_or_default();
    let inner = data.0.iter().filter(|datum| datum.ad_type == ad_type::IF_RELEVANT);
    let inner: Vec<_> = inner.flat_map(|datum| AuthorizationData::decode(&datum.ad_data).unwrap().0).collect();
    assert!(data.0.iter().chain(&inner).all(|datum| datum.ad_type != ad_type::AUTHENTICATION_INDICATOR));
    let cammacs = inner.iter().filter(|datum| datum.ad_type == ad_type::CAMMAC);
    cammacs.map(|datum| Cammac::decode(&datum.ad_data).unwrap()).collect()
}

/// The indicators of a ticket, which has one CAMMAC or none.
fn indicators(realm: &TestRealm, ticket: &Credential, server: &str) -> Vec<String> {
    let cammacs = cammacs(realm, ticket, server);
    assert!(cammacs.len() <= 1, "each vouches for this ticket");
    let elements = cammacs.into_iter().flat_map(|cammac| cammac.elements.0);
    let found = elements.filter(|datum| datum.ad_type == ad_type::AUTHENTICATION_INDICATOR);
    found.flat_map(|datum| AuthenticationIndicators::decode(&datum.ad_data).unwrap().0).collect()
}

#[test]
fn a_login_inside_armor_is_marked_and_so_is_every_ticket_that_comes_of_it() {
    let mut realm = realm();
    let tgt = login(&mut realm, |inner| inner.body.options |= KdcOptions::FORWARDABLE).unwrap();
    assert_eq!(indicators(&realm, &tgt, "krbtgt/R"), ["fast"]);
    for service in [WEB, STRICT] {
        let ticket = realm.service(&tgt, service).unwrap();
        assert_eq!(indicators(&realm, &ticket, service), ["fast"]);
    }
    let forwarded = realm.service_with(&tgt, "krbtgt/R", KdcOptions::FORWARDED).unwrap();
    assert_eq!(indicators(&realm, &forwarded, "krbtgt/R"), ["fast"]);
    realm.service(&forwarded, STRICT).unwrap();
}

#[test]
fn a_service_verifies_the_indicators_under_its_own_key() {
    let mut realm = realm();
    let tgt = login(&mut realm, |_| {}).unwrap();
    let ticket = realm.service(&tgt, WEB).unwrap();
    let cammac = cammacs(&realm, &ticket, WEB).remove(0);
    let verifier = cammac.svc_verifier.unwrap();
    let mac = &verifier.mac;
    realm.keys(WEB)[0].verify_checksum(KeyUsage(64), &cammac.elements.encode(), mac.cksumtype, &mac.checksum).unwrap();
    assert_eq!(cammac.elements.0.len(), 1, "nothing but the indicators: this ticket does not come back");
}

#[test]
fn a_server_that_requires_an_indicator_takes_nobody_without_one() {
    let mut realm = realm();
    let tgt = realm.tgt("alice");
    let refused = realm.service(&tgt, STRICT);
    assert_eq!(code(refused), ErrorCode::POLICY);
    assert_eq!(realm.last_refusal(), Refusal::AuthIndicatorMissing);
    realm.service(&tgt, WEB).unwrap();
    // Nor by an initial ticket.
    let by_as = kennel_client::AsRequest {
        server: Some(realm.principal(STRICT).name),
        ..kennel_client::AsRequest::new(realm.principal("alice"))
    };
    let secret = kennel_client::Secret::Keys(realm.keys("alice"));
    let refused = realm.initial_with(by_as, secret);
    realm.assert_refused(refused, Refusal::AuthIndicatorMissing);
    let alter = for_service(&realm, STRICT);
    let ticket = login(&mut realm, alter).unwrap();
    assert_eq!(indicators(&realm, &ticket, STRICT), ["fast"]);
    // The decision about access is asked of those alone who may come in at all.
    let asked = realm.access.asked.lock().unwrap();
    assert_eq!(asked.iter().filter(|(_, server, _)| server.starts_with(STRICT)).count(), 1);
}

#[test]
fn a_realm_without_a_name_for_it_marks_no_ticket() {
    let mut realm = TestRealm::new();
    realm.add("host/web.r", |_| {});
    let tgt = login(&mut realm, |_| {}).unwrap();
    assert!(cammacs(&realm, &tgt, "krbtgt/R").is_empty());
    let ticket = realm.service(&tgt, WEB).unwrap();
    assert!(cammacs(&realm, &ticket, WEB).is_empty());
}

#[test]
fn armor_alone_is_no_proof() {
    let mut realm = realm();
    realm.change("alice", |record| {
        record.attributes = kennel_core::principal::Attributes::NO_PREAUTH_REQUIRED;
    });
    let unproved = |inner: &mut KrbFastReq| inner.padata.retain(|p| p.padata_type != pa_type::ENCRYPTED_CHALLENGE);
    let tgt = login(&mut realm, unproved).unwrap();
    assert!(!tgt.flags.contains(TicketFlags::PRE_AUTHENT));
    assert!(indicators(&realm, &tgt, "krbtgt/R").is_empty());
    let key = realm.keys("alice").remove(0);
    let (now, mut rng) = (realm.now, realm.rng.clone());
    let stamped = |inner: &mut KrbFastReq| {
        unproved(inner);
        inner.padata.push(dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, now, &mut rng));
        inner.padata.push(element(pa_type::REQ_ENC_PA_REP, &[]));
    };
    let tgt = login(&mut realm, stamped).unwrap();
    assert!(indicators(&realm, &tgt, "krbtgt/R").is_empty());
}

#[test]
fn nobody_brings_an_indicator_of_his_own() {
    let mut realm = realm();
    let tgt = realm.tgt("alice");
    let forged = AuthorizationDatum {
        ad_type: ad_type::AUTHENTICATION_INDICATOR,
        ad_data: AuthenticationIndicators(vec!["fast".into()]).encode(),
    };
    let cammac = Cammac { elements: AuthorizationData(vec![forged.clone()]), ..Cammac::default() };
    let cammac = AuthorizationDatum { ad_type: ad_type::CAMMAC, ad_data: cammac.encode() };
    let wrap = |datum: &AuthorizationDatum| AuthorizationDatum {
        ad_type: ad_type::IF_RELEVANT,
        ad_data: AuthorizationData(vec![datum.clone()]).encode(),
    };
    for brought in [forged.clone(), cammac.clone(), wrap(&forged), wrap(&cammac), wrap(&wrap(&cammac))] {
        let data = AuthorizationData(vec![brought]);
        for server in [STRICT, "krbtgt/R"] {
            let ticket = ask_with(&mut realm, &tgt, server, &data);
            match server {
                STRICT => realm.assert_refused(ticket, Refusal::AuthIndicatorMissing),
                _ => {
                    let forwarded = ticket.unwrap();
                    assert!(indicators(&realm, &forwarded, server).is_empty());
                    let refused = realm.service(&forwarded, STRICT);
                    realm.assert_refused(refused, Refusal::AuthIndicatorMissing);
                }
            }
        }
    }
}

/// A ticket for a server, with these authorization data in the request.
fn ask_with(
    realm: &mut TestRealm,
    tgt: &Credential,
    server: &str,
    data: &AuthorizationData,
) -> Result<Credential, ClientError> {
    let request = TgsRequest::new(realm.principal(server));
    let (now, mut rng) = (realm.now, realm.rng.clone());
    let (exchange, message) = dangerous_tgs_request(tgt, &request, now, &mut realm.rng, |parts| {
        let key = parts.subkey.as_ref().unwrap();
        let cipher = key.prepare(KeyUsage::TGS_REQ_AD_SUBKEY).seal(&data.encode(), &mut rng);
        parts.body.enc_authorization_data = Some(EncryptedData { etype: key.enctype().number(), kvno: None, cipher });
    });
    let reply = realm.ask(&message).reply.unwrap();
    exchange.receive(&reply)
}

#[test]
fn a_renewable_service_ticket_keeps_its_indicators_and_loses_none_when_it_comes_back() {
    let mut realm = realm();
    let till = realm.now.time.plus(86_400);
    let renewable = |inner: &mut KrbFastReq| {
        inner.body.options |= KdcOptions::RENEWABLE;
        inner.body.rtime = Some(till);
    };
    let tgt = login(&mut realm, renewable).unwrap();
    let options = kennel_client::TicketOptions { renewable_life: Some(86_400), ..Default::default() };
    let request = TgsRequest { options, ..TgsRequest::new(realm.principal(STRICT)) };
    let ticket = realm.tgs(&tgt, &request).unwrap();
    assert!(ticket.flags.contains(TicketFlags::RENEWABLE));
    assert_eq!(indicators(&realm, &ticket, STRICT), ["fast"]);
    let renewed = realm.tgs(&ticket, &TgsRequest::renew(&ticket)).unwrap();
    assert_eq!(indicators(&realm, &renewed, STRICT), ["fast"]);
    let renewed = realm.tgs(&tgt, &TgsRequest::renew(&tgt)).unwrap();
    assert_eq!(indicators(&realm, &renewed, "krbtgt/R"), ["fast"]);
    realm.service(&renewed, STRICT).unwrap();
}

#[test]
fn indicators_end_at_the_border_of_the_realm() {
    let mut home = realm();
    let mut away = TestRealm::named("AWAY", |_| {});
    away.add(STRICT, |record| {
        record.strings.insert("require_auth".into(), "fast".into());
    });
    let entry = home.add("krbtgt/AWAY@R", |_| {});
    away.entries.insert(entry.record.principal.clone(), entry);
    let tgt = login(&mut home, |_| {}).unwrap();
    let cross = home.tgs(&tgt, &TgsRequest::new(Principal::krbtgt("AWAY", "R"))).unwrap();
    assert_eq!(indicators(&home, &cross, "krbtgt/AWAY@R"), ["fast"]);
    let refused = away.service(&cross, STRICT);
    away.assert_refused(refused, Refusal::AuthIndicatorMissing);
}
