//! What the core costs for one request, without sockets, store or audit: `cargo bench -p kennel-core`.
//! Prints nanoseconds for each kind of request, the median of several rounds.
//!
//! With KENNEL_BENCH_ONLY, the name of a kind, and KENNEL_BENCH_REQUESTS, a number, it performs these requests and measures nothing: for
//! callgrind, which counts instructions (tests/bench/README.md).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/realm.rs"]
mod realm;

use kennel_client::dangerous::{dangerous_as_body, dangerous_as_request, dangerous_tgs_request};
use kennel_client::{AsExchange, AsRequest, AsStep, Credential, FastArmor, Secret, TgsExchange, TgsRequest};
use kennel_core::event::Decision;
use kennel_wire::message::{FastOptions, KrbFastReq};
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
    let (fast_as, fast_tgs) = (fast_as(&mut realm, &tgt), fast_tgs(&mut realm, &tgt));
    measure(&mut realm, "AS inside armor, with an encrypted challenge", &fast_as, |d| matches!(d, Decision::Issued(_)));
    measure(&mut realm, "TGS inside the armor of its own ticket", &fast_tgs, |d| matches!(d, Decision::Issued(_)));
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

fn fast_as(realm: &mut TestRealm, tgt: &Credential) -> Vec<u8> {
    let (now, key) = (realm.now, realm.keys("alice").remove(0));
    let request = AsRequest::new(realm.principal("alice"));
    let armor = FastArmor::of_ticket(tgt, now, &mut realm.rng, |_| {});
    let body = dangerous_as_body(&request, now, &mut realm.rng);
    let padata = vec![armor.challenge(&key, now, &mut realm.rng)];
    let inner = KrbFastReq { options: FastOptions::empty(), padata, body: body.clone() };
    let fast = armor.wrap(&inner, &body.encode(), &mut realm.rng);
    dangerous_as_request(body, vec![fast])
}

fn fast_tgs(realm: &mut TestRealm, tgt: &Credential) -> Vec<u8> {
    let request = TgsRequest::new(realm.principal("HTTP/web.r"));
    let mut made = None;
    let (_, message) = dangerous_tgs_request(tgt, &request, realm.now, &mut realm.rng, |parts| {
        made = parts.subkey.clone().map(|subkey| (subkey, parts.body.clone()));
    });
    let (subkey, body) = made.unwrap();
    let inner = KrbFastReq { options: FastOptions::empty(), padata: Vec::new(), body };
    FastArmor::of_request(&tgt.session_key, &subkey).wrap_tgs(&message, &inner, &mut realm.rng).unwrap()
}

fn measure(realm: &mut TestRealm, what: &str, request: &[u8], as_meant: fn(&Decision) -> bool) {
    let only = std::env::var("KENNEL_BENCH_ONLY").ok();
    if only.as_ref().is_some_and(|only| only != what) {
        return;
    }
    assert!(as_meant(&realm.ask(request).event.outcome), "{what}: {:?}", realm.events.last());
    if only.is_some() {
        return repeat(realm, request, count());
    }
    let mut rounds: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            repeat(realm, request, REQUESTS);
            start.elapsed().as_nanos() / u128::from(REQUESTS)
        })
        .collect();
    rounds.sort_unstable();
    println!("{what:50} {:>7} ns (from {} to {})", rounds[ROUNDS / 2], rounds[0], rounds[ROUNDS - 1]);
}

fn repeat(realm: &mut TestRealm, request: &[u8], count: u32) {
    for _ in 0..count {
        realm.events.clear();
        std::hint::black_box(realm.ask(std::hint::black_box(request)));
    }
}

fn count() -> u32 {
    std::env::var("KENNEL_BENCH_REQUESTS").ok().and_then(|count| count.parse().ok()).unwrap_or(REQUESTS)
}
