//! What access costs: `cargo bench -p kennel-core --bench access`. A realm of 100,000 accounts in 2,000 namespaces, 5,000
//! servers and 10,000 KerberosAccesses: the time to build the index, its memory, one decision, and a whole TGS exchange under
//! the index beside one under `AllowAll`, in turns. Prints the median of several rounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/realm.rs"]
mod realm;

use kennel_client::{TgsExchange, TgsRequest};
use kennel_core::access::table::{
    AccessGrant, AccessMode, AccessPeer, AccessTable, AccountAccess, ServerAccess, ServerKey,
};
use kennel_core::access::{AccessIndex, AccessPath, AccessPolicy, AccessRequest, AllowAll};
use kennel_core::entry::Entry;
use kennel_core::event::Decision;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord};
use kennel_wire::message::{Principal, Timestamp};
use realm::TestRealm;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const NAMESPACES: usize = 2_000;
const ACCOUNTS: usize = 100_000;
const SERVERS: usize = 5_000;
const ACCESSES: usize = 10_000;
const ROUNDS: usize = 9;
const DECISIONS: usize = 1_000_000;
const EXCHANGES: usize = 20_000;

fn main() {
    let table = table();
    let start = Instant::now();
    let index = Arc::new(AccessIndex::new(&table));
    println!("{ACCOUNTS} accounts, {SERVERS} servers, {ACCESSES} KerberosAccesses");
    println!("building the index {:>29} ms", start.elapsed().as_millis());
    println!("memory of the index {:>28} KiB", index.memory() / 1024);
    decisions(&index);
    exchanges(index);
}

/// One decision, for clients and servers all over the index.
fn decisions(index: &AccessIndex) {
    let now = Timestamp::default();
    let servers: Vec<Entry> = (0..SERVERS)
        .map(|at| Entry::new(PrincipalRecord::new(service(at), Origin::Kubernetes, KeySet::default(), now, "bench")))
        .collect();
    let clients: Vec<Principal> = (0..ACCOUNTS).map(account).collect();
    let decide = |policy: &dyn AccessPolicy, number: usize| {
        // Coprime strides, so that each decision is of another pair; every other pair is the one that a grant is for.
        let server = number * 4_999 % SERVERS;
        let client = if number.is_multiple_of(2) { caller(server, number / 2 % 2) } else { number * 7_919 % ACCOUNTS };
        let (client, server) = (&clients[client], &servers[server]);
        let client_origin = Some(Origin::Kubernetes);
        policy.decide(&AccessRequest { client, client_origin, server, path: AccessPath::Tgs, now: now.time })
    };
    for (name, only, policy) in [
        ("a decision of AllowAll", None, &AllowAll as &dyn AccessPolicy),
        ("a decision of the index that allows", Some(0), index),
        ("a decision of the index that mostly denies", Some(1), index),
    ] {
        let mut rounds: Vec<u128> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                for number in 0..DECISIONS {
                    let number = only.map_or(number, |parity| number * 2 + parity);
                    black_box(decide(policy, black_box(number)));
                }
                start.elapsed().as_nanos() / DECISIONS as u128
            })
            .collect();
        println!("{name:44} {:>7} ns", median(&mut rounds));
    }
}

/// A TGS exchange that is allowed, under both policies in turns.
fn exchanges(index: Arc<AccessIndex>) {
    let mut realm = TestRealm::named("R", |_| {});
    let (client, server) = (account(caller(7, 0)).to_string(), service(7).to_string());
    for name in [&client, &server] {
        realm.add(name, |record| record.origin = Origin::Kubernetes);
    }
    let tgt = realm.tgt(&client);
    let (_, request) = TgsExchange::begin(&tgt, &TgsRequest::new(service(7)), realm.now, &mut realm.rng.clone());
    let policies: [(&str, Arc<dyn AccessPolicy>); 2] = [("AllowAll", Arc::new(AllowAll)), ("the index", index)];
    let mut rounds: [Vec<u128>; 2] = Default::default();
    for _ in 0..ROUNDS {
        for ((_, policy), rounds) in policies.iter().zip(&mut rounds) {
            realm.decide_by(Arc::clone(policy));
            let start = Instant::now();
            for _ in 0..EXCHANGES {
                realm.events.clear();
                realm.access.asked.lock().unwrap().clear();
                black_box(realm.ask(black_box(&request)));
            }
            rounds.push(start.elapsed().as_nanos() / EXCHANGES as u128);
            assert!(matches!(realm.events[0].outcome, Decision::Issued(_)), "{:?}", realm.events[0]);
        }
    }
    let [without, with] = rounds.map(|mut rounds| median(&mut rounds));
    println!("a TGS exchange under AllowAll {without:>22} ns\na TGS exchange under the index {with:>21} ns");
    println!("ratio {:>46.3}", with as f64 / without as f64);
}

fn median(rounds: &mut [u128]) -> u128 {
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

fn namespace(at: usize) -> String {
    format!("team-{}", at % NAMESPACES)
}

/// The first accounts are the servers'.
fn account(at: usize) -> Principal {
    Principal::parse(&format!("workload-{at}.{}", namespace(at)), "R").unwrap()
}

fn service(at: usize) -> Principal {
    Principal::parse(&format!("HTTP/workload-{at}.{}.svc.cluster.local", namespace(at)), "R").unwrap()
}

/// A client of a server, by each of its two KerberosAccesses.
fn caller(server: usize, access: usize) -> usize {
    (server * 13 + access * 977 + SERVERS) % ACCOUNTS
}

fn table() -> AccessTable {
    let accounts = (0..ACCOUNTS).map(|at| AccountAccess {
        principal: account(at),
        namespace: namespace(at),
        name: format!("workload-{at}"),
        calls: None,
    });
    let servers = (0..SERVERS).map(|at| {
        let grants = (0..ACCESSES / SERVERS).map(|access| {
            let named = (0..4).map(|more| AccessPeer::Principal(account(caller(at, access) + more)));
            Arc::new(AccessGrant {
                by: format!("{}/access-{at}-{access}", namespace(at)).into(),
                peers: named.chain([AccessPeer::Namespace(namespace(at + access + 1))]).collect(),
                service_classes: None,
                not_after: None,
            })
        });
        ServerAccess {
            key: ServerKey::new(namespace(at), format!("workload-{at}")),
            mode: AccessMode::Enforce,
            own: account(at),
            names: vec![service(at)],
            grants: grants.collect(),
        }
    });
    AccessTable { realm: "R".into(), accounts: accounts.collect(), servers: servers.collect(), ..Default::default() }
}
