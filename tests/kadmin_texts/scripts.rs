//! Scripts in the manner of well-known tools, which read kadmin's texts. Each runs on MIT's kadmin.local and on Kennel's, and ends with `ok`.

use crate::sides::{REALM, Sides};
use anyhow::{Context, Result, ensure};
use kennel_tests::process;
use std::path::{Path, PathBuf};
use std::process::Command;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kadmin_texts/scripts").join(name)
}

/// Runs `interpreter SCRIPT PROGRAM REALM` on both sides.
fn passes(interpreter: &str, name: &str) -> Result<()> {
    let sides = Sides::new()?;
    for like in [sides.mit("kadmin.local"), sides.kennel("kadmin.local")] {
        let mut command = Command::new(interpreter);
        command.arg(script(name)).arg(like.get_program()).arg(REALM);
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(like.get_current_dir().context("a side has a folder")?);
        let run = process::run(&mut command, "")?.ok()?;
        ensure!(run.stdout.trim_end().ends_with("ok"), "{run}");
    }
    Ok(())
}

#[test]
fn a_cluster_manager_creates_its_principals_and_keytabs() -> Result<()> {
    passes("/usr/bin/python3", "cluster_manager.py")
}

#[test]
fn a_configuration_manager_that_drops_the_first_line_and_reads_columns() -> Result<()> {
    passes("/usr/bin/python3", "configuration_manager.py")
}

#[test]
fn regular_expressions_of_python() -> Result<()> {
    passes("/usr/bin/python3", "regexes.py")
}

#[test]
fn regular_expressions_of_perl() -> Result<()> {
    passes("perl", "regexes.pl")
}

#[test]
fn prompts_on_a_terminal() -> Result<()> {
    passes("expect", "prompts.exp")
}
