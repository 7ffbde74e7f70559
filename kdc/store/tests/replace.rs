//! `kill -9` at many moments while all records are replaced: whoever opens the store then finds all of the old records or all of the
//! new ones. The test starts itself again as a child process. `KENNEL_CRASH_ROUNDS` sets the number of kills.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use kennel_core::principal::Record;
use kennel_store::battery::{name, principal};
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, MasterKeys, PrincipalStore, Revision, SledStore, master_key_file};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const FOLDER: &str = "KENNEL_STORE_TEST_FOLDER";
const GENERATION: &str = "KENNEL_STORE_TEST_GENERATION";
const ROUNDS: &str = "KENNEL_CRASH_ROUNDS";
/// Records of a generation.
const RECORDS: u32 = 400;
const KILLS: u64 = 24;

fn generation(number: u32) -> Vec<Record> {
    (0..RECORDS).map(|user| principal(&name(&["user", &format!("{user:05}")]), number)).collect()
}

#[test]
fn kill_9_while_all_records_are_replaced_leaves_the_old_ones_or_the_new_ones() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let generation = std::env::var(GENERATION).unwrap().parse().unwrap();
        return runtime().block_on(replace(Path::new(&folder), generation));
    }
    let folder = tempfile::tempdir().unwrap();
    master_key_file::create(&folder.path().join("master.key"), &mut rand_core::OsRng).unwrap();
    runtime().block_on(async {
        let store = open(folder.path());
        store.replace_all(generation(0), Revision(0), Box::new(|_| {})).await.unwrap();
    });
    let rounds = std::env::var(ROUNDS).map_or(KILLS, |text| text.parse().unwrap());
    let took = time_of_one(folder.path());
    let (mut current, mut old, mut new) = (1, 0, 0);
    for round in 0..rounds {
        let next = current + 1;
        let mut child = child(folder.path(), next);
        // Spread over the whole time, the switch and the moment after it included.
        thread::sleep(took * u32::try_from(round * 13 % rounds).unwrap() / u32::try_from(rounds).unwrap() * 5 / 4);
        child.kill().unwrap();
        child.wait().unwrap();
        let is_new = runtime().block_on(async {
            let store = open(folder.path());
            let listing = store.list().await.unwrap();
            let found: Vec<Record> = listing.records.into_iter().map(|versioned| versioned.record).collect();
            let is_new = found == generation(next);
            assert!(is_new || found == generation(current), "round {round}: a mixture of {} records", found.len());
            // It is a store like any other.
            let extra = principal(&name(&["extra"]), next);
            let revision = store.put(&extra, Expect::Absent).await.unwrap();
            assert!(revision > listing.revision);
            store.delete(&name(&["extra"]), revision).await.unwrap();
            is_new
        });
        if is_new {
            new += 1
        } else {
            old += 1
        }
        current = if is_new { next } else { current };
    }
    println!("{rounds} kills within {took:?}: {old} left the old records, {new} the new ones");
    assert!(old > 0 && new > 0, "{old} old and {new} new ones prove little");
}

/// The time that a child needs, from its start to its end.
fn time_of_one(folder: &Path) -> Duration {
    let begun = Instant::now();
    assert!(child(folder, 1).wait().unwrap().success());
    begun.elapsed()
}

/// A child that has opened the store and replaces its records.
fn child(folder: &Path, generation: u32) -> std::process::Child {
    let test = "kill_9_while_all_records_are_replaced_leaves_the_old_ones_or_the_new_ones";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder)
        .env(GENERATION, generation.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("# open")), "the child did not open the store");
    child
}

async fn replace(folder: &Path, number: u32) {
    let store = open(folder);
    let mut out = std::io::stdout();
    writeln!(out, "# open").unwrap();
    out.flush().unwrap();
    store.replace_all(generation(number), Revision(0), Box::new(|_| {})).await.unwrap();
}

fn open(folder: &Path) -> SledStore {
    let keys: MasterKeys = master_key_file::load_keys(&folder.join("master.key")).unwrap();
    SledStore::open(&folder.join("store"), keys, OpenMode::CreateIfMissing).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
