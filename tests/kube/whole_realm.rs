//! A dump of a realm with a cluster: into the place of all records while the KDC serves, and where the volume is lost (the runbook of
//! deploy/README.md, Whole realms; `kennel-kdc` stands for the pod of deploy/examples/load.yaml).

use crate::rollback::Kdc;
use crate::world::{SOON, World};
use anyhow::{Result, ensure};
use kennel_tests::binary::{kennel, kennel_kdc};
use kennel_tests::kube::{eventually, root};
use kennel_tests::process::{self, Run};
use std::process::Command;

impl World<'_> {
    /// `kennel` on the admin socket.
    fn administer(&self, arguments: &[&str]) -> Result<Run> {
        let mut command = Command::new(kennel()?);
        process::run(command.args(arguments).env("KENNEL_SOCKET", self.realm.folder().join("admin.sock")), "")
    }

    /// Whether a new pod of an account enrols and gets a ticket for `web`.
    fn calls_web(&self, account: &str) -> Result<()> {
        let pod = format!("{account}-{}", rand::random::<u32>());
        let credentials = self.enrolled_pod("shop", &pod, account)?;
        let service = format!("HTTP/web.{}.svc.cluster.local", self.ns("shop"));
        credentials.kvno(&service)?.ok().map(|_| ())
    }
}

#[test]
fn after_a_dump_was_loaded_the_principals_of_the_cluster_follow_its_objects_again() -> Result<()> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    eventually(SOON, "cart calls web", || Ok(world.calls_web("cart").is_ok().then_some(())))?;
    let (dump, passphrase) = (world.realm.folder().join("realm.dump"), world.realm.folder().join("passphrase"));
    std::fs::write(&passphrase, "correct horse battery staple")?;
    let (dump, passphrase) = (dump.display().to_string(), passphrase.display().to_string());
    world.administer(&["dump", &dump, "--passphrase-file", &passphrase])?.ok()?;

    // An account that the dump does not know, and one that it knows and the cluster has no more.
    let account = |name: &str| {
        format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: {}}}\n", world.ns("shop"))
    };
    world.api.apply(&account("later"))?;
    eventually(SOON, "the new account calls web", || Ok(world.calls_web("later").is_ok().then_some(())))?;
    let later = format!("later.{}", world.ns("shop"));
    let run = world.administer(&["load", &dump, "--replace", "--passphrase-file", &passphrase])?.ok()?;
    ensure!(run.stdout.contains("new keys have versions above 65536"), "{run}");
    eventually(SOON, "its principal is made again", || {
        let shown = world.administer(&["getprinc", &later])?;
        Ok((shown.status.success() && shown.stdout.contains("Principal: ")).then_some(()))
    })?;
    for name in ["later", "cart"] {
        eventually(SOON, name, || Ok(world.calls_web(name).is_ok().then_some(())))?;
    }
    Ok(())
}

#[test]
fn where_the_volume_is_lost_a_dump_makes_the_realm_anew() -> Result<()> {
    let kdc = Kdc::new("LOST.TEST")?;
    kdc.serve_once(&[])?;
    kdc.add("alice")?;
    let (folder, config) = (kdc.volume().with_file_name("kept"), kdc.volume().with_file_name("kdc.toml"));
    std::fs::create_dir(&folder)?;
    let (dump, passphrase) = (folder.join("realm.dump"), folder.join("passphrase"));
    std::fs::write(&passphrase, "correct horse battery staple\n")?;
    let offline = |command: &str| {
        let mut offline = Command::new(kennel_kdc()?);
        offline.arg(command).arg(&dump).arg("--passphrase-file").arg(&passphrase).arg("--config").arg(&config);
        process::run(&mut offline, "")?.ok()
    };
    offline("dump")?;
    std::fs::remove_dir_all(kdc.volume())?;

    let run = process::run(&mut kdc.command(&[])?, "")?;
    run.refused("the realm has a store already")?
        .refused("delete the Lease default/kennel-lost.test")?
        .refused("kennel-kdc load")?;
    ensure!(!kdc.volume().join("store").exists(), "a start that is refused makes no store");
    let said = offline("load")?.stdout;
    ensure!(said.contains("loaded 4 records of the realm LOST.TEST"), "{said}");
    // Another master key, so another store for the Lease.
    process::run(&mut kdc.command(&[])?, "")?.refused("if this store is the right one, delete the Lease")?;
    kdc.api.kubectl(&["delete", "lease", "kennel-lost.test"], "")?.ok()?;
    let log = kdc.serve_once(&[])?;
    ensure!(!log.contains("created a new realm"), "{log}");
    // The records are those of the dump: a second dump has as many.
    std::fs::remove_file(&dump)?;
    let said = offline("dump")?.stderr;
    ensure!(said.contains("dumped 4 records of the realm LOST.TEST"), "{said}");
    // The pod that does the same in a cluster.
    kdc.api.kubectl(&["create", "namespace", "kennel-system"], "")?.ok()?;
    let manifest = root().join("deploy/examples/load.yaml").display().to_string();
    eventually(SOON, "the pod is admitted", || {
        Ok(kdc.api.kubectl(&["apply", "--dry-run=server", "-f", &manifest], "")?.status.success().then_some(()))
    })
}
