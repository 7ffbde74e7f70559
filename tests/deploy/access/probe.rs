//! Asks for tickets and connections, reads the audit trail and the metrics.

use crate::installation::Installation;
use crate::network::connects_from;
use crate::shop::{Container, SOON};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::eventually;
use kennel_tests::kubectl::Kubectl;
use kennel_tests::pods;
use kennel_tests::process::{Run, Server};
use serde_json::Value;
use tempfile::TempDir;

/// How MIT's clients report KDC_ERR_POLICY.
pub(crate) const REFUSED: &str = "KDC policy rejects request";

/// Accepts TCP connections on the ports of its arguments and closes them; ends at once at SIGTERM, also as a container's first process.
pub(crate) const LISTEN: &str = "\
import os, selectors, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
open('/tmp/listener', 'w').write(str(os.getpid()))
ready = selectors.DefaultSelector()
for port in sys.argv[1:]:
    ready.register(socket.create_server(('0.0.0.0', int(port)), backlog=128), selectors.EVENT_READ)
print('ready', flush=True)
while True:
    for key, _ in ready.select():
        key.fileobj.accept()[0].close()
";

/// Undoes what a test did, by kubectl, when dropped: also where the test fails, the next one finds the installation as it was.
pub(crate) struct Undo {
    kubectl: &'static Kubectl,
    arguments: Vec<String>,
}

impl Undo {
    /// Runs kubectl with these arguments.
    pub(crate) fn by(dev: &Installation, arguments: &[&str]) -> Undo {
        Undo { kubectl: dev.kubectl(), arguments: arguments.iter().map(|word| (*word).to_owned()).collect() }
    }

    /// Deletes namespaces.
    pub(crate) fn namespaces(dev: &Installation, names: &[&str]) -> Undo {
        Undo::by(dev, &[&["delete", "namespace", "--ignore-not-found"], names].concat())
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        if let Err(error) = self.kubectl.run(&arguments) {
            println!("the test leaves something behind: {error:#}");
        }
    }
}

/// A server in a container of the shop that accepts connections, until dropped.
pub(crate) struct Listener {
    container: Container,
    /// Ends with the program in the container.
    _exec: Server,
    _folder: TempDir,
}

impl Listener {
    pub(crate) fn start(container: Container, port: u16) -> Result<Listener> {
        let folder = TempDir::new()?;
        let mut exec = container.start(&["python3", "-c", LISTEN, &port.to_string()], folder.path())?;
        exec.wait_until(SOON, |exec| exec.stdout().contains("ready"))?;
        Ok(Listener { container, _exec: exec, _folder: folder })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Err(error) = self.container.run(&["sh", "-c", "kill $(cat /tmp/listener)"]) {
            println!("the listener goes on: {error:#}");
        }
    }
}

/// A pod in a namespace that no realm enrols, until dropped.
pub(crate) struct Stranger {
    kubectl: &'static Kubectl,
    _undo: Undo,
}

impl Stranger {
    pub(crate) fn start(dev: &Installation) -> Result<Stranger> {
        Stranger::start_with_labels(dev, "")
    }

    /// With labels in YAML's flow style.
    pub(crate) fn start_with_labels(dev: &Installation, labels: &str) -> Result<Stranger> {
        let kubectl = dev.kubectl();
        let stranger = Stranger { kubectl, _undo: Undo::namespaces(dev, &["outside"]) };
        kubectl.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: outside}\n")?;
        // The namespace's account comes a moment after it.
        eventually(SOON, "the pod is accepted", || {
            kubectl.apply(&format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: stranger, namespace: outside, labels: {{{labels}}}}}\nspec: \
                 {{containers: [{{name: c, image: 'kennel.test/krb5:dev', imagePullPolicy: Never, command: [sh, -c, \
                 'trap exit TERM; while :; do sleep 1; done']}}]}}\n"
            ))?;
            Ok(Some(()))
        })?;
        pods::wait(kubectl, "outside", SOON * 2, &["wait", "--for=condition=Ready", "pod/stranger"])?;
        Ok(stranger)
    }

    pub(crate) fn connects(&self, address: &str, port: u16) -> Result<bool> {
        connects_from(self.kubectl, "outside", "stranger", address, port)
    }

    /// Posts a token of the pod to the enrolment API, and returns the reason of the refusal, or `granted`.
    pub(crate) fn enrols(&self) -> Result<String> {
        const ENROL: &str = "\
import json, ssl, sys, urllib.error, urllib.request
request = urllib.request.Request('https://kennel.kennel-system.svc.cluster.local:8443/v1/enroll', data=b'{}', method='POST')
request.add_header('Authorization', 'Bearer ' + sys.stdin.read().strip())
try:
    urllib.request.urlopen(request, timeout=10, context=ssl._create_unverified_context())
    print('granted')
except urllib.error.HTTPError as refusal:
    print(refusal.read().decode())
";
        let bound = ["--bound-object-kind", "Pod", "--bound-object-name", "stranger"];
        let create = ["create", "token", "default", "-n", "outside", "--audience", "kennel://DEV.KENNEL"];
        let token = self.kubectl.run(&[&create[..], &bound].concat())?;
        let exec = ["exec", "-i", "-n", "outside", "stranger", "--", "python3", "-c", ENROL];
        let answer = self.kubectl.attempt(&exec, &token)?.ok()?.stdout;
        Ok(answer)
    }
}

impl Installation {
    /// The address of a pod of the shop.
    pub(crate) fn address_of(&self, pod: &str) -> Result<String> {
        let address = self.kubectl().json_path(&["pod", pod, "-n", "shop"], "{.status.podIP}")?;
        ensure!(!address.is_empty(), "{pod} has no address");
        Ok(address)
    }

    /// Whether a pod of the shop can connect to an address.
    pub(crate) fn connects(&self, pod: &str, address: &str, port: u16) -> Result<bool> {
        connects_from(self.kubectl(), "shop", pod, address, port)
    }

    /// The lines of the audit trail that the KDC's log holds.
    pub(crate) fn audit(&self) -> Result<Vec<Value>> {
        let log = self.kubectl().run(&["logs", "kennel-kdc-0", "-n", "kennel-system"])?;
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter(|line| line["exchange"].is_string()).collect())
    }

    /// Waits for a line of the audit trail after the first `known` ones.
    pub(crate) fn await_audit(&self, known: usize, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        eventually(SOON, &format!("the audit trail has {what}"), || {
            Ok(self.audit()?.into_iter().skip(known).find(|line| is(line)))
        })
    }

    /// A metric of the KDC, by its whole series such as `kennel_requests_total{outcome="issued"}`.
    pub(crate) fn metric(&self, series: &str) -> Result<f64> {
        let path = "/api/v1/namespaces/kennel-system/pods/kennel-kdc-0:9090/proxy/metrics";
        let text = self.kubectl().run(&["get", "--raw", path])?;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no {series} in:\n{text}"))?.trim().parse()?)
    }

    /// A condition of an object of the shop, as `STATUS REASON MESSAGE`.
    pub(crate) fn condition(&self, object: &str, kind: &str) -> Result<String> {
        let field = |name: &str| format!("{{.status.conditions[?(@.type==\"{kind}\")].{name}}}");
        let path = format!("{} {} {}", field("status"), field("reason"), field("message"));
        self.kubectl().json_path(&[object, "-n", "shop"], &path)
    }

    /// Waits until an object of the shop is described with a text.
    pub(crate) fn await_description(&self, object: &str, text: &str) -> Result<()> {
        eventually(SOON, &format!("{object} is described with {text:?}"), || {
            let described = self.kubectl().run(&["describe", object, "-n", "shop"])?;
            ensure!(described.contains(text), "no {text:?} in:\n{described}");
            Ok(Some(()))
        })
    }

    /// Waits for an Event of an object of the shop with this type and reason.
    pub(crate) fn await_event(&self, object: &str, event: [&str; 2]) -> Result<()> {
        eventually(SOON, &format!("{object} has the Event {event:?}"), || {
            let described = self.kubectl().run(&["describe", object, "-n", "shop"])?;
            let is_there = described.lines().any(|line| line.split_whitespace().take(2).eq(event));
            ensure!(is_there, "no Event {event:?} in:\n{described}");
            Ok(Some(()))
        })
    }

    /// A client of web without a keytab of its own asks for a ticket, from a cache with the ticket of its pod alone.
    pub(crate) fn cart_asks(&self, service: &str) -> Result<Run> {
        ask_with_cache(&self.deployment("cart"), service)
    }

    /// batch, which has a key, logs in and asks for a ticket.
    pub(crate) fn batch_asks(&self, service: &str) -> Result<Run> {
        let line =
            format!("export KRB5CCNAME=FILE:/tmp/asks KRB5_TRACE=/dev/stderr; kinit -k batch.shop && kvno {service}");
        self.deployment("batch").attempt(&["sh", "-c", &line], "")
    }
}

/// Asks for a service ticket with a copy of the pod's cache, so that no ticket stays behind.
pub(crate) fn ask_with_cache(container: &Container, service: &str) -> Result<Run> {
    let line = format!(
        "cp $(echo $KRB5CCNAME | cut -d: -f2) /tmp/asks && KRB5CCNAME=FILE:/tmp/asks KRB5_TRACE=/dev/stderr kvno {service}"
    );
    container.attempt(&["sh", "-c", &line], "")
}
