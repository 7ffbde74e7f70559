//! The installation with everything.

use super::cert_manager;
use crate::steps;
use anyhow::{Context, Result};
use kennel_tests::kube::root;
use kennel_tests::kubectl::{Kubectl, utf8};
use kennel_tests::overlay;
use kennel_tests::process::{self, Group};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// The Prometheus operator's Go module is downloaded at the first use.
const KINDS_LIMIT: Duration = Duration::from_secs(300);

/// The Prometheus of the tests runs on this machine, as another one may outside of a cluster: HOST_IP of tests/cluster.
const LET_THIS_MACHINE_IN: &str = "patches:\n  - target: {kind: NetworkPolicy, name: kennel-kdc-metrics}\n    patch: |-\n      \
                                   - {op: add, path: /spec/ingress/0/from/-, value: {ipBlock: {cidr: 10.77.0.2/32}}}\n";

/// Installs all of it, and the shop; the value is cert-manager's process.
pub(crate) fn install(kubectl: &Kubectl) -> Result<Group> {
    make_kinds(kubectl)?;
    let cert_manager = cert_manager::start(kubectl)?;
    make_master_key(kubectl).context("no master key in a Secret")?;
    steps::install_kdc(kubectl, &write_overlay()?)?;
    steps::install_shop(kubectl)?;
    kubectl.apply_folder(&steps::deploy("examples/keytab-secrets"))?;
    for account in ["batch", "web"] {
        let secret = format!(r#"{{"spec": {{"keytabSecretRef": {{"name": "{account}-keytab"}}}}}}"#);
        kubectl.run(&["patch", "kprinc", account, "-n", "shop", "--type=merge", "-p", &secret])?;
    }
    Ok(cert_manager)
}

/// Deletes the shop and the overlay, then what other projects brought.
pub(crate) fn remove(kubectl: &Kubectl, cert_manager: Group) -> Result<()> {
    steps::remove(kubectl, &overlay_folder())?;
    cert_manager::stop(kubectl, cert_manager)?;
    kubectl.wait(LIMIT, &["delete", "--ignore-not-found", "-f", utf8(&monitoring_kinds()?)?]).map(|_| ())
}

/// Makes the kinds of object that deploy/ uses and other projects define.
pub(crate) fn make_kinds(kubectl: &Kubectl) -> Result<()> {
    cert_manager::make_kinds(kubectl)?;
    let folder = monitoring_kinds()?;
    kubectl.run(&["apply", "--server-side", "-f", utf8(&folder)?])?;
    kubectl.wait(LIMIT, &["wait", "--for=condition=Established", "-f", utf8(&folder)?]).map(|_| ())
}

/// The folder with the kinds of the Prometheus operator.
fn monitoring_kinds() -> Result<PathBuf> {
    let mut command = Command::new(root().join("tests/monitoring/crds"));
    let run = process::run_within(&mut command, "", KINDS_LIMIT)?.ok().context("the Prometheus operator's kinds")?;
    Ok(PathBuf::from(run.stdout.trim()))
}

fn overlay_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("everything")
}

/// Writes the overlay, and returns its folder.
pub(crate) fn write_overlay() -> Result<PathBuf> {
    let folder = overlay_folder();
    let components = ["master-key-secret", "keytab-secrets", "rollout", "egress-policy", "monitoring"];
    overlay::write(&folder, "cert-manager", &components)?;
    let mut file = std::fs::OpenOptions::new().append(true).open(folder.join("kustomization.yaml"))?;
    file.write_all(LET_THIS_MACHINE_IN.as_bytes())?;
    Ok(folder)
}

/// As deploy/components/master-key-secret says it.
fn make_master_key(kubectl: &Kubectl) -> Result<()> {
    let octets: [u8; 32] = rand::random();
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    kubectl.run(&["create", "namespace", "kennel-system"])?;
    let secret = ["create", "secret", "generic", "kennel-master-key", "-n", "kennel-system"];
    let file = ["--from-file=master.key=/dev/stdin"];
    kubectl.attempt(&[&secret[..], &file].concat(), &format!("kennel-master-key-v1 {digits}\n"))?.ok()?;
    Ok(())
}
