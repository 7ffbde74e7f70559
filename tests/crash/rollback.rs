//! An older copy of the store in place of the newest: what was revoked since would be valid again.

use anyhow::{Context, Result, ensure};
use kennel_client::client::system_now;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, master_key_file};
use kennel_tests::binary::kennel_kdc;
use kennel_tests::ports;
use kennel_tests::process::{self, Server};
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const REALM: &str = "ROLLBACK.TEST";
const LIMIT: Duration = Duration::from_secs(30);

/// A realm without a cluster; the master key is in a folder of its own.
struct Kdc {
    folder: TempDir,
}

impl Kdc {
    fn new() -> Result<Kdc> {
        let kdc = Kdc { folder: TempDir::new()? };
        kdc.serve_once(&["--create"])?;
        Ok(kdc)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, flags: &[&str]) -> Result<Command> {
        let (folder, port) = (self.folder.path().display(), ports::free_block()?);
        let config = self.path("kdc.toml");
        std::fs::write(
            &config,
            format!(
                "[realm]\nname = \"{REALM}\"\n[store]\nkind = \"sled\"\npath = \"{folder}/store\"\nmaster_key = \
                 \"{folder}/key/master.key\"\n[listen]\naddresses = [\"127.0.0.1:{port}\"]\n[audit]\nsink = \
                 \"{folder}/audit.log\"\n"
            ),
        )?;
        let mut command = Command::new(kennel_kdc()?);
        command.arg("serve").arg("--config").arg(config).args(flags);
        Ok(command)
    }

    /// Serves until it is ready, stops it, and returns its log.
    fn serve_once(&self, flags: &[&str]) -> Result<String> {
        let mut server = Server::start(&mut self.command(flags)?, self.folder.path(), "kdc")?;
        server.wait_until(LIMIT, |server| server.stderr().contains("serving"))?;
        ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
        let log = server.stderr();
        std::fs::remove_file(self.path("kdc.err"))?;
        Ok(log)
    }

    fn refuses(&self, reasons: &[&str]) -> Result<()> {
        let before = content(&self.path("store"))?;
        let run = process::run(&mut self.command(&["--create"])?, "")?;
        reasons.iter().try_fold(run, |run, reason| run.refused(reason))?;
        ensure!(content(&self.path("store"))? == before, "the store was changed");
        Ok(())
    }

    /// Adds a principal, as an administrator would.
    #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
    async fn add(&self, name: &str) -> Result<()> {
        let key = master_key_file::load(&self.path("key/master.key"))?;
        let store = SledStore::open(&self.path("store"), Arc::new(key), OpenMode::Existing)?;
        let keys = KeySet::random(&kennel_core::realm::Realm::new(REALM).enctypes, 1, system_now(), &mut OsRng);
        let record = PrincipalRecord::new(Principal::parse(name, REALM)?, Origin::Manual, keys, system_now(), "test");
        store.put(&Record::Principal(Box::new(record)), Expect::Absent).await?;
        Ok(())
    }

    fn copy(&self, from: &str, to: &str) -> Result<()> {
        let to = self.path(to);
        if to.exists() {
            std::fs::remove_dir_all(&to)?;
        }
        process::run(Command::new("cp").arg("-a").arg(self.path(from)).arg(to), "")?.ok().map(|_| ())
    }
}

/// Every file of a store but its lock, and its content; empty where there is no store.
fn content(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = folder.exists().then(|| folder.to_owned()).into_iter().collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push((path.clone(), std::fs::read(path)?)) }
        }
    }
    files.sort();
    Ok(files)
}

#[test]
fn an_older_copy_of_the_store_is_refused_until_it_is_accepted_and_then_the_newer_one_is() -> Result<()> {
    let kdc = Kdc::new()?;
    kdc.copy("store", "older")?;
    kdc.add("alice")?;
    kdc.serve_once(&[])?;
    kdc.copy("store", "newer")?;

    kdc.copy("older", "store")?;
    kdc.refuses(&["an older copy was put in its place", "key/master.key.mark", "--accept-rollback"])?;
    let log = kdc.serve_once(&["--accept-rollback"])?;
    ensure!(log.contains("an older copy of the store is served from now on"), "{log}");
    let log = kdc.serve_once(&[])?;
    ensure!(!log.contains("rollback"), "{log}");

    kdc.copy("newer", "store")?;
    kdc.refuses(&["an older copy was put in its place"])
}

#[test]
fn an_empty_store_in_place_of_one_that_has_a_mark_is_refused() -> Result<()> {
    let kdc = Kdc::new()?;
    std::fs::remove_dir_all(kdc.path("store"))?;
    kdc.refuses(&["is at revision 0", "--accept-rollback"])?;
    ensure!(!kdc.path("store").exists(), "a store was made");
    Ok(())
}

#[test]
fn the_mark_survives_kill_9_and_a_mark_that_was_changed_is_refused() -> Result<()> {
    let kdc = Kdc::new()?;
    kdc.copy("store", "older")?;
    kdc.add("alice")?;
    let mut server = Server::start(&mut kdc.command(&[])?, kdc.folder.path(), "kdc")?;
    server.wait_until(LIMIT, |server| server.stderr().contains("serving"))?;
    let mark = kdc.path("key/master.key.mark");
    server.wait_until(LIMIT, |_| std::fs::read_to_string(&mark).is_ok_and(|mark| mark.contains("revision 4\n")))?;
    server.kill()?;
    kdc.copy("older", "store")?;
    kdc.refuses(&["an older copy was put in its place"])?;

    let text = std::fs::read_to_string(&mark).context("no mark")?;
    std::fs::write(&mark, text.replace("revision 4", "revision 3"))?;
    kdc.refuses(&["master.key.mark", "was changed", "--accept-rollback"])
}
