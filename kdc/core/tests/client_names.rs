//! Clients under other names than their own: aliases and enterprise names, with canonicalization and without (RFC 6806).

use crate::realm::{TestRealm, code};
use kennel_client::{AsRequest, ClientError, Credential, Secret, TgsRequest, TicketOptions};
use kennel_core::access::AccessPath;
use kennel_core::principal::Attributes;
use kennel_core::refusal::Refusal;
use kennel_wire::message::{ErrorCode, KdcOptions, NameType, Principal, PrincipalName};

/// A realm in which alice is called al too.
fn realm() -> TestRealm {
    let mut realm = TestRealm::with(|rules| rules.domain_realms.push(("corp.example".into(), "CORP".into())));
    realm.alias("al", "alice");
    realm
}

fn enterprise(text: &str) -> Principal {
    Principal::new(PrincipalName::new(NameType::ENTERPRISE, [text]), "R")
}

/// A TGT of alice, under the name that she asks by.
fn tgt(realm: &mut TestRealm, name: Principal, options: TicketOptions) -> Result<Credential, ClientError> {
    let secret = Secret::Keys(realm.keys("alice"));
    realm.initial_with(AsRequest { client: name, server: None, options }, secret).map(|ticket| ticket.credential)
}

fn plain() -> TicketOptions {
    TicketOptions { renewable_life: Some(86_400), ..TicketOptions::default() }
}

fn canonicalize() -> TicketOptions {
    TicketOptions::with_flags(KdcOptions::CANONICALIZE)
}

#[test]
fn a_client_that_asks_for_canonicalization_gets_its_canonical_name() {
    let mut realm = realm();
    for name in [realm.principal("al"), enterprise("alice@r"), enterprise("al@R")] {
        let ticket = tgt(&mut realm, name, canonicalize()).unwrap();
        assert_eq!(ticket.client.to_string(), "alice@R");
        realm.service(&ticket, "HTTP/web.r").unwrap();
    }
}

#[test]
fn a_client_that_does_not_keeps_the_name_that_it_asked_by_and_is_the_same_account() {
    let mut realm = realm();
    for name in [realm.principal("al"), enterprise("alice@r"), enterprise("al@R")] {
        let ticket = tgt(&mut realm, name.clone(), plain()).unwrap();
        assert_eq!(ticket.client, name);
        realm.access.asked.lock().unwrap().clear();
        let service = realm.service(&ticket, "HTTP/web.r").unwrap();
        assert_eq!(service.client, name, "no service sees another name than the client has");
        let asked = realm.access.asked.lock().unwrap().clone();
        assert_eq!(asked, [("alice@R".to_owned(), "HTTP/web.r@R".to_owned(), AccessPath::Tgs)]);
        assert_eq!(realm.events.last().unwrap().client, Some(realm.principal("alice")));
        let renewed = realm.tgs(&ticket, &TgsRequest::renew(&ticket)).unwrap();
        assert_eq!(realm.service(&renewed, "HTTP/web.r").unwrap().client, name);
    }
}

#[test]
fn an_account_is_locked_under_each_of_its_names() {
    let mut realm = realm();
    let alias = realm.principal("al");
    let ticket = tgt(&mut realm, alias.clone(), plain()).unwrap();
    realm.change("alice", |record| record.attributes = Attributes::LOCKED);
    realm.alias("al", "alice");
    let refused = realm.service(&ticket, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::ClientLocked);
    let refused = tgt(&mut realm, alias, plain());
    realm.assert_refused(refused, Refusal::ClientLocked);
}

#[test]
fn a_ticket_of_an_alias_is_worth_nothing_once_the_alias_is_another_accounts_or_nobodys() {
    let mut realm = realm();
    realm.add("bob", |_| {});
    let (alias, alias_again) = (realm.principal("al"), enterprise("al@r"));
    let ticket = tgt(&mut realm, alias.clone(), plain()).unwrap();
    let by_enterprise_name = tgt(&mut realm, alias_again, plain()).unwrap();
    let mut request = TgsRequest::new(realm.principal("HTTP/web.r"));
    request.options.renewable_life = Some(86_400);
    let service = realm.tgs(&ticket, &request).unwrap();
    realm.tgs(&service, &TgsRequest::renew(&service)).unwrap();

    realm.alias("al", "bob");
    for ticket in [&ticket, &by_enterprise_name] {
        let refused = realm.service(ticket, "HTTP/web.r");
        realm.assert_refused(refused, Refusal::TicketAliasChanged);
    }
    let refused = realm.tgs(&service, &TgsRequest::renew(&service));
    realm.assert_refused(refused, Refusal::TicketAliasChanged);
    realm.entries.remove(&alias);
    let refused = realm.service(&ticket, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketAliasChanged);
    realm.add("al", |_| {});
    let refused = realm.service(&ticket, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketAliasChanged);
    realm.alias("al", "alice");
    realm.service(&ticket, "HTTP/web.r").unwrap();
}

#[test]
fn the_ticket_of_an_account_is_worth_nothing_once_its_name_is_an_alias_of_another() {
    let mut realm = realm();
    realm.add("bob", |_| {});
    let ticket = realm.tgt("alice");
    realm.alias("alice", "bob");
    let refused = realm.service(&ticket, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketRevoked);
}

#[test]
fn a_user_to_user_ticket_is_for_the_account_behind_the_name_of_its_tgt() {
    let mut realm = realm();
    realm.add("bob", |_| {});
    let alias = realm.principal("al");
    let of_al = tgt(&mut realm, alias, plain()).unwrap();
    let bob = realm.tgt("bob");
    for name in ["alice", "al"] {
        let request = TgsRequest::user_to_user(realm.principal(name), of_al.ticket.clone());
        realm.tgs(&bob, &request).unwrap();
    }
    let request = TgsRequest::user_to_user(realm.principal("bob"), of_al.ticket.clone());
    let refused = realm.tgs(&bob, &request);
    realm.assert_refused(refused, Refusal::SecondTicketMismatch);
}

#[test]
fn an_enterprise_name_of_another_realm_is_referred_there_and_one_of_nowhere_is_unknown() {
    let mut realm = realm();
    let referred = tgt(&mut realm, enterprise("alice@corp.example"), plain());
    assert_eq!(code(referred), ErrorCode::WRONG_REALM);
    for nobody in ["alice@nowhere.example", "nobody@r", "@r", "alice@CORP@r"] {
        let unknown = tgt(&mut realm, enterprise(nobody), plain());
        realm.assert_refused(unknown, Refusal::ClientUnknown);
    }
}
