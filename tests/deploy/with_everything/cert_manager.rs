//! cert-manager for a test: its kinds of object in the cluster, its controller as a process of this machine.

use anyhow::{Context, Result};
use kennel_tests::cluster;
use kennel_tests::kubectl::{Kubectl, utf8};
use kennel_tests::process::{self, Group};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// An Issuer that shows that cert-manager works.
const PROBE: &str = "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: kennel-probe, namespace: default}\n\
                     spec: {selfSigned: {}}\n";

/// Makes its kinds; cert-manager is built first where it is not built yet.
pub(crate) fn make_kinds(kubectl: &Kubectl) -> Result<()> {
    let kinds = cluster::part("cert-manager")?.join("crds.yaml");
    kubectl.run(&["apply", "--server-side", "-f", utf8(&kinds)?])?;
    kubectl.wait(LIMIT, &["wait", "--for=condition=Established", "-f", utf8(&kinds)?]).map(|_| ())
}

/// Starts it, and waits until an Issuer is ready.
pub(crate) fn start(kubectl: &Kubectl) -> Result<Group> {
    let program = cluster::part("cert-manager")?.join("cert-manager");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let manager = Group::start(&program, &["--kubeconfig", utf8(kubectl.kubeconfig())?], folder, "cert-manager")?;
    await_issuer(kubectl).with_context(|| format!("cert-manager does not work; it said:\n{}", manager.said()))?;
    Ok(manager)
}

fn await_issuer(kubectl: &Kubectl) -> Result<()> {
    kubectl.apply(PROBE)?;
    kubectl.wait(LIMIT, &["wait", "--for=condition=Ready", "issuer/kennel-probe", "-n", "default"])?;
    kubectl.run(&["delete", "issuer/kennel-probe", "-n", "default"]).map(|_| ())
}

/// Ends it, and takes away its kinds, their objects and the Secrets that it made.
pub(crate) fn stop(kubectl: &Kubectl, manager: Group) -> Result<()> {
    manager.terminate(STOP_LIMIT).context("cert-manager does not end")?;
    let kinds = cluster::part("cert-manager")?.join("crds.yaml");
    kubectl.wait(LIMIT, &["delete", "--ignore-not-found", "-f", utf8(&kinds)?])?;
    let made = "controller.cert-manager.io/fao=true";
    kubectl.wait(LIMIT, &["delete", "secrets", "--all-namespaces", "--ignore-not-found", "-l", made]).map(|_| ())
}

/// Has a Certificate issued anew before its time, as `cmctl renew` does. The Certificate stays Ready meanwhile: another serial
/// number shows that the renewal is done.
pub(crate) fn renew(kubectl: &Kubectl, namespace: &str, name: &str) -> Result<()> {
    let now = process::run(Command::new("date").args(["-u", "+%FT%TZ"]), "")?.ok()?.stdout;
    let patch = format!(
        r#"[{{"op": "add", "path": "/status/conditions/-", "value": {{"type": "Issuing", "status": "True",
             "reason": "ManuallyTriggered", "lastTransitionTime": "{}"}}}}]"#,
        now.trim()
    );
    kubectl.run(&[
        "patch",
        "certificate",
        name,
        "-n",
        namespace,
        "--subresource=status",
        "--type=json",
        "-p",
        &patch,
    ])?;
    Ok(())
}
