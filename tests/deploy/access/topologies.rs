//! Topologies of tests/access in the cluster: each pod connects to each port of each other pod, and asks for a ticket of each service.
//! What stands in the file `expected` gets through, and nothing else does.
//!
//! The cases are written for a cluster of their own: here, their namespaces have a prefix and belong to the realm of the tests.

use crate::access::probe::{LISTEN, REFUSED, Undo};
use crate::installation::Installation;
use crate::shop::SOON;
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::{eventually, root};
use kennel_tests::pods;
use std::collections::BTreeSet;

/// In front of the names of namespaces.
pub(crate) const PREFIX: &str = "topology-";
/// The ports of all cases; each pod listens on all of them.
const PORTS: [&str; 6] = ["5432", "6060", "8080", "8081", "9000", "9080"];

/// Connects to each `ADDRESS:PORT` of its arguments at the same time, and prints those that answer.
const CONNECT: &str = "\
import concurrent.futures, socket, sys
def connects(place):
    address, port = place.split(':')
    try: socket.create_connection((address, int(port)), 3).close()
    except TimeoutError: return False
    return True
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    for place, answers in zip(sys.argv[1:], pool.map(connects, sys.argv[1:])):
        if answers: print(place)
";

/// A case in the cluster, until dropped.
struct Topology<'a> {
    dev: &'a Installation,
    namespaces: Vec<String>,
    pods: Vec<Pod>,
    /// Lines of `expected`: `CLIENT SERVER:PORT`, of pods.
    packets: BTreeSet<String>,
    /// `CLIENT SERVICE`, of accounts.
    tickets: BTreeSet<String>,
    _undo: Undo,
}

/// A pod, `NAMESPACE/NAME`.
struct Pod {
    name: String,
    account: String,
    address: String,
    is_enrolled: bool,
}

#[test]
fn namespace_to_namespace() -> Result<()> {
    judge("namespace-to-namespace")
}

#[test]
fn named_target_ports() -> Result<()> {
    judge("named-target-ports")
}

#[test]
fn server_that_is_a_client() -> Result<()> {
    judge("server-that-is-a-client")
}

fn judge(case: &str) -> Result<()> {
    let dev = Installation::dev()?;
    let topology = Topology::start(&dev, case)?;
    // The CNI follows a moment after the policies.
    let asked = eventually(SOON, "the packets are the expected ones", || {
        let (packets, asked) = topology.packets()?;
        ensure_same(&packets, &topology.packets, "connections")?;
        Ok(Some(asked))
    })?;
    println!("{case}: {asked} connections tried, {} of them expected and made", topology.packets.len());
    let (tickets, asked) = topology.tickets()?;
    ensure_same(&tickets, &topology.tickets, "tickets")?;
    println!("{case}: {asked} tickets asked for, {} of them expected and issued", topology.tickets.len());
    Ok(())
}

fn ensure_same(found: &BTreeSet<String>, expected: &BTreeSet<String>, what: &str) -> Result<()> {
    let (lost, extra) = (expected - found, found - expected);
    ensure!(lost.is_empty() && extra.is_empty(), "{what} that are missing: {lost:?}; that should not be: {extra:?}");
    Ok(())
}

impl<'a> Topology<'a> {
    fn start(dev: &'a Installation, case: &str) -> Result<Topology<'a>> {
        let folder = root().join("tests/access/topologies").join(case);
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let (objects, expected) = (read("objects.yaml")?, read("expected")?);
        let names = namespaces(&objects);
        ensure!(!names.is_empty(), "{case} has no namespaces");
        let prefixed: Vec<String> = names.iter().map(|name| format!("{PREFIX}{name}")).collect();
        let undo = Undo::namespaces(dev, &words(&prefixed));
        let objects = for_this_cluster(&with_prefix(&objects, &names));
        // The accounts of namespaces come a moment after these.
        eventually(SOON, "the objects are accepted", || dev.kubectl().apply(&objects).map(Some))?;
        let expected = with_prefix(&expected, &names);
        let lines = |kind: &str| {
            let lines = expected.lines().filter_map(|line| line.strip_prefix(kind));
            lines.map(|line| line.trim().to_owned()).collect::<BTreeSet<String>>()
        };
        let mut topology = Topology {
            dev,
            namespaces: prefixed,
            pods: Vec::new(),
            packets: lines("packet "),
            tickets: lines("ticket "),
            _undo: undo,
        };
        topology.await_ready()?;
        topology.pods = topology.list_pods()?;
        Ok(topology)
    }

    fn await_ready(&self) -> Result<()> {
        for namespace in &self.namespaces {
            pods::wait(self.dev.kubectl(), namespace, SOON * 3, &["wait", "--for=condition=Ready", "pod", "--all"])?;
            let accesses = self.dev.kubectl().json_path(&["kaccess", "-n", namespace], "{.items[*].metadata.name}")?;
            if !accesses.is_empty() {
                let wait = ["wait", "--for=condition=Ready", "kaccess", "--all"];
                pods::wait(self.dev.kubectl(), namespace, SOON * 2, &wait)?;
            }
        }
        Ok(())
    }

    fn list_pods(&self) -> Result<Vec<Pod>> {
        const LINE: &str = r#"{range .items[*]}{.metadata.name} {.spec.serviceAccountName} {.status.podIP} {.spec.initContainers[0].name}{"\n"}{end}"#;
        let mut found = Vec::new();
        for namespace in &self.namespaces {
            let listed = self.dev.kubectl().json_path(&["pods", "-n", namespace], LINE)?;
            for line in listed.lines() {
                let mut parts = line.split(' ').map(str::to_owned);
                let mut next = || parts.next().unwrap_or_default();
                let (name, account, address, agent) = (next(), next(), next(), next());
                found.push(Pod {
                    name: format!("{namespace}/{name}"),
                    account: format!("{namespace}/{account}"),
                    address,
                    is_enrolled: agent == "kennel-agent",
                });
            }
        }
        ensure!(found.iter().any(|pod| pod.is_enrolled), "no pod is enrolled");
        Ok(found)
    }

    /// Tries each connection to the pods of the realm; returns those that are made, and the number of all.
    fn packets(&self) -> Result<(BTreeSet<String>, usize)> {
        let (mut made, mut asked) = (BTreeSet::new(), 0);
        for client in &self.pods {
            let servers = self.pods.iter().filter(|server| server.is_enrolled && server.name != client.name);
            let pairs = servers.flat_map(|server| {
                PORTS.map(|port| (format!("{}:{port}", server.address), format!("{}:{port}", server.name)))
            });
            let (places, names): (Vec<String>, Vec<String>) = pairs.unzip();
            let answered = self.run(client, &[&["python3", "-c", CONNECT][..], &words(&places)].concat())?.ok()?.stdout;
            let answered: BTreeSet<&str> = answered.lines().collect();
            let of_client = places.iter().zip(&names).filter(|(place, _)| answered.contains(place.as_str()));
            made.extend(of_client.map(|(_, name)| format!("{} {name}", client.name)));
            asked += places.len();
        }
        Ok((made, asked))
    }

    /// Asks for a ticket of each service in each enrolled pod; returns those that are issued, and the number of all. Any other is
    /// refused by policy, and for no other reason.
    fn tickets(&self) -> Result<(BTreeSet<String>, usize)> {
        let services: BTreeSet<&str> = self.tickets.iter().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        let (mut issued, mut asked) = (BTreeSet::new(), 0);
        for client in self.pods.iter().filter(|pod| pod.is_enrolled) {
            let all: Vec<&str> = services.iter().copied().collect();
            let run = self.run(client, &[&["kvno"][..], &all].concat())?;
            for service in &services {
                let is_issued = run.stdout.contains(&format!("{service}@DEV.KENNEL: kvno = "));
                let is_refused = run.stderr.lines().any(|line| line.contains(REFUSED) && line.contains(*service));
                ensure!(is_issued != is_refused, "{} asked for {service}: {run}", client.name);
                issued.extend(is_issued.then(|| format!("{} {service}", client.account)));
                asked += 1;
            }
        }
        Ok((issued, asked))
    }

    fn run(&self, pod: &Pod, command: &[&str]) -> Result<kennel_tests::process::Run> {
        let (namespace, name) = pod.name.split_once('/').context("NAMESPACE/NAME")?;
        self.dev.kubectl().attempt(&[&["exec", "-n", namespace, name, "-c", "main", "--"], command].concat(), "")
    }
}

fn words(strings: &[String]) -> Vec<&str> {
    strings.iter().map(String::as_str).collect()
}

/// The namespaces that a file makes.
fn namespaces(objects: &str) -> Vec<String> {
    let made = objects.split("\n---\n").filter(|object| object.contains("kind: Namespace\n"));
    let names = made.filter_map(|object| object.split_once("metadata: {name: ")?.1.split_once([',', '}']));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Puts the prefix in front of each word that is the name of a namespace. The cases use these words for nothing else.
fn with_prefix(text: &str, namespaces: &[String]) -> String {
    let ends_word = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    let pieces = text.split_inclusive(ends_word).map(|piece| {
        let is_namespace = namespaces.iter().any(|name| piece.trim_end_matches(ends_word) == name);
        if is_namespace { format!("{PREFIX}{piece}") } else { piece.to_owned() }
    });
    pieces.collect()
}

/// Lets the objects be of the realm of the tests, and the pods of the realm have the agent and listen on all ports.
fn for_this_cluster(objects: &str) -> String {
    let listen = serde_json::Value::from(LISTEN);
    let ports = PORTS.map(|port| format!("'{port}'")).join(", ");
    let container =
        format!("image: 'kennel.test/krb5:dev', imagePullPolicy: Never, command: [python3, -c, {listen}, {ports}]");
    let kept = objects.split("\n---\n").filter(|object| !object.contains("kind: KerberosRealm\n"));
    let adapted = kept.map(|object| {
        object
            .replace("kennel.dev/realm: prod", "kennel.dev/realm: dev")
            .replace("kennel.dev/service-account:", "kennel.dev/inject: enabled, kennel.dev/service-account:")
            .replace("image: example.test/main", &container)
    });
    adapted.collect::<Vec<_>>().join("\n---\n")
}
