//! Heimdal's clients. Their package conflicts with MIT's, so `tests/run setup` unpacks it below the cache folder.

use crate::process::{self, Run};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A user with Heimdal's programs, a configuration and a cache.
#[derive(Debug)]
pub struct Heimdal {
    root: PathBuf,
    folder: TempDir,
    config: PathBuf,
}

impl Heimdal {
    /// Creates clients that read this krb5.conf, with these lines of `[libdefaults]` in front of its own.
    ///
    /// # Errors
    /// Heimdal was not unpacked.
    pub fn new(config: &Path, defaults: &str) -> Result<Heimdal> {
        let home = std::env::var("HOME").context("HOME is not set")?;
        let cache = std::env::var("XDG_CACHE_HOME").unwrap_or(format!("{home}/.cache"));
        let root = Path::new(&cache).join("kennel/heimdal");
        ensure!(root.join("usr/bin/kgetcred").is_file(), "Heimdal is not there: run `tests/run setup`");
        let folder = TempDir::new()?;
        let text = std::fs::read_to_string(config)?;
        let own = folder.path().join("krb5.conf");
        std::fs::write(&own, format!("[libdefaults]\n{defaults}\n{text}"))?;
        Ok(Heimdal { root, folder, config: own })
    }

    /// Returns the path of a file in the temporary folder of this user.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `kinit ARGUMENTS` with a password.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn kinit(&self, arguments: &[&str], password: &str) -> Result<Run> {
        let file = self.file("password");
        std::fs::write(&file, password)?;
        let flag = format!("--password-file={}", file.display());
        self.run("kinit.heimdal", &[&[&*flag], arguments].concat())
    }

    /// Runs `kpasswd NAME`, which asks a terminal: script gives it one.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn kpasswd(&self, name: &str, old: &str, new: &str) -> Result<Run> {
        self.kpasswd_with(name, old, new)
    }

    /// Runs `kpasswd --admin-principal=ADMIN NAME`: sets the password of another principal.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn set_password(&self, admin: &str, password: &str, name: &str, new: &str) -> Result<Run> {
        self.kpasswd_with(&format!("--admin-principal={admin} {name}"), password, new)
    }

    fn kpasswd_with(&self, arguments: &str, old: &str, new: &str) -> Result<Run> {
        let program = self.root.join("usr/bin/kpasswd.heimdal");
        let line = format!("'{}' {arguments}", program.display());
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]);
        process::run(self.environment(&mut command), &format!("{old}\n{new}\n{new}\n"))
    }

    /// Returns the output of `klist -v`.
    ///
    /// # Errors
    /// There is no cache.
    pub fn klist(&self) -> Result<String> {
        Ok(self.run("heimtools", &["klist", "-v"])?.ok()?.stdout)
    }

    /// Runs a command of `kadmin -l` on a realm whose database the krb5.conf names.
    ///
    /// # Errors
    /// The command fails.
    pub fn kadmin(&self, arguments: &[&str]) -> Result<Run> {
        self.run("kadmin.heimdal", &[&["-l"], arguments].concat())?.ok()
    }

    /// Runs one of Heimdal's programs.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<Run> {
        let mut command = Command::new(self.root.join("usr/bin").join(program));
        process::run(self.environment(command.args(arguments)), "")
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let libraries = self.root.join("usr/lib/x86_64-linux-gnu");
        command
            .env("LD_LIBRARY_PATH", libraries)
            .env("KRB5_CONFIG", &self.config)
            .env("KRB5CCNAME", format!("FILE:{}", self.file("ccache").display()))
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
    }
}
