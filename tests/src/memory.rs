//! Memory of a process, from /proc.

use anyhow::{Context, Result};

/// Returns the resident memory, KiB.
///
/// # Errors
/// There is no such process.
pub fn resident(process: u32) -> Result<u64> {
    field(process, "VmRSS:")
}

/// Returns the most memory that was ever resident, KiB.
///
/// # Errors
/// There is no such process.
pub fn peak(process: u32) -> Result<u64> {
    field(process, "VmHWM:")
}

fn field(process: u32, name: &str) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("no process {process}"))?;
    let value =
        text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name} in {path}"))?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}
