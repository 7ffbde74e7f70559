//! Which process serves a realm: `kennel-kdc serve` and its Lease. The embedded store is of one process.

use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel_kdc;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::kubectl;
use kennel_tests::ports;
use kennel_tests::process::{self, Server};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A Lease runs out after 15 seconds; with room for a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);

/// A realm that is served from a folder.
struct Kdc {
    api: &'static Api,
    realm: String,
    folder: TempDir,
    /// UID of the pod that it believes to run in.
    pod: Option<&'static str>,
    kubeconfig: PathBuf,
    server: Option<Server>,
}

impl Kdc {
    fn new(realm: &str) -> Result<Kdc> {
        let (api, realm, folder) = (Api::shared()?, realm.to_owned(), TempDir::new()?);
        Ok(Kdc { api, realm, folder, pod: None, kubeconfig: api.kubeconfig(), server: None })
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
        std::fs::write(
            &config,
            format!(
                "[realm]\nname = \"{realm}\"\n[store]\nkind = \"sled\"\npath = \"{folder}/store\"\n\
                 master_key = \"{folder}/master.key\"\ncreate = true\n[listen]\naddresses = [\"127.0.0.1:{port}\"]\n\
                 [cluster]\nkubeconfig = \"{}\"\nkdcs = [\"127.0.0.1:{port}\"]\n[audit]\nsink = \"{folder}/audit.log\"\n",
                self.kubeconfig.display()
            ),
        )?;
        let mut command = Command::new(kennel_kdc()?);
        command.arg("serve").arg("--config").arg(config).envs(self.pod.map(|uid| ("POD_UID", uid)));
        Ok(command)
    }

    /// Starts it, and waits until it serves and holds the Lease. Returns the time between the two.
    fn start(&mut self) -> Result<Duration> {
        let mut command = self.command()?;
        let mut server = Server::start(&mut command, self.folder.path(), "kdc")?;
        let held = |server: &Server| server.stderr().contains("the Lease is held");
        server.wait_until(LIMIT, |server| server.stderr().contains("serving realm"))?;
        let serves = Instant::now();
        server.wait_until(LIMIT, held)?;
        self.server = Some(server);
        Ok(serves.elapsed())
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

    fn signal(&self, signal: &str) -> Result<()> {
        let id = self.server.as_ref().context("it does not run")?.id().to_string();
        process::run(Command::new("kill").args([signal, &id]), "")?.ok().map(|_| ())
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
fn who_stops_gives_the_lease_back_and_who_was_killed_is_waited_for() -> Result<()> {
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
    assert!(
        moved.said().contains("waiting until it runs out"),
        "nothing shows that the first has ended: {}",
        moved.said()
    );
    Ok(())
}

#[test]
fn a_restarted_container_is_the_same_holder_and_the_successor_of_its_pod_is_another() -> Result<()> {
    let mut kdc = Kdc::new("POD.TEST")?;
    kdc.pod = Some("4ff5b8c2-first");
    kdc.start()?;
    assert!(kdc.holder()?.ends_with("_4ff5b8c2-first"), "{}", kdc.holder()?);
    kdc.kill()?;
    kdc.start()?;
    assert!(!kdc.said().contains("waiting until it runs out"), "the container restarts: {}", kdc.said());
    kdc.kill()?;
    kdc.pod = Some("91aa0d37-second");
    let took = kdc.start()?;
    let said = kdc.said();
    assert!(said.contains("waiting until it runs out"), "the pod was deleted by force: {said}");
    assert!(took < Duration::from_secs(5), "it waited again for {took:?} after it had begun to serve: {said}");
    Ok(())
}

#[test]
fn dev_and_another_namespace_s_kdc_do_not_write_for_a_realm_that_is_served() -> Result<()> {
    let mut first = Kdc::new("SERVED.TEST")?;
    first.start()?;
    let elsewhere = first.folder.path().join("elsewhere");
    std::fs::copy(first.api.kubeconfig(), &elsewhere)?;
    let set = ["config", "set-context", "--current", "--namespace=kube-public", "--kubeconfig"];
    let mut kubectl = Command::new(kubectl::program()?);
    process::run(kubectl.args(set).arg(&elsewhere), "")?.ok()?;
    for kubeconfig in [first.api.kubeconfig(), elsewhere.clone()] {
        let folder = TempDir::new()?;
        let mut dev = Command::new(kennel_kdc()?);
        dev.args(["dev", "--realm", "SERVED.TEST", "--port", &ports::free_block()?.to_string(), "--dir"]);
        let run = process::run(dev.arg(folder.path()).arg("--kubeconfig").arg(kubeconfig), "")?;
        run.refused("the realm has a store already")?.refused("give a realm of your own with --realm")?;
        assert!(!folder.path().join("store").exists(), "nothing was made");
    }
    let mut copy = first.copy()?;
    copy.kubeconfig = elsewhere;
    process::run(&mut copy.command()?, "")?.refused("serves this realm now")?;
    Ok(())
}

/// The namespaces that have the realm's ConfigMap.
fn published(api: &Api, world: &str) -> Result<usize> {
    let maps = api.json_path(
        &["configmap", "-A", "--field-selector", "metadata.name=kennel-krb5"],
        "{.items[*].metadata.namespace}",
    )?;
    Ok(maps.split_whitespace().filter(|namespace| namespace.starts_with(world)).count())
}

#[test]
fn a_process_that_was_frozen_past_its_time_writes_nothing_once_another_holds_the_lease() -> Result<()> {
    const NAMESPACES: usize = 200;
    let mut kdc = Kdc::new("FROZEN.TEST")?;
    kdc.start()?;
    kdc.api.apply(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {name: frozen}\nspec:\n  realmName: FROZEN.TEST\n  \
         namespaceSelector: {matchLabels: {kennel.test/world: frozen}}\n",
    )?;
    let namespaces: String = (0..NAMESPACES)
        .map(|n| {
            format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: frozen-{n}, labels: {{kennel.test/world: frozen}}}}\n")
        })
        .collect();
    let applied = std::thread::scope(|scope| {
        let applied = scope.spawn(|| kdc.api.apply(&namespaces));
        eventually(LIMIT, "it publishes", || Ok((published(kdc.api, "frozen-")? > 0).then_some(())))?;
        kdc.signal("-STOP")?;
        applied.join().ok().context("a thread panicked")?
    });
    applied?;
    // Requests that were on their way arrive, and the time of the holder passes.
    std::thread::sleep(Duration::from_secs(16));
    let steal = r#"{"spec":{"holderIdentity":"somebody-else","renewTime":"2999-01-01T00:00:00.000000Z"}}"#;
    kdc.api.kubectl(&["patch", "lease", "kennel-frozen.test", "--type=merge", "-p", steal], "")?.ok()?;
    let before = published(kdc.api, "frozen-")?;
    assert!(before < NAMESPACES, "it was frozen too late");
    kdc.signal("-CONT")?;
    let mut server = kdc.server.take().context("it does not run")?;
    eventually(LIMIT, "it stops", || Ok((!server.is_running()?).then_some(())))?;
    assert!(server.stderr().contains("another process has taken the realm's Lease"), "{}", server.said());
    assert_eq!(published(kdc.api, "frozen-")?, before, "it wrote nothing more");
    Ok(())
}

#[test]
fn a_process_that_was_frozen_and_whose_lease_nobody_took_regains_it() -> Result<()> {
    let mut kdc = Kdc::new("REGAIN.TEST")?;
    kdc.start()?;
    kdc.signal("-STOP")?;
    std::thread::sleep(Duration::from_secs(12));
    kdc.signal("-CONT")?;
    eventually(LIMIT, "it writes again", || Ok(kdc.said().contains("the KDC writes again").then_some(())))?;
    kdc.stop()
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
