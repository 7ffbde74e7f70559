//! Containers of the shop, and logins from them.

use crate::installation::Installation;
use anyhow::{Result, ensure};
use kennel_tests::kubectl::Kubectl;
use kennel_tests::pods;
use kennel_tests::process::{Run, Server};
use std::path::Path;
use std::time::Duration;

pub(crate) const HOST: &str = "web.shop.svc.cluster.local";
/// The service's name as its clients write it. Tests that need a ticket which no cache holds use one of its aliases.
pub(crate) const SERVICE: &str = "HTTP/web.shop.svc.cluster.local";
/// The cluster and the KDC do what they do within this time on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A container of a pod in the namespace shop.
pub(crate) struct Container {
    kubectl: &'static Kubectl,
    pod: String,
    name: String,
}

impl Installation {
    /// The container of a Deployment of the shop.
    pub(crate) fn deployment(&self, name: &str) -> Container {
        self.container(&format!("deployment/{name}"), name)
    }

    /// A container of one of the shop's pods.
    pub(crate) fn container(&self, pod: &str, name: &str) -> Container {
        Container { kubectl: self.kubectl(), pod: pod.to_owned(), name: name.to_owned() }
    }

    /// The name of the pod that runs for a Deployment of the shop.
    pub(crate) fn pod_of(&self, deployment: &str) -> Result<String> {
        let label = format!("app={deployment}");
        let running = ["pods", "-n", "shop", "-l", &label, "--field-selector=status.phase=Running"];
        self.kubectl().json_path(&running, "{.items[0].metadata.name}")
    }

    /// Deletes the pod of a Deployment of the shop, and waits until another one is ready.
    pub(crate) fn replace_pod_of(&self, deployment: &str) -> Result<()> {
        self.kubectl().wait(SOON * 2, &["delete", "pod", &self.pod_of(deployment)?, "-n", "shop"])?;
        self.await_deployment(deployment)
    }

    /// Waits until a Deployment of the shop has rolled out.
    pub(crate) fn await_deployment(&self, name: &str) -> Result<()> {
        let deployment = format!("deployment/{name}");
        pods::wait(self.kubectl(), "shop", SOON * 2, &["rollout", "status", &deployment])
    }
}

impl Container {
    /// Runs a command, and returns its standard output.
    pub(crate) fn run(&self, command: &[&str]) -> Result<String> {
        Ok(self.attempt(command, "")?.ok()?.stdout)
    }

    /// Runs a command with `input` on its standard input. A failure of the command is in the result.
    pub(crate) fn attempt(&self, command: &[&str], input: &str) -> Result<Run> {
        self.kubectl.attempt(&[&self.exec()[..], &["-i", "--"], command].concat(), input)
    }

    /// Starts a command that goes on; its output goes to files in `folder`.
    pub(crate) fn start(&self, command: &[&str], folder: &Path) -> Result<Server> {
        let arguments = [&self.exec()[..], &["--"], command].concat();
        Server::start(&mut self.kubectl.command(&arguments), folder, &self.name)
    }

    fn exec(&self) -> [&str; 6] {
        ["exec", "-n", "shop", &self.pod, "-c", &self.name]
    }

    /// Asks for a service ticket, with a copy of the pod's cache, so that no ticket stays behind.
    pub(crate) fn login(&self, service: &str) -> Result<()> {
        let cache = "cp $(echo $KRB5CCNAME | cut -d: -f2) /tmp/cc && KRB5CCNAME=FILE:/tmp/cc";
        self.run(&["sh", "-c", &format!("{cache} kvno {service}")]).map(|_| ())
    }

    /// Asks for a service ticket with a cache of another pod, in base64.
    pub(crate) fn login_with_cache(&self, cache: &str, service: &str) -> Result<Run> {
        let line = format!("base64 -d >/tmp/stolen && KRB5CCNAME=FILE:/tmp/stolen kvno {service}");
        self.attempt(&["sh", "-c", &line], cache)
    }

    /// Logs in with a keytab, in base64.
    pub(crate) fn login_with_keytab(&self, keytab: &str, principal: &str) -> Result<Run> {
        let line =
            format!("base64 -d >/tmp/keytab && KRB5CCNAME=FILE:/tmp/keytab.cc kinit -k -t /tmp/keytab {principal}");
        self.attempt(&["sh", "-c", &line], keytab)
    }

    /// A file of the container, in base64.
    pub(crate) fn file(&self, path: &str) -> Result<String> {
        self.run(&["base64", path])
    }

    /// The names of the keytab that the pod has, as stock klist shows them.
    pub(crate) fn keytab(&self) -> Result<String> {
        self.run(&["klist", "-k"])
    }

    /// Fails where the pod's cache holds a ticket for a service, as a login for that service would show nothing then.
    pub(crate) fn ensure_no_ticket_for(&self, service: &str) -> Result<()> {
        let tickets = self.run(&["klist"])?;
        ensure!(!tickets.contains(&format!("{service}@")), "the cache has a ticket for {service} already:\n{tickets}");
        Ok(())
    }
}
