//! What the core costs for one request, without sockets, store or audit: `cargo bench -p kennel-core`.
//! Prints nanoseconds for each kind of request, the median of several rounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/realm.rs"]
mod realm;

use kennel_client::{AsExchange, AsRequest, AsStep, Secret, TgsExchange, TgsRequest};
use kennel_core::event::Decision;
use realm::TestRealm;
use std::time::Instant;

const ROUNDS: usize = 9;
const REQUESTS: u32 = 20_000;

fn main() {
    let mut realm = TestRealm::new();
    let (first, second) = as_requests(&mut realm, None);
    let (_, wrong) = as_requests(&mut realm, Some("HTTP/web.r"));
    let tgt = realm.tgt("alice");
    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    let (_, tgs) = TgsExchange::begin(&tgt, &request, realm.now, &mut realm.rng.clone());
    measure(&mut realm, "AS without pre-authentication (PREAUTH_REQUIRED)", &first, |d| {
        *d == Decision::PreauthRequired
    });
    measure(&mut realm, "AS with PA-ENC-TIMESTAMP", &second, |d| matches!(d, Decision::Issued(_)));
    measure(&mut realm, "AS with a wrong key", &wrong, |d| matches!(d, Decision::Refused { .. }));
    measure(&mut realm, "TGS", &tgs, |d| matches!(d, Decision::Issued(_)));
    measure(&mut realm, "garbage", &second[..second.len() - 1], |d| matches!(d, Decision::Refused { .. }));
}

/// Both requests of an AS exchange of alice, with her keys or somebody else's.
fn as_requests(realm: &mut TestRealm, keys_of: Option<&str>) -> (Vec<u8>, Vec<u8>) {
    let secret = Secret::Keys(realm.keys(keys_of.unwrap_or("alice")));
    let request = AsRequest::new(realm.principal("alice"));
    let (mut exchange, first) = AsExchange::begin(request, secret, realm.now, &mut realm.rng.clone()).unwrap();
    let answer = realm.ask(&first).reply.unwrap();
    match exchange.receive(&answer, realm.now, &mut realm.rng.clone()).unwrap() {
        AsStep::Send(second) => (first, second),
        AsStep::Done(_) => panic!("a ticket without pre-authentication"),
    }
}

fn measure(realm: &mut TestRealm, what: &str, request: &[u8], as_meant: fn(&Decision) -> bool) {
    assert!(as_meant(&realm.ask(request).event.outcome), "{what}: {:?}", realm.events.last());
    let mut rounds: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            realm.events.clear();
            let start = Instant::now();
            for _ in 0..REQUESTS {
                realm.events.clear();
                std::hint::black_box(realm.ask(std::hint::black_box(request)));
            }
            start.elapsed().as_nanos() / u128::from(REQUESTS)
        })
        .collect();
    rounds.sort_unstable();
    println!("{what:50} {:>7} ns (from {} to {})", rounds[ROUNDS / 2], rounds[0], rounds[ROUNDS - 1]);
}
