//! The TGS exchange (RFC 4120, section 3.3).

use crate::realm::{AES, TestRealm, denial};
use kennel_client::dangerous::{dangerous_open_reply, dangerous_tgs_request};
use kennel_client::{AsRequest, ClientError, Secret, TgsRequest, TicketOptions};
use kennel_core::access::{AccessDecision, AccessPath};
use kennel_core::key_set::{KeySet, KeyState};
use kennel_core::principal::Attributes;
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, KeyUsage};
use kennel_wire::message::{HostAddress, KdcOptions, KerberosTime, Nonce, TicketFlags};
use std::net::IpAddr;

#[test]
fn a_tgt_buys_a_service_ticket_that_ends_with_it() {
    let mut realm = TestRealm::new();
    let tgt = realm.initial("alice", TicketOptions { life: Some(600), ..Default::default() }).unwrap();
    realm.wait(60);
    let ticket = realm.service(&tgt, "HTTP/web.r").unwrap();
    assert_eq!(ticket.server.to_string(), "HTTP/web.r@R");
    assert_eq!((ticket.authtime, ticket.endtime), (tgt.authtime, tgt.endtime));
    assert_eq!(ticket.flags, TicketFlags::PRE_AUTHENT | TicketFlags::TRANSITED_POLICY_CHECKED);
}

#[test]
fn the_same_request_again_gets_an_equivalent_answer_and_does_no_harm() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    let mut rng = realm.rng.clone();
    let (exchange, message) = kennel_client::TgsExchange::begin(&tgt, &request, realm.now, &mut rng);
    for _ in 0..2 {
        let answer = realm.ask(&message).reply.unwrap();
        assert_eq!(exchange.receive(&answer).unwrap().endtime, tgt.endtime);
    }
}

/// The enctype of the session key that a client gets for HTTP/web, of the enctypes that it offers.
fn session_enctype(realm: &mut TestRealm, offered: &[Enctype]) -> Result<Enctype, ClientError> {
    let tgt = realm.tgt("alice");
    let mut request = TgsRequest::new(realm.principal("HTTP/web.r"));
    request.options.enctypes = offered.to_vec();
    realm.tgs(&tgt, &request).map(|ticket| ticket.session_key.enctype())
}

#[test]
fn a_service_is_assumed_to_know_aes256_with_sha1_and_what_it_has_keys_of() {
    use Enctype::{Aes128CtsHmacSha1, Aes256CtsHmacSha1, Aes256CtsHmacSha384, Rc4Hmac};
    for only in [Aes128CtsHmacSha1, Rc4Hmac] {
        let mut realm = TestRealm::with(|rules| rules.enctypes.push(Rc4Hmac));
        let (now, mut rng) = (realm.now, realm.rng.clone());
        realm.change("HTTP/web.r", |r| r.keys = KeySet::random(&[only], 4, now, &mut rng));
        for (offered, session) in [
            (&[Aes256CtsHmacSha1][..], Aes256CtsHmacSha1),
            (&[Aes256CtsHmacSha384, Aes256CtsHmacSha1, only], Aes256CtsHmacSha1),
            (&[only, Aes256CtsHmacSha1], only),
        ] {
            assert_eq!(session_enctype(&mut realm, offered).unwrap(), session, "{only}");
            let issued = realm.last_issued();
            assert_eq!((issued.ticket_enctype, issued.kvno), (only, Some(4)));
        }
        let refused = session_enctype(&mut realm, &[Aes256CtsHmacSha384]);
        realm.assert_refused(refused, Refusal::NoSessionEnctype);
    }
}

#[test]
fn a_service_whose_session_enctypes_are_named_gets_these_and_no_others() {
    use Enctype::{Aes128CtsHmacSha1, Aes256CtsHmacSha1, Aes256CtsHmacSha384};
    let mut realm = TestRealm::new();
    realm.change("HTTP/web.r", |r| r.session_enctypes = Some(vec![Aes128CtsHmacSha1]));
    assert_eq!(session_enctype(&mut realm, &AES).unwrap(), Aes128CtsHmacSha1);
    let refused = session_enctype(&mut realm, &[Aes256CtsHmacSha384, Aes256CtsHmacSha1]);
    realm.assert_refused(refused, Refusal::NoSessionEnctype);
}

#[test]
fn a_realm_that_does_not_permit_aes256_with_sha1_uses_it_for_no_session() {
    let permitted = vec![Enctype::Aes256CtsHmacSha384, Enctype::Aes128CtsHmacSha1];
    let mut realm = TestRealm::with(|rules| rules.enctypes = permitted);
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change("HTTP/web.r", |r| r.keys = KeySet::random(&[Enctype::Aes128CtsHmacSha1], 1, now, &mut rng));
    assert_eq!(session_enctype(&mut realm, &AES).unwrap(), Enctype::Aes128CtsHmacSha1);
    let refused = session_enctype(&mut realm, &[Enctype::Aes256CtsHmacSha1]);
    realm.assert_refused(refused, Refusal::NoSessionEnctype);
}

#[test]
fn a_ticket_whose_key_version_is_absent_or_zero_is_tried_with_every_version_that_is_held() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change("krbtgt/R", |r| {
        let new = KeySet::random(&AES, 2, now, &mut rng).versions.remove(0);
        r.keys.versions[0].state = KeyState::Retiring;
        r.keys.versions.insert(0, new);
    });
    for kvno in [None, Some(0), Some(1)] {
        let mut presented = tgt.clone();
        presented.ticket.enc_part.kvno = kvno;
        realm.service(&presented, "HTTP/web.r").unwrap();
    }
    let mut presented = tgt.clone();
    presented.ticket.enc_part.kvno = Some(2);
    let refused = realm.service(&presented, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketIntegrity);
    realm.change("krbtgt/R", |r| {
        r.keys.versions.pop();
    });
    presented.ticket.enc_part.kvno = Some(0);
    let refused = realm.service(&presented, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketIntegrity);
}

#[test]
fn a_tgt_under_any_key_version_that_is_still_held_is_accepted_and_no_other() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change("krbtgt/R", |r| {
        let new = KeySet::random(&AES, 2, now, &mut rng).versions.remove(0);
        r.keys.versions[0].state = KeyState::Retiring;
        r.keys.versions.insert(0, new);
    });
    realm.service(&tgt, "HTTP/web.r").unwrap();
    realm.change("krbtgt/R", |r| {
        r.keys.versions.pop();
    });
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketKeyVersion);
}

#[test]
fn a_tgt_is_worth_nothing_once_its_client_is_disabled_expired_or_deleted() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    realm.change("alice", |r| r.attributes = Attributes::DISALLOW_ALL);
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::ClientLocked);
    realm.change("alice", |r| {
        r.attributes = Attributes::empty();
        r.expires = Some(KerberosTime(1));
    });
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::ClientExpired);
    let alice = realm.principal("alice");
    realm.entries.remove(&alice);
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::ClientUnknown);
}

#[test]
fn the_tgt_of_a_deleted_account_does_not_work_for_a_new_one_of_its_name() {
    // CVE-2021-42287: name reuse.
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    realm.wait(60);
    let now = realm.now;
    realm.add("alice", |r| r.created = now);
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketRevoked);
}

#[test]
fn attributes_of_the_server_are_respected() {
    for (attributes, refusal) in [
        (Attributes::DISALLOW_ALL, Refusal::ServerLocked),
        (Attributes::DISALLOW_SERVER, Refusal::ServerIsNoService),
        (Attributes::DISALLOW_TGT_BASED, Refusal::ServerRefusesTgtBased),
    ] {
        let mut realm = TestRealm::new();
        realm.change("HTTP/web.r", |r| r.attributes = attributes);
        let tgt = realm.tgt("alice");
        let refused = realm.service(&tgt, "HTTP/web.r");
        realm.assert_refused(refused, refusal);
    }
}

#[test]
fn a_server_that_insists_on_preauthentication_refuses_a_tgt_without_it() {
    // CVE-2015-2694: requires_preauth bypassed.
    let mut realm = TestRealm::new();
    realm.change("alice", |r| r.attributes = Attributes::NO_PREAUTH_REQUIRED);
    realm.change("HTTP/web.r", |r| r.attributes = Attributes::REQUIRE_PREAUTH_OF_CLIENTS);
    let tgt = realm.tgt("alice");
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::ServerRequiresPreauth);
}

#[test]
fn a_server_that_insists_on_preauthentication_serves_those_who_did_it_and_other_servers_serve_everybody() {
    let mut realm = TestRealm::new();
    realm.add("bob", |r| r.attributes = Attributes::NO_PREAUTH_REQUIRED);
    realm.add("HTTP/strict.r", |r| r.attributes = Attributes::REQUIRE_PREAUTH_OF_CLIENTS);
    let (alice, bob) = (realm.tgt("alice"), realm.tgt("bob"));
    assert!(realm.service(&alice, "HTTP/strict.r").unwrap().flags.contains(TicketFlags::PRE_AUTHENT));
    assert!(!realm.service(&bob, "HTTP/web.r").unwrap().flags.contains(TicketFlags::PRE_AUTHENT));
}

#[test]
fn a_service_ticket_buys_nothing_even_one_of_the_password_changing_service() {
    // CVE-2022-2031: a kpasswd ticket used as a TGT.
    let mut realm = TestRealm::new();
    realm.add("kadmin/changepw", |r| r.attributes = Attributes::PASSWORD_CHANGING_SERVICE);
    let server = Some(realm.principal("kadmin/changepw").name);
    let request = AsRequest { server, ..AsRequest::new(realm.principal("alice")) };
    let secret = Secret::Keys(realm.keys("alice"));
    let ticket = realm.initial_with(request, secret).unwrap().credential;
    let refused = realm.service(&ticket, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketNotForUs);
}

#[test]
fn a_ticket_named_after_another_server_does_not_decrypt() {
    // CVE-2022-32744: a ticket under another key.
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let mut ticket = realm.service(&tgt, "HTTP/web.r").unwrap();
    ticket.ticket.sname = tgt.ticket.sname.clone();
    let refused = realm.service(&ticket, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketIntegrity);
}

#[test]
fn an_expired_tgt_is_refused() {
    let mut realm = TestRealm::new();
    let tgt = realm.initial("alice", TicketOptions { life: Some(600), ..Default::default() }).unwrap();
    // At its end, within the clock skew, and after that.
    for seconds in [600, 300, 1] {
        realm.wait(seconds);
        let refused = realm.service(&tgt, "HTTP/web.r");
        realm.assert_refused(refused, Refusal::TicketExpired);
    }
}

#[test]
fn a_tgt_that_is_valid_from_now_is_accepted_where_the_clock_is_behind_by_no_more_than_the_skew() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    realm.wait(-300);
    assert_eq!(realm.service(&tgt, "HTTP/web.r").unwrap().starttime, realm.now.time);
    realm.wait(-1);
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketNotYetValid);
}

#[test]
fn unknown_servers_are_told_so() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let refused = realm.service(&tgt, "HTTP/nowhere.r");
    realm.assert_refused(refused, Refusal::ServerUnknown);
}

#[test]
fn a_renewable_ticket_is_renewed_for_the_same_life_until_renew_till() {
    let mut realm = TestRealm::new();
    let asked = TicketOptions { life: Some(3_600), renewable_life: Some(7_200), ..Default::default() };
    let tgt = realm.initial("alice", asked).unwrap();
    realm.wait(3_000);
    let renewed = realm.tgs(&tgt, &TgsRequest::renew(&tgt)).unwrap();
    assert_eq!(renewed.endtime, tgt.starttime.plus(6_600));
    assert_eq!(renewed.renew_till, tgt.renew_till);
    assert!(renewed.flags.contains(TicketFlags::INITIAL), "the TGT of an AS exchange stays one");
    realm.wait(3_000);
    let again = realm.tgs(&renewed, &TgsRequest::renew(&renewed)).unwrap();
    assert_eq!(Some(again.endtime), tgt.renew_till);
    realm.wait(1_250);
    let refused = realm.tgs(&again, &TgsRequest::renew(&again));
    realm.assert_refused(refused, Refusal::RenewPast);
}

#[test]
fn a_ticket_can_be_renewed_until_the_clock_skew_after_its_end_and_not_a_second_longer() {
    let mut realm = TestRealm::new();
    let asked = TicketOptions { life: Some(3_600), renewable_life: Some(86_400), ..Default::default() };
    let tgt = realm.initial("alice", asked).unwrap();
    realm.wait(3_600 + 300);
    let renewed = realm.tgs(&tgt, &TgsRequest::renew(&tgt)).unwrap();
    assert_eq!((renewed.starttime, renewed.endtime), (realm.now.time, realm.now.time.plus(3_600)));
    realm.wait(1);
    let refused = realm.tgs(&tgt, &TgsRequest::renew(&tgt));
    realm.assert_refused(refused, Refusal::TicketExpired);
}

#[test]
fn a_ticket_of_the_as_exchange_for_a_service_is_an_initial_one_until_it_is_renewed() {
    let mut realm = TestRealm::new();
    let server = Some(realm.principal("HTTP/web.r").name);
    let options = TicketOptions { renewable_life: Some(86_400), ..Default::default() };
    let request = AsRequest { server, options, ..AsRequest::new(realm.principal("alice")) };
    let secret = Secret::Keys(realm.keys("alice"));
    let ticket = realm.initial_with(request, secret).unwrap().credential;
    assert!(ticket.flags.contains(TicketFlags::INITIAL));
    let renewed = realm.tgs(&ticket, &TgsRequest::renew(&ticket)).unwrap();
    assert!(!renewed.flags.contains(TicketFlags::INITIAL));
}

#[test]
fn a_tgt_that_was_asked_to_be_renewable_where_nothing_is_says_so_and_is_not_renewed() {
    let mut realm = TestRealm::with(|rules| rules.max_renewable_life = 0);
    realm.add("bob", |record| record.attributes = Attributes::DISALLOW_RENEWABLE);
    let asked = TicketOptions { renewable_life: Some(604_800), ..Default::default() };
    for client in ["alice", "bob"] {
        let tgt = realm.initial(client, asked.clone()).unwrap();
        assert!(tgt.flags.contains(TicketFlags::RENEWABLE), "Java refuses a reply without the flag");
        assert_eq!(tgt.renew_till, Some(tgt.starttime));
        realm.wait(1);
        let refused = realm.tgs(&tgt, &TgsRequest::renew(&tgt));
        realm.assert_refused(refused, Refusal::TicketNotRenewable);
        realm.service(&tgt, "HTTP/web.r").unwrap();
    }
}

#[test]
fn a_service_ticket_is_renewed_for_its_own_server_alone() {
    let mut realm = TestRealm::new();
    realm.add("HTTP/other.r", |_| {});
    let asked = TicketOptions { renewable_life: Some(86_400), ..Default::default() };
    let tgt = realm.initial("alice", asked).unwrap();
    let mut request = TgsRequest::new(realm.principal("HTTP/web.r"));
    request.options.renewable_life = Some(86_400);
    let ticket = realm.tgs(&tgt, &request).unwrap();
    realm.tgs(&ticket, &TgsRequest::renew(&ticket)).unwrap();
    let elsewhere = TgsRequest { server: realm.principal("HTTP/other.r"), ..TgsRequest::renew(&ticket) };
    let refused = realm.tgs(&ticket, &elsewhere);
    realm.assert_refused(refused, Refusal::TicketServerMismatch);
}

#[test]
fn a_ticket_that_is_not_renewable_is_not_renewed() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let refused = realm.tgs(&tgt, &TgsRequest::renew(&tgt));
    realm.assert_refused(refused, Refusal::TicketNotRenewable);
}

#[test]
fn a_postdated_ticket_is_validated_when_its_time_has_come_and_is_useless_before() {
    let mut realm = TestRealm::postdating();
    let start = realm.now.time.plus(7_200);
    let tgt = realm.initial("alice", TicketOptions { start: Some(start), ..Default::default() }).unwrap();
    let refused = realm.tgs(&tgt, &TgsRequest::validate(&tgt));
    realm.assert_refused(refused, Refusal::TicketNotYetValid);
    realm.wait(7_200);
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketInvalid);
    let valid = realm.tgs(&tgt, &TgsRequest::validate(&tgt)).unwrap();
    assert!(!valid.flags.contains(TicketFlags::INVALID));
    assert_eq!(valid.endtime, tgt.endtime);
    realm.service(&valid, "HTTP/web.r").unwrap();
    let refused = realm.tgs(&valid, &TgsRequest::validate(&valid));
    realm.assert_refused(refused, Refusal::TicketNotInvalid);
}

#[test]
fn a_tgt_that_may_postdate_buys_a_postdated_ticket_that_is_invalid_until_its_time() {
    let mut realm = TestRealm::postdating();
    let tgt = realm.initial("alice", TicketOptions::with_flags(KdcOptions::ALLOW_POSTDATE)).unwrap();
    let start = realm.now.time.plus(7_200);
    let mut request = TgsRequest::new(realm.principal("HTTP/web.r"));
    request.options.start = Some(start);
    let ticket = realm.tgs(&tgt, &request).unwrap();
    let flags = TicketFlags::POSTDATED | TicketFlags::INVALID;
    assert_eq!((ticket.starttime, ticket.flags & flags), (start, flags));
    realm.wait(7_200);
    let valid = realm.tgs(&ticket, &TgsRequest::validate(&ticket)).unwrap();
    assert_eq!(valid.flags & flags, TicketFlags::POSTDATED);
}

#[test]
fn a_postdated_ticket_that_is_validated_late_keeps_its_times_and_none_is_validated_early() {
    let mut realm = TestRealm::postdating();
    let start = realm.now.time.plus(7_200);
    let tgt = realm.initial("alice", TicketOptions { start: Some(start), ..Default::default() }).unwrap();
    realm.wait(7_200 - 1);
    let refused = realm.tgs(&tgt, &TgsRequest::validate(&tgt));
    realm.assert_refused(refused, Refusal::TicketNotYetValid);
    realm.wait(1 + 600);
    let valid = realm.tgs(&tgt, &TgsRequest::validate(&tgt)).unwrap();
    assert_eq!((valid.starttime, valid.endtime), (start, tgt.endtime));
    realm.now.time = tgt.endtime;
    let refused = realm.tgs(&tgt, &TgsRequest::validate(&tgt));
    realm.assert_refused(refused, Refusal::TicketExpired);
}

#[test]
fn flags_that_the_tgt_lacks_cannot_be_had() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    for (flags, refusal) in [
        (KdcOptions::FORWARDED, Refusal::TgtNotForwardable),
        (KdcOptions::PROXY, Refusal::TgtNotProxiable),
        (KdcOptions::ALLOW_POSTDATE, Refusal::TgtNotPostdatable),
        (KdcOptions::RENEW | KdcOptions::VALIDATE, Refusal::ConflictingOptions),
        (KdcOptions::CNAME_IN_ADDL_TKT, Refusal::ConstrainedDelegation),
    ] {
        let refused = realm.service_with(&tgt, "HTTP/web.r", flags);
        realm.assert_refused(refused, refusal);
    }
}

#[test]
fn forwardable_and_proxiable_are_left_out_where_the_tgt_is_not() {
    let mut realm = TestRealm::new();
    let both = KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE;
    for (of_the_tgt, given) in [
        (KdcOptions::empty(), TicketFlags::empty()),
        (KdcOptions::FORWARDABLE, TicketFlags::FORWARDABLE),
        (KdcOptions::PROXIABLE, TicketFlags::PROXIABLE),
        (both, TicketFlags::FORWARDABLE | TicketFlags::PROXIABLE),
    ] {
        let tgt = realm.initial("alice", TicketOptions::with_flags(of_the_tgt)).unwrap();
        let ticket = realm.service_with(&tgt, "HTTP/web.r", both).unwrap();
        assert_eq!(ticket.flags & (TicketFlags::FORWARDABLE | TicketFlags::PROXIABLE), given);
    }
}

#[test]
fn a_tgt_with_a_netbios_name_alone_is_good_from_anywhere() {
    let mut realm = TestRealm::new();
    let netbios = HostAddress { addr_type: 20, address: b"WORKSTATION     ".to_vec() };
    let tgt = realm.initial("alice", TicketOptions { addresses: vec![netbios], ..Default::default() }).unwrap();
    realm.service(&tgt, "HTTP/web.r").unwrap();
    realm.peer = "192.0.2.7:5000".parse().unwrap();
    realm.service(&tgt, "HTTP/web.r").unwrap();
}

#[test]
fn the_nonce_of_a_reply_has_the_octets_of_the_request() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    for nonce in [Nonce::from(-2i32), Nonce::from(i32::MIN), Nonce::from(u32::MAX), Nonce::from(7u32)] {
        let (now, mut rng) = (realm.now, realm.rng.clone());
        let message = dangerous_tgs_request(&tgt, &request, now, &mut rng, |parts| {
            parts.body.nonce = nonce;
            parts.subkey = None;
        });
        let reply = realm.ask(&message.1).reply.unwrap();
        let (_, part) = dangerous_open_reply(&reply, &tgt.session_key, KeyUsage::TGS_REP_SESSION).unwrap();
        assert_eq!(part.nonce, nonce);
    }
}

#[test]
fn a_forwarded_tgt_has_the_addresses_that_were_asked_for() {
    let mut realm = TestRealm::new();
    let tgt = realm.initial("alice", TicketOptions::with_flags(KdcOptions::FORWARDABLE)).unwrap();
    let there = HostAddress::from(IpAddr::from([192, 0, 2, 7]));
    let forwarded = realm.tgs(&tgt, &TgsRequest::forward(&tgt, vec![there.clone()])).unwrap();
    assert!(forwarded.flags.contains(TicketFlags::FORWARDED | TicketFlags::FORWARDABLE));
    assert_eq!(forwarded.addresses, [there]);
    let refused = realm.service(&forwarded, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketAddress);
    realm.peer = "192.0.2.7:5000".parse().unwrap();
    let ticket = realm.service(&forwarded, "HTTP/web.r").unwrap();
    assert!(ticket.flags.contains(TicketFlags::FORWARDED));
    assert_eq!(ticket.addresses, forwarded.addresses);
}

#[test]
fn a_proxy_ticket_is_for_a_service_and_never_for_the_tgs() {
    let mut realm = TestRealm::new();
    let tgt = realm.initial("alice", TicketOptions::with_flags(KdcOptions::PROXIABLE)).unwrap();
    let there = vec![HostAddress::from(IpAddr::from([192, 0, 2, 7]))];
    let request = TgsRequest::proxy(realm.principal("HTTP/web.r"), there.clone());
    let proxy = realm.tgs(&tgt, &request).unwrap();
    assert!(proxy.flags.contains(TicketFlags::PROXY));
    assert_eq!(proxy.addresses, there);
    let refused = realm.tgs(&tgt, &TgsRequest::proxy(tgt.server.clone(), Vec::new()));
    realm.assert_refused(refused, Refusal::ProxyOfTgt);
}

#[test]
fn an_alias_of_a_server_gives_a_ticket_of_that_name_under_the_servers_key() {
    let mut realm = TestRealm::new();
    realm.alias("HTTP/www.r", "HTTP/web.r");
    let tgt = realm.tgt("alice");
    let ticket = realm.service(&tgt, "HTTP/www.r").unwrap();
    assert_eq!(ticket.server.to_string(), "HTTP/www.r@R");
    assert_eq!(realm.events.last().unwrap().server.as_ref().unwrap().to_string(), "HTTP/web.r@R");
}

#[test]
fn every_path_to_a_ticket_passes_the_access_decision() {
    let mut realm = TestRealm::new();
    realm.add("krbtgt/OTHER", |_| {});
    let asked = TicketOptions {
        renewable_life: Some(86_400),
        ..TicketOptions::with_flags(KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE)
    };
    let tgt = realm.initial("alice", asked).unwrap();
    let bob = {
        realm.add("bob", |_| {});
        realm.tgt("bob")
    };
    let requests = [
        (TgsRequest::new(realm.principal("HTTP/web.r")), AccessPath::Tgs),
        (TgsRequest::renew(&tgt), AccessPath::Renew),
        (TgsRequest::forward(&tgt, Vec::new()), AccessPath::Delegate),
        (TgsRequest::proxy(realm.principal("HTTP/web.r"), Vec::new()), AccessPath::Delegate),
        (TgsRequest::user_to_user(realm.principal("bob"), bob.ticket.clone()), AccessPath::UserToUser),
        (TgsRequest::new(realm.principal("krbtgt/OTHER")), AccessPath::Referral),
    ];
    for (request, path) in requests {
        realm.access.asked.lock().unwrap().clear();
        *realm.access.answer.lock().unwrap() = AccessDecision::Observe(denial());
        realm.tgs(&tgt, &request).unwrap();
        assert_eq!(realm.last_issued().would_deny, Some(denial()));
        let (client, _, asked_path) = realm.access.asked.lock().unwrap().remove(0);
        assert_eq!((client.as_str(), asked_path), ("alice@R", path));
        *realm.access.answer.lock().unwrap() = AccessDecision::Deny(denial());
        let refused = realm.tgs(&tgt, &request);
        realm.assert_refused(refused, Refusal::AccessDenied);
    }
}

#[test]
fn a_tgt_is_believed_only_under_the_strongest_key_of_its_version() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let keys = realm.keys("krbtgt/R");
    let plaintext = keys[0].prepare(KeyUsage::TICKET).open(&tgt.ticket.enc_part.cipher).unwrap();
    for (at, key) in keys.iter().enumerate() {
        let mut forged = tgt.clone();
        forged.ticket.enc_part.etype = key.enctype().number();
        forged.ticket.enc_part.cipher = key.prepare(KeyUsage::TICKET).seal(&plaintext, &mut realm.rng);
        let got = realm.service(&forged, "HTTP/web.r");
        match at {
            0 => assert!(got.is_ok(), "{got:?}"),
            _ => realm.assert_refused(got, Refusal::TicketKeyVersion),
        }
        // Without the version, too.
        forged.ticket.enc_part.kvno = None;
        assert_eq!(realm.service(&forged, "HTTP/web.r").is_ok(), at == 0);
    }
}
