//! Servers of the distribution that take Kerberos logins: Apache, PostgreSQL, OpenSSH, each with a configuration, a folder
//! and a port of its own.

use crate::ports;
use crate::process::{self, Server};
use anyhow::{Context, Result, ensure};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const START_LIMIT: Duration = Duration::from_secs(30);

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Daemon {
    server: Server,
    folder: TempDir,
    port: u16,
}

impl Daemon {
    /// Port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the output of the server, and its log.
    #[must_use]
    pub fn said(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        format!("{}--- log\n{log}", self.server.said())
    }

    /// Replaces the keytab of Apache or PostgreSQL by another file of the same name, as the agent does: by renaming.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn replace_keytab(&self, keytab: &Path) -> Result<()> {
        let place = self.folder.path().join(keytab.file_name().context("a file without a name")?);
        let aside = place.with_extension("unfinished");
        std::fs::copy(keytab, &aside)?;
        std::fs::set_permissions(&aside, PermissionsExt::from_mode(0o644))?;
        Ok(std::fs::rename(aside, place)?)
    }

    fn start(command: &mut Command, folder: TempDir, port: u16) -> Result<Daemon> {
        let mut server = Server::start(command, folder.path(), "daemon")?;
        server.wait_until(START_LIMIT, |_| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Daemon { server, folder, port })
    }

    /// Starts Apache with mod_auth_gssapi in front of one page, which shows the name of the user.
    ///
    /// # Errors
    /// The server is not installed, or does not start.
    pub fn apache(config: &Path, keytab: &Path) -> Result<Daemon> {
        let (folder, port) = (world_readable()?, ports::free_block()?);
        let root = folder.path().display();
        let (config, keytab) = (readable_copy(config, folder.path())?, readable_copy(keytab, folder.path())?);
        std::fs::write(folder.path().join("index.html"), "<!--#echo var=\"REMOTE_USER\" -->")?;
        let text = format!(
            "ServerRoot {root}\nServerName localhost\nPidFile {root}/pid\nErrorLog {root}/log\nListen 127.0.0.1:{port}\n\
             {modules}User www-data\nGroup www-data\nDocumentRoot {root}\n\
             <Location />\n AuthType GSSAPI\n AuthName test\n GssapiCredStore keytab:{keytab}\n Require valid-user\n \
             Options +Includes\n SetOutputFilter INCLUDES\n</Location>\n",
            modules = modules(),
            keytab = keytab.display(),
        );
        let file = folder.path().join("apache.conf");
        std::fs::write(&file, text)?;
        let mut command = Command::new("/usr/sbin/apache2");
        command.args(["-X", "-f"]).arg(&file).env("KRB5_CONFIG", config);
        Daemon::start(&mut command, folder, port)
    }

    /// Starts PostgreSQL with logins by GSS only, without the realm in names of users.
    ///
    /// # Errors
    /// The server is not installed, or does not start.
    pub fn postgres(config: &Path, keytab: &Path, roles: &[&str]) -> Result<Daemon> {
        let (folder, port) = (world_readable()?, ports::free_block()?);
        let programs = newest("/usr/lib/postgresql")?.join("bin");
        let (config, keytab) = (readable_copy(config, folder.path())?, readable_copy(keytab, folder.path())?);
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        own(folder.path())?;
        let as_postgres = |program: &str| {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(programs.join(program)).env("LC_ALL", "C").current_dir("/");
            command
        };
        process::run(as_postgres("initdb").args(["-A", "trust", "-U", "postgres", "-D"]).arg(&data), "")?.ok()?;
        for role in roles {
            let make = format!("CREATE ROLE \"{role}\" LOGIN;\n");
            let mut single = as_postgres("postgres");
            process::run(single.args(["--single", "-D"]).arg(&data).arg("postgres"), &make)?.ok()?;
        }
        std::fs::write(data.join("pg_hba.conf"), "host all all 127.0.0.1/32 gss include_realm=0\n")?;
        let mut command = as_postgres("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(folder.path()).args(["-p", &port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c"]);
        command.arg(format!("krb_server_keyfile=FILE:{}", keytab.display())).env("KRB5_CONFIG", config);
        Daemon::start(&mut command, folder, port)
    }

    /// Starts OpenSSH's server with GSSAPIAuthentication only.
    ///
    /// # Errors
    /// The server is not installed, or does not start.
    pub fn sshd(config: &Path, keytab: &Path) -> Result<Daemon> {
        let (folder, port) = (TempDir::new()?, ports::free_block()?);
        let root = folder.path().display();
        process::run(
            Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.path().join("host")),
            "",
        )?
        .ok()?;
        std::fs::create_dir_all("/run/sshd")?;
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {root}/host\nPidFile {root}/pid\nUsePAM no\nStrictModes no\n\
             GSSAPIAuthentication yes\nGSSAPIStrictAcceptorCheck no\nPubkeyAuthentication no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel VERBOSE\n"
        );
        let file = folder.path().join("sshd_config");
        std::fs::write(&file, text)?;
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(&file).env("KRB5_CONFIG", config).env("KRB5_KTNAME", keytab);
        Daemon::start(&mut command, folder, port)
    }
}

fn modules() -> String {
    let names = ["mpm_prefork", "authn_core", "authz_core", "authz_user", "include", "auth_gssapi"];
    names.map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")).concat()
}

/// Creates a folder that a server's own user can enter.
fn world_readable() -> Result<TempDir> {
    let folder = TempDir::new()?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    Ok(folder)
}

/// Copies a file so that the server's own user can read it, into a folder that is deleted after the test.
fn readable_copy(file: &Path, folder: &Path) -> Result<PathBuf> {
    let copy = folder.join(file.file_name().context("a file without a name")?);
    std::fs::copy(file, &copy)?;
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o644))?;
    Ok(copy)
}

fn own(folder: &Path) -> Result<()> {
    process::run(Command::new("chown").args(["-R", "postgres"]).arg(folder), "")?.ok()?;
    Ok(())
}

fn newest(folder: &str) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).context("PostgreSQL is not installed: run `tests/run setup`")?;
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    found.sort();
    ensure!(!found.is_empty(), "PostgreSQL is not installed: run `tests/run setup`");
    found.pop().context("no version")
}
