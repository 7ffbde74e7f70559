//! Cross-realm (RFC 4120, sections 1.2, 3.3.1 and 3.3.3.2; RFC 6806, section 8).

use crate::realm::TestRealm;
use kennel_client::{Credential, TgsRequest, TicketOptions};
use kennel_core::refusal::Refusal;
use kennel_wire::message::{KdcOptions, KerberosTime, Principal, TicketFlags};

/// Lets `from` issue TGTs for `to`: both get the same key of `krbtgt/to@from`.
fn trust(from: &mut TestRealm, to: &mut TestRealm) {
    let name = format!("krbtgt/{}@{}", to.name, from.name);
    let entry = from.add(&name, |_| {});
    to.entries.insert(to.principal(&name), entry);
}

/// `CLIENT.ORG` with alice, trusted by `SERVICE.ORG` with HTTP/web.
fn two_realms() -> (TestRealm, TestRealm) {
    let mut home = TestRealm::named("CLIENT.ORG", |r| {
        r.domain_realms.push(("service.example".into(), "SERVICE.ORG".into()));
    });
    home.add("alice", |_| {});
    let mut away = TestRealm::named("SERVICE.ORG", |_| {});
    away.add("HTTP/web.service.example", |_| {});
    trust(&mut home, &mut away);
    (home, away)
}

fn cross_tgt(home: &mut TestRealm, away: &str) -> Credential {
    let tgt = home.tgt("alice");
    let server = Principal::krbtgt(away, &home.name);
    home.tgs(&tgt, &TgsRequest::new(server)).unwrap()
}

#[test]
fn a_tgt_for_another_realm_buys_a_ticket_there() {
    let (mut home, mut away) = two_realms();
    let cross = cross_tgt(&mut home, "SERVICE.ORG");
    let ticket = away.service(&cross, "HTTP/web.service.example").unwrap();
    assert_eq!(ticket.client.to_string(), "alice@CLIENT.ORG");
    assert!(ticket.flags.contains(TicketFlags::TRANSITED_POLICY_CHECKED));
    assert_eq!(away.events.last().unwrap().client.as_ref().unwrap().to_string(), "alice@CLIENT.ORG");
}

#[test]
fn a_service_of_a_foreign_host_is_answered_with_a_referral() {
    let (mut home, mut away) = two_realms();
    let tgt = home.tgt("alice");
    let request = TgsRequest::with_flags(home.principal("HTTP/web.service.example"), KdcOptions::CANONICALIZE);
    let referral = home.tgs(&tgt, &request).unwrap();
    assert_eq!(referral.server, Principal::krbtgt("SERVICE.ORG", "CLIENT.ORG"));
    assert!(home.last_issued().referral);
    away.service(&referral, "HTTP/web.service.example").unwrap();
    let without = TgsRequest::new(home.principal("HTTP/web.service.example"));
    let refused = home.tgs(&tgt, &without);
    home.assert_refused(refused, Refusal::ServerUnknown);
}

#[test]
fn a_realm_that_is_not_trusted_is_refused() {
    let (mut home, mut away) = two_realms();
    let cross = cross_tgt(&mut home, "SERVICE.ORG");
    let key = away.principal("krbtgt/SERVICE.ORG@CLIENT.ORG");
    away.entries.remove(&key);
    let refused = away.service(&cross, "HTTP/web.service.example");
    away.assert_refused(refused, Refusal::TicketNotForUs);
}

#[test]
fn a_tgt_of_another_realm_can_be_neither_renewed_nor_validated_here() {
    let (mut home, mut away) = two_realms();
    let cross = cross_tgt(&mut home, "SERVICE.ORG");
    for request in [TgsRequest::renew(&cross), TgsRequest::validate(&cross)] {
        let request = TgsRequest { server: Principal::krbtgt("SERVICE.ORG", "SERVICE.ORG"), ..request };
        let refused = away.tgs(&cross, &request);
        away.assert_refused(refused, Refusal::TicketNotForUs);
    }
}

#[test]
fn a_foreign_realm_cannot_vouch_for_a_client_of_ours() {
    let (mut home, mut away) = two_realms();
    // CLIENT.ORG turns evil: it makes a principal of the other realm its own and issues for it.
    let mut evil = home.tgt("alice");
    away.add("alice", |_| {});
    let bob = away.tgt("alice");
    home.name = "SERVICE.ORG".into();
    evil.client = bob.client;
    let forged = forge_client(&mut home, &evil);
    let refused = away.service(&forged, "HTTP/web.service.example");
    away.assert_refused(refused, Refusal::TicketSpoofsLocalClient);
}

/// A cross-realm TGT whose encrypted part names a client of the realm that it is for.
fn forge_client(home: &mut TestRealm, credential: &Credential) -> Credential {
    forge(home, credential, None)
}

/// A cross-realm TGT with this `renew-till`, and without the flag that says that it counts.
fn forge(home: &mut TestRealm, credential: &Credential, renew_till: Option<KerberosTime>) -> Credential {
    use kennel_crypto::KeyUsage;
    use kennel_wire::der::writer::Writer;
    use kennel_wire::message::{EncTicketPart, EncryptedData, EncryptionKey, Ticket, TransitedEncoding};
    let cross = Principal::krbtgt("SERVICE.ORG", "CLIENT.ORG");
    let key = home.entries[&cross].active_keys().next().unwrap().key.clone();
    let session = &credential.session_key;
    let part = EncTicketPart {
        flags: TicketFlags::PRE_AUTHENT,
        key: EncryptionKey { keytype: session.enctype().number(), keyvalue: session.expose().to_vec().into() },
        crealm: credential.client.realm.clone(),
        cname: credential.client.name.clone(),
        transited: TransitedEncoding { tr_type: 1, contents: Vec::new() },
        authtime: credential.authtime,
        starttime: None,
        endtime: credential.endtime,
        renew_till,
        caddr: None,
        authorization_data: None,
    };
    let mut writer = Writer::default();
    part.write(&mut writer);
    let cipher = key.prepare(KeyUsage::TICKET).seal(writer.as_slice(), &mut home.rng);
    let enc_part = EncryptedData { etype: key.enctype().number(), kvno: Some(1), cipher };
    let ticket = Ticket { realm: cross.realm.clone(), sname: cross.name.clone(), enc_part };
    Credential { server: cross, ticket, ..credential.clone() }
}

#[test]
fn a_tgt_that_is_not_renewable_buys_no_renewable_ticket_whatever_its_renew_till() {
    let (mut home, mut away) = two_realms();
    let tgt = cross_tgt(&mut home, "SERVICE.ORG");
    let till = tgt.endtime.plus(86_400);
    let forged = forge(&mut home, &tgt, Some(till));
    let options = TicketOptions { renewable_life: Some(86_400), ..Default::default() };
    let request = TgsRequest { options, ..TgsRequest::new(away.principal("HTTP/web.service.example")) };
    let ticket = away.tgs(&forged, &request).unwrap();
    assert_eq!((ticket.renew_till, ticket.flags.contains(TicketFlags::RENEWABLE)), (None, false));
}

/// A chain `A.ORG` -> `ORG` -> `B.ORG`; the client is of the first.
fn three_realms(far: impl FnOnce(&mut kennel_core::realm::Realm)) -> (TestRealm, TestRealm, TestRealm) {
    let mut first = TestRealm::named("A.ORG", |_| {});
    first.add("alice", |_| {});
    let mut middle = TestRealm::named("ORG", |_| {});
    let mut last = TestRealm::named("B.ORG", far);
    last.add("HTTP/web", |_| {});
    trust(&mut first, &mut middle);
    trust(&mut middle, &mut last);
    (first, middle, last)
}

#[test]
fn the_way_through_a_hierarchy_is_found_recorded_and_accepted() {
    let (mut first, mut middle, mut last) = three_realms(|_| {});
    let tgt = first.tgt("alice");
    // Asked for the far realm, the first one issues a TGT for the realm between.
    let closer =
        first.tgs(&tgt, &TgsRequest::with_flags(Principal::krbtgt("B.ORG", "A.ORG"), KdcOptions::CANONICALIZE));
    let closer = closer.unwrap();
    assert_eq!(closer.server, Principal::krbtgt("ORG", "A.ORG"));
    let cross = middle.tgs(&closer, &TgsRequest::new(Principal::krbtgt("B.ORG", "ORG"))).unwrap();
    let ticket = last.service(&cross, "HTTP/web").unwrap();
    let key = &last.keys("HTTP/web")[0];
    let opened = key.prepare(kennel_crypto::KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).unwrap();
    let part = kennel_wire::message::EncTicketPart::decode(&opened).unwrap();
    assert_eq!(part.transited.contents, b"ORG");
}

#[test]
fn a_realm_off_the_path_is_refused_unless_capaths_name_it() {
    // CVE-2017-6594 class: the transit path.
    for named in [false, true] {
        let mut first = TestRealm::named("A.ORG", |_| {});
        first.add("alice", |_| {});
        let mut middle = TestRealm::named("SHADY.COM", |r| r.capaths.push(("A.ORG".into(), "B.ORG".into())));
        let mut last = TestRealm::named("B.ORG", |r| {
            if named {
                r.capaths.push(("A.ORG".into(), "SHADY.COM".into()));
            }
        });
        last.add("HTTP/web", |_| {});
        trust(&mut first, &mut middle);
        trust(&mut middle, &mut last);
        let closer = cross_tgt(&mut first, "SHADY.COM");
        let cross = middle.tgs(&closer, &TgsRequest::new(Principal::krbtgt("B.ORG", "SHADY.COM"))).unwrap();
        let result = last.service(&cross, "HTTP/web");
        if named {
            result.unwrap();
        } else {
            last.assert_refused(result, Refusal::TransitedPath);
            let request = TgsRequest::with_flags(last.principal("HTTP/web"), KdcOptions::DISABLE_TRANSITED_CHECK);
            let refused = last.tgs(&cross, &request);
            last.assert_refused(refused, Refusal::TransitedPath);
        }
    }
}
