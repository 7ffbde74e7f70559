//! `HTTP/web`, asked by a client of namespace `shop`, is the service `web` of that namespace, and nobody else's.

use crate::realm::TestRealm;
use kennel_client::{TgsRequest, TicketOptions};
use kennel_core::principal::Origin;
use kennel_core::refusal::Refusal;
use kennel_crypto::KeyUsage;
use kennel_wire::message::{EncTicketPart, KdcOptions, TicketFlags};

const WEB: &str = "HTTP/web.shop.svc.cluster.local";

/// A realm with the service `web` of namespaces `shop` and `dev`, and an account of each of three namespaces.
fn realm() -> TestRealm {
    let mut realm = TestRealm::with(|rules| {
        rules.cluster_domain = Some("cluster.local".into());
        rules.allow_postdate = true;
    });
    for name in [WEB, "HTTP/web.dev.svc.cluster.local", "cart.shop", "cart.dev", "cart.empty"] {
        realm.add(name, |record| record.origin = Origin::Kubernetes);
    }
    realm
}

/// The name in the event of the last request.
fn audited(realm: &TestRealm) -> String {
    realm.events.last().unwrap().server.as_ref().unwrap().to_string()
}

#[test]
fn a_short_name_is_the_service_of_the_clients_own_namespace() {
    let mut realm = realm();
    for (client, canonical) in [("cart.shop", WEB), ("cart.dev", "HTTP/web.dev.svc.cluster.local")] {
        let tgt = realm.tgt(client);
        let ticket = realm.service(&tgt, "HTTP/web").unwrap();
        assert_eq!(ticket.server.to_string(), "HTTP/web@R", "the name that Java insists on");
        let key = &realm.keys(canonical)[0];
        let opened = key.prepare(KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).unwrap();
        assert_eq!(EncTicketPart::decode(&opened).unwrap().cname, tgt.client.name);
        assert_eq!(audited(&realm), format!("{canonical}@R"));
        let asked = realm.access.asked.lock().unwrap().last().unwrap().1.clone();
        assert_eq!(asked, format!("{canonical}@R"), "the decision is about the service that it is");
        let ticket = realm.service_with(&tgt, "HTTP/web", KdcOptions::CANONICALIZE).unwrap();
        assert_eq!(ticket.server.to_string(), format!("{canonical}@R"));
    }
}

#[test]
fn nobody_else_is_reached_by_a_short_name() {
    let mut realm = realm();
    // A person may be called like an account, and a namespace may have no such service.
    realm.add("eve.shop", |record| record.origin = Origin::Manual);
    for client in ["alice", "eve.shop", "cart.empty"] {
        let tgt = realm.tgt(client);
        let refused = realm.service(&tgt, "HTTP/web");
        realm.assert_refused(refused, Refusal::ServerUnknown);
    }
    let tgt = realm.tgt("cart.shop");
    for other in ["postgres/web", "krbtgt/web", "HTTP/web/x", "HTTP/web.elsewhere"] {
        let refused = realm.service(&tgt, other);
        realm.assert_refused(refused, Refusal::ServerUnknown);
    }
    assert_eq!(audited(&realm), "HTTP/web.elsewhere@R");
}

#[test]
fn a_principal_of_that_name_wins_over_every_namespace() {
    let mut realm = realm();
    realm.add("HTTP/web", |_| {});
    let tgt = realm.tgt("cart.shop");
    let ticket = realm.service(&tgt, "HTTP/web").unwrap();
    let key = &realm.keys("HTTP/web")[0];
    key.prepare(KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).unwrap();
    assert_eq!(audited(&realm), "HTTP/web@R");
}

#[test]
fn a_realm_without_a_cluster_knows_no_short_names() {
    let mut realm = TestRealm::new();
    for name in [WEB, "cart.shop"] {
        realm.add(name, |record| record.origin = Origin::Kubernetes);
    }
    let tgt = realm.tgt("cart.shop");
    let refused = realm.service(&tgt, "HTTP/web");
    realm.assert_refused(refused, Refusal::ServerUnknown);
}

#[test]
fn a_ticket_of_a_short_name_is_not_renewable_or_postdated_unless_it_bears_the_canonical_name() {
    let mut realm = realm();
    let renewable = TicketOptions { renewable_life: Some(86_400), ..Default::default() };
    let flags = KdcOptions::ALLOW_POSTDATE;
    let tgt = realm.initial("cart.shop", TicketOptions { flags, ..renewable.clone() }).unwrap();
    let with = |realm: &TestRealm, options: TicketOptions| TgsRequest {
        options,
        ..TgsRequest::new(realm.principal("HTTP/web"))
    };
    let request = with(&realm, renewable.clone());
    assert!(!realm.tgs(&tgt, &request).unwrap().flags.contains(TicketFlags::RENEWABLE));
    let start = Some(realm.now.time.plus(3_600));
    let request = with(&realm, TicketOptions { start, ..Default::default() });
    let refused = realm.tgs(&tgt, &request);
    realm.assert_refused(refused, Refusal::CannotPostdate);
    let request = with(&realm, TicketOptions { flags: KdcOptions::CANONICALIZE, ..renewable });
    let ticket = realm.tgs(&tgt, &request).unwrap();
    assert!(ticket.flags.contains(TicketFlags::RENEWABLE));
    realm.tgs(&ticket, &TgsRequest::renew(&ticket)).unwrap();
}
