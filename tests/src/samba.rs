//! Samba's raw Kerberos tests, from Debian's python3-samba, which `tests/run setup` unpacks below the cache folder. The harness
//! `tests/interop/programs/samba_raw.py` gives them accounts of a seed file instead of those of a directory.

use crate::process::{self, Run};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Folder of the harness and its seed.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs");

/// Enough for all tests on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// Samba's tests, and the accounts that they need.
#[derive(Debug)]
pub struct Samba {
    root: PathBuf,
}

/// The KDC that the tests ask.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Name of the realm.
    pub realm: &'a str,
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Keytab with the keys of the ticket-granting service, which some tests forge tickets with.
    pub krbtgt: &'a Path,
    /// Whether accounts with aliases have the realm alone as salt. An MIT KDC without aliases gives every name the same keys so.
    pub realm_salt: bool,
}

impl Samba {
    /// Finds the unpacked packages.
    ///
    /// # Errors
    /// Samba was not unpacked.
    pub fn find() -> Result<Samba> {
        let home = std::env::var("HOME").context("HOME is not set")?;
        let cache = std::env::var("XDG_CACHE_HOME").unwrap_or(format!("{home}/.cache"));
        let root = Path::new(&cache).join("kennel/samba");
        ensure!(root.join("usr/lib/python3/dist-packages/samba").is_dir(), "Samba is not there: run `tests/run setup`");
        Ok(Samba { root })
    }

    /// Returns the accounts in the format of `kennel-kdc dev --seed`.
    ///
    /// # Errors
    /// The file is missing.
    pub fn seed() -> Result<String> {
        Ok(std::fs::read_to_string(Path::new(PROGRAMS).join("samba_seed.toml"))?)
    }

    /// Returns the same accounts as commands of kadmin.local.
    ///
    /// # Errors
    /// The harness cannot be run.
    pub fn kadmin_commands(&self) -> Result<String> {
        Ok(process::run(self.harness().arg("kadmin"), "")?.ok()?.stdout)
    }

    /// Runs all tests. Returns the outcome of each: `pass`, `fail`, or what it needs that a KDC alone does not have; and the
    /// output with the messages of those that failed.
    ///
    /// # Errors
    /// The harness does not end well.
    pub fn run(&self, target: Target<'_>) -> Result<(BTreeMap<String, String>, Run)> {
        let mut command = self.harness();
        command.arg("run").arg(target.realm).arg(target.port.to_string()).arg(target.krbtgt);
        if target.realm_salt {
            command.arg("--realm-salt");
        }
        let run = process::run_within(&mut command, "", LIMIT)?.ok()?;
        let outcomes = run.stdout.lines().filter_map(|line| line.split_once('\t'));
        let outcomes = outcomes.map(|(test, outcome)| (test.to_owned(), outcome.to_owned())).collect();
        Ok((outcomes, run))
    }

    fn harness(&self) -> Command {
        let libraries = self.root.join("usr/lib/x86_64-linux-gnu");
        let search = format!("{}:{}", libraries.display(), libraries.join("samba").display());
        // Debian's Python, which the package is built for.
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(Path::new(PROGRAMS).join("samba_raw.py"))
            .env("PYTHONPATH", self.root.join("usr/lib/python3/dist-packages"))
            .env("LD_LIBRARY_PATH", search)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // The order of sets of names.
            .env("PYTHONHASHSEED", "0")
            .env("LC_ALL", "C.UTF-8");
        command
    }
}
