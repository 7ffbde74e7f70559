//! A real MIT realm: `kdb5_util`, `kadmin.local`, `krb5kdc` and `kadmind` in a temporary folder.

use crate::mit::{Mit, require};
use crate::ports;
use crate::process::{self, Run, Server};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Enough for the 100,000 principals of a benchmark.
const SCRIPT_LIMIT: Duration = Duration::from_secs(900);
const START_LIMIT: Duration = Duration::from_secs(20);

/// Keys of each AES enctype for every principal.
pub const ALL_AES: &str = "aes256-sha2:normal,aes128-sha2:normal,aes256-cts:normal,aes128-cts:normal";

/// Offset of kadmind's port from that of krb5kdc, as in a Kennel realm; kpasswd's is the one between.
const KADMIND: u16 = 2;

/// An MIT realm. Its krb5kdc and its kadmind end with this value.
#[derive(Debug)]
pub struct MitKdc {
    name: String,
    folder: TempDir,
    port: u16,
    server: Option<Server>,
    kadmind: Option<Server>,
}

impl MitKdc {
    /// Creates an empty realm, without starting its KDC: add principals with [`MitKdc::kadmin`], then call [`MitKdc::start`]. The
    /// realm is configured for speed: no last-success or lock-out writes to the database.
    ///
    /// # Errors
    /// MIT's server is not installed, or one of its programs fails.
    pub fn create(name: &str) -> Result<MitKdc> {
        MitKdc::create_with(name, ALL_AES)
    }

    /// Like [`MitKdc::create`], with keys of these enctypes only (in the notation of kdc.conf's `supported_enctypes`).
    ///
    /// # Errors
    /// See [`MitKdc::create`].
    pub fn create_with(name: &str, enctypes: &str) -> Result<MitKdc> {
        require("krb5kdc")?;
        require("kadmin.local")?;
        let realm = MitKdc {
            name: name.to_owned(),
            folder: TempDir::new()?,
            port: ports::free_block()?,
            server: None,
            kadmind: None,
        };
        realm.write_config(enctypes)?;
        realm.run("kdb5_util", &["create", "-s", "-r", name, "-P", "not-a-secret"])?.ok()?;
        Ok(realm)
    }

    /// Adds a line to `[libdefaults]` of krb5.conf, which krb5kdc reads too, and one to the realm in kdc.conf.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn configure(&self, default: &str, realm: &str) -> Result<()> {
        for (file, before, line) in
            [("krb5.conf", "[libdefaults]\n", default), ("kdc.conf", "  max_life = 10h\n", realm)]
        {
            let text = std::fs::read_to_string(self.path(file))?;
            std::fs::write(self.path(file), text.replacen(before, &format!("{before} {line}\n"), 1))?;
        }
        Ok(())
    }

    /// Runs one command of kadmin.local.
    ///
    /// # Errors
    /// The command fails. (kadmin.local reports most failures on standard error only, with exit status 0.)
    pub fn kadmin(&self, query: &str) -> Result<Run> {
        let run = self.run("kadmin.local", &["-r", &self.name, "-q", query])?.ok()?;
        let failed = run.stderr.lines().any(|line| line.contains("while ") || line.contains("sage:"));
        ensure!(!failed, "kadmin.local failed: {run}");
        Ok(run)
    }

    /// Runs many commands of kadmin.local, one per line, which is far faster than one by one.
    ///
    /// # Errors
    /// One of the commands fails.
    pub fn kadmin_script(&self, commands: &str) -> Result<()> {
        let mut command = self.command("kadmin.local");
        let run = process::run_within(command.args(["-r", &self.name]), commands, SCRIPT_LIMIT)?.ok()?;
        let failed = run.stderr.lines().any(|line| line.contains("while ") || line.contains("sage:"));
        ensure!(!failed, "kadmin.local failed: {run}");
        Ok(())
    }

    /// Runs `kdb5_util ARGUMENTS` with this text on standard input.
    ///
    /// # Errors
    /// The command fails.
    pub fn kdb5_util(&self, arguments: &[&str], input: &str) -> Result<Run> {
        let mut command = self.command("kdb5_util");
        process::run_within(command.args(["-r", &self.name]).args(arguments), input, SCRIPT_LIMIT)?.ok()
    }

    /// Dumps the realm in the version of a flag of `kdb5_util dump` (`-r13`), or in the newest; returns the path of the dump.
    ///
    /// # Errors
    /// The command fails.
    pub fn dump(&self, version: Option<&str>) -> Result<PathBuf> {
        let path = self.path(&format!("dump{}", version.unwrap_or_default()));
        let place = path.to_str().context("a path that is not UTF-8")?;
        self.kdb5_util(&[&["dump"], version.as_slice(), &[place]].concat(), "")?;
        Ok(path)
    }

    /// The path of the stash of the master key.
    #[must_use]
    pub fn stash(&self) -> PathBuf {
        self.path("stash")
    }

    /// The path of a file in the folder of the realm.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path(name)
    }

    /// Ends krb5kdc.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Starts krb5kdc and waits until it answers.
    ///
    /// # Errors
    /// krb5kdc does not start.
    pub fn start(&mut self) -> Result<()> {
        let mut command = self.command("krb5kdc");
        command.args(["-n", "-r", &self.name]);
        let mut server = Server::start(&mut command, self.folder.path(), "krb5kdc")?;
        let log = self.path("kdc.log");
        // krb5kdc logs this once its sockets are open.
        let is_listening =
            |_: &Server| std::fs::read_to_string(&log).is_ok_and(|text| text.contains("commencing operation"));
        server.wait_until(START_LIMIT, is_listening)?;
        self.server = Some(server);
        Ok(())
    }

    /// Starts kadmind, which also serves kpasswd, with an access list, and waits until it answers.
    ///
    /// # Errors
    /// kadmind is not installed, or does not start.
    pub fn start_kadmind(&mut self, access_list: &str) -> Result<()> {
        require("kadmind")?;
        std::fs::write(self.path("kadm5.acl"), access_list)?;
        let mut command = self.command("kadmind");
        command.args(["-nofork", "-r", &self.name]);
        let mut server = Server::start(&mut command, self.folder.path(), "kadmind")?;
        server.wait_until(START_LIMIT, |server| server.said().contains("starting..."))?;
        self.kadmind = Some(server);
        Ok(())
    }

    /// Port of kadmind on 127.0.0.1.
    #[must_use]
    pub fn kadmind_port(&self) -> u16 {
        self.port.saturating_add(KADMIND)
    }

    /// Name of the realm.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Port of the KDC on 127.0.0.1, UDP and TCP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of krb5kdc.
    ///
    /// # Errors
    /// krb5kdc was not started.
    pub fn process_id(&self) -> Result<u32> {
        Ok(self.server.as_ref().context("krb5kdc was not started")?.id())
    }

    /// Path of the krb5.conf for clients.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path("krb5.conf")
    }

    /// Creates clients of this realm.
    ///
    /// # Errors
    /// See [`Mit::new`].
    pub fn mit(&self) -> Result<Mit> {
        Mit::new(&self.config())
    }

    /// Returns the log of krb5kdc.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("kdc.log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_config(&self, enctypes: &str) -> Result<()> {
        let (realm, port) = (&self.name, self.port);
        let (kpasswd, kadmind) = (port.saturating_add(1), self.kadmind_port());
        let folder = self.folder.path().display();
        let client = format!(
            "[libdefaults]\n default_realm = {realm}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n \
             dns_canonicalize_hostname = false\n\
             [realms]\n {realm} = {{\n  kdc = 127.0.0.1:{port}\n  admin_server = 127.0.0.1:{kadmind}\n  \
             kpasswd_server = 127.0.0.1:{kpasswd}\n }}\n"
        );
        let server = format!(
            "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n \
             kdc_tcp_listen_backlog = 1024\n\
             [realms]\n {realm} = {{\n  kadmind_listen = 127.0.0.1:{kadmind}\n  kpasswd_listen = 127.0.0.1:{kpasswd}\n  acl_file = {folder}/kadm5.acl\n  key_stash_file = {folder}/stash\n  \
             supported_enctypes = {enctypes}\n  max_life = 10h\n  max_renewable_life = 7d\n  \
             default_principal_flags = +preauth\n  database_module = store\n }}\n\
             [dbmodules]\n store = {{\n  db_library = db2\n  database_name = {folder}/principals\n  \
             disable_last_success = true\n  disable_lockout = true\n }}\n\
             [logging]\n kdc = FILE:{folder}/kdc.log\n admin_server = FILE:{folder}/kadmind.log\n"
        );
        std::fs::write(self.config(), client)?;
        std::fs::write(self.path("kdc.conf"), server)?;
        Ok(())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<Run> {
        process::run(self.command(program).args(arguments), "")
    }

    /// One of MIT's programs, with the configuration of this realm.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        // Debian installs servers in a folder that is not in the PATH of every user.
        let in_sbin = Path::new("/usr/sbin").join(program);
        let mut command = Command::new(if in_sbin.is_file() { in_sbin } else { program.into() });
        command.env("KRB5_CONFIG", self.config()).env("KRB5_KDC_PROFILE", self.path("kdc.conf")).env("LC_ALL", "C");
        command
    }
}
