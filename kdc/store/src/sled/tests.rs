use super::*;
use crate::battery::{Backend, full_principal, mark, name, principal};
use futures_util::FutureExt;
use kennel_crypto::MasterKey;
use rand_core::OsRng;
use std::collections::BTreeMap;
use std::fs;
use tempfile::TempDir;

mod replace;
mod rewrap;

struct Sled {
    dir: TempDir,
    master: Arc<MasterKey>,
}

impl Backend for Sled {
    fn new() -> Self {
        Sled { dir: tempfile::tempdir().unwrap(), master: Arc::new(MasterKey::generate(&mut OsRng)) }
    }

    async fn open(&self) -> Arc<dyn PrincipalStore> {
        Arc::new(self.sled())
    }
}

crate::battery!(Sled);

impl Sled {
    fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn sled(&self) -> SledStore {
        self.try_open(OpenMode::CreateIfMissing).unwrap()
    }

    fn try_open(&self, mode: OpenMode) -> Result<SledStore, StoreError> {
        SledStore::open(&self.path(), self.keys(), mode)
    }

    fn open_known(&self, mark: u64, rollback: Rollback) -> Result<SledStore, StoreError> {
        let known = HighWater { mark: Revision(mark), rollback };
        SledStore::open_known(&self.path(), self.keys(), OpenMode::CreateIfMissing, known)
    }

    fn keys(&self) -> MasterKeys {
        self.master.clone().into()
    }

    /// Waits until the threads of a store that was just closed have released its files.
    fn settle(&self) {
        drop(open::hold_still(&self.path()));
    }

    /// sled itself, for what a store never does.
    fn raw(&self) -> ::sled::Db {
        self.settle();
        ::sled::open(self.path().join("data")).unwrap()
    }

    /// Writes counters that fit the records, whatever these are, as only who has the master key can.
    fn seal_counters_anew(&self) {
        use super::counters::{Counters, Fingerprint};
        let raw = self.raw();
        let counters = Counters::open(&self.keys(), &raw.get(b"c").unwrap().unwrap()).unwrap();
        let fingerprint = raw.scan_prefix(b"r").fold(Fingerprint::default(), |sum, entry| {
            let (key, value) = entry.unwrap();
            sum.plus(Fingerprint::of_record(&self.keys(), &key[1..], &value).unwrap())
        });
        raw.insert(b"c", Counters { fingerprint, ..counters }.seal(&self.master)).unwrap();
        raw.flush().unwrap();
    }

    /// Every file and its content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.settle();
        let mut files = BTreeMap::new();
        let mut folders = vec![self.dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        files
    }

    fn snapshots(&self) -> Vec<PathBuf> {
        self.settle();
        let is_snapshot = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("snap.");
        let entries = fs::read_dir(self.path().join("data")).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(is_snapshot).collect()
    }
}

/// Creates, replaces and deletes, so that sled rewrites its pages and fills several segments of its log.
async fn churn(store: &SledStore, rounds: u32) {
    for round in 0..rounds {
        let writes = (0..200).map(|number| async move {
            let name = name(&["host", &format!("node-{number:03}.example.org")]);
            let found = store.read(&name).await.unwrap();
            let expect = found.map_or(Expect::Absent, |found| Expect::Revision(found.revision));
            match expect {
                Expect::Revision(revision) if (number + round) % 7 == 0 => store.delete(&name, revision).await,
                _ => store.put(&principal(&name, round), expect).await,
            }
        });
        for outcome in futures_util::future::join_all(writes).await {
            outcome.unwrap();
        }
    }
}

#[tokio::test]
async fn a_store_that_is_missing_is_not_made_unless_allowed() {
    let sled = Sled::new();
    let refused = sled.try_open(OpenMode::Existing).err();
    assert_eq!(refused, Some(StoreError::Missing { path: sled.path() }));
    assert_eq!(sled.files(), BTreeMap::new());
    assert!(!SledStore::exists(&sled.path()).unwrap());
    drop(sled.sled());
    assert!(SledStore::exists(&sled.path()).unwrap());
    sled.try_open(OpenMode::Existing).unwrap();
}

#[tokio::test]
async fn a_creation_that_was_cut_short_is_begun_again() {
    let sled = Sled::new();
    let unfinished = sled.path().join("data.unfinished");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("db"), b"half").unwrap();
    let store = sled.sled();
    store.put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn another_master_key_is_refused_and_nothing_changes() {
    let mut sled = Sled::new();
    sled.sled().put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    let right = std::mem::replace(&mut sled.master, Arc::new(MasterKey::generate(&mut OsRng)));
    let before = sled.files();
    for mode in [OpenMode::Existing, OpenMode::CreateIfMissing] {
        let (stored, given) = (right.id().to_owned(), sled.master.id().to_owned());
        let expected = StoreError::WrongMasterKey { path: sled.path(), stored, given };
        assert_eq!(sled.try_open(mode).err(), Some(expected));
    }
    assert!(sled.files() == before);
    sled.master = right;
    assert!(sled.sled().read(&name(&["a"])).await.unwrap().is_some());
}

#[tokio::test]
async fn a_missing_key_file_beside_a_store_is_refused_and_nothing_changes() {
    let sled = Sled::new();
    drop(sled.sled());
    let before = sled.files();
    let path = sled.dir.path().join("master.key");
    let error = crate::master_key_file::load_or_create(&path, &sled.path(), &mut OsRng).unwrap_err();
    assert!(error.to_string().contains("is missing, and the store"), "{error}");
    assert!(sled.files() == before);
}

#[tokio::test]
async fn a_newer_format_is_refused_and_nothing_changes() {
    let sled = Sled::new();
    drop(sled.sled());
    let header = sled.path().join("data/header");
    fs::write(&header, "kennel-store 4\nwhatever comes then\n").unwrap();
    let before = sled.files();
    let expected = StoreError::NewerFormat { path: sled.path(), found: 4, known: 3 };
    assert_eq!(sled.try_open(OpenMode::CreateIfMissing).err(), Some(expected));
    assert!(sled.files() == before);
}

#[tokio::test]
async fn an_older_format_is_refused_and_nothing_changes() {
    let sled = Sled::new();
    drop(sled.sled());
    let header = format!("kennel-store 1\nmaster-key {}\n", sled.master.id());
    fs::write(sled.path().join("data/header"), header).unwrap();
    let before = sled.files();
    let expected = StoreError::OlderFormat { path: sled.path(), found: 1, known: 3 };
    assert_eq!(sled.try_open(OpenMode::CreateIfMissing).err(), Some(expected));
    assert!(sled.files() == before);
}

#[tokio::test]
async fn a_header_that_is_missing_or_torn_is_refused_and_nothing_changes() {
    let sled = Sled::new();
    drop(sled.sled());
    let header = sled.path().join("data/header");
    for content in ["", "kennel-store", "kennel-store 2\n", "kennel-store -1\nmaster-key x\n", "other 1\n"] {
        fs::write(&header, content).unwrap();
        let before = sled.files();
        let refused = sled.try_open(OpenMode::CreateIfMissing).err();
        assert!(matches!(refused, Some(StoreError::Damaged { .. })), "{content:?}: {refused:?}");
        assert!(sled.files() == before);
    }
    fs::remove_file(&header).unwrap();
    let refused = sled.try_open(OpenMode::CreateIfMissing).err();
    assert!(matches!(refused, Some(StoreError::Damaged { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_store_that_is_open_is_locked() {
    let sled = Sled::new();
    let store = sled.sled();
    assert_eq!(sled.try_open(OpenMode::Existing).err(), Some(StoreError::Locked { path: sled.path() }));
    store.put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    drop(store);
    sled.try_open(OpenMode::Existing).unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_an_error_of_the_medium() {
    let sled = Sled::new();
    fs::write(sled.path(), b"a file").unwrap();
    let refused = sled.try_open(OpenMode::CreateIfMissing).err();
    assert!(matches!(refused, Some(StoreError::Medium { .. })), "{refused:?}");
}

#[tokio::test]
async fn torn_snapshots_are_set_aside_and_every_record_is_there() {
    let sled = Sled::new();
    churn(&sled.sled(), 40).await;
    let expected = sled.sled().list().await.unwrap();
    assert!(expected.records.len() > 150);
    assert!(fs::metadata(sled.path().join("data/db")).unwrap().len() > 2 << 19, "more than one segment");
    let mut damages = 0;
    loop {
        let [snapshot] = sled.snapshots().try_into().unwrap();
        let whole = fs::read(&snapshot).unwrap();
        let torn = match damages {
            0 => vec![],
            1 => whole[..1].to_vec(),
            2 => whole[..12].to_vec(),
            3 => whole[..13].to_vec(),
            4 => whole[..whole.len() / 2].to_vec(),
            5 => whole[..whole.len() - 1].to_vec(),
            6 => vec![0; whole.len()],
            7 => [&whole[..whole.len() / 3], &vec![0; whole.len() - whole.len() / 3]].concat(),
            8 => flip(&whole, 0),
            9 => flip(&whole, whole.len() / 2),
            10 => flip(&whole, whole.len() - 1),
            _ => break,
        };
        fs::write(&snapshot, &torn).unwrap();
        let store = sled.try_open(OpenMode::Existing).unwrap();
        let [aside] = store.set_aside() else { panic!("damage {damages}: {:?}", store.set_aside()) };
        assert_eq!(fs::read(aside).unwrap(), torn);
        assert_eq!(store.list().await.unwrap(), expected, "damage {damages}");
        damages += 1;
    }
    assert_eq!(fs::read_dir(sled.path().join("set-aside")).unwrap().count(), damages);
    assert_eq!(fs::read_dir(sled.path().join("spare")).unwrap().count(), 1);
    assert_eq!(sled.sled().set_aside(), [] as [PathBuf; 0]);
}

fn flip(whole: &[u8], at: usize) -> Vec<u8> {
    let mut flipped = whole.to_vec();
    flipped[at] ^= 0x10;
    flipped
}

#[tokio::test]
async fn a_snapshot_that_a_crash_left_half_written_is_set_aside() {
    let sled = Sled::new();
    churn(&sled.sled(), 2).await;
    let expected = sled.sled().list().await.unwrap();
    let [snapshot] = sled.snapshots().try_into().unwrap();
    let half = fs::read(&snapshot).unwrap();
    let generating = sled.path().join("data/snap.00000000FFFFFFFF.generating");
    fs::write(&generating, &half[..half.len() / 2]).unwrap();
    // sled alone refuses to open, which is why the store sets the snapshot aside.
    assert!(matches!(::sled::open(sled.path().join("data")), Err(::sled::Error::Corruption { .. })));
    let store = sled.sled();
    assert_eq!(store.set_aside(), [sled.path().join("set-aside/snap.00000000FFFFFFFF.generating.1")]);
    assert_eq!(store.list().await.unwrap(), expected);
    assert!(snapshot.exists());
}

#[tokio::test]
async fn a_snapshot_that_is_missing_is_put_back() {
    let sled = Sled::new();
    churn(&sled.sled(), 40).await;
    let expected = sled.sled().list().await.unwrap();
    let [snapshot] = sled.snapshots().try_into().unwrap();
    let whole = fs::read(&snapshot).unwrap();
    fs::remove_file(&snapshot).unwrap();
    assert_eq!(sled.sled().list().await.unwrap(), expected);
    assert_eq!(fs::read(&snapshot).unwrap(), whole);
}

#[tokio::test]
async fn a_torn_snapshot_without_a_good_copy_is_refused_and_nothing_changes() {
    let sled = Sled::new();
    churn(&sled.sled(), 2).await;
    drop(sled.sled());
    let [snapshot] = sled.snapshots().try_into().unwrap();
    let whole = fs::read(&snapshot).unwrap();
    fs::write(&snapshot, &whole[..20]).unwrap();
    let [copy] = fs::read_dir(sled.path().join("spare")).unwrap().collect::<Vec<_>>().try_into().unwrap();
    let copy = copy.unwrap().path();
    for damage in [Some(flip(&whole, 5)), None] {
        match damage {
            Some(torn) => fs::write(&copy, torn).unwrap(),
            None => fs::remove_file(&copy).unwrap(),
        }
        let before = sled.files();
        let refused = sled.try_open(OpenMode::CreateIfMissing).err();
        assert!(matches!(refused, Some(StoreError::Damaged { .. })), "{refused:?}");
        assert!(sled.files() == before);
    }
    fs::write(&snapshot, &whole).unwrap();
    assert!(!sled.sled().list().await.unwrap().records.is_empty());
}

#[tokio::test]
async fn records_that_go_missing_are_noticed_at_opening() {
    let sled = Sled::new();
    let store = sled.sled();
    store.put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    store.put(&principal(&name(&["b"]), 1), Expect::Absent).await.unwrap();
    drop(store);
    let raw = sled.raw();
    raw.remove(b"rEXAMPLE\0a").unwrap().unwrap();
    raw.flush().unwrap();
    drop(raw);
    let refused = sled.try_open(OpenMode::Existing).err().unwrap();
    assert!(refused.to_string().contains("records are missing"), "{refused}");
}

#[tokio::test]
async fn records_that_fall_back_to_an_older_revision_are_noticed_at_opening() {
    let sled = Sled::new();
    let store = sled.sled();
    let first = store.put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    drop(store);
    let raw = sled.raw();
    let old = raw.get(b"rEXAMPLE\0a").unwrap().unwrap();
    drop(raw);
    sled.sled().put(&principal(&name(&["a"]), 2), Expect::Revision(first)).await.unwrap();
    let raw = sled.raw();
    raw.insert(b"rEXAMPLE\0a", old).unwrap();
    raw.flush().unwrap();
    drop(raw);
    let refused = sled.try_open(OpenMode::Existing).err().unwrap();
    assert!(refused.to_string().contains("older than the last write"), "{refused}");
}

#[tokio::test]
async fn an_older_record_in_the_place_of_its_successor_is_refused_whatever_its_revision_says() {
    let sled = Sled::new();
    let (a, b) = (name(&["a"]), name(&["b"]));
    let store = sled.sled();
    let first = store.put(&principal(&a, 1), Expect::Absent).await.unwrap();
    drop(store);
    let raw = sled.raw();
    let (old, old_counters) = (raw.get(b"rEXAMPLE\0a").unwrap().unwrap(), raw.get(b"c").unwrap().unwrap());
    drop(raw);
    let store = sled.sled();
    store.put(&principal(&a, 2), Expect::Revision(first)).await.unwrap();
    store.put(&principal(&b, 1), Expect::Absent).await.unwrap();
    drop(store);
    let raw = sled.raw();
    let (new, counters) = (raw.get(b"rEXAMPLE\0a").unwrap().unwrap(), raw.get(b"c").unwrap().unwrap());
    // As it was, at the revision of its successor, and with the counters that it had once.
    let claims_the_new_revision = [&new[..8], &old[8..]].concat();
    let attempts = [(old.to_vec(), &counters), (claims_the_new_revision, &counters), (old.to_vec(), &old_counters)];
    drop(raw);
    for (value, counters) in attempts {
        let raw = sled.raw();
        raw.insert(b"rEXAMPLE\0a", value).unwrap();
        raw.insert(b"c", counters).unwrap();
        raw.flush().unwrap();
        drop(raw);
        let refused = sled.try_open(OpenMode::Existing).err().unwrap();
        assert!(refused.to_string().contains("older than the last write"), "{refused}");
    }
}

#[tokio::test]
async fn counters_that_were_changed_are_noticed_at_opening() {
    let sled = Sled::new();
    drop(sled.sled());
    let raw = sled.raw();
    let counters = raw.get(b"c").unwrap().unwrap();
    let forged = super::counters::Counters { revision: Revision(9), ..super::counters::Counters::NEW };
    let forged = forged.seal(&MasterKey::generate(&mut OsRng));
    drop(raw);
    for changed in [flip(&counters, 0), flip(&counters, counters.len() - 1), forged] {
        let raw = sled.raw();
        raw.insert(b"c", changed).unwrap();
        raw.flush().unwrap();
        drop(raw);
        let refused = sled.try_open(OpenMode::Existing).err().unwrap();
        assert!(refused.to_string().contains("counters were changed"), "{refused}");
    }
}

#[tokio::test]
async fn a_store_below_its_mark_is_refused_and_nothing_changes() {
    let sled = Sled::new();
    let revision = sled.sled().put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    sled.open_known(revision.0, Rollback::Refuse).unwrap();
    let before = sled.files();
    let refused = sled.open_known(revision.0 + 1, Rollback::Refuse).err();
    let expected = StoreError::RolledBack { path: sled.path(), found: revision.0, mark: revision.0 + 1 };
    assert_eq!(refused, Some(expected));
    assert!(sled.files() == before);
}

#[tokio::test]
async fn a_new_store_in_place_of_one_that_has_a_mark_is_refused_and_nothing_is_made() {
    let sled = Sled::new();
    let refused = sled.open_known(1, Rollback::Refuse).err();
    assert_eq!(refused, Some(StoreError::RolledBack { path: sled.path(), found: 0, mark: 1 }));
    assert!(!sled.path().exists());
    assert!(sled.open_known(1, Rollback::Accept).unwrap().list().await.unwrap().revision > Revision(1));
}

#[tokio::test]
async fn an_accepted_rollback_goes_on_above_every_revision_that_was_and_needs_no_acceptance_again() {
    let sled = Sled::new();
    let first = sled.sled().put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    let mark = first.0 + 1000;
    let store = sled.open_known(mark, Rollback::Accept).unwrap();
    assert_eq!(store.accepted_rollback(), Some(first));
    let accepted = *store.revisions().borrow();
    // The mark may lag behind what was.
    assert!(accepted.0 > mark + 1_000_000, "{accepted:?}");
    let listing = store.list().await.unwrap();
    assert_eq!((listing.revision, listing.records[0].revision), (accepted, first), "records stay at their revisions");
    let next = store.put(&principal(&name(&["a"]), 2), Expect::Revision(first)).await.unwrap();
    assert!(next > accepted);
    assert_eq!(*store.revisions().borrow(), next);
    drop(store);
    let store = sled.open_known(next.0, Rollback::Refuse).unwrap();
    assert_eq!(mark_of_a(&store).await, 2);
}

#[tokio::test]
async fn a_mark_that_is_reached_changes_nothing_even_where_a_rollback_would_be_accepted() {
    let sled = Sled::new();
    let revision = sled.sled().put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    let store = sled.open_known(revision.0, Rollback::Accept).unwrap();
    assert_eq!(*store.revisions().borrow(), revision);
    assert_eq!(store.accepted_rollback(), None);
}

async fn mark_of_a(store: &SledStore) -> u32 {
    mark(&store.read(&name(&["a"])).await.unwrap().unwrap().record)
}

#[tokio::test]
async fn records_that_were_swapped_on_the_disk_are_refused() {
    let sled = Sled::new();
    let names = [name(&["alice"]), name(&["admin", "root"]), name(&["other"])];
    let store = sled.sled();
    for name in &names {
        store.put(&principal(name, 1), Expect::Absent).await.unwrap();
    }
    drop(store);
    let raw = sled.raw();
    let keys = [b"rEXAMPLE\0alice".as_slice(), b"rEXAMPLE\0admin\0root"];
    let [alice, admin] = keys.map(|key| raw.get(key).unwrap().unwrap());
    // Each keeps its own revision in front: only what is sealed changes places.
    raw.insert(keys[0], [&alice[..8], &admin[8..]].concat()).unwrap();
    raw.insert(keys[1], [&admin[..8], &alice[8..]].concat()).unwrap();
    raw.flush().unwrap();
    drop(raw);
    let refused = sled.try_open(OpenMode::Existing).err().unwrap();
    assert!(refused.to_string().contains("records are missing, changed"), "{refused}");
    // Each record alone is refused as well: here the counters fit.
    sled.seal_counters_anew();
    let store = sled.sled();
    for (name, shown) in names.iter().zip(["alice@EXAMPLE", "admin/root@EXAMPLE"]) {
        match store.read(name).await {
            Err(StoreError::Corrupt { name, .. }) => assert_eq!(name, shown),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(store.list().await, Err(StoreError::Corrupt { .. })));
    assert!(store.read(&names[2]).await.unwrap().is_some(), "one bad record does not take the others along");
}

#[tokio::test]
async fn no_key_and_no_plaintext_is_in_the_files() {
    let sled = Sled::new();
    let record = full_principal(&name(&["web"]));
    sled.sled().put(&record, Expect::Absent).await.unwrap();
    let files = sled.files();
    let holds =
        |needle: &[u8]| files.values().any(|content| content.windows(needle.len()).any(|found| found == needle));
    assert!(holds(b"EXAMPLE\0web"), "names are readable");
    let Record::Principal(record) = record else { unreachable!() };
    for key in record.keys.versions.iter().flat_map(|version| &version.keys) {
        assert!(!holds(key.key.expose()));
    }
    assert!(!holds(record.modified_by.as_bytes()));
}

#[tokio::test]
async fn a_read_completes_without_waiting() {
    let sled = Sled::new();
    let store = sled.sled();
    store.put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    assert!(store.read(&name(&["a"])).now_or_never().unwrap().unwrap().is_some());
    assert!(store.read(&name(&["b"])).now_or_never().unwrap().unwrap().is_none());
}

#[tokio::test]
async fn a_write_goes_on_when_nobody_waits_for_it() {
    let sled = Sled::new();
    let store = sled.sled();
    let mut watch = store.watch(Revision(0)).await.unwrap();
    assert!(store.put(&principal(&name(&["a"]), 7), Expect::Absent).now_or_never().is_none());
    match watch.next().await {
        Some(crate::Change::Put(found)) => assert_eq!(mark(&found.record), 7),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn watchers_from_before_the_opening_are_told_to_list_again() {
    let sled = Sled::new();
    let revision = sled.sled().put(&principal(&name(&["a"]), 1), Expect::Absent).await.unwrap();
    let store = sled.sled();
    assert_eq!(store.watch(Revision(0)).await.unwrap().next().await, Some(crate::Change::Lagged));
    let mut watch = store.watch(revision).await.unwrap();
    assert!(watch.next().now_or_never().is_none());
    drop(store);
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn a_damaged_log_is_refused_and_nothing_changes_unless_all_records_are_there() {
    let sled = Sled::new();
    churn(&sled.sled(), 1).await;
    let expected = sled.sled().list().await.unwrap();
    let whole = sled.files();
    let log = sled.path().join("data/db");
    let written = whole[&log].iter().rposition(|octet| *octet != 0).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for at in (0..written).step_by(written / 60) {
        fs::write(&log, flip(&whole[&log], at)).unwrap();
        let damaged = sled.files();
        match sled.try_open(OpenMode::CreateIfMissing) {
            Err(StoreError::Damaged { .. }) => {
                assert!(sled.files() == damaged, "octet {at}");
                refused += 1;
            }
            Err(other) => panic!("octet {at}: {other}"),
            // It hit a page that was written anew since.
            Ok(store) => {
                assert!(store.list().await.unwrap() == expected, "octet {at}");
                harmless += 1;
            }
        }
        fs::remove_dir_all(sled.path()).unwrap();
        for (path, content) in &whole {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    assert!(refused > 20, "{refused} refused, {harmless} harmless");
}
