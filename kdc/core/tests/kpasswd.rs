//! The password protocol (RFC 3244): requests of Kennel's own client, verified and answered. The classes of faults that kpasswd
//! servers had are named by their CVE.

use crate::realm::{AES, TestRealm};
use kennel_client::kpasswd::{PasswordExchange, PasswordOrder};
use kennel_client::{AsRequest, ClientError, Credential, Secret, TicketOptions};
use kennel_core::admin::caller::AdminService;
use kennel_core::entry::Entry;
use kennel_core::key_set::KeySet;
use kennel_core::kpasswd::answer::answer;
use kennel_core::kpasswd::event::{PasswordOutcome, PasswordRefusal};
use kennel_core::kpasswd::request::{AuthenticPasswordRequest, RefusedPasswordRequest};
use kennel_core::principal::{Attributes, PrincipalRecord};
use kennel_core::realm::Realm;
use kennel_core::refusal::Refusal;
use kennel_crypto::KeyUsage;
use kennel_wire::der::writer::Writer;
use kennel_wire::kpasswd::{PasswordRequest, PasswordResult, PasswordVersion};
use kennel_wire::message::{EncTicketPart, HostAddress, Principal, TicketFlags};
use std::sync::Arc;

const CHANGEPW: &str = "kadmin/changepw";

/// A realm with its service for passwords, and alice, whose password is `secret`.
fn realm() -> TestRealm {
    let mut realm = TestRealm::new();
    let rules = Realm::new("R");
    let krbtgt = realm.entries[&realm.principal("krbtgt/R")].record.clone();
    let service = AdminService::ChangePassword.record(&rules, &krbtgt, realm.now, &mut realm.rng.clone(), "test");
    realm.add(CHANGEPW, |record| *record = service);
    realm.set_password("alice", "secret");
    realm
}

fn ticket(realm: &mut TestRealm, client: &str) -> Credential {
    ticket_with(realm, client, TicketOptions::default()).unwrap()
}

fn ticket_with(realm: &mut TestRealm, client: &str, options: TicketOptions) -> Result<Credential, ClientError> {
    let secret = Secret::Keys(realm.keys(client));
    let server = Some(realm.principal(CHANGEPW).name);
    let request = AsRequest { client: realm.principal(client), server, options };
    realm.initial_with(request, secret).map(|initial| initial.credential)
}

fn order(password: &str) -> PasswordOrder<'_> {
    PasswordOrder { password: password.as_bytes(), version: PasswordVersion::Change, target: None }
}

fn set<'a>(password: &'a str, target: Option<&Principal>) -> PasswordOrder<'a> {
    PasswordOrder { version: PasswordVersion::Set, target: target.cloned(), ..order(password) }
}

fn begin(realm: &mut TestRealm, ticket: &Credential, order: &PasswordOrder<'_>) -> (PasswordExchange, Vec<u8>) {
    PasswordExchange::begin(ticket, order, realm.now, &mut realm.rng).unwrap()
}

fn verify(realm: &TestRealm, octets: &[u8]) -> Result<AuthenticPasswordRequest, RefusedPasswordRequest> {
    let service = realm.entries.get(&realm.principal(CHANGEPW)).cloned();
    AuthenticPasswordRequest::verify(octets, service.as_deref(), &Realm::new("R"), realm.now)
}

/// Why a request is refused before administration sees it.
fn refusal(realm: &TestRealm, octets: &[u8]) -> PasswordRefusal {
    match verify(realm, octets) {
        Ok(request) => panic!("verified: {}", request.whose()),
        Err(refused) => refused.refusal,
    }
}

fn record<'a>(realm: &'a TestRealm, name: &str) -> &'a PrincipalRecord {
    &realm.entries[&realm.principal(name)].record
}

/// The ticket with another content, sealed under the service's own key again.
fn forge(
    realm: &mut TestRealm,
    ticket: &Credential,
    service: &str,
    change: impl FnOnce(&mut EncTicketPart),
) -> Credential {
    let key = realm.keys(service)[0].prepare(KeyUsage::TICKET);
    let opened = realm
        .keys(CHANGEPW)
        .into_iter()
        .find_map(|key| key.prepare(KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).ok());
    let mut part = EncTicketPart::decode(&opened.unwrap()).unwrap();
    change(&mut part);
    let mut forged = ticket.clone();
    forged.ticket.enc_part.etype = key.enctype().number();
    forged.ticket.enc_part.kvno = None;
    let mut writer = Writer::with_capacity(512);
    part.write(&mut writer);
    forged.ticket.enc_part.cipher = key.seal(&writer.into_secret(), &mut realm.rng);
    forged
}

#[test]
fn a_request_is_verified_in_both_versions_and_its_answer_reaches_the_person() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let alice = realm.principal("alice");
    for order in [order("new password"), set("new password", None), set("new password", Some(&alice))] {
        let (exchange, octets) = begin(&mut realm, &ticket, &order);
        let Ok(request) = verify(&realm, &octets) else { panic!("{order:?}") };
        assert_eq!((&request.client, &request.target), (&alice, &None), "{order:?}");
        assert_eq!((request.password.expose(), request.initial), (&b"new password"[..], true));
        let busy = PasswordOutcome::Refused(PasswordRefusal::Busy);
        for (outcome, result) in
            [(PasswordOutcome::Changed, PasswordResult::Success), (busy, PasswordResult::HardError)]
        {
            let reply = answer(&outcome, Some(&request.answer), &Realm::new("R"), realm.now, &mut realm.rng).unwrap();
            let (seen, text) = exchange.receive(&reply).unwrap();
            assert_eq!((seen, text.trim_end()), (result, &*outcome.text()));
        }
    }
}

#[test]
fn an_administrator_names_another_principal_of_the_realm_and_none_of_another_realm() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let bob = realm.principal("bob");
    let (_, octets) = begin(&mut realm, &ticket, &set("new password", Some(&bob)));
    assert_eq!(verify(&realm, &octets).ok().and_then(|request| request.target), Some(bob.clone()));
    let elsewhere = Principal::new(bob.name, "ELSEWHERE");
    let (_, octets) = begin(&mut realm, &ticket, &set("new password", Some(&elsewhere)));
    assert_eq!(refusal(&realm, &octets), PasswordRefusal::OfAnotherRealm);
}

#[test]
fn a_ticket_from_anywhere_is_good_since_address_translation_is_everywhere() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let elsewhere = HostAddress { addr_type: 2, address: vec![192, 0, 2, 1] };
    let bound = forge(&mut realm, &ticket, CHANGEPW, |part| part.caddr = Some(vec![elsewhere]));
    let (_, octets) = begin(&mut realm, &bound, &order("new password"));
    assert!(verify(&realm, &octets).is_ok());
}

/// CVE-2022-2031: KDC and kpasswd had one account, so that a ticket for the one was good for the other.
#[test]
fn a_ticket_of_the_kpasswd_service_is_no_tgt_and_a_tgt_is_none_of_it_cve_2022_2031() {
    let mut realm = realm();
    let changepw = ticket(&mut realm, "alice");
    let mut as_tgt = changepw.clone();
    as_tgt.server = realm.principal("krbtgt/R");
    let asked = realm.service(&as_tgt, "HTTP/web.r");
    assert!(asked.is_err());
    let tgt = realm.tgt("alice");
    let (_, octets) = begin(&mut realm, &tgt, &order("new password"));
    assert_eq!(refusal(&realm, &octets), PasswordRefusal::Unproven(Refusal::TicketNotForUs));
    let mut renamed = tgt;
    renamed.ticket.sname = realm.principal(CHANGEPW).name;
    let (_, octets) = begin(&mut realm, &renamed, &order("new password"));
    assert!(matches!(refusal(&realm, &octets), PasswordRefusal::Unproven(Refusal::TicketIntegrity)));
}

/// CVE-2022-32744: kpasswd opened tickets with any key that it had, so that whoever knew one key could change every password.
#[test]
fn a_ticket_under_the_key_of_anybody_else_is_refused_cve_2022_32744() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let admin = realm.principal("root/admin");
    let forged = forge(&mut realm, &ticket, "HTTP/web.r", |part| part.cname = admin.name.clone());
    let (_, octets) = begin(&mut realm, &forged, &order("new password"));
    assert!(matches!(refusal(&realm, &octets), PasswordRefusal::Unproven(_)));
    // The shell asks the store by name; an alias would hand over somebody else's keys.
    let web = realm.entries[&realm.principal("HTTP/web.r")].clone();
    let verified = AuthenticPasswordRequest::verify(&octets, Some(&web), &Realm::new("R"), realm.now);
    assert_eq!(verified.err().map(|refused| refused.refusal), Some(PasswordRefusal::Unproven(Refusal::TicketNotForUs)));
}

#[test]
fn a_ticket_that_comes_from_another_ticket_changes_no_password_of_its_client() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let derived = forge(&mut realm, &ticket, CHANGEPW, |part| part.flags.remove(TicketFlags::INITIAL));
    for order in [order("new password"), set("new password", None)] {
        let (_, octets) = begin(&mut realm, &derived, &order);
        assert_eq!(refusal(&realm, &octets), PasswordRefusal::NotInitial);
    }
    let tgt = realm.tgt("alice");
    assert!(realm.service(&tgt, CHANGEPW).is_err(), "the KDC issues none");
}

#[test]
fn an_expired_ticket_is_refused_and_so_is_an_old_request() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let (_, octets) = begin(&mut realm, &ticket, &order("new password"));
    realm.wait(301);
    assert_eq!(refusal(&realm, &octets), PasswordRefusal::Unproven(Refusal::AuthenticatorSkew));
    realm.wait(300);
    let (_, octets) = begin(&mut realm, &ticket, &order("new password"));
    assert_eq!(refusal(&realm, &octets), PasswordRefusal::Unproven(Refusal::TicketExpired));
}

#[test]
fn a_password_belongs_to_the_authenticator_that_it_came_with() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let (_, one) = begin(&mut realm, &ticket, &order("one password"));
    let (_, two) = begin(&mut realm, &ticket, &order("two password"));
    let (one, two) = (PasswordRequest::decode(&one).unwrap(), PasswordRequest::decode(&two).unwrap());
    let spliced = PasswordRequest { krb_priv: two.krb_priv, ..one }.encode().unwrap();
    assert_eq!(refusal(&realm, &spliced), PasswordRefusal::Content(Refusal::AuthenticatorIntegrity));
}

/// CVE-2002-2443: replies were taken for requests, so that two servers answered each other for ever.
#[test]
fn no_reply_and_no_error_is_ever_answered_cve_2002_2443() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let (_, octets) = begin(&mut realm, &ticket, &order("new password"));
    let Ok(request) = verify(&realm, &octets) else { panic!("refused") };
    let unproven = PasswordOutcome::Refused(PasswordRefusal::Unproven(Refusal::TicketExpired));
    for (outcome, to) in [(PasswordOutcome::Changed, Some(&request.answer)), (unproven, None)] {
        let reply = answer(&outcome, to, &Realm::new("R"), realm.now, &mut realm.rng).unwrap();
        let refused = refusal(&realm, &reply);
        assert_eq!(refused, PasswordRefusal::NotARequest);
        let outcome = PasswordOutcome::Refused(refused);
        assert_eq!(answer(&outcome, None, &Realm::new("R"), realm.now, &mut realm.rng), None);
    }
}

#[test]
fn octets_of_any_kind_are_refused_without_a_panic() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let (_, good) = begin(&mut realm, &ticket, &set("new password", None));
    for length in 0..good.len() {
        assert!(verify(&realm, &good[..length]).is_err(), "{length}");
    }
    for position in 0..good.len() {
        let mut mutated = good.clone();
        mutated[position] ^= 0x55;
        // The name and the options of the AP-REQ are not covered by anything; no mutation becomes another order.
        if let Ok(request) = verify(&realm, &mutated) {
            assert_eq!((request.password.expose(), request.target), (&b"new password"[..], None), "{position}");
        }
    }
    assert!(verify(&realm, &[0x5a; 4096]).is_err());
}

#[test]
fn a_request_that_comes_twice_is_known_by_its_password_and_only_for_a_moment() {
    let mut realm = realm();
    let rules = Realm::new("R");
    let ticket = ticket(&mut realm, "alice");
    realm.wait(5);
    let (_, octets) = begin(&mut realm, &ticket, &order("new password"));
    let request = verify(&realm, &octets).ok().unwrap();
    let judged = |realm: &TestRealm| {
        let alice = record(realm, "alice");
        let repeated = request.may_be_repeated(alice, &rules, realm.now) && request.is_in_force(alice);
        (repeated, request.check_client(Some(alice), &rules, realm.now))
    };
    assert_eq!(judged(&realm), (false, Ok(())));
    realm.set_password("alice", "new password");
    let before = Err(PasswordRefusal::Unproven(Refusal::TicketBeforePasswordChange));
    assert_eq!(judged(&realm), (true, before.clone()), "the answer was lost");
    realm.set_password("alice", "third password");
    assert_eq!(judged(&realm), (false, before.clone()), "somebody kept the first request and sends it again");
    realm.set_password("alice", "new password");
    realm.wait(300);
    assert_eq!(judged(&realm), (false, before), "nobody repeats a request for so long");
}

#[test]
fn whoever_may_not_take_part_any_more_changes_no_password() {
    let mut realm = realm();
    let rules = Realm::new("R");
    let ticket = ticket(&mut realm, "alice");
    let (_, octets) = begin(&mut realm, &ticket, &order("new password"));
    let request = verify(&realm, &octets).ok().unwrap();
    let refused = |realm: &TestRealm, client: Option<&PrincipalRecord>| {
        request.check_client(client, &rules, realm.now).unwrap_err().name()
    };
    assert_eq!(refused(&realm, None), "ClientUnknown");
    assert_eq!(refused(&realm, Some(record(&realm, "HTTP/web.r"))), "ClientUnknown", "the name is another one's alias");
    realm.change("alice", |record| record.attributes = Attributes::LOCKED);
    assert_eq!(refused(&realm, Some(record(&realm, "alice"))), "ClientLocked");
    realm.change("alice", |record| record.attributes = Attributes::empty());
    let now = realm.now;
    realm.change("alice", |record| record.revoked = Some(now));
    assert_eq!(refused(&realm, Some(record(&realm, "alice"))), "TicketBeforeRevocation");
}

#[test]
fn a_client_of_another_name_changes_the_password_of_its_account() {
    let mut realm = realm();
    realm.alias("al", "alice");
    let ticket = ticket_with(&mut realm, "al", TicketOptions::default()).unwrap();
    assert_eq!(ticket.client, realm.principal("al"));
    let (al, alice) = (realm.principal("al"), realm.principal("alice"));
    for order in [order("new password"), set("new password", Some(&al)), set("new password", Some(&alice))] {
        let (_, octets) = begin(&mut realm, &ticket, &order);
        let request = verify(&realm, &octets).ok().unwrap();
        assert_eq!((request.client, request.target), (alice.clone(), None));
    }
}

#[test]
fn the_key_of_the_service_may_have_been_rotated_since() {
    let mut realm = realm();
    let ticket = ticket(&mut realm, "alice");
    let mut service = record(&realm, CHANGEPW).clone();
    let mut keys = KeySet::random(&AES, 2, realm.now, &mut realm.rng);
    keys.versions.extend(service.keys.versions.clone());
    service.keys = keys;
    let entry = Arc::new(Entry::new(service));
    let (_, octets) = begin(&mut realm, &ticket, &order("new password"));
    assert!(AuthenticPasswordRequest::verify(&octets, Some(&entry), &Realm::new("R"), realm.now).is_ok());
}
