//! What the store costs: `cargo bench -p kennel-store`. A sled store of 10,000 principals and the cache in front of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use futures_util::FutureExt;
use futures_util::future::join_all;
use kennel_core::principal::Record;
use kennel_crypto::MasterKey;
use kennel_store::battery::{name, principal};
use kennel_store::sled::OpenMode;
use kennel_store::{EntryCache, Expect, PrincipalStore, SledStore};
use kennel_wire::message::Principal;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PRINCIPALS: u32 = 10_000;
const OPERATIONS: u32 = 100_000;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let master = Arc::new(MasterKey::generate(&mut rand_core::OsRng));
    let names: Vec<_> = (0..PRINCIPALS).map(nth).collect();
    writes(folder.path(), &master, &names).await;

    let begun = Instant::now();
    let store = SledStore::open(folder.path(), master, OpenMode::Existing).unwrap();
    println!("open                          {:9} us", begun.elapsed().as_micros());
    let begun = Instant::now();
    store.list().await.unwrap();
    println!("list                          {:9} us", begun.elapsed().as_micros());
    each("read, found", |n| drop(black_box(store.read(&names[n]).now_or_never().unwrap())));
    let unknown: Vec<_> = (PRINCIPALS..2 * PRINCIPALS).map(nth).collect();
    each("read, not found", |n| drop(black_box(store.read(&unknown[n]).now_or_never().unwrap())));

    let begun = Instant::now();
    let cache = EntryCache::open(Arc::new(store), 2 * PRINCIPALS as usize).await.unwrap();
    println!("cache, open                   {:9} us", begun.elapsed().as_micros());
    each("peek, found", |n| drop(black_box(cache.peek(&names[n]).unwrap().unwrap())));
    each("peek, found, always the same", |_| drop(black_box(cache.peek(&names[0]).unwrap().unwrap())));
    std::thread::scope(|scope| {
        scope.spawn(|| each("peek, found, two threads", |n| drop(black_box(cache.peek(&names[n])))));
        scope.spawn(|| each("peek, found, two threads", |n| drop(black_box(cache.peek(&names[n])))));
    });
    each("lookup, not found", |n| drop(black_box(cache.lookup(&unknown[n]).now_or_never().unwrap())));
}

async fn writes(folder: &Path, master: &Arc<MasterKey>, names: &[Principal]) {
    let store = SledStore::open(folder, master.clone(), OpenMode::CreateIfMissing).unwrap();
    let (alone, together) = names.split_at(500);
    let begun = Instant::now();
    for name in alone {
        store.put(&principal(name, 1), Expect::Absent).await.unwrap();
    }
    print_each("put, one writer", begun.elapsed(), alone.len() as u32);
    let begun = Instant::now();
    for some in together.chunks(100) {
        let records: Vec<Record> = some.iter().map(|name| principal(name, 1)).collect();
        join_all(records.iter().map(|record| store.put(record, Expect::Absent))).await;
    }
    print_each("put, hundred writers", begun.elapsed(), together.len() as u32);
}

fn nth(number: u32) -> Principal {
    name(&["HTTP", &format!("web-{number}.shop.svc.cluster.local")])
}

/// The best of several rounds, so that a busy machine disturbs little.
fn each(what: &str, operation: impl Fn(usize)) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        (0..OPERATIONS).for_each(|number| operation((number % PRINCIPALS) as usize));
        best = best.min(begun.elapsed());
    }
    print_each(what, best, OPERATIONS);
}

fn print_each(what: &str, time: Duration, operations: u32) {
    println!("{what:30}{:9} ns", (time / operations).as_nanos());
}
