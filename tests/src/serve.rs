//! A Kennel realm of `kennel-kdc serve`: a configuration and a folder, in which other commands may make the store.

use crate::binary::kennel_kdc;
use crate::mit::Mit;
use crate::ports;
use crate::process::{self, Run, Server};
use anyhow::{Context, Result, ensure};
use kennel_core::principal::Record;
use kennel_store::sled::OpenMode;
use kennel_store::{PrincipalStore, Revision, SledStore, master_key_file};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
/// Time limit of a command on a whole realm.
const COMMAND_LIMIT: Duration = Duration::from_secs(300);
/// Every enctype, RC4 too.
const ENCTYPES: &str = r#"["aes256-cts-hmac-sha384-192", "aes128-cts-hmac-sha256-128", "aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "arcfour-hmac"]"#;

/// A realm that is served or not.
#[derive(Debug)]
pub struct Served {
    realm: String,
    folder: TempDir,
    port: u16,
    /// A program that runs `kennel-kdc`, with its arguments.
    around: Vec<String>,
    server: Option<Server>,
}

impl Served {
    /// Writes the configuration of a realm. Neither a store nor a master key is made.
    ///
    /// # Errors
    /// There are no free ports, or no temporary folder.
    pub fn new(realm: &str) -> Result<Served> {
        let served = Served {
            realm: realm.to_owned(),
            folder: TempDir::new()?,
            port: ports::free_block()?,
            around: Vec::new(),
            server: None,
        };
        let (folder, port) = (served.folder.path().display(), served.port);
        let config = format!(
            "[realm]\nname = \"{realm}\"\nenctypes = {ENCTYPES}\n[store]\nkind = \"sled\"\npath = \"{folder}/store\"\nmaster_key = \
             \"{folder}/master.key\"\n[listen]\naddresses = [\"127.0.0.1:{port}\"]\n[audit]\nsink = \"{folder}/audit.log\"\n"
        );
        std::fs::write(served.config(), config)?;
        Ok(served)
    }

    /// Starts `kennel-kdc serve` by another program, such as `nsenter`.
    #[must_use]
    pub fn under(mut self, wrapper: &[String]) -> Served {
        self.around = wrapper.to_vec();
        self
    }

    /// Listens on these addresses, on the port of the realm, in place of 127.0.0.1.
    ///
    /// # Errors
    /// The configuration cannot be written.
    pub fn listening(self, hosts: &[&str]) -> Result<Served> {
        let addresses = hosts.iter().map(|host| format!("{host}:{}", self.port)).collect::<Vec<_>>();
        let text = std::fs::read_to_string(self.config())?;
        let usual = format!("addresses = [\"127.0.0.1:{}\"]", self.port);
        std::fs::write(self.config(), text.replace(&usual, &format!("addresses = {addresses:?}")))?;
        Ok(self)
    }

    /// The path of a file in the folder of the realm.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Port of the KDC on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path of the configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.file("kdc.toml")
    }

    /// The path of the admin socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.file("admin.sock")
    }

    /// A command of `kennel-kdc` on this realm: `serve`, `dump`, `load`, `import-mit`.
    ///
    /// # Errors
    /// The program is not there.
    pub fn command(&self, name: &str, arguments: &[&str]) -> Result<Command> {
        let mut command = match self.around.split_first() {
            None => Command::new(kennel_kdc()?),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(kennel_kdc()?);
                command
            }
        };
        command.arg(name).args(arguments).arg("--config").arg(self.config()).env_remove("KENNEL_LOG");
        Ok(command)
    }

    /// Runs such a command to its end.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Result<Run> {
        process::run_within(&mut self.command(name, arguments)?, "", COMMAND_LIMIT)
    }

    /// Serves the realm, and waits until it is ready.
    ///
    /// # Errors
    /// The realm does not become ready; with the output of the process.
    pub fn start(&mut self, flags: &[&str]) -> Result<()> {
        // An earlier run left a `serving` of its own there.
        let _ = std::fs::remove_file(self.file("kdc.err"));
        let mut server = Server::start(&mut self.command("serve", flags)?, self.folder.path(), "kdc")?;
        server.wait_until(LIMIT, |server| server.stderr().contains("serving"))?;
        self.server = Some(server);
        Ok(())
    }

    /// Returns what the process says, where it runs.
    #[must_use]
    pub fn said(&self) -> String {
        self.server.as_ref().map(Server::said).unwrap_or_default()
    }

    /// Stops serving.
    ///
    /// # Errors
    /// The process does not end well.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
        Ok(())
    }

    /// Ends the process as `kill -9` does.
    ///
    /// # Errors
    /// The process cannot be ended.
    pub fn kill(&mut self) -> Result<()> {
        self.server.take().map_or(Ok(()), |mut server| server.kill())
    }

    /// The krb5.conf of clients, which names this KDC alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn krb5_conf(&self) -> Result<PathBuf> {
        self.krb5_conf_at("127.0.0.1")
    }

    /// The same, with another address of the KDC: `[::1]`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn krb5_conf_at(&self, host: &str) -> Result<PathBuf> {
        let (path, realm, port) = (self.file("krb5.conf"), &self.realm, self.port);
        let text = format!(
            "[libdefaults]\n default_realm = {realm}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n \
             dns_canonicalize_hostname = false\n allow_weak_crypto = true\n\
             [realms]\n {realm} = {{\n  kdc = {host}:{port}\n }}\n"
        );
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Creates clients of this realm.
    ///
    /// # Errors
    /// See [`Mit::new`].
    pub fn mit(&self) -> Result<Mit> {
        Mit::new(&self.krb5_conf()?)
    }

    /// All records, read from the store while no process has it, and the store's revision.
    ///
    /// # Errors
    /// There is no store, or a process has it.
    pub fn records(&self) -> Result<(Vec<Record>, Revision)> {
        let (store, key) = (self.file("store"), self.file("master.key"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
        runtime.block_on(async {
            let store = open(&store, &key)?;
            let listing = store.list().await?;
            Ok((listing.records.into_iter().map(|versioned| versioned.record).collect(), listing.revision))
        })
    }
}

fn open(store: &Path, key: &Path) -> Result<SledStore> {
    let keys = master_key_file::load_keys(key)?;
    SledStore::open(store, keys, OpenMode::Existing).context("the store cannot be opened")
}
