//! Access: who gets a ticket for whom by the declarations of a realm, on every path to a service ticket.

use crate::realm::TestRealm;
use kennel_client::{AsRequest, ClientError, Credential, Secret, TgsRequest, TicketOptions};
use kennel_core::access::denial::DenialReason;
use kennel_core::access::explain::{ExplainTarget, GrantStanding};
use kennel_core::access::table::{
    AccessGrant, AccessMode, AccessPeer, AccessTable, AccountAccess, ServerAccess, ServerKey, UnmanagedServices,
};
use kennel_core::access::{AccessIndex, ServiceClass};
use kennel_core::event::Decision;
use kennel_core::principal::{Attributes, Origin};
use kennel_core::refusal::Refusal;
use kennel_wire::message::{ErrorCode, KdcOptions, KerberosTime, Principal};
use std::collections::BTreeSet;
use std::sync::Arc;

const WEB: &str = "HTTP/web.shop.svc.cluster.local";
const POSTGRES: &str = "postgres/web.shop.svc.cluster.local";
const ALL_PATHS: KdcOptions = KdcOptions::FORWARDABLE.union(KdcOptions::PROXIABLE);

pub(crate) fn principal(text: &str) -> Principal {
    Principal::parse(text, "R").unwrap()
}

pub(crate) fn grant(by: &str, peers: &[AccessPeer]) -> AccessGrant {
    AccessGrant { by: by.into(), peers: peers.to_vec(), service_classes: None, not_after: None }
}

fn named(name: &str) -> AccessPeer {
    AccessPeer::Principal(principal(name))
}

fn account(text: &str) -> AccountAccess {
    let (name, namespace) = text.rsplit_once('.').unwrap();
    AccountAccess { principal: principal(text), namespace: namespace.into(), name: name.into(), calls: None }
}

/// The shop: `web` may be called by `cart` of its own namespace and by the namespace `ops`.
fn shop() -> AccessTable {
    let grants = vec![
        Arc::new(grant("shop/web", &[named("cart.shop")])),
        Arc::new(grant("shop/web-from-ops", &[AccessPeer::Namespace("ops".into())])),
    ];
    AccessTable {
        realm: "R".into(),
        accounts: ["web.shop", "cart.shop", "batch.shop", "debug.ops"].map(account).to_vec(),
        servers: vec![ServerAccess {
            key: ServerKey::new("shop", "web"),
            mode: AccessMode::Enforce,
            own: principal("web.shop"),
            names: vec![principal(WEB), principal(POSTGRES)],
            grants,
        }],
        ..AccessTable::default()
    }
}

/// The shop with another grant for `web`.
fn shop_with(grant: AccessGrant) -> AccessTable {
    let mut table = shop();
    table.servers[0].grants.push(Arc::new(grant));
    table
}

/// A realm with the accounts of the shop, people, and services made by hand, under a table.
fn realm(table: &AccessTable) -> TestRealm {
    let mut realm = TestRealm::with(|rules| {
        rules.cluster_domain = Some("cluster.local".into());
        rules.allow_postdate = true;
    });
    for account in ["cart.shop", "batch.shop", "web.shop", "debug.ops"] {
        realm.add(account, |record| {
            record.origin = Origin::Kubernetes;
            record.attributes = Attributes::DISALLOW_SERVER;
        });
    }
    for service in [WEB, POSTGRES, "HTTP/new.shop.svc.cluster.local"] {
        realm.add(service, |record| record.origin = Origin::Kubernetes);
    }
    for by_hand in ["nfs/filer", "kadmin/admin", "krbtgt/OTHER", "mallory.ops", "bob"] {
        realm.add(by_hand, |_| {});
    }
    realm.alias("HTTP/web.shop", WEB);
    realm.declare(table);
    realm
}

fn ask(realm: &mut TestRealm, client: &str, server: &str) -> Result<Credential, ClientError> {
    let tgt = realm.tgt(client);
    realm.service(&tgt, server)
}

/// The reason and the words of the last denial, which are the error's own.
fn denied(realm: &TestRealm, result: Result<Credential, ClientError>) -> (DenialReason, String) {
    let Err(ClientError::Kdc { code, text }) = result else { panic!("not denied: {result:?}") };
    assert_eq!(code, ErrorCode::POLICY);
    let outcome = &realm.events.last().unwrap().outcome;
    let Decision::Refused { refusal: Refusal::AccessDenied, denial: Some(denial), .. } = outcome else {
        panic!("not denied: {outcome:?}")
    };
    assert_eq!(text.as_deref(), Some(&*denial.text));
    (denial.reason, denial.text.to_string())
}

fn assert_denied(realm: &mut TestRealm, client: &str, server: &str, reason: DenialReason) -> String {
    let result = ask(realm, client, server);
    let (found, text) = denied(realm, result);
    assert_eq!(found, reason, "{text}");
    text
}

fn allowed_by(realm: &TestRealm) -> Option<String> {
    realm.last_issued().allowed_by.as_deref().map(str::to_owned)
}

#[test]
fn a_client_that_a_kerberos_access_names_gets_its_ticket_and_the_event_names_the_access() {
    let mut realm = realm(&shop());
    ask(&mut realm, "cart.shop", WEB).unwrap();
    assert_eq!(allowed_by(&realm).as_deref(), Some("shop/web"));
    ask(&mut realm, "debug.ops", WEB).unwrap();
    assert_eq!(allowed_by(&realm).as_deref(), Some("shop/web-from-ops"));
}

#[test]
fn a_client_that_no_kerberos_access_names_gets_the_words_that_say_what_is_missing() {
    let mut realm = realm(&shop());
    let text = assert_denied(&mut realm, "batch.shop", WEB, DenialReason::NoAccess);
    assert_eq!(text, "no KerberosAccess in shop allows batch.shop to call web");
}

#[test]
fn an_alias_and_a_short_name_are_decided_on_the_canonical_name() {
    let mut realm = realm(&shop());
    for name in ["HTTP/web.shop", "HTTP/web", WEB] {
        ask(&mut realm, "cart.shop", name).unwrap();
        assert_eq!(allowed_by(&realm).as_deref(), Some("shop/web"), "{name}");
        assert_denied(&mut realm, "batch.shop", name, DenialReason::NoAccess);
    }
}

#[test]
fn every_path_to_a_service_ticket_passes_the_decision() {
    let mut realm = realm(&shop_with(grant("shop/all", &[named("batch.shop")])));
    let renewable = TicketOptions { flags: ALL_PATHS, renewable_life: Some(86_400), ..TicketOptions::default() };
    let flags = ALL_PATHS | KdcOptions::ALLOW_POSTDATE;
    let tgt = realm.initial("batch.shop", TicketOptions { flags, ..renewable.clone() }).unwrap();
    let web_tgt = realm.tgt("web.shop");
    let request = TgsRequest { options: renewable.clone(), ..TgsRequest::new(principal(WEB)) };
    let ticket = realm.tgs(&tgt, &request).unwrap();
    let start = Some(realm.now.time.plus(600));
    let later =
        TgsRequest { options: TicketOptions { start, ..TicketOptions::default() }, ..TgsRequest::new(principal(WEB)) };
    let postdated = realm.tgs(&tgt, &later).unwrap();
    realm.wait(601);
    realm.declare(&shop());
    let requests = [
        (tgt.clone(), TgsRequest::new(principal(WEB))),
        (tgt.clone(), TgsRequest::proxy(principal(WEB), Vec::new())),
        (tgt.clone(), TgsRequest::user_to_user(principal("web.shop"), web_tgt.ticket.clone())),
        (ticket.clone(), TgsRequest::renew(&ticket)),
        (postdated.clone(), TgsRequest::validate(&postdated)),
    ];
    for (presented, request) in &requests {
        let result = realm.tgs(presented, request);
        assert_eq!(denied(&realm, result).0, DenialReason::NoAccess, "{:?}", realm.events.last());
    }
    let result = realm.initial_with(
        AsRequest { server: Some(principal(WEB).name), ..AsRequest::new(principal("batch.shop")) },
        Secret::Keys(realm.keys("batch.shop")),
    );
    assert_eq!(denied(&realm, result.map(|ticket| ticket.credential)).0, DenialReason::NoAccess);
    // The same requests succeed under a KerberosAccess, each with its name.
    realm.declare(&shop_with(grant("shop/all", &[named("batch.shop")])));
    for (presented, request) in &requests {
        realm.tgs(presented, request).unwrap();
        assert_eq!(allowed_by(&realm).as_deref(), Some("shop/all"));
    }
}

#[test]
fn ticket_granting_tickets_are_never_refused() {
    let mut realm = realm(&AccessTable { unmanaged_services: UnmanagedServices::Deny, ..shop() });
    let options = TicketOptions { flags: ALL_PATHS, renewable_life: Some(86_400), ..TicketOptions::default() };
    let tgt = realm.initial("batch.shop", options).unwrap();
    for request in [
        TgsRequest::renew(&tgt),
        TgsRequest::forward(&tgt, Vec::new()),
        TgsRequest::new(principal("krbtgt/OTHER")),
        TgsRequest::new(principal("krbtgt/R")),
    ] {
        realm.tgs(&tgt, &request).unwrap();
        assert_eq!(allowed_by(&realm), None);
    }
}

#[test]
fn kadmin_tickets_come_from_the_as_exchange_and_by_no_access() {
    // Not even a table that names it, and everybody as its client.
    let mut table = shop_with(grant("shop/all", &[AccessPeer::Realm("R".into())]));
    table.servers[0].names.push(principal("kadmin/admin"));
    for origin in [Origin::Manual, Origin::Kubernetes] {
        let mut realm = realm(&table);
        realm.change("kadmin/admin", |record| record.origin = origin);
        let text = assert_denied(&mut realm, "alice", "kadmin/admin", DenialReason::KadminByTgs);
        assert_eq!(text, "kadmin/admin takes tickets from the AS exchange only");
        let request = AsRequest { server: Some(principal("kadmin/admin").name), ..AsRequest::new(principal("alice")) };
        let secret = Secret::Keys(realm.keys("alice"));
        let ticket = realm.initial_with(request, secret).unwrap();
        assert_eq!(ticket.credential.server, principal("kadmin/admin"));
    }
}

#[test]
fn a_service_made_by_hand_follows_the_rule_of_the_realm() {
    let mut realm = realm(&shop());
    ask(&mut realm, "batch.shop", "nfs/filer").unwrap();
    assert_eq!(allowed_by(&realm), None);
    realm.declare(&AccessTable { unmanaged_services: UnmanagedServices::Deny, ..shop() });
    let text = assert_denied(&mut realm, "batch.shop", "nfs/filer", DenialReason::UnmanagedService);
    assert!(text.starts_with("nfs/filer was made by hand, and spec.access.unmanagedServices"), "{text}");
    // A name that an object of the cluster claims, but an administrator made, is the administrator's.
    realm.change(WEB, |record| record.origin = Origin::Manual);
    assert_denied(&mut realm, "cart.shop", WEB, DenialReason::UnmanagedService);
}

#[test]
fn a_server_of_the_cluster_that_is_not_programmed_yet_has_no_callers() {
    let mut realm = realm(&shop());
    let text = assert_denied(&mut realm, "cart.shop", "HTTP/new.shop.svc.cluster.local", DenialReason::NotProgrammed);
    assert!(text.starts_with("nobody may call HTTP/new.shop.svc.cluster.local yet"), "{text}");
}

#[test]
fn an_account_that_takes_no_part_is_let_in_neither_by_its_name_nor_by_its_namespace_nor_by_the_realm() {
    let everybody = [named("debug.ops"), AccessPeer::Namespace("ops".into()), AccessPeer::Realm("R".into())];
    let mut table = shop_with(grant("shop/all", &everybody));
    let mut realm = realm(&table);
    ask(&mut realm, "debug.ops", WEB).unwrap();
    table.accounts.retain(|account| account.name != "debug");
    realm.declare(&table);
    let text = assert_denied(&mut realm, "debug.ops", WEB, DenialReason::NotProgrammed);
    assert!(text.starts_with("debug.ops may call nobody yet"), "{text}");
    ask(&mut realm, "bob", WEB).unwrap();
}

#[test]
fn a_principal_made_by_hand_is_no_account_whatever_its_name() {
    let mut realm = realm(&shop());
    assert_denied(&mut realm, "mallory.ops", WEB, DenialReason::NoAccess);
    // Not even where the name is that of an account.
    realm.change("cart.shop", |record| record.origin = Origin::Manual);
    realm.change("debug.ops", |record| record.origin = Origin::Manual);
    assert_denied(&mut realm, "cart.shop", WEB, DenialReason::NoAccess);
    assert_denied(&mut realm, "debug.ops", WEB, DenialReason::NoAccess);
    // It is a client of the realm all the same, and a person can be named.
    realm.declare(&shop_with(grant("shop/all", &[AccessPeer::Realm("R".into())])));
    ask(&mut realm, "mallory.ops", WEB).unwrap();
    ask(&mut realm, "cart.shop", WEB).unwrap();
    realm.declare(&shop_with(grant("shop/people", &[named("alice")])));
    ask(&mut realm, "alice", WEB).unwrap();
    assert_denied(&mut realm, "bob", WEB, DenialReason::NoAccess);
}

#[test]
fn service_classes_are_the_first_component_of_the_server_and_leave_out_its_own_principal() {
    let classes = Some(BTreeSet::from(["HTTP".to_owned()]));
    let mut realm =
        realm(&shop_with(AccessGrant { service_classes: classes, ..grant("shop/http", &[named("batch.shop")]) }));
    ask(&mut realm, "batch.shop", WEB).unwrap();
    assert_eq!(allowed_by(&realm).as_deref(), Some("shop/http"));
    let text = assert_denied(&mut realm, "batch.shop", POSTGRES, DenialReason::ServiceClass);
    assert_eq!(text, "KerberosAccess shop/http allows batch.shop to call web, but not class postgres");
    let (batch, cart, web) = (realm.tgt("batch.shop"), realm.tgt("cart.shop"), realm.tgt("web.shop"));
    let request = TgsRequest::user_to_user(principal("web.shop"), web.ticket);
    let result = realm.tgs(&batch, &request);
    let (reason, text) = denied(&realm, result);
    assert_eq!(reason, DenialReason::ServiceClass);
    assert_eq!(
        text,
        "KerberosAccess shop/http allows batch.shop to call service classes of web, but not its own principal"
    );
    realm.tgs(&cart, &request).unwrap();
    assert_eq!(allowed_by(&realm).as_deref(), Some("shop/web"));
}

#[test]
fn no_ticket_ends_or_is_renewed_after_the_grant_and_the_longest_grant_wins() {
    let mut realm = realm(&shop());
    let (hour, now) = (3600, realm.now.time);
    let until = |by: &str, hours: i64| {
        let not_after = Some(now.plus(hours * hour));
        Arc::new(AccessGrant { not_after, ..grant(by, &[named("batch.shop"), AccessPeer::Realm("R".into())]) })
    };
    let mut table = shop();
    table.servers[0].grants.extend([until("shop/a", 1), until("shop/incident-4711", 2), until("shop/b", 1)]);
    realm.declare(&table);
    let options = TicketOptions {
        flags: KdcOptions::ALLOW_POSTDATE,
        renewable_life: Some(24 * hour),
        ..TicketOptions::default()
    };
    let tgt = realm.initial("batch.shop", options.clone()).unwrap();
    let limit = now.plus(2 * hour);
    let renewable =
        TgsRequest { options: TicketOptions { life: Some(600), ..options.clone() }, ..TgsRequest::new(principal(WEB)) };
    let short = realm.tgs(&tgt, &renewable).unwrap();
    assert_eq!((short.endtime, short.renew_till), (now.plus(600), Some(limit)));
    let longest = realm.service(&tgt, WEB).unwrap();
    assert_eq!((longest.endtime, allowed_by(&realm).as_deref()), (limit, Some("shop/incident-4711")));
    let start = Some(now.plus(hour));
    let request = TgsRequest { options: TicketOptions { start, ..options.clone() }, ..TgsRequest::new(principal(WEB)) };
    let postdated = realm.tgs(&tgt, &request).unwrap();
    assert_eq!((postdated.endtime, postdated.renew_till), (limit, Some(limit)));
    // A grant that was shortened since bounds what is renewed and validated.
    realm.wait(300);
    table.servers[0].grants.retain(|grant| &*grant.by != "shop/incident-4711");
    realm.declare(&table);
    let renewed = realm.tgs(&short, &TgsRequest::renew(&short)).unwrap();
    assert_eq!((renewed.endtime, renewed.renew_till), (now.plus(900), Some(now.plus(hour))));
    table.servers[0]
        .grants
        .push(Arc::new(AccessGrant { not_after: Some(now.plus(90 * 60)), ..grant("shop/c", &[named("batch.shop")]) }));
    realm.declare(&table);
    let too_late = TgsRequest {
        options: TicketOptions { start: Some(now.plus(91 * 60)), ..options },
        ..TgsRequest::new(principal(WEB))
    };
    let refused = realm.tgs(&tgt, &too_late);
    realm.assert_refused(refused, Refusal::NeverValid);
    realm.wait(hour);
    let validated = realm.tgs(&postdated, &TgsRequest::validate(&postdated)).unwrap();
    assert_eq!((validated.endtime, validated.renew_till), (now.plus(90 * 60), Some(now.plus(90 * 60))));
}

#[test]
fn a_grant_ends_in_the_second_of_its_not_after() {
    let mut realm = realm(&shop());
    let end = realm.now.time.plus(60);
    let ending = AccessGrant { not_after: Some(end), ..grant("shop/incident-4711", &[named("batch.shop")]) };
    realm.declare(&shop_with(ending));
    let tgt = realm.tgt("batch.shop");
    realm.wait(59);
    assert_eq!(realm.service(&tgt, WEB).unwrap().endtime, end);
    realm.wait(1);
    let result = realm.service(&tgt, WEB);
    let (reason, text) = denied(&realm, result);
    assert_eq!(reason, DenialReason::AccessExpired);
    let expected = format!("KerberosAccess shop/incident-4711 allowed it until {}", end.to_rfc3339());
    assert!(text.starts_with(&expected), "{text}");
}

#[test]
fn the_calls_of_a_client_bind_it_and_its_services() {
    let mut table = shop_with(grant("shop/realm", &[AccessPeer::Realm("R".into())]));
    for name in [0, 1] {
        table.accounts[name].calls = Some(BTreeSet::from([ServerKey::new("data", "postgres")]));
    }
    let mut realm = realm(&table);
    let text = assert_denied(&mut realm, "cart.shop", WEB, DenialReason::ClientConsent);
    assert_eq!(text, "KerberosPrincipal shop/cart does not list shop/web in spec.calls");
    // A service that asks with its keytab is of the account.
    let text = assert_denied(&mut realm, POSTGRES, WEB, DenialReason::ClientConsent);
    assert_eq!(text, "KerberosPrincipal shop/web does not list shop/web in spec.calls");
    table.accounts[1].calls = Some(BTreeSet::from([ServerKey::new("shop", "web")]));
    realm.declare(&table);
    ask(&mut realm, "cart.shop", WEB).unwrap();
    // The veto is about servers of the cluster.
    ask(&mut realm, "cart.shop", "nfs/filer").unwrap();
}

#[test]
fn where_the_realm_wants_consent_an_account_of_another_namespace_counts_only_with_calls() {
    let mut table = AccessTable { client_consent_required: true, ..shop() };
    let mut realm = realm(&table);
    ask(&mut realm, "cart.shop", WEB).unwrap();
    let text = assert_denied(&mut realm, "debug.ops", WEB, DenialReason::ClientConsent);
    assert!(text.starts_with("KerberosPrincipal ops/debug does not list shop/web in spec.calls"), "{text}");
    table.accounts[3].calls = Some(BTreeSet::from([ServerKey::new("shop", "web")]));
    realm.declare(&table);
    ask(&mut realm, "debug.ops", WEB).unwrap();
    // People have no KerberosPrincipal that could consent.
    table.servers[0].grants.push(Arc::new(grant("shop/people", &[named("alice")])));
    realm.declare(&table);
    ask(&mut realm, "alice", WEB).unwrap();
}

#[test]
fn observe_issues_the_ticket_and_the_event_says_what_enforce_would_miss() {
    let mut table = shop();
    table.servers[0].mode = AccessMode::Observe;
    let mut realm = realm(&table);
    ask(&mut realm, "batch.shop", WEB).unwrap();
    let issued = realm.last_issued();
    let denial = issued.would_deny.unwrap();
    assert_eq!((denial.reason, issued.allowed_by), (DenialReason::NoAccess, None));
    assert_eq!(&*denial.text, "no KerberosAccess in shop allows batch.shop to call web");
    ask(&mut realm, "cart.shop", WEB).unwrap();
    let issued = realm.last_issued();
    assert_eq!((issued.would_deny, issued.allowed_by.as_deref()), (None, Some("shop/web")));
}

#[test]
fn clients_of_another_realm_are_named_or_come_with_their_whole_realm() {
    let mut home = TestRealm::named("CORP", |_| {});
    for name in ["alice", "bob", "cart.shop"] {
        home.add(name, |_| {});
    }
    let mut realm = realm(&shop_with(grant("shop/web-staff", &[named("alice@CORP")])));
    let entry = home.add("krbtgt/R@CORP", |_| {});
    realm.entries.insert(principal("krbtgt/R@CORP"), entry);
    let mut cross = |client: &str| {
        let tgt = home.tgt(client);
        home.tgs(&tgt, &TgsRequest::new(principal("krbtgt/R@CORP"))).unwrap()
    };
    let (alice, bob, cart) = (cross("alice"), cross("bob"), cross("cart.shop"));
    realm.service(&alice, WEB).unwrap();
    assert_eq!(allowed_by(&realm).as_deref(), Some("shop/web-staff"));
    let result = realm.service(&bob, WEB);
    assert_eq!(denied(&realm, result).1, "no KerberosAccess in shop allows bob@CORP to call web");
    // A name like one of ours is another name in another realm, and our realm is not theirs.
    realm.declare(&shop_with(grant("shop/all", &[AccessPeer::Realm("R".into())])));
    for stranger in [&cart, &bob] {
        let result = realm.service(stranger, WEB);
        assert_eq!(denied(&realm, result).0, DenialReason::NoAccess);
    }
    let result = realm.service(&bob, "nfs/filer");
    let (reason, text) = denied(&realm, result);
    assert_eq!(reason, DenialReason::UnmanagedService);
    assert!(text.ends_with("lets only clients of the realm call it"), "{text}");
    realm.declare(&shop_with(grant("shop/corp", &[AccessPeer::Realm("CORP".into())])));
    realm.service(&bob, WEB).unwrap();
    assert_eq!(allowed_by(&realm).as_deref(), Some("shop/corp"));
}

#[test]
fn the_account_behind_a_name_is_the_clusters_and_never_that_of_a_namesake() {
    let index = AccessIndex::new(&shop());
    let web = Some(ServerKey::new("shop", "web"));
    for name in [WEB, POSTGRES, "web.shop"] {
        assert_eq!(index.server_key(&principal(name)), web, "{name}");
        assert_eq!(index.account_key(&principal(name), Some(Origin::Kubernetes)), web, "{name}");
        assert_eq!(index.account_key(&principal(name), Some(Origin::Manual)), None, "{name}");
    }
    assert_eq!(index.server_key(&principal("cart.shop")), None, "an account without a KerberosPrincipal");
    for stranger in ["web.shop@CORP", "alice", "nfs/filer"] {
        assert_eq!(index.server_key(&principal(stranger)), None);
        assert_eq!(index.account_key(&principal(stranger), None), None);
    }
}

#[test]
fn an_explanation_says_what_the_kdc_decides_and_names_every_grant_that_means_the_client() {
    let now = KerberosTime(1_800_000_000);
    let mut table = shop();
    let ended = |by: &str| AccessGrant { not_after: Some(now), ..grant(by, &[AccessPeer::Realm("R".into())]) };
    let http = Some(BTreeSet::from(["HTTP".to_owned()]));
    let of_class = AccessGrant { service_classes: http, ..grant("shop/http", &[named("cart.shop")]) };
    table.servers[0].grants.extend([Arc::new(ended("shop/incident")), Arc::new(of_class)]);
    let index = AccessIndex::new(&table);
    let key = ServerKey::new("shop", "web");
    let explain = |client: &str, target| index.explain(&principal(client), Some(Origin::Kubernetes), target, now);
    let of_class = |class| ExplainTarget::Account(&key, ServiceClass::Class(class));
    let explained = explain("cart.shop", of_class("postgres"));
    let server = explained.server.unwrap();
    assert_eq!((&server.key, server.mode), (&key, AccessMode::Enforce));
    let standings: Vec<_> = explained.grants.iter().map(|grant| (&*grant.by, grant.standing)).collect();
    assert_eq!(
        standings,
        [
            ("shop/web", GrantStanding::InForce),
            ("shop/http", GrantStanding::OtherClass),
            ("shop/incident", GrantStanding::Expired)
        ]
    );
    assert_eq!(explained.grants[2].peer, AccessPeer::Realm("R".into()));
    let (web, filer) = (principal(WEB), principal("nfs/filer"));
    for (client, target) in [
        ("cart.shop", ExplainTarget::Service(&web, Origin::Kubernetes)),
        ("batch.shop", ExplainTarget::Service(&web, Origin::Kubernetes)),
        ("batch.shop", ExplainTarget::Service(&filer, Origin::Manual)),
        ("batch.shop", ExplainTarget::Service(&filer, Origin::Kubernetes)),
    ] {
        let ExplainTarget::Service(service, service_origin) = target else { unreachable!() };
        let mut realm = realm(&table);
        realm.change(&service.name.to_string(), |record| record.origin = service_origin);
        realm.now.time = now;
        let result = ask(&mut realm, client, &service.name.to_string());
        let allowed = matches!(explain(client, target).decision, kennel_core::access::AccessDecision::Allow { .. });
        assert_eq!(result.is_ok(), allowed, "{client} {service}");
    }
    let nobody = explain("cart.shop", ExplainTarget::Account(&ServerKey::new("shop", "new"), ServiceClass::Any));
    assert!(nobody.server.is_none() && nobody.grants.is_empty());
}
