//! Tests deploy/components/monitoring: its rules and dashboard as files, and their queries against a real Prometheus.

use crate::kube::{eventually, root};
use crate::ports;
use crate::process::{self, Run, Server};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const START_LIMIT: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(10);

/// Conditions on a Prometheus that scrapes a KDC: the sentence, and the subject of inspection.py.
const ANSWERS: [(&str, &str); 6] = [
    ("each metric that a rule or a panel asks for is exported", "known"),
    ("each metric that is exported is shown", "shown"),
    ("each query is answered without an error", "answered"),
    ("each rule is evaluated without an error", "healthy"),
    ("alerts on quantiles lie on the limits of buckets", "bounded"),
    ("the panels on requests have data", "filled_panels"),
];

/// Runs a subject of tests/monitoring/inspection.py, in Debian's Python, which has Debian's YAML.
///
/// # Errors
/// Python cannot be started.
pub fn inspect(arguments: &[&str]) -> Result<Run> {
    let mut command = Command::new("/usr/bin/python3");
    process::run(command.arg(root().join("tests/monitoring/inspection.py")).args(arguments), "")
}

/// A real Prometheus with the rules that scrapes a KDC every second.
#[derive(Debug)]
pub struct Prometheus {
    /// Declared first, so that the server ends before its folder is deleted.
    server: Server,
    url: String,
    _folder: TempDir,
}

impl Prometheus {
    /// Scrapes `target` (HOST:PORT) with the job and the labels that the operator sets for a ServiceMonitor.
    ///
    /// # Errors
    /// Prometheus is not installed, or has not scraped the target often enough in time.
    pub fn start(target: &str) -> Result<Prometheus> {
        let folder = TempDir::new()?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        inspect(&["spec", &path("kennel.yml")])?.ok()?;
        std::fs::write(path("prometheus.yml"), configuration(target))?;
        let address = format!("127.0.0.1:{}", ports::free_block()?);
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", path("prometheus.yml")));
        command.arg(format!("--storage.tsdb.path={}", path("data")));
        command.arg(format!("--web.listen-address={address}")).arg("--log.level=warn");
        let server = Server::start(&mut command, folder.path(), "prometheus").context("run `tests/run setup`")?;
        let prometheus = Prometheus { server, url: format!("http://{address}"), _folder: folder };
        eventually(START_LIMIT, "Prometheus scrapes the KDC", || prometheus.inspect("scraped", &[]).map(Some))
            .with_context(|| prometheus.server.said())?;
        Ok(prometheus)
    }

    /// Checks rules and dashboard against the scraped metrics. Only alerts of `expected` may be pending.
    ///
    /// # Errors
    /// All conditions that do not hold, with their sentences.
    pub fn ensure_all_is_well(&self, expected: &[&str]) -> Result<()> {
        let mut failures = Vec::new();
        let mut hold = |sentence: &str, subject: &str, arguments: &[&str]| {
            // Prometheus evaluates rules and alerts a moment after the scrape.
            let held = eventually(SOON, sentence, || self.inspect(subject, arguments).map(Some));
            failures.extend(held.err().map(|error| format!("{error:#}")));
        };
        for (sentence, subject) in ANSWERS {
            hold(sentence, subject, &[]);
        }
        // Pending alerts count like firing ones: without a problem, no alert becomes pending.
        hold("no other alert is pending", "quiet", expected);
        ensure!(failures.is_empty(), "{}", failures.join("\n"));
        Ok(())
    }

    fn inspect(&self, subject: &str, arguments: &[&str]) -> Result<()> {
        inspect(&[&[subject, &self.url], arguments].concat())?.ok().map(|_| ())
    }
}

fn configuration(target: &str) -> String {
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: [kennel.yml]\n\
         scrape_configs:\n  - job_name: kennel-kdc\n    static_configs:\n      - targets: [\"{target}\"]\n        \
         labels: {{namespace: kennel-system, pod: kennel-kdc-0}}\n"
    )
}

/// Runs promtool in a folder.
///
/// # Errors
/// promtool is not installed.
pub fn promtool(folder: &Path, arguments: &[&str]) -> Result<Run> {
    let mut command = Command::new("promtool");
    process::run(command.args(arguments).current_dir(folder), "").context("run `tests/run setup`")
}
