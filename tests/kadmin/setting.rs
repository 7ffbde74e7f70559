//! A realm with administrators, and the stock `kadmin`.

use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel_kdc;
use kennel_tests::mit::{Mit, require};
use kennel_tests::ports;
use kennel_tests::process::{self, Run, Server};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const REALM: &str = "TEST.KENNEL";

/// Offset of the port of the password protocol.
const KPASSWD: u16 = 1;
/// Offset of kadmin's port.
pub(crate) const KADMIN: u16 = 2;

/// Password of every seeded principal.
pub(crate) const PASSWORD: &str = "secret";

/// A word of the realm's dictionary.
pub(crate) const WORD: &str = "xylophone";

/// Who may do what: everything but extraction, everything, one letter each, and everything with two names.
const ACCESS_LIST: &str = "\
root/admin@TEST.KENNEL *
keys/admin@TEST.KENNEL *e
add/admin@TEST.KENNEL a
list/admin@TEST.KENNEL l
inquire/admin@TEST.KENNEL i
alias/admin@TEST.KENNEL *e al@TEST.KENNEL
alias/admin@TEST.KENNEL *e other@TEST.KENNEL
";

const LIMIT: Duration = Duration::from_secs(60);

/// A realm that `dev` made, served with an access list, and a user of `kadmin`.
pub(crate) struct Setting {
    folder: TempDir,
    port: u16,
    pub(crate) user: Mit,
    server: Server,
}

impl Setting {
    /// Administrators by [`ACCESS_LIST`], a user and a service.
    pub(crate) fn new() -> Result<Setting> {
        let people = ["root/admin", "keys/admin", "add/admin", "list/admin", "inquire/admin", "alias/admin", "alice"];
        Setting::with(&people, ACCESS_LIST)
    }

    /// These people, all of the same password, and a service, under this access list.
    pub(crate) fn with(people: &[&str], access_list: &str) -> Result<Setting> {
        require("kadmin")?;
        let principal = |name: &&str| format!("[[principal]]\nname = \"{name}\"\npassword = \"{PASSWORD}\"\n");
        let services = "[[principal]]\nname = \"HTTP/web.shop\"\n";
        let seed: String = people.iter().map(principal).chain([services.to_owned()]).collect();
        let folder = TempDir::new()?;
        let port = ports::free_block()?;
        make(folder.path(), port, &seed)?;
        std::fs::write(folder.path().join("kadm5.acl"), access_list)?;
        let server = serve(folder.path(), port)?;
        let user = Mit::new(&folder.path().join("dev/krb5.conf"))?;
        Ok(Setting { folder, port, user, server })
    }

    /// The krb5.conf of the realm.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("dev/krb5.conf")
    }

    /// Ends the process that serves by kill -9, and starts another one.
    pub(crate) fn kill_and_restart(&mut self) -> Result<()> {
        self.server.kill()?;
        // An earlier process said `serving` into the same file.
        std::fs::write(self.folder.path().join("kdc.err"), "")?;
        self.server = serve(self.folder.path(), self.port)?;
        Ok(())
    }

    /// Number of the process that serves.
    pub(crate) fn process(&self) -> u32 {
        self.server.id()
    }

    /// What was audited so far.
    pub(crate) fn audit(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("audit.log"))?)
    }

    /// Port of the KDC; that of kadmin is the second after it.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The admin socket.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.folder.path().join("dev/admin.sock")
    }

    /// Stops the KDC, removes its store and its master key, loads a dump in their place, and serves again.
    pub(crate) fn lose_everything_and_load(&mut self, dump: &Path, passphrase: &Path) -> Result<()> {
        ensure!(self.server.terminate(LIMIT)?.success(), "{}", self.server.said());
        let (folder, config) = (self.folder.path(), self.folder.path().join("kdc.toml"));
        std::fs::remove_dir_all(folder.join("dev/store"))?;
        for file in ["dev/master.key", "dev/master.key.mark"] {
            _ = std::fs::remove_file(folder.join(file));
        }
        let mut command = Command::new(kennel_kdc()?);
        command.arg("load").arg(dump).arg("--passphrase-file").arg(passphrase).arg("--config").arg(config);
        process::run(&mut command, "")?.ok()?;
        // What the former process has said.
        std::fs::remove_file(folder.join("kdc.err"))?;
        self.server = serve(folder, self.port)?;
        Ok(())
    }

    /// The keytab that a service had from the start.
    pub(crate) fn first_keytab(&self, service: &str) -> PathBuf {
        self.folder.path().join("dev/keytabs").join(format!("{}.keytab", service.replace('/', "_")))
    }

    /// Runs one command of `kadmin`, as the administrator who may do everything. Its exit status says nothing.
    pub(crate) fn kadmin(&self, query: &str) -> Result<Run> {
        self.kadmin_as("root/admin", query)
    }

    /// The same as another administrator.
    pub(crate) fn kadmin_as(&self, who: &str, query: &str) -> Result<Run> {
        self.user.run("kadmin", &["-p", who, "-w", PASSWORD, "-q", query], "")?.ok()
    }

    /// Runs a command, and returns what it writes to standard output, which must hold `text`.
    pub(crate) fn says(&self, query: &str, text: &str) -> Result<String> {
        let run = self.kadmin(query)?;
        ensure!(run.stdout.contains(text), "{query:?} does not say {text:?}: {run}");
        Ok(run.stdout)
    }

    /// Runs a command that is refused for this reason.
    pub(crate) fn refused(&self, query: &str, reason: &str) -> Result<()> {
        self.refused_as("root/admin", query, reason)
    }

    /// The same as another administrator.
    pub(crate) fn refused_as(&self, who: &str, query: &str, reason: &str) -> Result<()> {
        let run = self.kadmin_as(who, query)?;
        ensure!(run.stderr.contains(reason), "{query:?} of {who} is not refused with {reason:?}: {run}");
        Ok(())
    }

    /// A file of the user, as a word of a command.
    pub(crate) fn file(&self, name: &str) -> (PathBuf, String) {
        let path = self.user.file(name);
        let word = path.display().to_string();
        (path, word)
    }

    /// Whether a principal can log in with a password.
    pub(crate) fn logs_in(&self, name: &str, password: &str) -> Result<bool> {
        Ok(self.user.kinit(&[name], password)?.status.success())
    }
}

/// Makes the realm and its files by `dev`, which then ends.
fn make(folder: &Path, port: u16, seed: &str) -> Result<()> {
    let path = folder.join("seed.toml");
    std::fs::write(&path, seed)?;
    let mut command = Command::new(kennel_kdc()?);
    command.args(["dev", "--realm", REALM, "--port", &port.to_string(), "--dir"]).arg(folder.join("dev"));
    let mut server = Server::start(command.arg("--seed").arg(path), folder, "dev")?;
    let is_ready = |server: &Server| server.stdout().lines().any(|line| line == "ready");
    server.wait_until(LIMIT, is_ready).context("dev does not become ready")?;
    ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
    Ok(())
}

/// Serves the realm with the access list.
fn serve(folder: &Path, port: u16) -> Result<Server> {
    let (config, root) = (folder.join("kdc.toml"), folder.display());
    std::fs::write(folder.join("words"), format!("apple\n{WORD}\nzebra\n"))?;
    let text = format!(
        "[realm]\nname = \"{REALM}\"\npassword_dictionary = \"{root}/words\"\n\
         [store]\nkind = \"sled\"\npath = \"{root}/dev/store\"\nmaster_key = \"{root}/dev/master.key\"\n\
         [listen]\naddresses = [\"127.0.0.1:{port}\"]\n\
         [kpasswd]\naddresses = [\"127.0.0.1:{}\"]\n\
         [kadmin]\naddresses = [\"127.0.0.1:{}\"]\nacl = \"{root}/kadm5.acl\"\n\
         [audit]\nsink = \"{root}/audit.log\"\n",
        port + KPASSWD,
        port + KADMIN
    );
    std::fs::write(&config, text)?;
    let mut command = Command::new(kennel_kdc()?);
    let mut server = Server::start(command.args(["serve", "--config"]).arg(config), folder, "kdc")?;
    server.wait_until(LIMIT, |server| server.stderr().contains("serving"))?;
    Ok(server)
}
