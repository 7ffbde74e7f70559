//! Which process serves a realm: `kennel-kdc serve` and its Lease. The embedded store is of one process.

use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel_kdc;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::ports;
use kennel_tests::process::{self, Server};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A Lease runs out after 15 seconds; with room for a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);

/// A realm that is served from a folder.
struct Kdc {
    api: &'static Api,
    realm: String,
    folder: TempDir,
    server: Option<Server>,
}

impl Kdc {
    fn new(realm: &str) -> Result<Kdc> {
        Ok(Kdc { api: Api::shared()?, realm: realm.to_owned(), folder: TempDir::new()?, server: None })
    }

    /// Another folder with what is in this one.
    fn copy(&self) -> Result<Kdc> {
        let copy = Kdc::new(&self.realm)?;
        for what in ["store", "master.key"] {
            let from = self.folder.path().join(what);
            process::run(Command::new("cp").arg("-a").arg(from).arg(copy.folder.path()), "")?.ok()?;
        }
        Ok(copy)
    }

    fn command(&self) -> Result<Command> {
        let (realm, folder, port) = (&self.realm, self.folder.path().display(), ports::free_block()?);
        let config = self.folder.path().join("kdc.toml");
        let kubeconfig = self.api.kubeconfig();
        std::fs::write(
            &config,
            format!(
                "[realm]\nname = \"{realm}\"\n[store]\nkind = \"sled\"\npath = \"{folder}/store\"\n\
                 master_key = \"{folder}/master.key\"\ncreate = true\n[listen]\naddresses = [\"127.0.0.1:{port}\"]\n\
                 [cluster]\nkubeconfig = \"{}\"\nkdcs = [\"127.0.0.1:{port}\"]\n[audit]\nsink = \"{folder}/audit.log\"\n",
                kubeconfig.display()
            ),
        )?;
        let mut command = Command::new(kennel_kdc()?);
        command.arg("serve").arg("--config").arg(config);
        Ok(command)
    }

    /// Starts it, and waits until it serves and holds the Lease.
    fn start(&mut self) -> Result<()> {
        let mut command = self.command()?;
        let mut server = Server::start(&mut command, self.folder.path(), "kdc")?;
        let held = |server: &Server| server.stderr().contains("the Lease is held");
        server.wait_until(LIMIT, held)?;
        self.server = Some(server);
        Ok(())
    }

    fn said(&self) -> String {
        self.server.as_ref().map(Server::stderr).unwrap_or_default()
    }

    fn stop(&mut self) -> Result<()> {
        let mut server = self.server.take().context("it does not run")?;
        ensure!(server.terminate(STOP)?.success(), "{}", server.said());
        // What the next run says is told apart.
        std::fs::remove_file(self.folder.path().join("kdc.err"))?;
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        self.server.take().context("it does not run")?.kill()?;
        std::fs::remove_file(self.folder.path().join("kdc.err"))?;
        Ok(())
    }

    fn holder(&self) -> Result<String> {
        let lease = format!("kennel-{}", self.realm.to_ascii_lowercase());
        self.api.json_path(&["lease", &lease], "{.spec.holderIdentity}")
    }
}

#[test]
fn a_copy_of_the_store_is_not_served_beside_the_one_that_is() -> Result<()> {
    let mut first = Kdc::new("COPY.TEST")?;
    first.start()?;
    let copy = first.copy()?;
    let run = process::run(&mut copy.command()?, "")?;
    run.refused("serves this realm now")?.refused("the embedded store is of one process")?;
    assert!(first.server.as_mut().context("gone")?.is_running()?, "{}", first.said());
    Ok(())
}

#[test]
fn an_empty_folder_or_another_key_is_not_served_in_place_of_the_realm_s_store() -> Result<()> {
    let mut first = Kdc::new("OTHER.TEST")?;
    first.start()?;
    first.stop()?;
    let empty = Kdc::new("OTHER.TEST")?;
    process::run(&mut empty.command()?, "")?.refused("the realm has a store already")?;
    assert!(!empty.folder.path().join("store").exists(), "nothing was made");
    let mut theirs = Kdc::new("THEIRS.TEST")?;
    theirs.start()?;
    theirs.stop()?;
    theirs.realm = "OTHER.TEST".into();
    process::run(&mut theirs.command()?, "")?.refused("the realm is in another store")?;
    Ok(())
}

#[test]
fn who_stops_gives_the_lease_back_and_who_was_killed_is_waited_for_by_others_alone() -> Result<()> {
    let mut first = Kdc::new("MOVE.TEST")?;
    first.start()?;
    let holder = first.holder()?;
    first.stop()?;
    assert_eq!(first.holder()?, "", "given back");

    let mut moved = first.copy()?;
    moved.start()?;
    assert_ne!(moved.holder()?, holder);
    assert!(!moved.said().contains("waiting until it runs out"), "{}", moved.said());

    moved.kill()?;
    moved.start()?;
    assert!(!moved.said().contains("waiting until it runs out"), "it is the same: {}", moved.said());

    moved.kill()?;
    let mut again = moved.copy()?;
    again.start()?;
    assert!(again.said().contains("waiting until it runs out"), "{}", again.said());
    Ok(())
}

#[test]
fn a_process_whose_lease_another_has_taken_stops() -> Result<()> {
    let mut kdc = Kdc::new("TAKEN.TEST")?;
    kdc.start()?;
    let steal = r#"{"spec":{"holderIdentity":"somebody-else","renewTime":"2999-01-01T00:00:00.000000Z"}}"#;
    let lease = "kennel-taken.test";
    eventually(LIMIT, "the Lease is another's", || {
        kdc.api.kubectl(&["patch", "lease", lease, "--type=merge", "-p", steal], "")?.ok()?;
        Ok((kdc.holder()? == "somebody-else").then_some(()))
    })?;
    let mut server = kdc.server.take().context("it does not run")?;
    eventually(LIMIT, "it stops", || Ok((!server.is_running()?).then_some(())))?;
    assert!(server.stderr().contains("another process has taken the realm's Lease"), "{}", server.said());
    Ok(())
}
