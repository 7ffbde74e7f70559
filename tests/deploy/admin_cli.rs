//! `kennel` from outside the cluster, by the administrator's kubeconfig.

use crate::installation::Installation;
use crate::shop::SOON;
use anyhow::{Context, Result};
use kennel_tests::binary::kennel;
use kennel_tests::kube::eventually;
use kennel_tests::process::{self, Run};
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;

impl Installation {
    /// Runs `kennel status`, and returns what it prints.
    pub(crate) fn status(&self) -> Result<String> {
        Ok(self.kennel(&["status"])?.ok()?.stdout)
    }

    /// Runs `kennel`. A failure is in the result.
    pub(crate) fn kennel(&self, arguments: &[&str]) -> Result<Run> {
        let mut command = Command::new(kennel()?);
        command.args(arguments).env("KUBECONFIG", self.kubectl().kubeconfig());
        process::run(&mut command, "")
    }

    /// Fails where `kennel status` finds a problem.
    pub(crate) fn ensure_no_problems(&self) -> Result<()> {
        let status = self.status()?;
        anyhow::ensure!(status.lines().any(|line| line == "no problems"), "kennel status finds problems:\n{status}");
        Ok(())
    }
}

#[test]
fn status_finds_no_problems() -> Result<()> {
    let dev = Installation::dev()?;
    dev.ensure_no_problems()?;
    println!("{}", dev.status()?);
    Ok(())
}

#[test]
fn as_a_plugin_of_kubectl_it_says_the_same_in_json() -> Result<()> {
    let dev = Installation::dev()?;
    let (folder, kubectl) = (TempDir::new()?, dev.kubectl());
    std::os::unix::fs::symlink(kennel()?.canonicalize()?, folder.path().join("kubectl-kennel"))?;
    let path = [folder.path().as_os_str(), &std::env::var_os("PATH").unwrap_or_default()].join(":".as_ref());
    let mut command = Command::new(kubectl.program());
    command.args(["kennel", "status", "-o", "json"]).env("KUBECONFIG", kubectl.kubeconfig()).env("PATH", path);
    let status: Value = serde_json::from_str(&process::run(&mut command, "")?.ok()?.stdout)?;
    assert_eq!(status["problems"], json!([]), "{status}");
    assert_eq!(status["state"]["realms"][0]["realm"], "DEV.KENNEL", "{status}");
    // One of each pod of the shop. A KDC that started again has forgotten them: this holds for a new installation.
    let granted = &status["state"]["replicas"][0]["metrics"]["enrolmentsGranted"];
    assert!(granted.as_f64() > Some(3.0), "{status}");
    Ok(())
}

/// Lets `cart` see the decisions about its namespace. The objects go with the namespace.
const DECISIONS: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: decisions, namespace: shop}
rules: [{apiGroups: [kennel.dev], resources: [kerberosaccesses/decisions], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: decisions, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: decisions}
subjects: [{kind: ServiceAccount, name: cart, namespace: shop}]
";

#[test]
fn decisions_are_seen_through_the_api_server_without_a_route_to_the_kdc() -> Result<()> {
    let dev = Installation::dev()?;
    dev.kubectl().apply(DECISIONS)?;
    let tail = ["audit", "tail", "-n", "shop", "--no-follow", "-o", "json", "--as-account", "shop/cart"];
    let said = eventually(SOON, "the Role counts, and the pod's port is forwarded", || {
        Ok(Some(dev.kennel(&tail)?.ok()?.stdout))
    })?;
    let first: Value = serde_json::from_str(said.lines().next().context("no line")?)?;
    assert_eq!((&first["type"], &first["realm"]), (&json!("start"), &json!("DEV.KENNEL")), "{said}");
    Ok(())
}
