//! The component in an overlay, as users write one.

use anyhow::Result;
use kennel_tests::kubectl::{self, utf8};
use kennel_tests::overlay;
use kennel_tests::process;
use kennel_tests::prometheus::inspect;
use std::process::Command;
use tempfile::TempDir;

#[test]
fn an_overlay_with_the_component_builds_and_holds_a_service_monitor_the_rules_and_the_dashboard() -> Result<()> {
    let folder = TempDir::new()?;
    overlay::write(folder.path(), "dev", &["monitoring"])?;
    let mut kustomize = Command::new(kubectl::program()?);
    let built = process::run(kustomize.arg("kustomize").arg(folder.path()), "")?.ok()?.stdout;
    let file = folder.path().join("built.yaml");
    std::fs::write(&file, built)?;
    inspect(&["held", utf8(&file)?])?.ok().map(|_| ())
}
