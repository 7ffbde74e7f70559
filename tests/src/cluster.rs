//! The real cluster of tests/cluster: one node of this machine, in which pods run.

use crate::kube::root;
use crate::kubectl::{Kubectl, utf8};
use crate::once::Once;
use crate::process::{self, Run};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Includes building the cluster's parts at the first use, which takes minutes.
const UP_LIMIT: Duration = Duration::from_secs(1800);
const READY_LIMIT: Duration = Duration::from_secs(60);
const LOAD_LIMIT: Duration = Duration::from_secs(120);

/// Ends the cluster once a process has ended, unless another cluster runs by then. Arguments: the process, the cluster's folder.
const WATCH: &str = r#"
here=$2
for file in common node; do . "$here/lib/$file.sh"; done
mine=$(node_pid)
tail --sleep-interval=0.2 --pid="$1" -f /dev/null
[[ $(node_pid) != "$mine" ]] || exec "$here/cluster" down
"#;

/// A running cluster. One that ran before the tests stays up; any other ends with the process of the tests.
#[derive(Debug)]
pub struct Cluster {
    kubectl: Kubectl,
}

impl Cluster {
    /// Returns the cluster that the tests of this process share: the one that runs, or a new one. Its nodes are ready.
    ///
    /// # Errors
    /// The cluster does not start, or its nodes do not become ready.
    pub fn shared() -> Result<&'static Cluster> {
        static SHARED: Once<Cluster> = Once::new();
        SHARED.get_or_make(Cluster::start)
    }

    fn start() -> Result<Cluster> {
        // Waits for a run of `down` that is under way, and leaves a cluster that is complete as it is.
        let up =
            process::run_within(Command::new(program()).arg("up"), "", UP_LIMIT)?.ok().context("no cluster starts")?;
        if up.stderr.contains("the cluster runs already") {
            println!("cluster: the one that ran before; it stays up");
        } else {
            println!("cluster: a new one; it ends with these tests");
            end_with_this_process()?;
        }
        let kubeconfig = up.stdout.lines().find_map(|line| line.strip_prefix("export KUBECONFIG="));
        let kubeconfig = PathBuf::from(kubeconfig.context("the cluster printed no KUBECONFIG")?);
        let kubectl = Kubectl::new(kubeconfig.with_file_name("bin/kubectl"), kubeconfig);
        kubectl.wait(READY_LIMIT, &["wait", "--for=condition=Ready", "node", "--all"])?;
        Ok(Cluster { kubectl })
    }

    /// Returns kubectl as the cluster's administrator.
    #[must_use]
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// Loads an image from an archive as `docker save` writes it.
    ///
    /// # Errors
    /// containerd refuses the archive.
    pub fn load(&self, name: &str, archive: &Path) -> Result<()> {
        library("common images node", "load_image \"$@\"", &[name, utf8(archive)?], LOAD_LIMIT)?.ok()?;
        Ok(())
    }
}

/// Returns the folder of a part that `up` does not start, such as `cert-manager`, and builds it first where it is missing.
///
/// # Errors
/// The part cannot be built; with the end of the build's log.
pub fn part(name: &str) -> Result<PathBuf> {
    let built = library("common packages build", "build_parts \"$1\" && part_dir \"$1\"", &[name], UP_LIMIT)?.ok()?;
    Ok(PathBuf::from(built.stdout.trim()))
}

/// Runs a line of bash on files of tests/cluster/lib.
fn library(files: &str, line: &str, arguments: &[&str], limit: Duration) -> Result<Run> {
    let folder = root().join("tests/cluster");
    let folder = utf8(&folder)?;
    let script = format!("set -euo pipefail\nfor file in {files}; do . \"{folder}/lib/$file.sh\"; done\n{line}\n");
    process::run_within(Command::new("bash").args(["-c", &script, "cluster"]).args(arguments), "", limit)
}

fn program() -> PathBuf {
    root().join("tests/cluster/cluster")
}

fn end_with_this_process() -> Result<()> {
    let process = std::process::id().to_string();
    let mut watch = Command::new("setsid");
    watch.args(["--fork", "bash", "-c", WATCH, "watch", &process]).arg(root().join("tests/cluster"));
    watch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = watch.status().context("setsid cannot be started")?;
    anyhow::ensure!(status.success(), "setsid failed: {status}");
    Ok(())
}
