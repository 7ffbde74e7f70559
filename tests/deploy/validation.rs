//! Everything below deploy/ against the API server's schemas and admission, before any of it exists.

use crate::installation::Installation;
use crate::steps::deploy;
use crate::with_everything::setup;
use anyhow::{Context, Result};
use kennel_tests::kubectl::{Kubectl, utf8};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn all_of_deploy_passes_a_dry_run() -> Result<()> {
    let mut scratch = Installation::scratch()?;
    let kubectl = scratch.kubectl();
    setup::make_kinds(kubectl)?;
    // The namespaces and our own kinds have to exist before the dry run of what uses them.
    kubectl.run(&["create", "namespace", "kennel-system"])?;
    kubectl.run(&["create", "namespace", "shop"])?;
    kubectl.apply_folder(&deploy("crds"))?;
    kubectl.wait(LIMIT, &["wait", "--for=condition=Established", "crd", "--all"])?;
    for folder in [
        "crds",
        "injection",
        "guards",
        "overlays/dev",
        "overlays/cert-manager",
        "examples/realm",
        "examples/shop",
        "examples/keytab-secrets",
    ] {
        dry_run(kubectl, "-k", &deploy(folder))?;
    }
    dry_run(kubectl, "-k", &setup::write_overlay()?)?;
    // Pods are refused where their account does not exist.
    kubectl.run(&["create", "serviceaccount", "cart", "-n", "shop"])?;
    kubectl.run(&["create", "serviceaccount", "web", "-n", "shop"])?;
    dry_run(kubectl, "-f", &deploy("examples/first.yaml"))?;
    dry_run(kubectl, "-f", &deploy("examples/by-hand.yaml"))?;
    scratch.remove()
}

fn dry_run(kubectl: &Kubectl, option: &str, path: &Path) -> Result<()> {
    // by-hand.yaml names no namespace; the others name their own.
    let namespace: &[&str] = if path.ends_with("by-hand.yaml") { &["-n", "shop"] } else { &[] };
    let arguments = [&["apply", "--dry-run=server", option, utf8(path)?], namespace].concat();
    kubectl.run(&arguments).with_context(|| format!("{} does not pass", path.display())).map(|_| ())
}
