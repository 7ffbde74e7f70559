//! kubectl as administrator of one cluster.

use crate::process::{self, Run};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Limit of a command that waits for nothing.
const LIMIT: Duration = Duration::from_secs(60);
/// Time beyond kubectl's own `--timeout`, in which kubectl reports what it waited for.
const GRACE: Duration = Duration::from_secs(10);

/// A kubectl program with the kubeconfig of its cluster.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// Uses `program` with `kubeconfig`; kubectl's cache lies beside that file.
    #[must_use]
    pub fn new(program: PathBuf, kubeconfig: PathBuf) -> Kubectl {
        Kubectl { program, kubeconfig }
    }

    /// Path of the kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Path of the program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns a command with these arguments, not started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        command.env("KUBECACHEDIR", self.kubeconfig.with_file_name("kubectl-cache"));
        command
    }

    /// Runs kubectl to its end with `input` on standard input. A failure of kubectl is in the result.
    ///
    /// # Errors
    /// kubectl cannot be started, or takes longer than a minute.
    pub fn attempt(&self, arguments: &[&str], input: &str) -> Result<Run> {
        process::run_within(&mut self.command(arguments), input, LIMIT)
    }

    /// Runs kubectl and returns its standard output.
    ///
    /// # Errors
    /// kubectl fails; with the command and everything that it printed.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        Ok(self.attempt(arguments, "")?.ok()?.stdout)
    }

    /// Runs a command of kubectl that waits, such as `wait`, `rollout status` or `delete`, with `--timeout`.
    ///
    /// # Errors
    /// The time is up, or kubectl fails for another reason; with everything that it printed.
    pub fn wait(&self, limit: Duration, arguments: &[&str]) -> Result<String> {
        let timeout = format!("--timeout={}s", limit.as_secs());
        let mut command = self.command(arguments);
        Ok(process::run_within(command.arg(timeout), "", limit + GRACE)?.ok()?.stdout)
    }

    /// Applies some YAML.
    ///
    /// # Errors
    /// The API server refuses the YAML.
    pub fn apply(&self, yaml: &str) -> Result<()> {
        self.attempt(&["apply", "-f", "-"], yaml)?.ok().map(|_| ())
    }

    /// Applies a kustomization.
    ///
    /// # Errors
    /// The API server refuses one of its objects.
    pub fn apply_folder(&self, folder: &Path) -> Result<()> {
        self.run(&["apply", "-k", utf8(folder)?]).map(|_| ())
    }

    /// Returns what a JSONPath selects in the objects that `object` names, such as `["pod", "web-1", "-n", "shop"]`.
    ///
    /// # Errors
    /// There is no such object.
    pub fn json_path(&self, object: &[&str], path: &str) -> Result<String> {
        let output = format!("jsonpath={path}");
        self.run(&[&["get"], object, &["-o", &output]].concat())
    }
}

/// Returns the path as an argument.
///
/// # Errors
/// The path is not UTF-8.
pub fn utf8(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Returns the kubectl that tests/cluster has built last.
///
/// # Errors
/// tests/cluster has built none.
pub fn program() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let parts = cache.context("HOME is not set")?.join("kennel/cluster");
    let built = std::fs::read_dir(&parts).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut built: Vec<PathBuf> = built
        .filter_map(|path| [path.join("kubectl"), path.join("bin/kubectl")].into_iter().find(|p| p.is_file()))
        .collect();
    built.sort();
    built.pop().with_context(|| format!("no kubectl in {}: run `tests/cluster/cluster build`", parts.display()))
}
