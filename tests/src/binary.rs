//! Finds the programs under test.

use crate::once::Once;
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Command;

/// Returns the binary that `KENNEL_KDC` names. Without that variable, cargo builds `kennel-kdc` once in the profile of the
/// tests, so that tests always run the present sources.
///
/// # Errors
/// `KENNEL_KDC` names no file, or the build fails.
pub fn kennel_kdc() -> Result<PathBuf> {
    static FOUND: Once<PathBuf> = Once::new();
    FOUND.get_or_make(|| find("kennel-kdc", "KENNEL_KDC")).cloned()
}

/// Returns the binary that `KENNEL_AGENT` names. Without that variable, cargo builds `kennel-agent` like `kennel-kdc`.
///
/// # Errors
/// See [`kennel_kdc`].
pub fn kennel_agent() -> Result<PathBuf> {
    static FOUND: Once<PathBuf> = Once::new();
    FOUND.get_or_make(|| find("kennel-agent", "KENNEL_AGENT")).cloned()
}

/// Returns the administrator's command that `KENNEL` names. Without that variable, cargo builds `kennel` like `kennel-kdc`.
///
/// # Errors
/// See [`kennel_kdc`].
pub fn kennel() -> Result<PathBuf> {
    static FOUND: Once<PathBuf> = Once::new();
    FOUND.get_or_make(|| find("kennel", "KENNEL")).cloned()
}

fn find(name: &str, variable: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable).map(PathBuf::from) {
        ensure!(path.is_file(), "{variable} names {}, which is no file", path.display());
        return Ok(path);
    }
    build(name)
}

fn build(name: &str) -> Result<PathBuf> {
    let profile_folder = profile_folder()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The whole workspace, as tests/run builds it: the same features, and nothing compiled twice.
    cargo.args(["build", "--workspace", "--locked", "--bin", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile_folder.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(target_folder()?);
    let output = cargo.output().with_context(|| format!("cannot start {cargo:?}"))?;
    ensure!(output.status.success(), "{cargo:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(profile_folder.join(name))
}

/// Returns cargo's target folder.
fn target_folder() -> Result<PathBuf> {
    let profile = profile_folder()?;
    Ok(profile.parent().context("a profile's folder lies in no folder")?.to_path_buf())
}

/// Returns `target/debug` or `target/release`: the folder above `deps`, which contains the running test, or the folder of a binary
/// such as `bench`.
fn profile_folder() -> Result<PathBuf> {
    let running = std::env::current_exe()?;
    let folder = running.parent().context("the running program lies in no folder")?;
    let above = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    Ok(above.context("the running program does not lie in cargo's target folder")?.to_path_buf())
}
