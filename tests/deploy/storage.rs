//! The volume of the store is lost, and the realm comes back from a dump: by the commands of deploy/README.md (Whole realms), as they
//! stand there.

use crate::installation::Installation;
use crate::shop::{SERVICE, SOON};
use crate::steps;
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::{eventually, root};
use kennel_tests::kubectl::Kubectl;
use kennel_tests::process::{self, Run};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
/// The kubelet brings the certificate of the new authority to the agents within a minute or two; then they fetch their next key.
const GOES_ON: Duration = Duration::from_secs(240);
const PASSWORD: &str = "an old password";
/// The realm of the installation in the name of its Lease.
const REALM: &str = "dev.kennel";

/// A folder of an administrator who follows the manual: the files that it names, and `kubectl`.
struct Desk {
    folder: TempDir,
    kubectl: &'static Kubectl,
}

impl Desk {
    fn new(kubectl: &'static Kubectl) -> Result<Desk> {
        let folder = TempDir::new()?;
        symlink(root().join("deploy"), folder.path().join("deploy"))?;
        symlink(kubectl.program().canonicalize()?, folder.path().join("kubectl"))?;
        std::fs::write(folder.path().join("passphrase"), "correct horse battery staple\n")?;
        Ok(Desk { folder, kubectl })
    }

    /// Runs lines of the manual one after the other, up to the first that fails.
    fn follow(&self, lines: &str) -> Result<Run> {
        let path = [self.folder.path().as_os_str(), &std::env::var_os("PATH").unwrap_or_default()].join(":".as_ref());
        let script = format!("set -euo pipefail; shopt -s expand_aliases\n{lines}");
        let mut command = Command::new("bash");
        command.args(["-c", &script]).current_dir(self.folder.path());
        command.env("PATH", path).env("KUBECONFIG", self.kubectl.kubeconfig());
        process::run_within(&mut command, "", LIMIT * 2)?.ok()
    }
}

/// The first commands behind a paragraph of the manual that begins with these words in bold.
fn commands(title: &str) -> Result<Vec<String>> {
    let manual = std::fs::read_to_string(root().join("deploy/README.md"))?;
    let (_, rest) = manual.split_once(&format!("\n**{title}**")).with_context(|| format!("no paragraph {title:?}"))?;
    let block = rest.lines().skip_while(|line| !line.starts_with("    ")).take_while(|line| line.starts_with("    "));
    Ok(block.map(|line| line.trim_start().to_owned()).collect())
}

/// Runs a command of kadmin in the pod of the KDC.
fn in_kdc(kubectl: &Kubectl, words: &[&str]) -> Result<String> {
    let exec = ["exec", "kennel-kdc-0", "-c", "kennel-kdc", "-n", "kennel-system", "--"];
    kubectl.run(&[&exec[..], &["kennel", "--socket", "/var/lib/kennel/admin.sock"], words].concat())
}

/// The lines of `getprinc` about keys.
fn keys(kubectl: &Kubectl, principal: &str) -> Result<Vec<String>> {
    let shown = in_kdc(kubectl, &["getprinc", principal])?;
    Ok(shown.lines().filter(|line| line.starts_with("Key: vno")).map(str::to_owned).collect())
}

/// Replaces the volume of the KDC by an empty one, as a provisioner does for a new claim: the cluster has none.
fn replace_volume(kubectl: &Kubectl) -> Result<()> {
    kubectl.wait(LIMIT, &["delete", "persistentvolume", "kennel-data"])?;
    steps::make_volume(kubectl, "kennel-data", "data-kennel-kdc-0")
}

#[test]
fn where_the_volume_is_lost_the_commands_of_the_manual_bring_the_realm_back() -> Result<()> {
    let dev = Installation::dev()?;
    let (kubectl, desk) = (dev.kubectl(), Desk::new(dev.kubectl())?);
    let (cart, web, batch) = (dev.deployment("cart"), dev.deployment("web"), dev.deployment("batch"));
    in_kdc(kubectl, &["addprinc", "-pw", "the first password", "staff/alice"])?;
    in_kdc(kubectl, &["cpw", "-pw", PASSWORD, "staff/alice"])?;
    let principals = ["staff/alice", "batch.shop", SERVICE, "krbtgt/DEV.KENNEL"];
    let before: Vec<_> = principals.iter().map(|name| keys(kubectl, name)).collect::<Result<_>>()?;
    ensure!(before[0].iter().all(|key| key.starts_with("Key: vno 2,")), "{before:?}");
    let (keytab, ticket) = (batch.file("/var/run/kennel/keytab")?, cart.file("/var/run/kennel/ccache")?);
    // The alias, and the dump. The line behind them is the way back where the KDC serves.
    desk.follow(&commands("In a cluster")?[..2].join("\n"))?;

    desk.follow(&commands("Where the volume is lost")?.join("\n"))?;
    replace_volume(kubectl)?;
    eventually(LIMIT, "the KDC does not start", || {
        let run = kubectl.attempt(&["logs", "kennel-kdc-0", "-n", "kennel-system"], "")?;
        let said = "the realm has a store already (master key ";
        ensure!(run.stderr.contains(said) || run.stdout.contains(said), "its log says something else: {run}");
        ensure!((run.stdout + &run.stderr).contains(", and this one is empty"), "no word on the empty store");
        Ok(Some(()))
    })?;
    let run = desk.follow(&commands("Load the dump into the new volume")?.join("\n").replace("REALM", REALM))?;
    ensure!(run.stdout.contains("records of the realm DEV.KENNEL"), "{run}");
    steps::await_kdc(kubectl, LIMIT)?;

    let after: Vec<_> = principals.iter().map(|name| keys(kubectl, name)).collect::<Result<_>>()?;
    ensure!(after == before, "the keys were {before:?}, and are {after:?}");
    let login = ["sh", "-c", "KRB5CCNAME=FILE:/tmp/alice kinit staff/alice"];
    eventually(SOON, "alice logs in", || web.attempt(&login, &format!("{PASSWORD}\n"))?.ok().map(Some))?;
    web.login_with_keytab(&keytab, "batch.shop")?.ok()?;
    cart.login_with_cache(&ticket, SERVICE)?.ok()?;
    // The agents trust the new authority, and fetch a key of which the lost store knew nothing.
    dev.kennel(&["rotate", "shop/web", "--now"])?.ok()?;
    eventually(GOES_ON, "web has its next key", || {
        let keytab = web.keytab()?;
        let newest = keytab.lines().filter_map(|line| line.split_whitespace().next()?.parse::<u32>().ok()).max();
        ensure!(newest > Some(1 << 16), "{keytab}");
        Ok(Some(()))
    })?;
    in_kdc(kubectl, &["delprinc", "-force", "staff/alice"]).map(|_| ())
}
