//! Networks with the addresses that a test wants: a network namespace of the kernel, and processes that are started inside. Files,
//! sockets of the file system among them, are those of the machine.

use crate::process::Server;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(10);

/// A network. It ends with this value and the processes inside.
#[derive(Debug)]
pub struct Network {
    holder: Server,
    _folder: TempDir,
}

impl Network {
    /// A network with a loopback interface alone, after these commands of the shell (`ip addr add fd00::1/128 dev lo`).
    ///
    /// # Errors
    /// This process is not root, or a command fails.
    pub fn new(commands: &str) -> Result<Network> {
        let folder = TempDir::new()?;
        let script = format!("set -e\nip link set lo up\n{commands}\necho there\nexec sleep infinity");
        let mut unshare = Command::new("unshare");
        let mut holder = Server::start(unshare.args(["--net", "sh", "-c", &script]), folder.path(), "network")?;
        holder
            .wait_until(LIMIT, |holder| holder.stdout().contains("there"))
            .context("only root makes a network namespace, by unshare and ip (util-linux, iproute2)")?;
        Ok(Network { holder, _folder: folder })
    }

    /// What starts a program inside, in front of its name.
    #[must_use]
    pub fn entrance(&self) -> [String; 2] {
        ["nsenter".to_owned(), format!("--net=/proc/{}/ns/net", self.holder.id())]
    }

    /// A command inside.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let [nsenter, network] = self.entrance();
        let mut command = Command::new(nsenter);
        command.arg(network).arg(program);
        command
    }
}
