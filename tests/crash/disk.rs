//! A disk that is full: a small tmpfs (mounting one takes root).

use crate::load::{REALM, SEED, request};
use anyhow::{Result, ensure};
use kennel_client::client::system_now;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, master_key_file};
use kennel_tests::peer::Udp;
use kennel_tests::process::{self, Server};
use kennel_tests::realm::Realm;
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A file system of its own, unmounted when dropped.
struct Small {
    path: PathBuf,
}

impl Small {
    fn mount(path: &Path, mebibytes: u32) -> Result<Small> {
        let small = Small { path: path.to_owned() };
        let size = format!("size={mebibytes}m");
        process::run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&small.path), "")?
            .ok()
            .map_err(|error| error.context("this test mounts a tmpfs: run it as root"))?;
        Ok(small)
    }

    /// Fills what is left.
    fn fill(&self) -> Result<()> {
        let path = self.path.join("filler");
        let to = format!("of={}", path.display());
        // It ends with "no space left on device".
        process::run(Command::new("dd").args(["if=/dev/zero", &to, "bs=4096"]), "")?;
        Ok(())
    }

    fn make_room(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.path.join("filler"))?)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: a process that was killed may still be on its way out.
        let _ = process::run(Command::new("umount").arg("-l").arg(&self.path), "");
    }
}

#[test]
fn issuing_goes_on_while_the_disk_of_the_audit_is_full_and_no_line_is_lost() -> Result<()> {
    let builder = Realm::builder(REALM)?.seed(SEED);
    std::fs::create_dir(builder.dev_folder())?;
    let small = Small::mount(&builder.dev_folder(), 24)?;
    let mut realm = builder.start()?;
    let before = realm.audit_lines()?;
    let (request, mut udp) = (request()?, Udp::connect(realm.port())?);
    small.fill()?;
    for _ in 0..200 {
        udp.ask(&request)?;
    }
    let says_so = |server: &Server| server.stderr().contains("the audit sink does not take lines");
    realm.server().wait_until(Duration::from_secs(10), says_so)?;
    small.make_room()?;
    for _ in 0..50 {
        udp.ask(&request)?;
    }
    let audit = realm.audit()?;
    let in_file = audit.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count() as u64;
    ensure!(in_file >= before + 50, "the audit did not go on");
    // What the file could not take is in the log.
    let in_log = realm.server().stderr().lines().filter(|line| line.contains("preauth-required")).count() as u64;
    ensure!(in_file - before + in_log >= 250, "{} lines in the file, {in_log} in the log", in_file - before);
    Ok(())
}

#[test]
fn issuing_goes_on_where_the_log_has_no_room_either() -> Result<()> {
    // Found here: the thread that could not write to the log either panicked, and nobody was answered any more.
    let folder = TempDir::new()?;
    let small = Small::mount(folder.path(), 24)?;
    let inside = TempDir::new_in(&small.path)?;
    let mut realm = Realm::builder(REALM)?.within(inside).seed(SEED).start()?;
    let (request, mut udp) = (request()?, Udp::connect(realm.port())?);
    small.fill()?;
    for _ in 0..200 {
        udp.ask(&request)?;
    }
    let before = realm.audit_lines()?;
    small.make_room()?;
    for _ in 0..50 {
        udp.ask(&request)?;
    }
    ensure!(realm.audit_lines()? >= before + 49, "the audit did not go on");
    ensure!(realm.server().is_running()?);
    Ok(())
}

async fn put(store: &SledStore, name: &str) -> Result<(), kennel_store::StoreError> {
    let enctypes = kennel_core::realm::Realm::new(REALM).enctypes;
    let keys = KeySet::random(&enctypes, 1, system_now(), &mut OsRng);
    let name = Principal::parse(name, REALM).unwrap_or_else(|_| Principal::krbtgt(REALM, REALM));
    let record = PrincipalRecord::new(name, Origin::Manual, keys, system_now(), "test");
    store.put(&Record::Principal(Box::new(record)), Expect::Absent).await.map(|_| ())
}

fn open(folder: &Path, mode: OpenMode) -> Result<SledStore> {
    let path = folder.join("store");
    let key = master_key_file::load_or_create(&folder.join("master.key"), &path, &mut OsRng)?;
    Ok(SledStore::open(&path, key, mode)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_on_a_full_disk_refuses_and_keeps_what_it_acknowledged() -> Result<()> {
    let mounted = TempDir::new()?;
    let small = Small::mount(mounted.path(), 16)?;
    let folder = mounted.path();
    let store = open(folder, OpenMode::CreateIfMissing)?;
    put(&store, "first").await?;
    small.fill()?;
    let mut written = 0;
    let error = loop {
        match put(&store, &format!("user{written}")).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        ensure!(written < 200_000, "the disk does not fill");
    };
    println!("{written} more, then: {error}");
    drop(store);
    small.make_room()?;
    let store = open(folder, OpenMode::Existing)?;
    let names: Vec<String> =
        store.list().await?.records.iter().map(|versioned| versioned.record.name().name.to_string()).collect();
    ensure!(names.contains(&"first".to_owned()), "the first is gone");
    for number in 0..written {
        ensure!(names.contains(&format!("user{number}")), "user{number} was acknowledged");
    }
    put(&store, "again").await?;
    Ok(())
}
