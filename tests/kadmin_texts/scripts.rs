//! Scripts in the manner of well-known tools, which read kadmin's texts. Each runs on MIT's kadmin.local and on Kennel's, and on MIT's kadmin
//! with MIT's kadmind and with Kennel, and ends with `ok`.

use crate::sides::{PASSWORD, REALM, Sides};
use anyhow::{Context, Result, ensure};
use kennel_tests::process;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kadmin_texts/scripts").join(name)
}

/// Runs `interpreter SCRIPT PROGRAM REALM PROMPT` on all sides.
fn passes(interpreter: &str, name: &str) -> Result<()> {
    let sides = Sides::served()?;
    let local = [sides.mit("kadmin.local"), sides.kennel("kadmin.local")];
    for like in local {
        let program = PathBuf::from(like.get_program());
        run_script(interpreter, name, &program, &like, "kadmin.local")?;
    }
    for like in [sides.mit("kadmin"), sides.stock_program("kadmin")?] {
        let logged_in = logged_in(&like)?;
        run_script(interpreter, name, &logged_in, &like, "kadmin")?;
    }
    Ok(())
}

/// Runs a script with the environment and in the folder of a command.
fn run_script(interpreter: &str, name: &str, program: &Path, like: &Command, prompt: &str) -> Result<()> {
    let mut command = Command::new(interpreter);
    command.arg(script(name)).arg(program).args([REALM, prompt]);
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(like.get_current_dir().context("a side has a folder")?);
    let run = process::run(&mut command, "")?.ok()?;
    ensure!(run.stdout.trim_end().ends_with("ok"), "{run}");
    Ok(())
}

/// A program that calls kadmin as the administrator.
fn logged_in(kadmin: &Command) -> Result<PathBuf> {
    let path = kadmin.get_current_dir().context("a side has a folder")?.join("kadmin-as-root");
    let program = kadmin.get_program().to_string_lossy();
    std::fs::write(&path, format!("#!/bin/sh\nexec {program} -p root/admin -w {PASSWORD} \"$@\"\n"))?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
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
