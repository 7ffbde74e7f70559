//! Who takes part: services with acceptors that live through everything, a second pod for each of them, and accounts whose pods
//! call the services.

use crate::world::{SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::eventually;
use kennel_tests::peers::{Acquired, Peer, go_peer, jdks};
use kennel_tests::process::Server;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Namespace of all of them, within the world.
pub(crate) const NAMESPACE: &str = "shop";
/// Accounts that call services; every third has a keytab instead of a ticket.
const CALLERS: usize = 15;
const SERVICES: [Kind; 5] = [Kind::Python, Kind::Java, Kind::Python, Kind::Java, Kind::Go];
/// Time for a Java VM on a busy machine.
const START: Duration = Duration::from_secs(60);

/// What accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// python-gssapi on MIT's library, one keytab for each client.
    Python,
    /// JGSS, with one login for good.
    Java,
    /// gokrb5, which reads its keytab once: this program reads it for each request.
    Go,
}

/// A pod with its agent and the agent's folder.
pub(crate) struct Pod {
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) folder: TempDir,
    token: String,
    agent: Option<Server>,
}

/// A service.
pub(crate) struct Service {
    pub(crate) kind: Kind,
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) pod: Pod,
    /// Another holder of the same keys, without an acceptor.
    pub(crate) spare: Pod,
    acceptor: Server,
    _log: TempDir,
}

/// An account that calls services.
pub(crate) struct Caller {
    pub(crate) pod: Pod,
    pub(crate) principal: String,
    pub(crate) has_keytab: bool,
}

/// All of them.
pub(crate) struct Cast {
    pub(crate) services: Vec<Service>,
    pub(crate) callers: Vec<Caller>,
}

impl Cast {
    /// Makes the objects, starts agents and acceptors, and waits until all have their credentials.
    pub(crate) fn enter(world: &World<'_>) -> Result<Cast> {
        let services: Vec<String> = (0..SERVICES.len()).map(|n| format!("svc{n}")).collect();
        let callers: Vec<String> = (0..CALLERS).map(|n| format!("caller{n}")).collect();
        let accounts: Vec<&str> = services.iter().chain(&callers).map(String::as_str).collect();
        world.namespace(NAMESPACE, &accounts)?;
        for name in &services {
            world.service(NAMESPACE, name)?;
            world.principal(NAMESPACE, name, &format!("serviceClasses: [HTTP], hosts: {{services: [{name}]}}"))?;
        }
        for name in callers.iter().step_by(3) {
            world.principal(NAMESPACE, name, "credentials: [Keytab]")?;
        }
        for name in services.iter().chain(callers.iter().step_by(3)) {
            world.await_condition(NAMESPACE, name, "Ready", ["True", "Ready"])?;
        }
        let callers = callers.iter().enumerate().map(|(n, name)| {
            let pod = Pod::start(world, name, &format!("{name}-1"))?;
            Ok(Caller { pod, principal: format!("{name}.{}", world.ns(NAMESPACE)), has_keytab: n % 3 == 0 })
        });
        let callers = callers.collect::<Result<Vec<_>>>()?;
        let services = services.iter().zip(SERVICES).map(|(name, kind)| Service::start(world, name, kind));
        Ok(Cast { services: services.collect::<Result<Vec<_>>>()?, callers })
    }

    /// Whether every acceptor is still the process that it was.
    pub(crate) fn check(&mut self) -> Result<()> {
        for service in &mut self.services {
            let said = service.acceptor.said();
            ensure!(service.acceptor.is_running()?, "the acceptor of {} ended: {said}", service.host);
        }
        Ok(())
    }
}

impl Pod {
    /// Makes the pod, starts its agent, and waits for its first credentials.
    pub(crate) fn start(world: &World<'_>, account: &str, name: &str) -> Result<Pod> {
        world.pod(NAMESPACE, name, account)?;
        let token = world.token(NAMESPACE, account, name)?;
        let (folder, account, name) = (TempDir::new()?, account.to_owned(), name.to_owned());
        let mut pod = Pod { account, name, folder, token, agent: None };
        pod.start_agent(world)?;
        let has_credentials = || ["keytab", "ccache"].iter().any(|file| pod.file(file).exists());
        eventually(SOON, &format!("{} has credentials", pod.name), || Ok(has_credentials().then_some(())))?;
        Ok(pod)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the agent, also again after its end.
    pub(crate) fn start_agent(&mut self, world: &World<'_>) -> Result<()> {
        self.agent = Some(world.agent_that_stays(&self.token, self.folder.path(), &[])?);
        Ok(())
    }

    /// kill -9.
    pub(crate) fn kill_agent(&mut self) -> Result<()> {
        self.agent.as_mut().context("no agent")?.kill()
    }

    /// Stops or continues the agent.
    pub(crate) fn pause_agent(&self, paused: bool) -> Result<()> {
        let id = self.agent.as_ref().context("no agent")?.id().to_string();
        let signal = if paused { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").args([signal, &id]).status()?;
        ensure!(status.success(), "kill {signal} failed");
        Ok(())
    }
}

impl Service {
    fn start(world: &World<'_>, name: &str, kind: Kind) -> Result<Service> {
        let pod = Pod::start(world, name, &format!("{name}-1"))?;
        let spare = Pod::start(world, name, &format!("{name}-2"))?;
        let host = format!("{name}.{}.svc.cluster.local", world.ns(NAMESPACE));
        let (config, keytab, log) = (pod.file("krb5.conf"), pod.file("keytab"), TempDir::new()?);
        let principal = format!("HTTP/{host}");
        let (acceptor, port) = match kind {
            Kind::Python => Peer::Python.serve(&config, &principal, &keytab, log.path(), Acquired::ForEach)?,
            Kind::Java => {
                let jdk = jdks()?.into_iter().next().context("no JDK")?;
                Peer::Java(jdk).serve(&config, &principal, &keytab, log.path(), Acquired::AtStart)?
            }
            Kind::Go => go(&config, &principal, &keytab, log.path())?,
        };
        Ok(Service { kind, host, port, pod, spare, acceptor, _log: log })
    }
}

fn go(config: &Path, principal: &str, keytab: &Path, log: &Path) -> Result<(Server, String)> {
    let mut command = Command::new(go_peer()?);
    command.arg("follow").arg(keytab).arg(principal).env("KRB5_CONFIG", config);
    let mut server = Server::start(&mut command, log, "gopeer")?;
    server.wait_until(START, |server| server.stdout().contains('\n'))?;
    let port = server.stdout().trim().to_owned();
    Ok((server, port))
}
