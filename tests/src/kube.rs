//! A real API server for tests: etcd, kube-apiserver and kube-controller-manager of tests/cluster, and kubectl.

use crate::kubectl::{self, Kubectl, utf8};
use crate::once::Once;
use crate::process::{self, Run};
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The cluster's programs are built at the first use: minutes, on a machine that has none of them.
const START_LIMIT: Duration = Duration::from_secs(1200);
/// New custom resources are served a moment after they were accepted.
const CRDS_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// An API server. It ends with the process of the tests, or with this value.
#[derive(Debug)]
pub struct Api {
    folder: PathBuf,
    kubectl: Kubectl,
}

impl Api {
    /// The one that the tests of this process share.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn shared() -> Result<&'static Api> {
        static SHARED: Once<Api> = Once::new();
        SHARED.get_or_make(Api::alone)
    }

    /// One of its own, with our custom resources.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn alone() -> Result<Api> {
        let mut command = Command::new(root().join("tests/cluster/cluster"));
        command.args(["env", "--api-only", "--for", &std::process::id().to_string()]);
        let run = process::run_within(&mut command, "", START_LIMIT)?.ok()?;
        let line = run.stdout.lines().find_map(|line| line.strip_prefix("export KUBECONFIG="));
        let folder = line.and_then(|path| Path::new(path).parent()).context("the cluster printed no KUBECONFIG")?;
        let kubectl = Kubectl::new(kubectl::program()?, folder.join("kubeconfig"));
        let api = Api { folder: folder.to_owned(), kubectl };
        api.kubectl.apply_folder(&root().join("deploy/crds"))?;
        api.kubectl.wait(CRDS_LIMIT, &["wait", "--for=condition=Established", "crd", "--all"])?;
        Ok(api)
    }

    /// How to reach it.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Runs kubectl.
    ///
    /// # Errors
    /// It cannot be run; that it fails is no error here.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Result<Run> {
        self.kubectl.attempt(arguments, input)
    }

    /// `kubectl apply` of some YAML.
    ///
    /// # Errors
    /// The API server refuses it.
    pub fn apply(&self, yaml: &str) -> Result<()> {
        self.kubectl.apply(yaml)
    }

    /// What a JSONPath gives.
    ///
    /// # Errors
    /// There is no such object.
    pub fn json_path(&self, object: &[&str], path: &str) -> Result<String> {
        self.kubectl.json_path(object, path)
    }

    /// Signs as the API server signs tokens of service accounts: ES256, as JSON Web Tokens hold it.
    ///
    /// # Errors
    /// openssl fails.
    pub fn sign(&self, text: &str) -> Result<Vec<u8>> {
        let mut command = Command::new("sh");
        command.args(["-c", "openssl dgst -sha256 -sign \"$0\" | base64 -w0"]);
        let run = process::run(command.arg(self.folder.join("pki/service-account.key")), text)?.ok()?;
        let der = STANDARD.decode(run.stdout.trim())?;
        fixed_width(&der).context("openssl gave no ECDSA signature")
    }

    /// Stops and continues the API server's process: it takes connections and answers nothing, as behind a network that fails.
    ///
    /// # Errors
    /// The process is not found.
    pub fn freeze(&self, frozen: bool) -> Result<()> {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let pattern = format!("kube-apiserver.*{}", utf8(&self.folder)?);
        let found = process::run(Command::new("pkill").args([signal, "-f", &pattern]), "")?;
        ensure!(found.status.success(), "the process of the API server is not found: {found}");
        Ok(())
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // One that was frozen cannot stop.
        let _ = self.freeze(false);
        let _ = Command::new(root().join("tests/cluster/cluster")).args(["env", "--stop"]).arg(&self.folder).output();
    }
}

/// Asks until something is so.
///
/// # Errors
/// It is not so within `limit`; with what it was last.
pub fn eventually<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        match ask() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => ensure!(Instant::now() < deadline, "not within {limit:?}: {what}"),
            Err(error) if Instant::now() >= deadline => {
                return Err(error.context(format!("not within {limit:?}: {what}")));
            }
            Err(_) => {}
        }
        std::thread::sleep(POLL);
    }
}

/// From the DER of two integers to 64 octets.
fn fixed_width(der: &[u8]) -> Option<Vec<u8>> {
    let mut rest = der.strip_prefix(&[0x30])?.get(1..)?;
    let mut signature = Vec::with_capacity(64);
    for _ in 0..2 {
        let length = usize::from(*rest.strip_prefix(&[0x02])?.first()?);
        let number = rest.get(2..length.checked_add(2)?)?;
        rest = rest.get(length.checked_add(2)?..)?;
        let digits = number.strip_prefix(&[0]).unwrap_or(number);
        signature.resize(signature.len() + 32_usize.checked_sub(digits.len())?, 0);
        signature.extend_from_slice(digits);
    }
    Some(signature)
}

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}
