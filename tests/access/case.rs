//! The cases: objects in a folder, and what is expected of them.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Addresses outside the cluster that every case is asked about.
pub(crate) const OUTSIDE: [&str; 2] = ["203.0.113.7", "192.168.7.7"];
/// Principals that are made by hand in every realm, which no object of a cluster knows.
pub(crate) const USERS: [&str; 3] = ["alice", "oncall/admin", "host/vm1.example.com"];

/// A case.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Holds the manifests alone.
    pub(crate) folder: TempDir,
    /// Every object.
    pub(crate) objects: Vec<Value>,
    pub(crate) packets: BTreeSet<Packet>,
    pub(crate) tickets: BTreeSet<Ticket>,
}

/// A connection, `namespace/pod` or `ip:ADDRESS` to `namespace/pod`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Packet {
    pub(crate) client: String,
    pub(crate) server: String,
    pub(crate) port: u16,
}

/// A ticket of `namespace/account`, or of a user, for a service principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) client: String,
    pub(crate) service: String,
}

/// The 12 examples of `deploy/examples/scenarios`, each in the world.
pub(crate) fn scenarios() -> Result<Vec<Case>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = root.join("../deploy/examples/scenarios");
    let case = |expected: PathBuf| {
        let name = file_name(&expected)?;
        let text = std::fs::read_to_string(&expected)?;
        // Of an object that two files have, the later one counts: the world has namespaces of its own.
        let mut files = vec![examples.join("00-realm.yaml")];
        files.extend(yaml_files(&root.join("access/world"))?);
        let without: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("without ")).collect();
        files.retain(|file| !without.iter().any(|left_out| file.ends_with(left_out)));
        files.push(examples.join(format!("{name}.yaml")));
        Case::read(name, &files, &text)
    };
    let cases = sorted(&root.join("access/scenarios"))?.into_iter().map(case).collect::<Result<Vec<_>>>()?;
    ensure!(cases.len() == 12, "{} scenarios", cases.len());
    Ok(cases)
}

/// `deploy/examples/shop` as it is, with the pods that a cluster makes of it.
pub(crate) fn shop() -> Result<Vec<Case>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = yaml_files(&root.join("../deploy/examples/shop"))?;
    files.retain(|file| !file.ends_with("kustomization.yaml"));
    files.extend(yaml_files(&root.join("access/shop"))?);
    let expected = std::fs::read_to_string(root.join("access/shop/expected"))?;
    Ok(vec![Case::read("shop".into(), &files, &expected)?])
}

/// The topologies, with worlds of their own.
pub(crate) fn topologies() -> Result<Vec<Case>> {
    let case = |folder: PathBuf| {
        let expected = std::fs::read_to_string(folder.join("expected"))?;
        Case::read(file_name(&folder)?, &yaml_files(&folder)?, &expected)
    };
    sorted(&Path::new(env!("CARGO_MANIFEST_DIR")).join("access/topologies"))?.into_iter().map(case).collect()
}

impl Case {
    fn read(name: String, files: &[PathBuf], expected: &str) -> Result<Case> {
        let folder = TempDir::new()?;
        let mut objects = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            let text = text.replace("2026-11-26T18:00:00Z", &in_an_hour()?);
            std::fs::write(folder.path().join(format!("{number:02}-{}", file_name(file)?)), &text)?;
            for document in text.split("\n---\n") {
                let object = serde_saphyr::from_str(document).with_context(|| file.display().to_string())?;
                objects.push(object);
            }
        }
        let mut case = Case { name, folder, objects, packets: BTreeSet::new(), tickets: BTreeSet::new() };
        for line in expected.lines() {
            case.expect(line).with_context(|| format!("expected: {line}"))?;
        }
        Ok(case)
    }

    fn expect(&mut self, line: &str) -> Result<()> {
        match *line.split_whitespace().collect::<Vec<_>>() {
            [] | ["without", _] => {}
            [first, ..] if first.starts_with('#') => {}
            ["packet", client, server] => {
                let (server, port) = server.split_once(':').context("SERVER:PORT")?;
                let clients = if client == "*" { self.pods() } else { vec![client.to_owned()] };
                let packet = |client| Ok(Packet { client, server: server.to_owned(), port: port.parse()? });
                let new: Vec<Packet> = clients.into_iter().map(packet).collect::<Result<_>>()?;
                self.packets.extend(new.into_iter().filter(|packet| packet.client != packet.server));
            }
            ["ticket", client, service] => {
                let clients = if client == "*" { self.clients() } else { vec![client.to_owned()] };
                self.tickets.extend(clients.into_iter().map(|client| Ticket { client, service: service.to_owned() }));
            }
            _ => bail!("neither packet nor ticket"),
        }
        Ok(())
    }

    /// Every connection that the case is asked about: each pod and address outside, to each port of each other pod of the realm.
    pub(crate) fn all_packets(&self) -> Result<BTreeSet<Packet>> {
        let clients: Vec<String> =
            self.pods().into_iter().chain(OUTSIDE.iter().map(|address| format!("ip:{address}"))).collect();
        let mut all = BTreeSet::new();
        for (server, pod) in self.of_kind("Pod").filter(|(_, pod)| pod["spec"]["serviceAccountName"].is_string()) {
            for port in ports(pod) {
                let port = u16::try_from(port)?;
                let to_others = clients.iter().filter(|client| **client != server);
                all.extend(to_others.map(|client| Packet { client: client.clone(), server: server.clone(), port }));
            }
        }
        ensure!(self.packets.is_subset(&all), "expected, and not asked: {:?}", &self.packets - &all);
        Ok(all)
    }

    /// Name of the realm, as the KDC names it: files without a KerberosRealm are for the realm of the label `kennel.dev/realm`.
    pub(crate) fn realm(&self) -> String {
        let realm = self.of_kind("KerberosRealm").next().and_then(|(_, realm)| realm["spec"]["realmName"].as_str());
        realm.unwrap_or("DEV").to_owned()
    }

    /// Every client: accounts as `namespace/account`, and users.
    pub(crate) fn clients(&self) -> Vec<String> {
        let accounts = self.of_kind("ServiceAccount").map(|(name, _)| name);
        accounts.chain(USERS.map(str::to_owned)).collect()
    }

    /// The service principals that the KerberosPrincipals ask for.
    pub(crate) fn services(&self) -> BTreeSet<String> {
        let mut services = BTreeSet::new();
        for (name, object) in self.of_kind("KerberosPrincipal") {
            let namespace = name.split('/').next().unwrap_or_default();
            for class in strings(&object["spec"]["serviceClasses"]) {
                let hosts = strings(&object["spec"]["hosts"]["services"]);
                services.extend(hosts.map(|host| format!("{class}/{host}.{namespace}.svc.cluster.local")));
            }
        }
        services
    }

    /// The values that pods have of a label.
    pub(crate) fn label_values(&self, key: &str) -> BTreeSet<String> {
        let value = |(_, pod): (String, &Value)| pod["metadata"]["labels"][key].as_str().map(str::to_owned);
        self.of_kind("Pod").filter_map(value).collect()
    }

    fn pods(&self) -> Vec<String> {
        self.of_kind("Pod").map(|(name, _)| name).collect()
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (String, &'a Value)> {
        let name = |object: &Value| {
            let part = |name| object["metadata"][name].as_str().unwrap_or_default().to_owned();
            format!("{}/{}", part("namespace"), part("name"))
        };
        self.objects.iter().filter(move |object| object["kind"] == kind).map(move |object| (name(object), object))
    }
}

fn ports(pod: &Value) -> impl Iterator<Item = u64> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    ports.filter_map(|port| port["containerPort"].as_u64())
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in sorted(folder)? {
        if path.is_dir() {
            files.extend(yaml_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(files)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> Result<String> {
    Ok(path.file_name().and_then(|name| name.to_str()).context("a file without a name")?.to_owned())
}

fn in_an_hour() -> Result<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let then = kennel_wire::message::KerberosTime(i64::try_from(now)? + 3600);
    Ok(then.to_rfc3339().to_string())
}
