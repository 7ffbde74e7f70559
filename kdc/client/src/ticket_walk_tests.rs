use super::*;
use crate::test_kdc::{NOW, REALM, Reply, credential, principal};
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{ApReq, Authenticator, KdcReq, PaData, pa_type};
use rand::rngs::OsRng;

/// A walk, with a KDC that knows every session key.
struct Trip {
    walk: TicketWalk,
    step: WalkStep,
}

impl Trip {
    fn towards(server: &str) -> Trip {
        let request = TgsRequest::with_flags(principal(server), KdcOptions::CANONICALIZE);
        let (walk, step) = TicketWalk::begin(&credential(), request, NOW, &mut OsRng).unwrap();
        Trip { walk, step }
    }

    /// What is asked of whom: realm and server.
    fn asks(&self) -> (String, String) {
        let WalkStep::Send { realm, request } = &self.step else { panic!("the walk is over") };
        let body = KdcReq::decode(request).unwrap().body;
        assert_eq!(body.realm, *realm);
        (realm.clone(), body.sname.unwrap().to_string())
    }

    /// The realm that is asked answers with a ticket for `server`.
    fn given(mut self, server: &str) -> Result<Trip, ClientError> {
        let WalkStep::Send { request, .. } = &self.step else { panic!("the walk is over") };
        let mut reply = Reply::to(request, &principal("alice"));
        reply.serve(principal(server).name);
        let answer = reply.seal(&subkey(request, &self.walk.tgt.session_key), KeyUsage::TGS_REP_SUBKEY);
        self.step = self.walk.receive(&answer, NOW, &mut OsRng)?;
        Ok(self)
    }

    fn ticket(self) -> Credential {
        match self.step {
            WalkStep::Done(credential) => *credential,
            WalkStep::Send { realm, .. } => panic!("{realm} is asked"),
        }
    }
}

fn subkey(request: &[u8], session_key: &Key) -> Key {
    let padata = KdcReq::decode(request).unwrap().padata;
    let PaData { value, .. } = padata.into_iter().find(|p| p.padata_type == pa_type::TGS_REQ).unwrap();
    let sealed = ApReq::decode(&value).unwrap().authenticator;
    let plain = crate::sealing::open(session_key, KeyUsage::TGS_REQ_AUTHENTICATOR, &sealed).unwrap();
    crate::sealing::key_from_wire(&Authenticator::decode(&plain).unwrap().subkey.unwrap()).unwrap()
}

fn asks(realm: &str, server: &str) -> (String, String) {
    (realm.to_owned(), server.to_owned())
}

#[test]
fn a_server_of_the_own_realm_takes_one_exchange() {
    let trip = Trip::towards("HTTP/web.shop");
    assert_eq!(trip.asks(), asks(REALM, "HTTP/web.shop"));
    assert_eq!(trip.given("HTTP/web.shop").unwrap().ticket().server, principal("HTTP/web.shop"));
}

#[test]
fn a_canonical_name_is_taken_for_an_alias() {
    let trip = Trip::towards("HTTP/web").given("HTTP/web.shop").unwrap();
    assert_eq!(trip.ticket().server, principal("HTTP/web.shop"));
}

#[test]
fn a_referral_is_followed() {
    let trip = Trip::towards("HTTP/web.far").given("krbtgt/MIDDLE").unwrap();
    assert_eq!(trip.asks(), asks("MIDDLE", "HTTP/web.far"));
    let trip = trip.given("krbtgt/FAR").unwrap();
    assert_eq!(trip.asks(), asks("FAR", "HTTP/web.far"));
    assert_eq!(trip.given("HTTP/web.far").unwrap().ticket().server, principal("HTTP/web.far@FAR"));
}

#[test]
fn a_server_of_a_named_realm_is_reached_through_realms_on_the_way() {
    let trip = Trip::towards("HTTP/web.far@FAR");
    assert_eq!(trip.asks(), asks(REALM, "krbtgt/FAR"));
    let trip = trip.given("krbtgt/MIDDLE").unwrap();
    assert_eq!(trip.asks(), asks("MIDDLE", "krbtgt/FAR"));
    let trip = trip.given("krbtgt/FAR").unwrap();
    assert_eq!(trip.asks(), asks("FAR", "HTTP/web.far"));
    assert_eq!(trip.given("HTTP/web.far").unwrap().ticket().server, principal("HTTP/web.far@FAR"));
}

#[test]
fn a_tgt_that_was_asked_for_ends_the_walk() {
    let trip = Trip::towards("krbtgt/FAR").given("krbtgt/FAR").unwrap();
    assert_eq!(trip.ticket().server, principal("krbtgt/FAR"));
}

#[test]
fn a_way_back_is_refused() {
    let error = Trip::towards("HTTP/web.far").given("krbtgt/MIDDLE").unwrap().given("krbtgt/DEV.KENNEL");
    assert!(matches!(error.map(|_| ()), Err(ClientError::Walk(WalkFault::Loop(realm))) if realm == "MIDDLE"));
}

#[test]
fn a_realm_that_refers_to_itself_is_a_dead_end() {
    let error = Trip::towards("HTTP/web.far").given("krbtgt/DEV.KENNEL");
    assert!(matches!(error.map(|_| ()), Err(ClientError::Walk(WalkFault::DeadEnd(_)))));
}

#[test]
fn a_walk_passes_ten_realms_at_most() {
    let mut trip = Trip::towards("HTTP/web.far");
    for hop in 0..MAX_HOPS {
        trip = trip.given(&format!("krbtgt/HOP{hop}")).unwrap();
    }
    let error = trip.given("krbtgt/ONE-TOO-MANY");
    assert!(matches!(error.map(|_| ()), Err(ClientError::Walk(WalkFault::TooLong))));
}

#[test]
fn a_walk_starts_from_a_tgt_alone() {
    let ticket = Trip::towards("HTTP/web.shop").given("HTTP/web.shop").unwrap().ticket();
    let refused = TicketWalk::begin(&ticket, TgsRequest::new(principal("HTTP/other")), NOW, &mut OsRng);
    assert!(matches!(refused.map(|_| ()), Err(ClientError::NotATgt(_))));
}
