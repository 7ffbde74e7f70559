//! Waits for pods, and reports the reason where they do not reach the expected state.

use crate::kubectl::Kubectl;
use anyhow::{Error, Result};
use std::fmt::Write as _;
use std::time::Duration;

/// The name of each pod, and whether the pod is ready.
const READINESS: &str =
    r#"{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}"#;

/// Runs a command of kubectl that waits for objects of a namespace.
///
/// # Errors
/// The time is up, or kubectl fails for another reason; with the namespace's pods, its last Events, and the last lines of the
/// pods that are not ready.
pub fn wait(kubectl: &Kubectl, namespace: &str, limit: Duration, arguments: &[&str]) -> Result<()> {
    match kubectl.wait(limit, &[arguments, &["-n", namespace]].concat()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::msg(format!("{error:#}\n{}", story(kubectl, namespace)))),
    }
}

fn story(kubectl: &Kubectl, namespace: &str) -> String {
    let mut story = String::new();
    let mut tell = |arguments: &[&str], lines: usize| {
        // Leaves out the output of a command that fails: a partial report is better than none.
        let Ok(run) = kubectl.attempt(&[arguments, &["-n", namespace]].concat(), "") else { return };
        let printed = run.stdout + &run.stderr;
        let skipped = printed.lines().count().saturating_sub(lines);
        let _ = writeln!(story, "--- kubectl {}", arguments.join(" "));
        for line in printed.lines().skip(skipped) {
            let _ = writeln!(story, "{line}");
        }
    };
    tell(&["get", "pods", "-o", "wide"], 30);
    tell(&["get", "events", "--sort-by=.lastTimestamp"], 15);
    let readiness = kubectl.json_path(&["pods", "-n", namespace], READINESS).unwrap_or_default();
    for pod in readiness.lines().filter_map(|line| line.split_once(' ')).filter(|(_, ready)| *ready != "True") {
        tell(&["logs", pod.0, "--all-containers", "--prefix", "--tail=10"], 30);
    }
    story
}
