//! What a store keeps when its process is killed, its snapshot torn, its disk full. Each test starts itself again as a child
//! process, which writes and acknowledges on its standard output. `KENNEL_CRASH_ROUNDS` sets the number of kills.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use kennel_crypto::MasterKey;
use kennel_store::battery::{mark, name, principal};
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, Revision, SledStore, StoreError, mark_file, master_key_file};
use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Environment variable: folder of the child's store.
const FOLDER: &str = "KENNEL_STORE_TEST_FOLDER";
const ROUND: &str = "KENNEL_STORE_TEST_ROUND";
/// Environment variable: number of kills.
const ROUNDS: &str = "KENNEL_CRASH_ROUNDS";

#[test]
fn acknowledged_writes_survive_kill_9() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_until_killed(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    make_key(folder.path());
    let mut acknowledged = Acknowledged::default();
    // So many acknowledged writes, and then so many milliseconds, to the kill. Without any, it hits the making or the
    // opening of the store.
    let kills = [(0, 10), (100, 0), (0, 20), (60, 7), (1, 0), (80, 3), (0, 40), (50, 11), (70, 1), (0, 5)];
    let rounds = std::env::var(ROUNDS).map_or(kills.len(), |text| text.parse().unwrap());
    for (round, (writes, milliseconds)) in kills.into_iter().cycle().take(rounds).enumerate() {
        let mut child = this_test("acknowledged_writes_survive_kill_9", folder.path())
            .env(ROUND, round.to_string())
            .spawn()
            .unwrap();
        let said = Said::read(child.stdout.take().unwrap());
        said.wait_for(writes);
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        said.all().iter().for_each(|words| acknowledged.take(words));
        if round % 4 == 3 {
            tear_snapshot(folder.path(), round);
        }
        runtime().block_on(acknowledged.check(folder.path(), round));
    }
    println!("{rounds} kills, {} made, {} deleted", acknowledged.made.len(), acknowledged.gone.len());
    let high = mark_file::load(&mark_path(folder.path()), &load_key(folder.path()).into()).unwrap();
    assert!(high > Some(Revision(100)), "{high:?} proves little");
    assert!(acknowledged.made.len() > 100, "{} writes prove little", acknowledged.made.len());
    assert!(acknowledged.gone.len() > 10, "{} deletions prove little", acknowledged.gone.len());
}

/// Does to the newest snapshot what a crash of the machine may do to it; the copy of it is whole, as it was flushed before.
fn tear_snapshot(folder: &Path, round: usize) {
    let snapshots = std::fs::read_dir(folder.join("store/data")).into_iter().flatten().filter_map(|entry| {
        let path = entry.unwrap().path();
        path.file_name()?.to_str()?.starts_with("snap.").then_some(path)
    });
    let Some(newest) = snapshots.max() else { return };
    let octets = std::fs::read(&newest).unwrap();
    match round / 4 % 3 {
        0 => std::fs::write(&newest, &octets[..octets.len() / 2]).unwrap(),
        1 => std::fs::remove_file(&newest).unwrap(),
        _ => {
            let mut flipped = octets;
            let middle = flipped.len() / 2;
            flipped[middle] ^= 1;
            std::fs::write(&newest, flipped).unwrap();
        }
    }
}

/// What children reported as done.
#[derive(Default)]
struct Acknowledged {
    made: BTreeMap<String, u32>,
    gone: HashSet<String>,
    /// The highest count of the counter that all of them increment.
    count: u32,
    revisions: HashSet<Revision>,
}

impl Acknowledged {
    fn take(&mut self, words: &[String]) {
        match words {
            [done, name, mark, revision] => {
                let fresh = self.revisions.insert(Revision(revision.parse().unwrap()));
                assert!(fresh, "revision {revision} was given twice");
                match done.as_str() {
                    "made" => assert_eq!(self.made.insert(name.clone(), mark.parse().unwrap()), None),
                    "gone" => assert!(self.gone.insert(name.clone())),
                    "counted" => self.count = self.count.max(mark.parse().unwrap()),
                    other => panic!("{other}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    async fn check(&self, folder: &Path, round: usize) {
        let store = open(folder, OpenMode::CreateIfMissing).unwrap();
        let listing = store.list().await.unwrap();
        let high = mark_file::load(&mark_path(folder), &load_key(folder).into()).unwrap();
        assert!(high <= Some(listing.revision), "round {round}: the mark is ahead of {:?}: {high:?}", listing.revision);
        assert!(self.revisions.iter().all(|revision| *revision <= listing.revision), "round {round}");
        let mut found: BTreeMap<String, u32> = listing
            .records
            .iter()
            .map(|versioned| (versioned.record.name().name.components[1].clone(), mark(&versioned.record)))
            .collect();
        let count = found.remove("counter").unwrap_or_default();
        assert!(count >= self.count, "round {round}: counted to {count}, {} was acknowledged", self.count);
        for (name, mark) in &self.made {
            if self.gone.contains(name) {
                assert_eq!(found.get(name), None, "round {round}: {name} was deleted");
            } else if !is_deleted_later(*mark) {
                assert_eq!(found.get(name), Some(mark), "round {round}: {name} was made");
            }
        }
    }
}

fn write_until_killed(folder: &Path) {
    let round = std::env::var(ROUND).unwrap();
    runtime().block_on(async {
        let store = Arc::new(open(folder, OpenMode::CreateIfMissing).unwrap());
        keep_mark(folder, &store);
        let writers: Vec<_> =
            (0..4).map(|writer| tokio::spawn(write(store.clone(), format!("{round}-{writer}")))).collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

/// Writes the mark without a pause, so that each kill finds it as near to the store as it can be.
fn keep_mark(folder: &Path, store: &SledStore) {
    let (revisions, key, path) = (store.revisions(), load_key(folder), mark_path(folder));
    thread::spawn(move || {
        loop {
            let revision = *revisions.borrow();
            mark_file::write(&path, &key, revision).unwrap();
        }
    });
}

async fn write(store: Arc<SledStore>, prefix: String) {
    let counter = name(&["crash", "counter"]);
    for number in 0.. {
        let id = format!("{prefix}-{number}");
        let made = name(&["crash", &id]);
        let revision = store.put(&principal(&made, number), Expect::Absent).await.unwrap();
        say("made", &id, number, revision);
        if is_deleted_later(number) {
            let revision = store.delete(&made, revision).await.unwrap();
            say("gone", &id, number, revision);
        }
        let found = store.read(&counter).await.unwrap();
        let count = found.as_ref().map_or(1, |found| mark(&found.record) + 1);
        let expect = found.map_or(Expect::Absent, |found| Expect::Revision(found.revision));
        match store.put(&principal(&counter, count), expect).await {
            Ok(revision) => say("counted", "counter", count, revision),
            Err(error) => assert_eq!(error, StoreError::Conflict),
        }
    }
}

fn is_deleted_later(number: u32) -> bool {
    number.is_multiple_of(3)
}

#[test]
fn a_full_disk_refuses_writes_and_loses_none() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return runtime().block_on(write_until_full(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().unwrap();
    make_key(folder.path());
    // A limit on the size of files stands for the full disk: writing fails in the same place.
    let limited = this_test("a_full_disk_refuses_writes_and_loses_none", folder.path());
    let mut child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 2500; exec "$0" "$@""#])
        .arg(limited.get_program())
        .args(limited.get_args())
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = Said::read(child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success());
    let said = said.all();
    let marks: Vec<u32> =
        said.iter().filter(|words| words[0] == "made").map(|words| words[2].parse().unwrap()).collect();
    assert!(marks.len() > 100, "{}", marks.len());
    assert_eq!(said.last().map(|words| words[0].as_str()), Some("full"));

    runtime().block_on(async {
        let store = open(folder.path(), OpenMode::Existing).unwrap();
        for mark in marks {
            let name = name(&["full", &mark.to_string()]);
            assert_eq!(store.read(&name).await.unwrap().unwrap().record, principal(&name, mark));
        }
        store.put(&principal(&name(&["full", "again"]), 1), Expect::Absent).await.unwrap();
    });
}

async fn write_until_full(folder: &Path) {
    let store = open(folder, OpenMode::CreateIfMissing).unwrap();
    let nth = |number: u32| name(&["full", &number.to_string()]);
    let mut number = 0;
    let error = loop {
        match store.put(&principal(&nth(number), number), Expect::Absent).await {
            Ok(revision) => say("made", "record", number, revision),
            Err(error) => break error,
        }
        number += 1;
    };
    assert!(matches!(error, StoreError::Medium { .. }), "{error:?}");
    assert!(error.to_string().contains("file too large; it must be opened again"), "{error}");
    // Nothing of the refused write shows, nor anything else, before the store is opened again.
    assert_eq!(store.read(&nth(number)).await, Err(error.clone()));
    assert_eq!(store.read(&nth(0)).await, Err(error.clone()));
    assert_eq!(store.list().await, Err(error.clone()));
    assert_eq!(store.put(&principal(&nth(number), 0), Expect::Absent).await, Err(error));
    say("full", "store", number, Revision(0));
}

/// Prints a line for the parent. The point at its end distinguishes a whole line from one that a kill cut.
fn say(done: &str, name: &str, mark: u32, revision: Revision) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "# {done} {name} {mark} {} .", revision.0).unwrap();
    out.flush().unwrap();
}

/// The output of a child: the words of each whole line.
struct Said {
    lines: Arc<Mutex<Vec<Vec<String>>>>,
    reader: JoinHandle<()>,
}

impl Said {
    fn read(out: ChildStdout) -> Said {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let reader = thread::spawn({
            let lines = lines.clone();
            move || {
                for line in BufReader::new(out).lines().map(Result::unwrap) {
                    // The test harness writes into the same stream, also in front of the first line.
                    let words = line.split_once("# ").and_then(|(_, said)| said.strip_suffix(" ."));
                    let words = words.map(|words| words.split(' ').map(str::to_owned).collect());
                    lines.lock().unwrap().extend(words);
                }
            }
        });
        Said { lines, reader }
    }

    fn wait_for(&self, count: usize) {
        let begun = Instant::now();
        while self.lines.lock().unwrap().len() < count {
            assert!(begun.elapsed() < Duration::from_secs(60), "the child makes no progress");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// All lines, when the child has ended.
    fn all(self) -> Vec<Vec<String>> {
        self.reader.join().unwrap();
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

/// This test as a child process.
fn this_test(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder).stdout(Stdio::piped());
    command
}

fn key_file(folder: &Path) -> PathBuf {
    folder.join("master.key")
}

fn make_key(folder: &Path) {
    master_key_file::create(&key_file(folder), &mut rand_core::OsRng).unwrap();
}

fn load_key(folder: &Path) -> MasterKey {
    master_key_file::load(&key_file(folder)).unwrap()
}

fn mark_path(folder: &Path) -> PathBuf {
    mark_file::beside(&key_file(folder))
}

fn open(folder: &Path, mode: OpenMode) -> Result<SledStore, StoreError> {
    let key: MasterKey = master_key_file::load(&key_file(folder))?;
    SledStore::open(&folder.join("store"), Arc::new(key), mode)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
