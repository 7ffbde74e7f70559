//! Memory of a process, from /proc.

use anyhow::{Context, Result};

/// Resident now, KiB.
pub(crate) fn resident(process: u32) -> Result<u64> {
    field(process, "VmRSS:")
}

/// The most that was ever resident, KiB.
pub(crate) fn peak(process: u32) -> Result<u64> {
    field(process, "VmHWM:")
}

fn field(process: u32, name: &str) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)).context("no such field in status")?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}
