//! Tickets that come back to the KDC under the key of a service: the KDC's own checksum says that the service did not make or
//! change them (RFC 7751).

use crate::realm::{AES, TestRealm};
use kennel_client::{AsRequest, ClientError, Credential, Secret, TgsRequest, TicketOptions};
use kennel_core::event::Decision;
use kennel_core::key_set::{KeySet, KeyState};
use kennel_core::pods::{PodRef, PodState};
use kennel_core::principal::Attributes;
use kennel_core::refusal::Refusal;
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::der::writer::Writer;
use kennel_wire::message::{
    AuthorizationData, AuthorizationDatum, Cammac, EncTicketPart, KdcOptions, TicketFlags, ad_type,
};

fn renewable() -> TicketOptions {
    TicketOptions { renewable_life: Some(86_400), ..Default::default() }
}

/// A renewable ticket of alice for a service.
fn ticket_for(realm: &mut TestRealm, service: &str) -> Credential {
    let tgt = realm.initial("alice", renewable()).unwrap();
    let request = TgsRequest { options: renewable(), ..TgsRequest::new(realm.principal(service)) };
    realm.tgs(&tgt, &request).unwrap()
}

fn renew(realm: &mut TestRealm, ticket: &Credential) -> Result<Credential, ClientError> {
    realm.tgs(ticket, &TgsRequest::renew(ticket))
}

/// The content of a ticket, which its service can read.
fn opened(realm: &TestRealm, ticket: &Credential, service: &str) -> EncTicketPart {
    let key = &realm.keys(service)[0];
    EncTicketPart::decode(&key.prepare(KeyUsage::TICKET).open(&ticket.ticket.enc_part.cipher).unwrap()).unwrap()
}

/// The ticket with another content, as its service can seal it.
fn resealed(realm: &mut TestRealm, ticket: &Credential, service: &str, part: &EncTicketPart) -> Credential {
    let mut writer = Writer::default();
    part.write(&mut writer);
    let key = realm.keys(service).remove(0);
    let mut resealed = ticket.clone();
    resealed.ticket.enc_part.cipher = key.prepare(KeyUsage::TICKET).seal(writer.as_slice(), &mut realm.rng);
    resealed.ticket.sname = realm.principal(service).name;
    (resealed.server, resealed.flags) = (realm.principal(service), part.flags);
    resealed
}

/// The CAMMAC of a ticket.
fn cammac(part: &EncTicketPart) -> Option<Cammac> {
    let data = part.authorization_data.as_ref()?;
    let relevant = data.0.iter().filter(|datum| datum.ad_type == ad_type::IF_RELEVANT);
    let inner = relevant.flat_map(|datum| AuthorizationData::decode(&datum.ad_data).unwrap().0);
    let found = inner.into_iter().find(|datum| datum.ad_type == ad_type::CAMMAC)?;
    Some(Cammac::decode(&found.ad_data).unwrap())
}

#[test]
fn a_service_ticket_has_the_kdcs_checksum_only_where_it_can_come_back() {
    let mut realm = TestRealm::postdating();
    let flags = KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE | KdcOptions::ALLOW_POSTDATE;
    let tgt = realm.initial("alice", TicketOptions { flags, ..renewable() }).unwrap();
    let plain = realm.service_with(&tgt, "HTTP/web.r", KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE).unwrap();
    assert_eq!(opened(&realm, &plain, "HTTP/web.r").authorization_data, None);
    assert_eq!(opened(&realm, &tgt, "krbtgt/R").authorization_data, None, "only the KDC has the key of a TGT");
    let start = Some(realm.now.time.plus(3_600));
    for options in [renewable(), TicketOptions { start, ..Default::default() }] {
        let ticket =
            realm.tgs(&tgt, &TgsRequest { options, ..TgsRequest::new(realm.principal("HTTP/web.r")) }).unwrap();
        assert!(cammac(&opened(&realm, &ticket, "HTTP/web.r")).is_some());
    }
}

#[test]
fn the_checksums_are_those_of_rfc_7751() {
    let mut realm = TestRealm::new();
    let ticket = ticket_for(&mut realm, "HTTP/web.r");
    let mut part = opened(&realm, &ticket, "HTTP/web.r");
    let Cammac { elements, kdc_verifier, svc_verifier, .. } = cammac(&part).unwrap();
    let service_data = elements.encode();
    let relevant = AuthorizationData::decode(&elements.0[0].ad_data).unwrap();
    let local = relevant.0.iter().map(|datum| (datum.ad_type, &*datum.ad_data)).collect::<Vec<_>>();
    assert_eq!(local, [(-19_283, b"HTTP/web.r@R".as_slice())], "stored tickets outlive an upgrade");
    part.authorization_data = Some(elements);
    let mut covered = Writer::default();
    part.write(&mut covered);
    let verified = |key: &Key, verifier: kennel_wire::message::VerifierMac, data: &[u8]| {
        assert_eq!((verifier.kvno, verifier.enctype), (Some(1), Some(key.enctype().number())));
        key.verify_checksum(KeyUsage(64), data, verifier.mac.cksumtype, &verifier.mac.checksum).unwrap();
    };
    verified(&realm.keys("krbtgt/R")[0], kdc_verifier.unwrap(), covered.as_slice());
    verified(&realm.keys("HTTP/web.r")[0], svc_verifier.unwrap(), &service_data);
}

#[test]
fn a_ticket_that_a_service_sealed_itself_is_not_renewed_and_names_no_client_in_the_trail() {
    let mut realm = TestRealm::new();
    let ticket = ticket_for(&mut realm, "HTTP/web.r");
    let mut part = opened(&realm, &ticket, "HTTP/web.r");
    part.authorization_data = None;
    let forged = resealed(&mut realm, &ticket, "HTTP/web.r", &part);
    let refused = renew(&mut realm, &forged);
    realm.assert_refused(refused, Refusal::KdcVerifierMissing);
    assert_eq!(realm.events.last().unwrap().client, None, "nobody vouches for the name");
    part.flags = TicketFlags::INVALID;
    let forged = resealed(&mut realm, &ticket, "HTTP/web.r", &part);
    let refused = realm.tgs(&forged, &TgsRequest::validate(&forged));
    realm.assert_refused(refused, Refusal::KdcVerifierMissing);
}

#[test]
fn nothing_that_a_service_changes_in_a_ticket_passes() {
    type Change = fn(&mut EncTicketPart);
    let changes: [Change; 7] = [
        |part| part.cname.components = vec!["bob".into()],
        |part| part.crealm = "OTHER".into(),
        |part| part.flags |= TicketFlags::FORWARDABLE,
        |part| part.authtime = part.authtime.plus(1),
        |part| part.endtime = part.endtime.plus(1),
        |part| part.renew_till = part.renew_till.map(|till| till.plus(1)),
        |part| part.caddr = Some(Vec::new()),
    ];
    let mut realm = TestRealm::new();
    realm.add("bob", |_| {});
    let ticket = ticket_for(&mut realm, "HTTP/web.r");
    for (number, change) in changes.into_iter().enumerate() {
        let mut part = opened(&realm, &ticket, "HTTP/web.r");
        change(&mut part);
        let mut forged = resealed(&mut realm, &ticket, "HTTP/web.r", &part);
        (forged.client.name, forged.client.realm) = (part.cname.clone(), part.crealm.clone());
        let refused = renew(&mut realm, &forged);
        realm.assert_refused(refused, Refusal::KdcVerifierMismatch);
        println!("change {number}");
    }
    let part = opened(&realm, &ticket, "HTTP/web.r");
    let same = resealed(&mut realm, &ticket, "HTTP/web.r", &part);
    renew(&mut realm, &same).unwrap();
}

#[test]
fn the_checksum_of_one_ticket_does_not_make_a_ticket_for_another_service() {
    let mut realm = TestRealm::new();
    realm.add("HTTP/other.r", |_| {});
    let ticket = ticket_for(&mut realm, "HTTP/web.r");
    let part = opened(&realm, &ticket, "HTTP/web.r");
    let moved = resealed(&mut realm, &ticket, "HTTP/other.r", &part);
    let refused = renew(&mut realm, &moved);
    realm.assert_refused(refused, Refusal::KdcVerifierMismatch);
}

#[test]
fn a_checksum_under_any_other_key_than_the_kdcs_is_none() {
    let mut realm = TestRealm::new();
    let ticket = ticket_for(&mut realm, "HTTP/web.r");
    let part = opened(&realm, &ticket, "HTTP/web.r");
    let rekeyed = |realm: &mut TestRealm| {
        let (now, mut rng) = (realm.now, realm.rng.clone());
        realm.change("krbtgt/R", |record| record.keys = KeySet::random(&AES, 1, now, &mut rng));
    };
    let krbtgt = realm.entries[&realm.principal("krbtgt/R")].clone();
    rekeyed(&mut realm);
    let refused = renew(&mut realm, &ticket);
    realm.assert_refused(refused, Refusal::KdcVerifierMismatch);
    let name = realm.principal("krbtgt/R");
    realm.entries.insert(name, krbtgt);
    // Neither a verifier without an enctype, nor one that is not the KDC's.
    for alter in [
        |cammac: &mut Cammac| cammac.kdc_verifier.as_mut().unwrap().enctype = None,
        |cammac: &mut Cammac| {
            cammac.kdc_verifier = cammac.svc_verifier.clone();
        },
    ] {
        let mut part = part.clone();
        let mut changed = cammac(&part).unwrap();
        alter(&mut changed);
        let datum = AuthorizationDatum { ad_type: ad_type::CAMMAC, ad_data: changed.encode() };
        let ad_data = AuthorizationData(vec![datum]).encode();
        part.authorization_data =
            Some(AuthorizationData(vec![AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data }]));
        let forged = resealed(&mut realm, &ticket, "HTTP/web.r", &part);
        let refused = renew(&mut realm, &forged);
        realm.assert_refused(refused, Refusal::KdcVerifierMismatch);
    }
}

#[test]
fn a_ticket_is_renewed_again_and_again_across_rotations_of_the_kdcs_key() {
    let mut realm = TestRealm::new();
    let mut ticket = ticket_for(&mut realm, "HTTP/web.r");
    for kvno in 2..5 {
        let (now, mut rng) = (realm.now, realm.rng.clone());
        realm.change("krbtgt/R", |record| {
            let new = KeySet::random(&AES, kvno, now, &mut rng).versions.remove(0);
            record.keys.versions.truncate(1);
            record.keys.versions[0].state = KeyState::Retiring;
            record.keys.versions.insert(0, new);
        });
        realm.wait(60);
        ticket = renew(&mut realm, &ticket).unwrap();
        assert_eq!(cammac(&opened(&realm, &ticket, "HTTP/web.r")).unwrap().kdc_verifier.unwrap().kvno, Some(kvno));
        let containers = opened(&realm, &ticket, "HTTP/web.r").authorization_data.unwrap().0.len();
        assert_eq!(containers, 1, "the old one is gone");
    }
}

#[test]
fn initial_tickets_for_a_service_and_tickets_for_another_realm_come_back_too() {
    let mut realm = TestRealm::new();
    realm.add("krbtgt/OTHER", |_| {});
    let server = Some(realm.principal("HTTP/web.r").name);
    let request = AsRequest { server, options: renewable(), ..AsRequest::new(realm.principal("alice")) };
    let secret = Secret::Keys(realm.keys("alice"));
    let initial = realm.initial_with(request, secret).unwrap().credential;
    let crossing = ticket_for(&mut realm, "krbtgt/OTHER");
    for (ticket, service) in [(initial, "HTTP/web.r"), (crossing, "krbtgt/OTHER")] {
        renew(&mut realm, &ticket).unwrap();
        let mut part = opened(&realm, &ticket, service);
        part.authorization_data = None;
        let forged = resealed(&mut realm, &ticket, service, &part);
        let refused = renew(&mut realm, &forged);
        realm.assert_refused(refused, Refusal::KdcVerifierMissing);
    }
}

#[test]
fn a_postdated_service_ticket_is_validated_with_the_kdcs_checksum() {
    let mut realm = TestRealm::postdating();
    let tgt = realm.initial("alice", TicketOptions::with_flags(KdcOptions::ALLOW_POSTDATE)).unwrap();
    let mut request = TgsRequest::new(realm.principal("HTTP/web.r"));
    request.options.start = Some(realm.now.time.plus(3_600));
    let ticket = realm.tgs(&tgt, &request).unwrap();
    realm.wait(3_600);
    let valid = realm.tgs(&ticket, &TgsRequest::validate(&ticket)).unwrap();
    assert_eq!(opened(&realm, &valid, "HTTP/web.r").authorization_data, None, "it does not come back any more");
}

#[test]
fn what_a_service_adds_to_a_ticket_is_dropped_and_the_pod_of_the_ticket_stays() {
    let mut realm = TestRealm::new();
    realm.add("cart.shop", |record| record.attributes = Attributes::DISALLOW_SERVER);
    let pod = PodRef { namespace: "shop".into(), name: "cart-1".into(), uid: "1".into() };
    realm.pods.0.lock().unwrap().insert(pod.uid.clone(), PodState::Live);
    // A TGT of a pod is not renewable today: the KDC's key makes one that is.
    let tgt = realm.enrol("cart.shop", &pod, &[]).unwrap();
    let mut part = opened(&realm, &tgt, "krbtgt/R");
    part.flags |= TicketFlags::RENEWABLE;
    part.renew_till = Some(realm.now.time.plus(86_400));
    let tgt = resealed(&mut realm, &tgt, "krbtgt/R", &part);
    let request = TgsRequest { options: renewable(), ..TgsRequest::new(realm.principal("HTTP/web.r")) };
    let ticket = realm.tgs(&tgt, &request).unwrap();
    let mut part = opened(&realm, &ticket, "HTTP/web.r");
    // The service takes the binding outside the CAMMAC away, and adds a PAC and a pod of its own.
    let data = &mut part.authorization_data.as_mut().unwrap().0;
    data.retain(|datum| AuthorizationData::decode(&datum.ad_data).unwrap().0[0].ad_type == ad_type::CAMMAC);
    assert_eq!(data.len(), 1);
    data.push(AuthorizationDatum { ad_type: ad_type::WIN2K_PAC, ad_data: vec![1] });
    let changed = resealed(&mut realm, &ticket, "HTTP/web.r", &part);
    let renewed = renew(&mut realm, &changed).unwrap();
    assert_eq!(realm.events.last().unwrap().pod, Some(pod.clone()));
    let data = opened(&realm, &renewed, "HTTP/web.r").authorization_data.unwrap().0;
    assert_eq!(data.iter().map(|datum| datum.ad_type).collect::<Vec<_>>(), [ad_type::IF_RELEVANT; 2]);
    realm.pods.0.lock().unwrap().insert(pod.uid, PodState::Gone);
    let refused = renew(&mut realm, &renewed);
    realm.assert_refused(refused, Refusal::PodGone);
    assert!(matches!(realm.events.last().unwrap().outcome, Decision::Refused { .. }));
}
