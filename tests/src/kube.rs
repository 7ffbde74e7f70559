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

/// Includes building the cluster's programs at the first use, which takes minutes.
const START_LIMIT: Duration = Duration::from_secs(1200);
/// Time until the API server serves new custom resources.
const CRDS_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// An API server, which ends with this value or with the process of the tests.
#[derive(Debug)]
pub struct Api {
    folder: PathBuf,
    kubectl: Kubectl,
}

impl Api {
    /// Returns the API server that the tests of this process share.
    ///
    /// # Errors
    /// The API server cannot be started.
    pub fn shared() -> Result<&'static Api> {
        static SHARED: Once<Api> = Once::new();
        SHARED.get_or_make(Api::alone)
    }

    /// Starts an API server for one test, with Kennel's custom resources.
    ///
    /// # Errors
    /// The API server cannot be started.
    pub fn alone() -> Result<Api> {
        Api::start(&[])
    }

    /// Starts one on `::1` alone, whose Services have IPv6 addresses.
    ///
    /// # Errors
    /// The API server cannot be started.
    pub fn on_ipv6() -> Result<Api> {
        Api::start(&["--ipv6"])
    }

    /// Starts one whose Services have addresses of both families.
    ///
    /// # Errors
    /// The API server cannot be started.
    pub fn of_both_families() -> Result<Api> {
        Api::start(&["--dual-stack"])
    }

    fn start(options: &[&str]) -> Result<Api> {
        let mut command = Command::new(root().join("tests/cluster/cluster"));
        command.args(["env", "--api-only"]).args(options).args(["--for", &std::process::id().to_string()]);
        let run = process::run_within(&mut command, "", START_LIMIT)?.ok()?;
        let line = run.stdout.lines().find_map(|line| line.strip_prefix("export KUBECONFIG="));
        let folder = line.and_then(|path| Path::new(path).parent()).context("the cluster printed no KUBECONFIG")?;
        let kubectl = Kubectl::new(kubectl::program()?, folder.join("kubeconfig"));
        let api = Api { folder: folder.to_owned(), kubectl };
        api.kubectl.apply_folder(&root().join("deploy/crds"))?;
        api.kubectl.wait(CRDS_LIMIT, &["wait", "--for=condition=Established", "crd", "--all"])?;
        Ok(api)
    }

    /// Path of the administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Runs kubectl. A failure of kubectl is in the result.
    ///
    /// # Errors
    /// kubectl cannot be run.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Result<Run> {
        self.kubectl.attempt(arguments, input)
    }

    /// Applies some YAML.
    ///
    /// # Errors
    /// The API server refuses the YAML.
    pub fn apply(&self, yaml: &str) -> Result<()> {
        self.kubectl.apply(yaml)
    }

    /// Returns what a JSONPath selects.
    ///
    /// # Errors
    /// There is no such object.
    pub fn json_path(&self, object: &[&str], path: &str) -> Result<String> {
        self.kubectl.json_path(object, path)
    }

    /// Signs with the API server's key for tokens of service accounts. Returns an ES256 signature as in JSON Web Tokens.
    ///
    /// # Errors
    /// openssl fails.
    pub fn sign(&self, text: &str) -> Result<Vec<u8>> {
        sign(&self.folder.join("pki/service-account.key"), text)
    }

    /// Stops or continues the API server's process. A stopped one accepts connections and answers nothing, like one behind a failed
    /// network.
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
        // A frozen process cannot end.
        let _ = self.freeze(false);
        let _ = Command::new(root().join("tests/cluster/cluster")).args(["env", "--stop"]).arg(&self.folder).output();
    }
}

/// Signs with a P-256 key in PEM. Returns an ES256 signature as in JSON Web Tokens.
///
/// # Errors
/// openssl fails.
pub fn sign(key: &Path, text: &str) -> Result<Vec<u8>> {
    let mut command = Command::new("sh");
    command.args(["-c", "openssl dgst -sha256 -sign \"$0\" | base64 -w0"]);
    let run = process::run(command.arg(key), text)?.ok()?;
    let der = STANDARD.decode(run.stdout.trim())?;
    fixed_width(&der).context("openssl gave no ECDSA signature")
}

/// Calls `ask` until it returns a value.
///
/// # Errors
/// `ask` returns none within `limit`; with its last error, if there is one.
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

/// Converts the DER of two integers to 64 octets.
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

/// Returns the root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}
