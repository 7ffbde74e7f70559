//! Stock MIT clients as a user runs them: `kinit`, `kvno`, `klist`, with a configuration and a cache of their own.

use crate::klist::{self, Shown};
use crate::process::{self, Run};
use anyhow::{Context, Result, ensure};
use kennel_wire::ccache::{Ccache, CcacheEntry};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The command that installs the programs of the interop tests.
pub const INSTALL: &str = "tests/run setup";

/// A user with stock clients, which ignore the machine's own Kerberos settings.
#[derive(Debug)]
pub struct Mit {
    folder: TempDir,
    /// krb5.conf files in order of precedence.
    configs: Vec<PathBuf>,
    cache: PathBuf,
    shift: Option<String>,
    /// A program that runs the clients, with its arguments.
    around: Vec<String>,
}

impl Mit {
    /// Creates clients that read this krb5.conf.
    ///
    /// # Errors
    /// There is no temporary folder, or MIT's clients are not installed.
    pub fn new(config: &Path) -> Result<Mit> {
        require("kinit")?;
        let folder = TempDir::new()?;
        let cache = folder.path().join("ccache");
        Ok(Mit { folder, configs: vec![config.to_path_buf()], cache, shift: None, around: Vec::new() })
    }

    /// Adds another krb5.conf, which is read last.
    #[must_use]
    pub fn also(mut self, config: &Path) -> Mit {
        self.configs.push(config.to_path_buf());
        self
    }

    /// Adds settings of `[libdefaults]`, which take precedence over those of the krb5.conf.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn with_defaults(self, settings: &[(&str, &str)]) -> Result<Mit> {
        let mut text = String::from("[libdefaults]\n");
        for (name, value) in settings {
            writeln!(text, "    {name} = {value}")?;
        }
        self.with_config(&text)
    }

    /// Adds the text of a krb5.conf, which takes precedence over the others.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn with_config(mut self, text: &str) -> Result<Mit> {
        let path = self.folder.path().join(format!("{}.conf", self.configs.len()));
        std::fs::write(&path, text)?;
        self.configs.insert(0, path);
        Ok(self)
    }

    /// Shifts the clock of the clients, in the notation of faketime (`+10m`, `-1h`).
    ///
    /// # Errors
    /// faketime is not installed.
    pub fn with_clock(mut self, shift: &str) -> Result<Mit> {
        require("faketime")?;
        self.shift = Some(shift.to_owned());
        Ok(self)
    }

    /// Runs the clients by another program, such as `nsenter`.
    #[must_use]
    pub fn under(mut self, wrapper: &[String]) -> Mit {
        self.around = wrapper.to_vec();
        self
    }

    /// Path of the credential cache.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Returns the path of a file in the temporary folder of this user.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `kinit ARGUMENTS` with a password on standard input.
    ///
    /// # Errors
    /// kinit cannot be run. A failure of kinit is in the result: see [`Run::ok`] and [`Run::refused`].
    pub fn kinit(&self, arguments: &[&str], password: &str) -> Result<Run> {
        self.run("kinit", arguments, &format!("{password}\n"))
    }

    /// Runs `kinit -k -t KEYTAB ARGUMENTS`.
    ///
    /// # Errors
    /// As [`Mit::kinit`].
    pub fn kinit_with_keytab(&self, keytab: &Path, arguments: &[&str]) -> Result<Run> {
        let keytab = keytab.to_str().context("a path that is not UTF-8")?;
        self.run("kinit", &[&["-k", "-t", keytab], arguments].concat(), "")
    }

    /// Runs `kvno ARGUMENTS`.
    ///
    /// # Errors
    /// As [`Mit::kinit`].
    pub fn kvno(&self, arguments: &[&str]) -> Result<Run> {
        self.run("kvno", arguments, "")
    }

    /// Runs a program with this user's settings.
    ///
    /// # Errors
    /// The program cannot be run, or does not end in time.
    pub fn run(&self, program: &str, arguments: &[&str], input: &str) -> Result<Run> {
        let trace = self.folder.path().join("trace");
        // Removes the trace of the previous run, if there is one.
        let _ = std::fs::remove_file(&trace);
        let mut command = self.program(program);
        command.args(arguments).env("KRB5_TRACE", &trace);
        let mut run = process::run(&mut command, input)?;
        run.trace = std::fs::read_to_string(&trace).unwrap_or_default();
        Ok(run)
    }

    /// A program with this user's settings.
    #[must_use]
    pub fn program(&self, program: &str) -> Command {
        let shift = self.shift.iter().flat_map(|shift| ["faketime", "-f", shift]);
        let mut words = self.around.iter().map(String::as_str).chain(shift).chain([program]);
        let mut command = Command::new(words.next().unwrap_or(program));
        command.args(words);
        let configs: Vec<String> = self.configs.iter().map(|path| path.display().to_string()).collect();
        command
            .env("KRB5_CONFIG", configs.join(":"))
            .env("KRB5CCNAME", format!("FILE:{}", self.cache.display()))
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env_remove("KRB5_KTNAME")
            .env_remove("KRB5_CLIENT_KTNAME");
        command
    }

    /// Returns the tickets that klist shows.
    ///
    /// # Errors
    /// klist fails, since there is no cache.
    pub fn klist(&self) -> Result<Vec<Shown>> {
        klist::parse(&self.run("klist", &["-e", "-f", "-a", "-n"], "")?.ok()?.stdout)
    }

    /// Returns the ticket for `server` (with its realm) that klist shows.
    ///
    /// # Errors
    /// There is no such ticket.
    pub fn shown(&self, server: &str) -> Result<Shown> {
        let tickets = self.klist()?;
        let found = tickets.iter().find(|ticket| ticket.server == server).cloned();
        found.with_context(|| format!("klist shows no ticket for {server}: {tickets:#?}"))
    }

    /// Returns the credential for `server` in the cache, with its exact times. Of several, returns the last, which is the newest.
    ///
    /// # Errors
    /// There is no such credential, or the cache cannot be read.
    pub fn credential(&self, server: &str) -> Result<CcacheEntry> {
        let bytes = std::fs::read(&self.cache).context("there is no credential cache")?;
        let cache = Ccache::decode(&bytes).context("the credential cache cannot be read")?;
        let found = cache.credentials.into_iter().rfind(|credential| credential.server.to_string() == server);
        found.with_context(|| format!("the cache holds no credential for {server}"))
    }
}

/// Checks that a program of the packages in [`INSTALL`] is installed.
///
/// # Errors
/// The program is not installed. The error names the command that installs it.
pub fn require(program: &str) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    ensure!(
        folders.iter().any(|folder| folder.join(program).is_file()),
        "{program} is not installed: as root, run `{INSTALL}` in the checkout"
    );
    Ok(())
}
