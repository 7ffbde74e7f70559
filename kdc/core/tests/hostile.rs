//! Requests that were good once, changed at random: each ends in exactly one event, and what goes out is a reply that
//! was decided or an error.

use crate::realm::TestRealm;
use kennel_client::{AsExchange, AsRequest, AsStep, Secret, TgsExchange, TgsRequest, TicketOptions};
use kennel_core::event::Decision;
use kennel_wire::message::{KdcOptions, KdcRep, KrbError};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const ROUNDS: usize = 12_000;

#[test]
fn no_change_of_a_request_makes_the_core_panic_or_contradict_itself() {
    let mut realm = TestRealm::new();
    let good = good_requests(&mut realm);
    let mut rng = StdRng::seed_from_u64(1510);
    let mut issued = 0;
    for round in 0..ROUNDS {
        let mut bytes = good[round % good.len()].clone();
        for _ in 0..rng.gen_range(0..4) {
            change(&mut bytes, &mut rng);
        }
        let before = realm.events.len();
        let outcome = realm.ask(&bytes);
        assert_eq!(realm.events.len(), before + 1);
        let reply = outcome.reply.as_deref();
        match outcome.event.outcome {
            Decision::Issued(_) => {
                issued += 1;
                KdcRep::decode(reply.unwrap()).unwrap();
            }
            Decision::Refused { code, .. } => assert_eq!(KrbError::decode(reply.unwrap()).unwrap().error_code, code),
            Decision::PreauthRequired => assert!(KrbError::decode(reply.unwrap()).unwrap().e_data.is_some()),
            Decision::Dropped(_) => assert_eq!(reply, None),
        }
    }
    assert!(issued > ROUNDS / 10, "unchanged requests still succeed: {issued}");
}

fn good_requests(realm: &mut TestRealm) -> Vec<Vec<u8>> {
    realm.add("bob", |_| {});
    let mut rng = StdRng::seed_from_u64(7);
    let secret = Secret::Keys(realm.keys("alice"));
    let request = AsRequest::new(realm.principal("alice"));
    let (mut exchange, first) = AsExchange::begin(request, secret, realm.now, &mut rng).unwrap();
    let answer = realm.ask(&first).reply.unwrap();
    let AsStep::Send(second) = exchange.receive(&answer, realm.now, &mut rng).unwrap() else { panic!() };
    let asked = TicketOptions { renewable_life: Some(86_400), ..TicketOptions::with_flags(KdcOptions::FORWARDABLE) };
    let tgt = realm.initial("alice", asked).unwrap();
    let bob = realm.tgt("bob");
    let mut requests = vec![first, second];
    for request in [
        TgsRequest::new(realm.principal("HTTP/web.r")),
        TgsRequest::renew(&tgt),
        TgsRequest::forward(&tgt, Vec::new()),
        TgsRequest::user_to_user(realm.principal("bob"), bob.ticket),
    ] {
        requests.push(TgsExchange::begin(&tgt, &request, realm.now, &mut rng).1);
    }
    requests
}

fn change(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    if bytes.is_empty() {
        return;
    }
    let at = rng.gen_range(0..bytes.len());
    match rng.gen_range(0..6) {
        0 => bytes[at] ^= 1 << rng.gen_range(0..8),
        1 => bytes[at] = rng.r#gen(),
        2 => bytes.truncate(at),
        3 => bytes.insert(at, rng.r#gen()),
        4 => {
            bytes.remove(at);
        }
        _ => {
            let end = (at + rng.gen_range(1..16)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let to = rng.gen_range(0..bytes.len());
            bytes.splice(to..to, piece);
        }
    }
}
