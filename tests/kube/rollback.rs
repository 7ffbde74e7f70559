//! The high-water mark of the store's revision in the realm's Lease: an older copy of everything that the volume holds, the mark beside
//! the master key included, is noticed by the Lease alone.

use anyhow::{Result, ensure};
use kennel_client::client::system_now;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, master_key_file};
use kennel_tests::binary::kennel_kdc;
use kennel_tests::kube::Api;
use kennel_tests::ports;
use kennel_tests::process::{self, Server};
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

/// A realm with a cluster; everything is in the folder `volume`.
pub(crate) struct Kdc {
    pub(crate) api: Api,
    realm: &'static str,
    folder: TempDir,
}

impl Kdc {
    /// With an API server of its own, which a test may stop.
    pub(crate) fn new(realm: &'static str) -> Result<Kdc> {
        Ok(Kdc { api: Api::alone()?, realm, folder: TempDir::new()? })
    }

    pub(crate) fn volume(&self) -> PathBuf {
        self.folder.path().join("volume")
    }

    pub(crate) fn command(&self, flags: &[&str]) -> Result<Command> {
        let (volume, port) = (self.volume(), ports::free_block()?);
        let (volume, config) = (volume.display(), self.folder.path().join("kdc.toml"));
        std::fs::write(
            &config,
            format!(
                "[realm]\nname = \"{}\"\n[store]\nkind = \"sled\"\npath = \"{volume}/store\"\nmaster_key = \
                 \"{volume}/master.key\"\ncreate = true\n[listen]\naddresses = [\"127.0.0.1:{port}\"]\n[cluster]\n\
                 kubeconfig = \"{}\"\nkdcs = [\"127.0.0.1:{port}\"]\n[audit]\nsink = \"{}/audit.log\"\n",
                self.realm,
                self.api.kubeconfig().display(),
                self.folder.path().display()
            ),
        )?;
        let mut command = Command::new(kennel_kdc()?);
        command.arg("serve").arg("--config").arg(config).args(flags);
        Ok(command)
    }

    fn start(&self, flags: &[&str], until: &str) -> Result<Server> {
        let mut server = Server::start(&mut self.command(flags)?, self.folder.path(), "kdc")?;
        server.wait_until(LIMIT, |server| server.stderr().contains(until))?;
        Ok(server)
    }

    /// Serves until it holds the Lease, stops it, and returns its log.
    pub(crate) fn serve_once(&self, flags: &[&str]) -> Result<String> {
        let mut server = self.start(flags, "the Lease is held")?;
        ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
        let log = server.stderr();
        std::fs::remove_file(self.folder.path().join("kdc.err"))?;
        Ok(log)
    }

    /// The mark in the Lease.
    fn mark(&self) -> Result<u64> {
        let lease = format!("kennel-{}", self.realm.to_ascii_lowercase());
        let path = r"{.metadata.annotations.kennel\.dev/store-revision}";
        Ok(self.api.json_path(&["lease", &lease], path)?.parse()?)
    }

    #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
    pub(crate) async fn add(&self, name: &str) -> Result<()> {
        let key = master_key_file::load(&self.volume().join("master.key"))?;
        let store = SledStore::open(&self.volume().join("store"), Arc::new(key), OpenMode::Existing)?;
        let keys = KeySet::random(&kennel_core::realm::Realm::new(self.realm).enctypes, 1, system_now(), &mut OsRng);
        let name = Principal::parse(name, self.realm)?;
        let record = PrincipalRecord::new(name, Origin::Manual, keys, system_now(), "test");
        store.put(&Record::Principal(Box::new(record)), Expect::Absent).await?;
        Ok(())
    }

    fn put_back(&self, copy: &Path) -> Result<()> {
        std::fs::remove_dir_all(self.volume())?;
        copy_folder(copy, &self.volume())
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    process::run(Command::new("cp").arg("-a").arg(from).arg(to), "")?.ok().map(|_| ())
}

#[test]
fn an_older_copy_of_the_whole_volume_is_refused_by_the_lease_until_it_is_accepted() -> Result<()> {
    let kdc = Kdc::new("ROLLBACK.TEST")?;
    kdc.serve_once(&[])?;
    let (first, copy) = (kdc.mark()?, kdc.folder.path().join("copy"));
    copy_folder(&kdc.volume(), &copy)?;
    kdc.add("alice")?;
    kdc.serve_once(&[])?;
    let second = kdc.mark()?;
    assert!(first > 0 && second > first, "{first}, then {second}");

    kdc.put_back(&copy)?;
    let run = process::run(&mut kdc.command(&[])?, "")?;
    run.refused("an older copy was put in its place")?.refused("the realm's Lease")?.refused("--accept-rollback")?;
    assert_eq!(kdc.mark()?, second, "a start that is refused leaves the mark");
    let log = kdc.serve_once(&["--accept-rollback"])?;
    ensure!(log.contains("an older copy of the store is served from now on"), "{log}");
    assert!(kdc.mark()? > second + 1_000_000);
    kdc.serve_once(&[]).map(|_| ())
}

#[test]
fn a_rollback_that_the_start_could_not_see_ends_the_process_when_the_lease_is_read() -> Result<()> {
    let kdc = Kdc::new("LATE.TEST")?;
    kdc.serve_once(&[])?;
    let copy = kdc.folder.path().join("copy");
    copy_folder(&kdc.volume(), &copy)?;
    kdc.add("alice")?;
    kdc.serve_once(&[])?;
    let mark = kdc.mark()?;
    kdc.put_back(&copy)?;
    kdc.api.freeze(true)?;
    let started = kdc.start(&[], "serving");
    kdc.api.freeze(false)?;
    let mut server = started?;
    let status = server.wait_for_end(LIMIT)?;
    let said = server.stderr();
    ensure!(!status.success() && said.contains("the store is an older copy"), "{said}");
    assert_eq!(kdc.mark()?, mark, "the mark does not fall");
    Ok(())
}
