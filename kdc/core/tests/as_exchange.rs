//! The AS exchange (RFC 4120, section 3.1; RFC 6806).

use crate::realm::{AES, TestRealm, denial};
use kennel_client::dangerous::{
    dangerous_as_body, dangerous_as_request, dangerous_enc_timestamp, dangerous_open_reply,
};
use kennel_client::{AsRequest, ClientError, Secret, TgsRequest, TicketOptions};
use kennel_core::event::{Decision, Exchange};
use kennel_core::key_set::{KeySet, KeyState};
use kennel_core::principal::Attributes;
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::message::{
    ErrorCode, EtypeInfo2Entry, EtypeInfoEntry, HostAddress, KdcOptions, KdcRep, KdcReqBody, KerberosTime, KrbError,
    NameType, Nonce, PaData, Principal, PrincipalName, TicketFlags, pa_type,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

fn options(flags: KdcOptions) -> TicketOptions {
    TicketOptions::with_flags(flags)
}

#[test]
fn a_client_gets_a_tgt_after_it_proved_that_it_has_its_key() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    assert_eq!(tgt.server, Principal::krbtgt("R", "R"));
    assert_eq!(tgt.flags, TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT | TicketFlags::ENC_PA_REP);
    assert_eq!(tgt.endtime, realm.now.time.plus(36_000));
    let ends: Vec<_> = realm.events.iter().map(|e| (e.exchange.name(), e.outcome.name())).collect();
    assert_eq!(ends, [("AS", "preauth-required"), ("AS", "issued")]);
    let outcomes: Vec<_> = realm.events.iter().map(|e| (e.exchange, &e.outcome)).collect();
    assert!(
        matches!(outcomes.as_slice(), [(Exchange::As, Decision::PreauthRequired), (Exchange::As, Decision::Issued(_))]),
        "{outcomes:?}"
    );
    assert_eq!(realm.events[1].client.as_ref().unwrap().to_string(), "alice@R");
    assert_eq!(realm.events[1].server.as_ref().unwrap().to_string(), "krbtgt/R@R");
}

#[test]
fn the_reply_proves_which_request_it_answers() {
    let mut realm = TestRealm::new();
    let request = AsRequest::new(realm.principal("alice"));
    let secret = Secret::Keys(realm.keys("alice"));
    assert!(realm.initial_with(request, secret).unwrap().request_confirmed);
}

#[test]
fn every_enctype_serves_for_reply_and_session_as_the_client_prefers() {
    let mut realm = TestRealm::new();
    for enctype in AES {
        let tgt = realm.initial("alice", TicketOptions { enctypes: vec![enctype], ..Default::default() }).unwrap();
        assert_eq!(tgt.session_key.enctype(), enctype);
        let issued = realm.last_issued();
        assert_eq!((issued.reply_enctype, issued.session_enctype), (enctype, enctype));
        assert_eq!(issued.ticket_enctype, Enctype::Aes256CtsHmacSha384);
    }
}

#[test]
fn rc4_is_refused_unless_the_realm_permits_it() {
    let only_rc4 = || TicketOptions { enctypes: vec![Enctype::Rc4Hmac], ..Default::default() };
    let with_rc4 = |realm: &mut TestRealm, name: &str| {
        let (now, mut rng) = (realm.now, realm.rng.clone());
        realm.change(name, |r| r.keys = KeySet::random(&[Enctype::Rc4Hmac], 1, now, &mut rng));
    };
    let mut realm = TestRealm::new();
    with_rc4(&mut realm, "alice");
    let refused = realm.initial("alice", only_rc4());
    realm.assert_refused(refused, Refusal::NoClientKey);

    let mut permitting = TestRealm::named("R", |r| r.enctypes.push(Enctype::Rc4Hmac));
    permitting.add("alice", |_| {});
    with_rc4(&mut permitting, "alice");
    with_rc4(&mut permitting, "krbtgt/R");
    assert_eq!(permitting.initial("alice", only_rc4()).unwrap().session_key.enctype(), Enctype::Rc4Hmac);
}

#[test]
fn the_demand_to_preauthenticate_names_each_enctype_once_in_the_order_of_the_client() {
    let mut realm = TestRealm::new();
    let (aes128, aes256) = (Enctype::Aes128CtsHmacSha1, Enctype::Aes256CtsHmacSha384);
    let enctypes = vec![aes128, Enctype::Rc4Hmac, aes256, aes128, aes256];
    let options = TicketOptions { enctypes, ..Default::default() };
    let request = AsRequest { options, ..AsRequest::new(realm.principal("alice")) };
    let body = dangerous_as_body(&request, realm.now, &mut realm.rng);
    let error = KrbError::decode(&realm.ask(&dangerous_as_request(body, Vec::new())).reply.unwrap()).unwrap();
    assert_eq!(error.error_code, ErrorCode::PREAUTH_REQUIRED);
    let methods = PaData::decode_all(&error.e_data.unwrap()).unwrap();
    let types: Vec<_> = methods.iter().map(|method| method.padata_type).collect();
    assert_eq!(types, [pa_type::ETYPE_INFO2, pa_type::ENC_TIMESTAMP, pa_type::FX_FAST]);
    let entries = EtypeInfo2Entry::decode_all(&methods[0].value).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.etype).collect::<Vec<_>>(), [aes128.number(), aes256.number()]);
}

#[test]
fn a_reply_proves_its_request_only_to_a_client_that_asks_for_it() {
    let mut realm = TestRealm::new();
    let key = realm.keys("alice").remove(0);
    let request = AsRequest::new(realm.principal("alice"));
    let body = dangerous_as_body(&request, realm.now, &mut realm.rng);
    let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
    let reply = realm.ask(&dangerous_as_request(body, vec![proof])).reply.unwrap();
    let (_, part) = dangerous_open_reply(&reply, &key, KeyUsage::AS_REP).unwrap();
    assert_eq!(part.flags, TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT);
    assert!(part.encrypted_pa_data.is_empty());
}

#[test]
fn a_wrong_key_is_refused_and_told_how_keys_are_made() {
    let mut realm = TestRealm::new();
    let wrong = Secret::Keys(AES.iter().map(|e| Key::generate(*e, &mut realm.rng)).collect());
    let request = AsRequest::new(realm.principal("alice"));
    let refused = realm.initial_with(request, wrong);
    realm.assert_refused(refused, Refusal::PreauthFailed);
}

#[test]
fn a_proof_that_cannot_be_used_is_answered_with_what_can_be() {
    // A client that pre-authenticates before it is asked to guesses an enctype, and goes on with the hints in the error.
    let mut realm = TestRealm::new();
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change("alice", |r| r.keys = KeySet::random(&[Enctype::Aes128CtsHmacSha1], 1, now, &mut rng));
    let guess = |enctype| Key::generate(enctype, &mut StdRng::seed_from_u64(1));
    let proof =
        |key: &Key| dangerous_enc_timestamp(key, KeyUsage::PA_ENC_TIMESTAMP, now, &mut StdRng::seed_from_u64(2));
    for (proof, refusal) in [
        (proof(&guess(Enctype::Aes256CtsHmacSha1)), Refusal::PreauthEnctype),
        (proof(&guess(Enctype::Rc4Hmac)), Refusal::PreauthEnctype),
        (proof(&guess(Enctype::Aes128CtsHmacSha1)), Refusal::PreauthFailed),
        (PaData { padata_type: pa_type::ENC_TIMESTAMP, value: vec![0x30] }, Refusal::PreauthMalformed),
    ] {
        let request = AsRequest::new(realm.principal("alice"));
        let body = dangerous_as_body(&request, realm.now, &mut realm.rng);
        let error = KrbError::decode(&realm.ask(&dangerous_as_request(body, vec![proof])).reply.unwrap()).unwrap();
        assert_eq!(realm.last_refusal(), refusal);
        assert_eq!(error.error_code, ErrorCode::PREAUTH_FAILED);
        let methods = PaData::decode_all(&error.e_data.unwrap()).unwrap();
        let info = methods.iter().find(|method| method.padata_type == pa_type::ETYPE_INFO2).unwrap();
        let entries = EtypeInfo2Entry::decode_all(&info.value).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.etype).collect::<Vec<_>>(), [17]);
        assert!(methods.iter().any(|method| method.padata_type == pa_type::ENC_TIMESTAMP));
    }
}

#[test]
fn a_client_of_old_enctypes_alone_gets_etype_info_too_and_no_other_does() {
    // RFC 4120, section 3.1.3.
    let mut realm = TestRealm::named("R", |rules| rules.enctypes.push(Enctype::Rc4Hmac));
    let (now, alice) = (realm.now, realm.principal("alice"));
    realm.add("alice", |r| {
        let both = [Enctype::Aes256CtsHmacSha1, Enctype::Rc4Hmac];
        r.keys = KeySet::from_password(&both, 1, &alice, b"secret", now).unwrap();
    });
    let methods = |realm: &mut TestRealm, offered: &[i32]| {
        let mut body = dangerous_as_body(&AsRequest::new(alice.clone()), realm.now, &mut realm.rng);
        body.etypes = offered.to_vec();
        let error = KrbError::decode(&realm.ask(&dangerous_as_request(body, Vec::new())).reply.unwrap()).unwrap();
        PaData::decode_all(&error.e_data.unwrap()).unwrap()
    };
    let types = |methods: &[PaData]| methods.iter().map(|method| method.padata_type).collect::<Vec<_>>();
    let (old, new) = (pa_type::ETYPE_INFO, pa_type::ETYPE_INFO2);
    for offered in [&[23][..], &[23, 24, -133, 3, 1]] {
        let methods = methods(&mut realm, offered);
        assert_eq!(types(&methods), [old, new, pa_type::ENC_TIMESTAMP, pa_type::FX_FAST], "{offered:?}");
        let entries = EtypeInfoEntry::decode_all(&methods[0].value).unwrap();
        assert_eq!(entries, [EtypeInfoEntry { etype: 23, salt: Some(b"Ralice".to_vec()) }]);
    }
    for offered in [&[23, 18][..], &[23, 25], &[18]] {
        assert_eq!(
            types(&methods(&mut realm, offered)),
            [new, pa_type::ENC_TIMESTAMP, pa_type::FX_FAST],
            "{offered:?}"
        );
    }
    // The reply to a proof says the same of its key.
    let key = Key::from_password(Enctype::Rc4Hmac, b"secret", b"", None).unwrap();
    let mut body = dangerous_as_body(&AsRequest::new(alice.clone()), realm.now, &mut realm.rng);
    body.etypes = vec![18, 23];
    for (offered, expected) in [(vec![18, 23], vec![new]), (vec![23], vec![old, new])] {
        body.etypes = offered;
        let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
        realm.change("krbtgt/R", |r| r.session_enctypes = Some(vec![Enctype::Rc4Hmac]));
        let reply = realm.ask(&dangerous_as_request(body.clone(), vec![proof])).reply.unwrap();
        assert_eq!(types(&KdcRep::decode(&reply).unwrap().padata), expected);
    }
}

#[test]
fn the_nonce_of_a_reply_is_the_one_that_was_sent_negative_or_not() {
    let mut realm = TestRealm::new();
    let key = realm.keys("alice").remove(0);
    for nonce in [Nonce::from(-1i32), Nonce::from(u32::MAX), Nonce::from(5u32)] {
        let mut body = dangerous_as_body(&AsRequest::new(realm.principal("alice")), realm.now, &mut realm.rng);
        body.nonce = nonce;
        let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
        let reply = realm.ask(&dangerous_as_request(body, vec![proof])).reply.unwrap();
        assert_eq!(dangerous_open_reply(&reply, &key, KeyUsage::AS_REP).unwrap().1.nonce, nonce);
    }
}

#[test]
fn a_request_of_many_enctypes_is_served_by_the_last_of_them_and_its_event_stays_short() {
    let mut realm = TestRealm::new();
    let key = realm.keys("alice").remove(0);
    let mut body = dangerous_as_body(&AsRequest::new(realm.principal("alice")), realm.now, &mut realm.rng);
    body.etypes = (1000..1999).chain([20]).collect();
    let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
    let _ = realm.ask(&dangerous_as_request(body, vec![proof]));
    assert_eq!(realm.last_issued().session_enctype, Enctype::Aes256CtsHmacSha384);
    assert_eq!(realm.events.last().unwrap().offered.len(), 64);
}

#[test]
fn octets_after_a_request_are_passed_over() {
    let mut realm = TestRealm::new();
    let key = realm.keys("alice").remove(0);
    let body = dangerous_as_body(&AsRequest::new(realm.principal("alice")), realm.now, &mut realm.rng);
    let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
    let mut message = dangerous_as_request(body, vec![proof]);
    message.extend([0, 0xff, 0x30, 0x80]);
    let _ = realm.ask(&message);
    realm.last_issued();
}

#[test]
fn a_clock_outside_the_skew_is_refused_with_the_kdcs_time() {
    let mut realm = TestRealm::new();
    // The client corrects itself by the time in the error and succeeds: the first error is in the event.
    let early = realm.now;
    let secret = Secret::Keys(realm.keys("alice"));
    let request = AsRequest::new(realm.principal("alice"));
    let (mut exchange, first) =
        kennel_client::AsExchange::begin(request, secret, early, &mut realm.rng.clone()).unwrap();
    let answer = realm.ask(&first).reply.unwrap();
    realm.wait(301);
    let mut rng = realm.rng.clone();
    let Ok(kennel_client::AsStep::Send(second)) = exchange.receive(&answer, early, &mut rng) else { panic!() };
    let _ = realm.ask(&second);
    assert_eq!(realm.last_refusal(), Refusal::PreauthSkew);
    realm.wait(-2);
    let _ = realm.ask(&second);
    assert!(matches!(realm.events.last().unwrap().outcome, Decision::Issued(_)));
}

#[test]
fn unknown_names_are_told_apart_as_client_and_server() {
    let mut realm = TestRealm::new();
    let secret = || Secret::Keys(vec![Key::new(Enctype::Aes256CtsHmacSha1, &[1; 32]).unwrap()]);
    let request = AsRequest::new(realm.principal("nobody"));
    let refused = realm.initial_with(request, secret());
    realm.assert_refused(refused, Refusal::ClientUnknown);
    let server = Some(realm.principal("HTTP/nowhere").name);
    let request = AsRequest { server, ..AsRequest::new(realm.principal("alice")) };
    let refused = realm.initial_with(request, secret());
    realm.assert_refused(refused, Refusal::ServerUnknown);
    let request = AsRequest::new(Principal::parse("alice@ELSEWHERE", "R").unwrap());
    let refused = realm.initial_with(request, secret());
    realm.assert_refused(refused, Refusal::WrongRealm);
}

#[test]
fn names_without_components_or_with_empty_ones_are_unknown_and_nothing_worse() {
    // CVE-2017-17439: empty or absent realm or name.
    for (components, realm_name, refusal) in [
        (vec![], "R", Refusal::ClientMissing),
        (vec![""], "R", Refusal::ClientMissing),
        (vec!["alice", ""], "R", Refusal::ClientMissing),
        (vec!["alice"], "", Refusal::WrongRealm),
    ] {
        let mut realm = TestRealm::new();
        let name = PrincipalName::new(NameType::PRINCIPAL, components);
        let request = AsRequest::new(Principal::new(name, realm_name));
        let secret = Secret::Keys(realm.keys("alice"));
        let refused = realm.initial_with(request, secret);
        realm.assert_refused(refused, refusal);
    }
}

#[test]
fn attributes_and_expiry_of_the_client_are_respected() {
    type Change = fn(&mut kennel_core::principal::PrincipalRecord);
    let cases: [(Change, Refusal); 5] = [
        (|r| r.attributes = Attributes::DISALLOW_ALL, Refusal::ClientLocked),
        (|r| r.attributes = Attributes::LOCKED, Refusal::ClientLocked),
        (|r| r.expires = Some(KerberosTime(1_800_000_000)), Refusal::ClientExpired),
        (|r| r.password_expires = Some(KerberosTime(1_800_000_000)), Refusal::PasswordExpired),
        (|r| r.attributes = Attributes::PASSWORD_CHANGE_REQUIRED, Refusal::PasswordChangeRequired),
    ];
    for (change, refusal) in cases {
        let mut realm = TestRealm::new();
        realm.change("alice", change);
        let refused = realm.initial("alice", TicketOptions::default());
        realm.assert_refused(refused, refusal);
    }
}

#[test]
fn a_password_and_an_account_are_good_until_they_expire_and_the_client_learns_which_comes_first() {
    let mut realm = TestRealm::new();
    let (soon, later) = (realm.now.time.plus(1), realm.now.time.plus(60));
    for (password, account) in [(soon, later), (later, soon)] {
        realm.change("alice", |r| (r.password_expires, r.expires) = (Some(password), Some(account)));
        let secret = Secret::Keys(realm.keys("alice"));
        let ticket = realm.initial_with(AsRequest::new(realm.principal("alice")), secret).unwrap();
        assert_eq!(ticket.key_expiration, Some(soon));
        assert_eq!(ticket.credential.endtime, account);
    }
}

#[test]
fn an_expired_password_is_good_for_changing_it() {
    let mut realm = TestRealm::new();
    realm.add("kadmin/changepw", |r| r.attributes = Attributes::PASSWORD_CHANGING_SERVICE);
    realm.change("alice", |r| r.password_expires = Some(KerberosTime(1)));
    let server = Some(realm.principal("kadmin/changepw").name);
    let request = AsRequest { server, ..AsRequest::new(realm.principal("alice")) };
    let secret = Secret::Keys(realm.keys("alice"));
    let ticket = realm.initial_with(request, secret).unwrap();
    assert_eq!(ticket.key_expiration, Some(KerberosTime(1)));
    // Any other ticket is refused with the name of the one that is left.
    let body = dangerous_as_body(&AsRequest::new(realm.principal("alice")), realm.now, &mut realm.rng);
    let error = KrbError::decode(&realm.ask(&dangerous_as_request(body, Vec::new())).reply.unwrap()).unwrap();
    assert_eq!(error.error_code, ErrorCode::KEY_EXPIRED);
    assert!(error.e_text.unwrap().contains("kadmin/changepw"));
}

#[test]
fn attributes_and_expiry_of_the_server_are_respected() {
    type Change = fn(&mut kennel_core::principal::PrincipalRecord);
    let cases: [(Change, Refusal); 3] = [
        (|r| r.attributes = Attributes::DISALLOW_ALL, Refusal::ServerLocked),
        (|r| r.attributes = Attributes::DISALLOW_SERVER, Refusal::ServerIsNoService),
        (|r| r.expires = Some(KerberosTime(1_800_000_000)), Refusal::ServerExpired),
    ];
    for (change, refusal) in cases {
        let mut realm = TestRealm::new();
        realm.change("HTTP/web.r", change);
        let server = Some(realm.principal("HTTP/web.r").name);
        let request = AsRequest { server, ..AsRequest::new(realm.principal("alice")) };
        let secret = Secret::Keys(realm.keys("alice"));
        let refused = realm.initial_with(request, secret);
        realm.assert_refused(refused, refusal);
    }
}

#[test]
fn a_ticket_for_a_server_that_is_set_to_expire_ends_with_it() {
    let mut realm = TestRealm::new();
    let end = realm.now.time.plus(60);
    realm.change("HTTP/web.r", |r| r.expires = Some(end));
    let server = Some(realm.principal("HTTP/web.r").name);
    let request = AsRequest { server, ..AsRequest::new(realm.principal("alice")) };
    let secret = Secret::Keys(realm.keys("alice"));
    assert_eq!(realm.initial_with(request, secret).unwrap().credential.endtime, end);
    let tgt = realm.tgt("alice");
    assert_eq!(realm.service(&tgt, "HTTP/web.r").unwrap().endtime, end);
}

#[test]
fn a_ticket_is_bound_to_the_addresses_that_the_client_names() {
    let mut realm = TestRealm::new();
    let here = HostAddress::from(realm.peer.ip());
    let asked = TicketOptions { addresses: vec![here.clone()], ..Default::default() };
    let tgt = realm.initial("alice", asked).unwrap();
    assert_eq!(tgt.addresses, std::slice::from_ref(&here));
    assert_eq!(realm.service(&tgt, "HTTP/web.r").unwrap().addresses, [here]);
    realm.peer = "192.0.2.7:5000".parse().unwrap();
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketAddress);
}

#[test]
fn preauthentication_is_waived_for_an_exempt_client_but_not_where_the_server_insists() {
    let mut realm = TestRealm::new();
    realm.change("alice", |r| r.attributes = Attributes::NO_PREAUTH_REQUIRED);
    let tgt = realm.tgt("alice");
    assert!(!tgt.flags.contains(TicketFlags::PRE_AUTHENT));
    assert_eq!(realm.events.len(), 1);
    realm.change("krbtgt/R", |r| r.attributes = Attributes::REQUIRE_PREAUTH_OF_CLIENTS);
    assert!(realm.tgt("alice").flags.contains(TicketFlags::PRE_AUTHENT));
}

#[test]
fn a_realm_may_leave_preauthentication_to_its_clients() {
    let mut realm = TestRealm::named("R", |r| r.require_preauth = false);
    realm.add("alice", |_| {});
    assert!(!realm.tgt("alice").flags.contains(TicketFlags::PRE_AUTHENT));
    assert_eq!(realm.events.len(), 1);
}

#[test]
fn options_of_a_tgs_request_are_refused() {
    for flags in [KdcOptions::RENEW, KdcOptions::VALIDATE, KdcOptions::FORWARDED, KdcOptions::PROXY] {
        let mut realm = TestRealm::new();
        let refused = realm.initial("alice", options(flags));
        realm.assert_refused(refused, Refusal::OptionNotInAs);
    }
}

#[test]
fn flags_are_given_as_asked() {
    let mut realm = TestRealm::postdating();
    let asked = TicketOptions {
        renewable_life: Some(86_400),
        life: Some(3_600),
        ..options(KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE | KdcOptions::ALLOW_POSTDATE)
    };
    let tgt = realm.initial("alice", asked).unwrap();
    let wanted = TicketFlags::FORWARDABLE | TicketFlags::PROXIABLE | TicketFlags::MAY_POSTDATE | TicketFlags::RENEWABLE;
    assert!(tgt.flags.contains(wanted), "{:?}", tgt.flags);
    assert_eq!(tgt.endtime, realm.now.time.plus(3_600));
    assert_eq!(tgt.renew_till, Some(realm.now.time.plus(86_400)));
}

#[test]
fn a_server_that_is_trusted_for_delegation_is_named_so_beside_the_flags_that_the_client_asks_for() {
    let mut realm = TestRealm::new();
    realm.change("HTTP/web.r", |r| r.attributes = Attributes::OK_AS_DELEGATE);
    let tgt = realm.initial("alice", options(KdcOptions::FORWARDABLE)).unwrap();
    assert!(!tgt.flags.contains(TicketFlags::OK_AS_DELEGATE));
    let ticket = realm.service_with(&tgt, "HTTP/web.r", KdcOptions::FORWARDABLE).unwrap();
    assert!(ticket.flags.contains(TicketFlags::OK_AS_DELEGATE | TicketFlags::FORWARDABLE), "{:?}", ticket.flags);
}

#[test]
fn a_start_within_the_clock_skew_is_now_unless_the_ticket_is_asked_to_be_postdated() {
    let mut realm = TestRealm::postdating();
    let postdated = TicketFlags::POSTDATED | TicketFlags::INVALID;
    for seconds in [-60, 1, 300, 301] {
        let start = realm.now.time.plus(seconds);
        // RFC 4120, section 3.1.3. Kennel's own client accepts only the start that it asked for.
        let tgt = realm.initial("alice", TicketOptions { start: Some(start), ..Default::default() }).unwrap();
        assert_eq!((tgt.starttime, tgt.flags & postdated), (start, postdated), "{seconds}");
    }
    let key = realm.keys("alice").remove(0);
    for (seconds, issued) in [(-60, true), (300, true), (301, false)] {
        let request = AsRequest::new(realm.principal("alice"));
        let mut body = dangerous_as_body(&request, realm.now, &mut realm.rng);
        body.from = Some(realm.now.time.plus(seconds));
        let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
        let _ = realm.ask(&dangerous_as_request(body, vec![proof]));
        if !issued {
            assert_eq!(realm.last_refusal(), Refusal::CannotPostdate);
            continue;
        }
        assert_eq!(realm.last_issued().starttime, realm.now.time);
        assert_eq!(realm.last_issued().ticket_flags & postdated, TicketFlags::empty());
    }
}

#[test]
fn a_postdated_ticket_of_any_start_is_good_from_its_start_to_its_end() {
    let mut realm = TestRealm::postdating();
    let start = realm.now.time.plus(60);
    let asked = TicketOptions { start: Some(start), life: Some(600), ..Default::default() };
    let tgt = realm.initial("alice", asked).unwrap();
    let refused = realm.tgs(&tgt, &TgsRequest::validate(&tgt));
    realm.assert_refused(refused, Refusal::TicketNotYetValid);
    realm.wait(60);
    let valid = realm.tgs(&tgt, &TgsRequest::validate(&tgt)).unwrap();
    assert_eq!((valid.starttime, valid.endtime), (start, start.plus(600)));
    assert!(valid.flags.contains(TicketFlags::INITIAL));
    realm.wait(600);
    let refused = realm.tgs(&tgt, &TgsRequest::validate(&tgt));
    realm.assert_refused(refused, Refusal::TicketExpired);
}

#[test]
fn times_before_1970_are_answered_with_what_follows_from_them() {
    let mut realm = TestRealm::new();
    let key = realm.keys("alice").remove(0);
    let ask = |realm: &mut TestRealm, change: fn(&mut KdcReqBody)| {
        let request = AsRequest::new(realm.principal("alice"));
        let mut body = dangerous_as_body(&request, realm.now, &mut realm.rng);
        change(&mut body);
        let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
        let _ = realm.ask(&dangerous_as_request(body, vec![proof]));
    };
    ask(&mut realm, |body| body.till = KerberosTime(-1));
    assert_eq!(realm.last_refusal(), Refusal::NeverValid);
    ask(&mut realm, |body| body.from = Some(KerberosTime(-86_400)));
    assert_eq!(realm.last_issued().starttime, realm.now.time);
    ask(&mut realm, |body| (body.options, body.rtime) = (KdcOptions::RENEWABLE, Some(KerberosTime(-1))));
    assert_eq!(realm.last_issued().renew_till, Some(KerberosTime::EPOCH));
}

#[test]
fn a_postdated_ticket_is_invalid_until_its_time() {
    let mut realm = TestRealm::postdating();
    let start = realm.now.time.plus(7_200);
    let tgt = realm.initial("alice", TicketOptions { start: Some(start), ..Default::default() }).unwrap();
    assert!(tgt.flags.contains(TicketFlags::POSTDATED | TicketFlags::INVALID));
    assert_eq!((tgt.starttime, tgt.endtime), (start, start.plus(36_000)));
}

#[test]
fn a_client_may_prove_itself_with_a_staged_or_a_retiring_key_and_can_read_the_reply() {
    // A keytab fetched early has the staged key, one not fetched yet the retiring one.
    let mut realm = TestRealm::new();
    let (now, mut rng) = (realm.now, realm.rng.clone());
    let old = realm.keys("alice");
    realm.change("alice", |r| {
        let staged = KeySet::random(&AES, 3, now, &mut rng).versions.remove(0);
        let active = KeySet::random(&AES, 2, now, &mut rng).versions.remove(0);
        r.keys.versions[0].state = KeyState::Retiring;
        r.keys.versions.insert(0, active);
        r.keys.versions.insert(0, kennel_core::key_set::KeyVersion { state: KeyState::Staged, ..staged });
    });
    let entry = realm.entries[&realm.principal("alice")].clone();
    let of = |kvno| entry.keys().iter().filter(|k| k.kvno == kvno).map(|k| k.key.clone()).collect::<Vec<_>>();
    assert_eq!(of(1), old);
    for kvno in [1, 2, 3] {
        let request = AsRequest::new(realm.principal("alice"));
        realm.initial_with(request, Secret::Keys(of(kvno))).unwrap();
    }
}

#[test]
fn an_old_password_is_refused_even_while_its_keys_are_held() {
    let mut realm = TestRealm::new();
    let (now, alice) = (realm.now, realm.principal("alice"));
    let of = |password: &[u8], kvno| {
        KeySet::from_password(&[Enctype::Aes128CtsHmacSha1], kvno, &alice, password, now).unwrap().versions.remove(0)
    };
    realm.change("alice", |r| {
        let old = kennel_core::key_set::KeyVersion { state: KeyState::Retiring, ..of(b"old", 1) };
        r.keys = KeySet { versions: vec![of(b"new", 2), old] };
    });
    let mut with = |password| realm.initial_with(AsRequest::new(alice.clone()), Secret::password(password));
    with("new").unwrap();
    let refused = with("old");
    realm.assert_refused(refused, Refusal::PreauthFailed);
}

#[test]
fn tickets_are_issued_under_the_active_key_alone() {
    let mut realm = TestRealm::new();
    let (now, mut rng) = (realm.now, realm.rng.clone());
    realm.change("krbtgt/R", |r| {
        let staged = KeySet::random(&AES, 2, now, &mut rng).versions.remove(0);
        r.keys.versions.insert(0, kennel_core::key_set::KeyVersion { state: KeyState::Staged, ..staged });
    });
    let _ = realm.tgt("alice");
    assert_eq!(realm.last_issued().kvno, Some(1));
}

#[test]
fn an_initial_ticket_for_a_service_passes_the_access_decision() {
    use kennel_core::access::{AccessDecision, AccessPath};
    let mut realm = TestRealm::new();
    let server = Some(realm.principal("HTTP/web.r").name);
    let request = AsRequest { server, ..AsRequest::new(realm.principal("alice")) };
    let secret = Secret::Keys(realm.keys("alice"));
    realm.initial_with(request.clone(), secret.clone()).unwrap();
    let asked = realm.access.asked.lock().unwrap().clone();
    assert_eq!(asked, [("alice@R".to_owned(), "HTTP/web.r@R".to_owned(), AccessPath::As)]);
    *realm.access.answer.lock().unwrap() = AccessDecision::Deny(denial());
    let refused: Result<_, ClientError> = realm.initial_with(request, secret);
    realm.assert_refused(refused, Refusal::AccessDenied);
}
