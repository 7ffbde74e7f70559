//! The rules, as promtool reads and evaluates them.

use anyhow::{Context, Result};
use kennel_tests::kube::root;
use kennel_tests::kubectl::utf8;
use kennel_tests::prometheus::{inspect, promtool};
use std::path::PathBuf;
use tempfile::TempDir;

#[test]
fn the_rules_are_those_that_prometheus_reads() -> Result<()> {
    let folder = TempDir::new()?;
    inspect(&["spec", utf8(&folder.path().join("kennel.yml"))?])?.ok()?;
    promtool(folder.path(), &["check", "rules", "--lint=all", "--lint-fatal", "kennel.yml"])?.ok().map(|_| ())
}

#[test]
fn each_alert_fires_when_it_should_and_only_then() -> Result<()> {
    let folder = TempDir::new()?;
    inspect(&["spec", utf8(&folder.path().join("rules.yml"))?, "--without-descriptions"])?.ok()?;
    let mut names = Vec::new();
    for file in files()? {
        let name = file.file_name().and_then(|name| name.to_str()).context("a file without a name")?.to_owned();
        std::fs::copy(&file, folder.path().join(&name))?;
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    promtool(folder.path(), &[&["test", "rules"], &names[..]].concat())?.ok().map(|_| ())
}

#[test]
fn there_is_a_test_of_each_alert_both_ways() -> Result<()> {
    let files = files()?;
    let files: Vec<&str> = files.iter().map(|file| utf8(file)).collect::<Result<_>>()?;
    inspect(&[&["tested"], &files[..]].concat())?.ok().map(|_| ())
}

#[test]
fn each_alert_has_a_severity_a_summary_and_a_command_to_look_closer() -> Result<()> {
    inspect(&["annotated"])?.ok().map(|_| ())
}

#[test]
fn the_readme_has_a_section_for_each_alert() -> Result<()> {
    inspect(&["explained"])?.ok().map(|_| ())
}

#[test]
fn each_reason_of_a_refusal_is_counted_by_the_right_alert() -> Result<()> {
    inspect(&["reasons"])?.ok().map(|_| ())
}

/// The tests of alerts, as promtool takes them.
fn files() -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root().join("tests/monitoring/rules"))?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}
