//! A Kennel realm: a real `kennel-kdc dev` process with a folder and ports of its own.

use crate::binary::kennel_kdc;
use crate::mit::Mit;
use crate::ports;
use crate::process::{self, Run, Server};
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Release builds on an idle machine print `ready` within 10 seconds. The limit allows for debug builds on busy machines.
const READY_LIMIT: Duration = Duration::from_secs(60);

const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Time after which an audit log that has not grown is complete.
const QUIET: Duration = Duration::from_millis(300);

/// A realm that has not been started.
#[derive(Debug)]
pub struct Builder {
    name: String,
    folder: TempDir,
    port: u16,
    seed: Option<String>,
    around: Around,
}

/// Options of the process.
#[derive(Debug, Clone, Default)]
struct Around {
    /// A program that runs `kennel-kdc`, with its arguments.
    wrapper: Vec<String>,
    environment: Vec<(String, String)>,
    listen: Option<IpAddr>,
    kubeconfig: Option<PathBuf>,
    manifests: Option<PathBuf>,
}

impl Builder {
    /// Sets the seed, in the format of `kennel-kdc dev --seed` (deploy/examples/seed.toml).
    #[must_use]
    pub fn seed(mut self, toml: &str) -> Builder {
        self.seed = Some(toml.to_owned());
        self
    }

    /// Starts `kennel-kdc` by another program, such as `prlimit --nofile=64`.
    #[must_use]
    pub fn under(mut self, wrapper: &[&str]) -> Builder {
        self.around.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Sets an environment variable of the process.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Builder {
        self.around.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Listens on this address in place of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: IpAddr) -> Builder {
        self.around.listen = Some(address);
        self
    }

    /// Connects the realm to the cluster of this kubeconfig.
    #[must_use]
    pub fn kubeconfig(mut self, path: &Path) -> Builder {
        self.around.kubeconfig = Some(path.to_owned());
        self
    }

    /// Takes principals and access from the YAML files of this folder.
    #[must_use]
    pub fn manifests(mut self, folder: &Path) -> Builder {
        self.around.manifests = Some(folder.to_owned());
        self
    }

    /// Keeps the files of the realm in this folder, which may be on any file system.
    #[must_use]
    pub fn within(mut self, folder: TempDir) -> Builder {
        self.folder = folder;
        self
    }

    /// The folder that `dev` will write into.
    #[must_use]
    pub fn dev_folder(&self) -> PathBuf {
        dev_folder(self.folder.path())
    }

    /// The port that the KDC will listen on, for the seed of a realm that trusts this one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts the realm, and waits until it is ready.
    ///
    /// # Errors
    /// The realm does not become ready; with the output of the process.
    pub fn start(self) -> Result<Realm> {
        let Builder { name, folder, port, seed, around } = self;
        if let Some(seed) = seed {
            std::fs::write(folder.path().join("seed.toml"), seed)?;
        }
        let server = start(&name, folder.path(), port, &around)?;
        Ok(Realm { name, folder, port, around, server })
    }
}

/// A running realm. Its process ends with this value.
#[derive(Debug)]
pub struct Realm {
    name: String,
    folder: TempDir,
    port: u16,
    around: Around,
    server: Server,
}

impl Realm {
    /// Prepares a realm of this name: ports and a folder.
    ///
    /// # Errors
    /// There are no free ports, or there is no temporary folder.
    pub fn builder(name: &str) -> Result<Builder> {
        Ok(Builder {
            name: name.to_owned(),
            folder: TempDir::new()?,
            port: ports::free_block()?,
            seed: None,
            around: Around::default(),
        })
    }

    /// Kills the process by SIGKILL, and starts the realm from the same folder again.
    ///
    /// # Errors
    /// See [`Builder::start`].
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.server.kill()?;
        self.server = start(&self.name, self.folder.path(), self.port, &self.around)?;
        Ok(())
    }

    /// Stops the realm, calls `work`, and starts the realm again even where `work` failed.
    ///
    /// # Errors
    /// The error of `work`; see [`Builder::start`].
    pub fn while_down<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        ensure!(self.server.terminate(STOP_LIMIT)?.success(), "it did not stop well: {}", self.server.said());
        let done = work();
        self.server = start(&self.name, self.folder.path(), self.port, &self.around)?;
        done
    }

    /// Name of the realm.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address that the realm listens on, as in URLs: 127.0.0.1, or another one in brackets where it is of IPv6.
    #[must_use]
    pub fn host(&self) -> String {
        match self.around.listen {
            None => "127.0.0.1".to_owned(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => format!("[{address}]"),
        }
    }

    /// Port of the KDC, UDP and TCP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Port of kpasswd on 127.0.0.1, UDP and TCP.
    #[must_use]
    pub fn kpasswd_port(&self) -> u16 {
        self.port.saturating_add(1)
    }

    /// Port of the enrolment API on 127.0.0.1.
    #[must_use]
    pub fn https_port(&self) -> u16 {
        self.port.saturating_add(3)
    }

    /// Path of the CA certificate that clients of the enrolment API trust.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder().join("ca.crt")
    }

    /// The process.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// The folder that `dev` writes into (`--dir`).
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        dev_folder(self.folder.path())
    }

    /// Path of the krb5.conf that `dev` wrote.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder().join("krb5.conf")
    }

    /// Path of the keytab that `dev` wrote for a principal, named without its realm.
    #[must_use]
    pub fn keytab(&self, principal: &str) -> PathBuf {
        self.folder().join("keytabs").join(format!("{}.keytab", principal.replace('/', "_")))
    }

    /// Creates clients of this realm, with the krb5.conf that `dev` wrote.
    ///
    /// # Errors
    /// See [`Mit::new`].
    pub fn mit(&self) -> Result<Mit> {
        Mit::new(&self.config())
    }

    /// Returns the audit log of `dev`. Waits until the log no longer grows, since it is written after the requests.
    ///
    /// # Errors
    /// There is no audit log.
    pub fn audit(&self) -> Result<String> {
        self.await_quiet_audit()?;
        std::fs::read_to_string(self.audit_path()).context("there is no audit log")
    }

    /// Counts the lines of the audit log, once it no longer grows.
    ///
    /// # Errors
    /// There is no audit log.
    pub fn audit_lines(&self) -> Result<u64> {
        self.await_quiet_audit()?;
        let file = File::open(self.audit_path()).context("there is no audit log")?;
        Ok(BufReader::new(file).split(b'\n').count() as u64)
    }

    fn await_quiet_audit(&self) -> Result<()> {
        let length = || Ok::<u64, anyhow::Error>(std::fs::metadata(self.audit_path())?.len());
        let mut before = length()?;
        loop {
            std::thread::sleep(QUIET);
            let now = length()?;
            if now == before {
                return Ok(());
            }
            before = now;
        }
    }

    fn audit_path(&self) -> PathBuf {
        self.folder().join("audit.log")
    }
}

/// Runs `kennel-kdc dev` with arguments under which it must end by itself, with an error.
///
/// # Errors
/// The program cannot be started, or does not end in time.
pub fn run_dev(arguments: &[&str]) -> Result<Run> {
    process::run(Command::new(kennel_kdc()?).arg("dev").args(arguments), "")
}

fn start(name: &str, folder: &Path, port: u16, around: &Around) -> Result<Server> {
    let mut command = match around.wrapper.split_first() {
        None => Command::new(kennel_kdc()?),
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(kennel_kdc()?);
            command
        }
    };
    command.envs(around.environment.iter().cloned());
    command.arg("dev").arg("--realm").arg(name).arg("--port").arg(port.to_string());
    command.arg("--dir").arg(dev_folder(folder));
    if let Some(address) = around.listen {
        command.arg("--listen").arg(address.to_string());
    }
    if let Some(kubeconfig) = &around.kubeconfig {
        command.arg("--kubeconfig").arg(kubeconfig);
    }
    if let Some(manifests) = &around.manifests {
        command.arg("--manifests").arg(manifests);
    }
    let seed = folder.join("seed.toml");
    if seed.exists() {
        command.arg("--seed").arg(seed);
    }
    // An earlier run of the same realm left a `ready` of its own there.
    let _ = std::fs::remove_file(folder.join("kennel-kdc.out"));
    let mut server = Server::start(&mut command, folder, "kennel-kdc")?;
    let says_ready = |server: &Server| server.stdout().lines().any(|line| line == "ready");
    server.wait_until(READY_LIMIT, says_ready).with_context(|| format!("{command:?}"))?;
    Ok(server)
}

fn dev_folder(folder: &Path) -> PathBuf {
    folder.join("dev")
}
