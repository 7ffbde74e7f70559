//! CPU time of a process, in nanoseconds, from the scheduler's own account.

use anyhow::{Context, Result};
use std::time::Duration;

/// Time that all threads of a process have run so far.
///
/// # Errors
/// There is no such process, or the kernel keeps no such account (CONFIG_SCHED_INFO).
pub(crate) fn time(process: u32) -> Result<Duration> {
    let threads = format!("/proc/{process}/task");
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(&threads).with_context(|| format!("no process {process}"))? {
        let path = thread?.path().join("schedstat");
        // A thread may have ended since it was listed; what it used is lost then, and servers under load end none.
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let ran = text.split_whitespace().next().with_context(|| format!("nothing in {}", path.display()))?;
        nanoseconds += ran.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}
