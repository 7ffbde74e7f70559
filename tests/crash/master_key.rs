//! A rotation of the master key, and `kill -9` in the middle of it: nothing is lost, and each start goes on. `KENNEL_REWRAP_PRINCIPALS`
//! sets the number of principals.

use crate::load::{Load, REALM};
use anyhow::{Context, Result, ensure};
use kennel_client::client::system_now;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_crypto::MasterKey;
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, Listing, PrincipalStore, SledStore, mark_file, master_key_file};
use kennel_tests::binary::kennel_kdc;
use kennel_tests::ports;
use kennel_tests::process::{self, Server};
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PRINCIPALS: usize = 5000;
const LIMIT: Duration = Duration::from_secs(60);
const BEGUN: &str = "the store is wrapped anew under the next master key";
const ENDED: &str = "the store is under its next master key";

/// A realm without a cluster, with a store and a master key in folders of their own.
struct Kdc {
    folder: TempDir,
    port: u16,
    /// Records a second.
    rate: usize,
}

impl Kdc {
    /// With so many principals beside `alice`.
    fn new(principals: usize, rate: usize) -> Result<Kdc> {
        let kdc = Kdc { folder: TempDir::new()?, port: ports::free_block()?, rate };
        let mut server = kdc.start(&["--create"])?;
        ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
        kdc.fill(principals)?;
        Ok(kdc)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, flags: &[&str]) -> Result<Command> {
        let (folder, port, rate) = (self.folder.path().display(), self.port, self.rate);
        let config = self.path("kdc.toml");
        std::fs::write(
            &config,
            format!(
                "[realm]\nname = \"{REALM}\"\n[store]\nkind = \"sled\"\npath = \"{folder}/store\"\nmaster_key = \
                 \"{folder}/key/master.key\"\nrewrap_rate = {rate}\n[listen]\naddresses = [\"127.0.0.1:{port}\"]\n\
                 [audit]\nsink = \"{folder}/audit.log\"\n"
            ),
        )?;
        let mut command = Command::new(kennel_kdc()?);
        command.arg("serve").arg("--config").arg(config).args(flags);
        Ok(command)
    }

    /// Starts it, and waits until it serves. Its log begins anew.
    fn start(&self, flags: &[&str]) -> Result<Server> {
        let _ = std::fs::remove_file(self.path("kdc.err"));
        let mut server = Server::start(&mut self.command(flags)?, self.folder.path(), "kdc")?;
        server.wait_until(LIMIT, |server| server.stderr().contains("serving"))?;
        Ok(server)
    }

    fn refuses(&self, reasons: &[&str]) -> Result<()> {
        let run = process::run(&mut self.command(&[])?, "")?;
        reasons.iter().try_fold(run, |run, reason| run.refused(reason)).map(|_| ())
    }

    fn key_file(&self) -> PathBuf {
        self.path("key/master.key")
    }

    fn next_file(&self) -> PathBuf {
        master_key_file::next_of(&self.key_file())
    }

    fn add_next_key(&self) -> Result<MasterKey> {
        Ok(master_key_file::create(&self.next_file(), &mut OsRng)?)
    }

    fn open(&self) -> Result<SledStore> {
        Ok(SledStore::open(&self.path("store"), master_key_file::load_keys(&self.key_file())?, OpenMode::Existing)?)
    }

    #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
    async fn fill(&self, principals: usize) -> Result<()> {
        let store = self.open()?;
        let (enctypes, now) = (kennel_core::realm::Realm::new(REALM).enctypes, system_now());
        let alice = Principal::parse("alice", REALM)?;
        let keys = KeySet::from_password(&enctypes, 1, &alice, b"secret", now)?;
        let mut records = vec![PrincipalRecord::new(alice, Origin::Manual, keys, now, "test")];
        for number in 0..principals {
            let name = Principal::parse(&format!("HTTP/web-{number}.shop.svc.cluster.local"), REALM)?;
            let keys = KeySet::random(&enctypes, 1, now, &mut OsRng);
            records.push(PrincipalRecord::new(name, Origin::Manual, keys, now, "test"));
        }
        let store = Arc::new(store);
        for some in records.chunks(200) {
            let mut writes = tokio::task::JoinSet::new();
            for record in some {
                let (store, record) = (store.clone(), Record::Principal(Box::new(record.clone())));
                writes.spawn(async move { store.put(&record, Expect::Absent).await });
            }
            while let Some(written) = writes.join_next().await {
                written??;
            }
        }
        Ok(())
    }

    /// All records, and how many are under the newest key.
    #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
    async fn look(&self) -> Result<(Listing, u64)> {
        let store = self.open()?;
        Ok((store.list().await?, store.master_key_state().await?.under_newest))
    }
}

#[test]
fn a_rotation_of_the_master_key_goes_on_after_every_kill_9_and_loses_nothing() -> Result<()> {
    let principals = match std::env::var("KENNEL_REWRAP_PRINCIPALS") {
        Ok(text) => text.parse().context("KENNEL_REWRAP_PRINCIPALS")?,
        Err(_) => PRINCIPALS,
    };
    // Eight seconds without a kill.
    let kdc = Kdc::new(principals, principals.div_ceil(8))?;
    let (before, _) = kdc.look()?;
    assert_eq!(before.records.len(), principals + 4, "with alice, krbtgt, kadmin/admin and kadmin/changepw");
    let old = master_key_file::load(&kdc.key_file())?;
    let new = kdc.add_next_key()?;
    let load = Load::start(kdc.port, 1)?;
    let (mut kills, mut seen) = (0, Vec::new());
    // More records take longer to start with, and to look through after each kill.
    let larger = u32::try_from(principals / (4 * PRINCIPALS))?.max(1);
    let begun = Instant::now();
    loop {
        let mut server = kdc.start(if kills == 0 { &["--rotate-master-key"] } else { &[] })?;
        // The new key takes the file of the old one at the very end, or at the next start.
        let has_ended = || !kdc.next_file().exists();
        server.wait_until(LIMIT, |server| server.stderr().contains(BEGUN) || has_ended())?;
        load.await_answers(20)?;
        // At every point of a batch, sooner or later.
        std::thread::sleep(Duration::from_millis(400 + kills * 37 % 400) * larger);
        if has_ended() {
            ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
            break;
        }
        server.kill()?;
        kills += 1;
        let (found, under_new) = kdc.look()?;
        ensure!(found == before, "kill {kills}: {} of {} records", found.records.len(), before.records.len());
        ensure!(seen.last().is_none_or(|last| *last <= under_new), "{seen:?}, then {under_new}");
        seen.push(under_new);
        ensure!(begun.elapsed() < LIMIT * 10 * larger, "no end: {seen:?}");
    }
    let answers = load.stop()?;
    println!(
        "{principals} principals, {kills} kills in {:?}, records done at each: {seen:?}, {answers} answers",
        begun.elapsed()
    );
    ensure!(kills >= 3, "{kills} kills prove little");
    assert_eq!(master_key_file::load(&kdc.key_file())?.id(), new.id(), "the new key took the file of the old one");
    assert!(!kdc.next_file().exists());
    let (after, under_new) = kdc.look()?;
    ensure!(after == before && under_new == before.records.len() as u64, "{under_new} under the new key");
    let mark = mark_file::load(&mark_file::beside(&kdc.key_file()), &new.into())?;
    assert_eq!(mark, Some(before.revision), "a rotation changes no revision");
    // The old key opens nothing any more.
    std::fs::write(kdc.key_file(), &*old.expose_text())?;
    kdc.refuses(&[&format!("but the given key is {}", old.id())])
}

#[test]
fn a_start_in_the_middle_of_a_rotation_needs_both_keys_and_names_the_missing_one() -> Result<()> {
    let kdc = Kdc::new(500, 100)?;
    let old = master_key_file::load(&kdc.key_file())?;
    let new = kdc.add_next_key()?;
    let mut server = kdc.start(&["--rotate-master-key"])?;
    server.wait_until(LIMIT, |server| server.stderr().contains(BEGUN))?;
    server.kill()?;

    let away = kdc.path("away");
    std::fs::rename(kdc.next_file(), &away)?;
    kdc.refuses(&[&format!("{} is missing", new.id()), ".next"])?;
    std::fs::rename(kdc.key_file(), kdc.path("old"))?;
    std::fs::copy(&away, kdc.key_file())?;
    kdc.refuses(&[&format!("{} is missing", old.id()), ".next"])?;
    std::fs::remove_file(kdc.key_file())?;
    kdc.refuses(&["master.key", "cannot be read"])?;
    let create = process::run(&mut kdc.command(&["--create"])?, "")?;
    create.refused("is missing, and the store")?;
    assert!(!kdc.key_file().exists(), "a key was made where records exist");

    // Either file may hold either key.
    std::fs::rename(kdc.path("old"), kdc.next_file())?;
    std::fs::rename(&away, kdc.key_file())?;
    let mut server = kdc.start(&[])?;
    server.wait_until(LIMIT, |server| server.stderr().contains(ENDED))?;
    ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
    assert_eq!(kdc.look()?.1, 504);
    Ok(())
}

#[test]
fn another_key_in_the_file_is_refused_and_a_rotation_without_a_next_key_says_what_to_do() -> Result<()> {
    let kdc = Kdc::new(0, 1000)?;
    let key = kdc.key_file();
    let right = std::fs::read(&key)?;
    let other = MasterKey::generate(&mut OsRng);
    std::fs::write(&key, &*other.expose_text())?;
    kdc.refuses(&["under master key", &format!("the given key is {}", other.id())])?;
    std::fs::write(&key, &right)?;
    let mut server = kdc.start(&["--rotate-master-key"])?;
    server.wait_until(LIMIT, |server| server.stderr().contains("there is no next key: put one into"))?;
    ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
    Ok(())
}
