//! What access costs: `cargo bench -p kennel-core --bench access`. Realms of 5,000 and of 100,000 accounts in 2,000 namespaces,
//! with 5,000 servers and 10,000 KerberosAccesses: the time to build the index, its memory, one decision, and a whole TGS exchange under
//! the index beside one under `AllowAll`, in turns. Prints medians: a slice that another process interrupts does not count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/realm.rs"]
mod realm;

use kennel_client::{TgsExchange, TgsRequest};
use kennel_core::access::table::{
    AccessGrant, AccessMode, AccessPeer, AccessTable, AccountAccess, ServerAccess, ServerKey,
};
use kennel_core::access::{AccessClient, AccessIndex, AccessPath, AccessPolicy, AccessRequest, AllowAll};
use kennel_core::entry::Entry;
use kennel_core::event::Decision;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord};
use kennel_wire::message::{Principal, Timestamp};
use realm::TestRealm;
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const NAMESPACES: usize = 2_000;
const SIZES: [usize; 2] = [5_000, 100_000];
const SERVERS: usize = 5_000;
const ACCESSES: usize = 10_000;
/// Decisions that are timed together.
const BATCH: usize = 128;
const BATCHES: usize = 4_000;
/// Pairs of a client and a server that exchanges are for.
const PAIRS: usize = 1_000;
/// Exchanges that are timed together, under one policy.
const SLICE: usize = 20;
const PASSES: usize = 100;

fn main() {
    for accounts in SIZES {
        let table = table(accounts);
        let start = Instant::now();
        let index = Arc::new(AccessIndex::new(&table));
        println!("{accounts} accounts, {SERVERS} servers, {ACCESSES} KerberosAccesses");
        println!("building the index {:>29} ms", start.elapsed().as_millis());
        println!("memory of the index {:>28} KiB", index.memory() / 1024);
        decisions(&index, accounts);
        exchanges(index, accounts);
    }
}

/// One decision, for clients and servers all over the index. A request has both principals at hand by then, so that a batch
/// reads them before it is timed; what it needs of the index is cold.
fn decisions(index: &AccessIndex, accounts: usize) {
    let now = Timestamp::default();
    let entry = |name| Entry::new(PrincipalRecord::new(name, Origin::Kubernetes, KeySet::default(), now, "bench"));
    let servers: Vec<Entry> = (0..SERVERS).map(service).map(entry).collect();
    let clients: Vec<Entry> = (0..accounts).map(account).map(entry).collect();
    let pair = |number: usize| {
        // Coprime strides, so that each decision is of another pair; every other pair is the one that a grant is for.
        let server = number * 4_999 % SERVERS;
        let client =
            if number.is_multiple_of(2) { caller(server, number / 2 % 2, accounts) } else { number * 7_919 % accounts };
        (&clients[client], &servers[server])
    };
    for (name, parity, policy) in [
        ("a decision of AllowAll", 0, &AllowAll as &dyn AccessPolicy),
        ("a decision of the index that allows", 0, index),
        ("a decision of the index that mostly denies", 1, index),
    ] {
        let mut batches: Vec<u128> = (0..BATCHES)
            .map(|batch| {
                let numbers = (batch * BATCH..(batch + 1) * BATCH).map(|number| number * 2 + parity);
                let pairs: Vec<(&Entry, &Entry)> = numbers.map(pair).collect();
                for entry in pairs.iter().flat_map(|(client, server)| [client, server]) {
                    black_box(RandomState::new().hash_one((&entry.record.principal, entry.record.origin)));
                }
                let start = Instant::now();
                for (client, server) in black_box(&pairs) {
                    let client = AccessClient::Own(client);
                    let request = AccessRequest { client, server, path: AccessPath::Tgs, now: now.time };
                    black_box(policy.decide(black_box(&request)));
                }
                start.elapsed().as_nanos() / BATCH as u128
            })
            .collect();
        println!("{name:44} {:>7} ns", median(&mut batches));
    }
}

/// A TGS exchange that is allowed, under both policies in turns.
fn exchanges(index: Arc<AccessIndex>, accounts: usize) {
    let mut realm = TestRealm::named("R", |_| {});
    let requests: Vec<Vec<u8>> = (0..PAIRS)
        .map(|at| {
            let (client, server) = (account(caller(at, 0, accounts)).to_string(), service(at));
            for name in [&client, &server.to_string()] {
                realm.add(name, |record| record.origin = Origin::Kubernetes);
            }
            let tgt = realm.tgt(&client);
            TgsExchange::begin(&tgt, &TgsRequest::new(server), realm.now, &mut realm.rng.clone()).1
        })
        .collect();
    let policies: [Arc<dyn AccessPolicy>; 2] = [Arc::new(AllowAll), index];
    let mut slices: [Vec<u128>; 2] = Default::default();
    for pass in 0..PASSES {
        for (at, requests) in requests.chunks(SLICE).enumerate() {
            // Each policy comes first in every other slice: the second one finds the principals warm.
            for turn in 0..2 {
                let policy = (pass + at + turn) % 2;
                realm.decide_by(Arc::clone(&policies[policy]));
                let start = Instant::now();
                for request in requests {
                    realm.events.clear();
                    realm.access.asked.lock().unwrap().clear();
                    black_box(realm.ask(black_box(request)));
                }
                slices[policy].push(start.elapsed().as_nanos() / SLICE as u128);
                assert!(matches!(realm.events[0].outcome, Decision::Issued(_)), "{:?}", realm.events[0]);
            }
        }
    }
    let [without, with] = slices.map(|mut slices| median(&mut slices));
    println!("a TGS exchange under AllowAll {without:>22} ns\na TGS exchange under the index {with:>21} ns");
    println!("ratio {:>46.3}", with as f64 / without as f64);
}

fn median(times: &mut [u128]) -> u128 {
    times.sort_unstable();
    times[times.len() / 2]
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
fn caller(server: usize, access: usize, accounts: usize) -> usize {
    (server * 13 + access * 977 + SERVERS) % accounts
}

fn table(accounts: usize) -> AccessTable {
    let rows = (0..accounts).map(|at| AccountAccess {
        principal: account(at),
        namespace: namespace(at),
        name: format!("workload-{at}"),
        calls: None,
    });
    let servers = (0..SERVERS).map(|at| {
        let grants = (0..ACCESSES / SERVERS).map(|access| {
            let named = (0..4).map(|more| AccessPeer::Principal(account(caller(at, access, accounts) + more)));
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
    AccessTable { realm: "R".into(), accounts: rows.collect(), servers: servers.collect(), ..Default::default() }
}
