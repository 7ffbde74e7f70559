//! The lower layer: the policies that `kennel render` prints, judged by an independent program.

use crate::case::{Case, Packet};
use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel;
use kennel_tests::process;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Label of a pod with its name.
const NAME: &str = "test.kennel.dev/pod";

/// Judges every connection of the case; returns their number.
pub(crate) fn judge(case: &Case) -> Result<usize> {
    let all = case.all_packets()?;
    let policies = rendered(case)?.into_iter().map(|policy| for_the_analyzer(policy, case));
    let folder = TempDir::new()?;
    let cluster = folder.path().join("cluster.yaml");
    let objects = case.objects.iter().filter(|o| matches!(o["kind"].as_str(), Some("Namespace" | "Pod"))).cloned();
    // An address and a label of its own for each pod, or the program takes several for one.
    let objects = objects.enumerate().map(|(number, mut object)| {
        if object["kind"] == "Pod" {
            object["status"] = json!({ "podIP": format!("10.244.0.{number}"), "hostIP": "10.77.0.1" });
            object["metadata"]["labels"][NAME] = object["metadata"]["name"].clone();
        }
        object
    });
    write_all(&cluster, objects.chain(policies))?;
    let permits = folder.path().join("permits.yaml");
    let forbids = folder.path().join("forbids.yaml");
    let forbidden: BTreeSet<Packet> = all.difference(&case.packets).cloned().collect();
    for (option, file, packets) in [("--permits", permits, &case.packets), ("--forbids", forbids, &forbidden)] {
        if !packets.is_empty() {
            write_all(
                &file,
                packets
                    .iter()
                    .enumerate()
                    .map(|(number, packet)| as_policy(packet, number))
                    .collect::<Result<Vec<_>>>()?,
            )?;
            analyze(option, &file, &cluster)?;
        }
    }
    Ok(all.len())
}

/// The policies of the case, as `kennel render` prints them.
fn rendered(case: &Case) -> Result<Vec<Value>> {
    let mut render = Command::new(kennel()?);
    render.arg("render").arg("-f").arg(case.folder.path());
    let run = process::run(&mut render, "")?.ok()?;
    let documents = run.stdout.split("\n---\n").filter(|text| text.lines().any(|line| line.starts_with("kind:")));
    let policies: Vec<Value> =
        documents.map(|text| serde_saphyr::from_str(text).context("a policy cannot be read")).collect::<Result<_>>()?;
    let policies: Vec<Value> = policies.into_iter().filter(|policy| policy["kind"] == "NetworkPolicy").collect();
    ensure!(!policies.is_empty(), "no policy: {run}");
    Ok(policies)
}

/// The policy with each `KEY Exists` as `KEY In VALUES`, of the values that pods of the case have: the same for these pods. The
/// program looks for an `Exists` in the namespace of the policy alone, whatever the namespaceSelector beside it
/// (`get_peers_with_key`, version 2.1.0).
fn for_the_analyzer(mut policy: Value, case: &Case) -> Value {
    spell_out(&mut policy["spec"], case);
    policy
}

fn spell_out(value: &mut Value, case: &Case) {
    match value {
        Value::Object(object) if object.get("operator").is_some_and(|operator| operator == "Exists") => {
            let key = object["key"].as_str().unwrap_or_default();
            let values = json!(case.label_values(key));
            object.insert("operator".into(), json!("In"));
            object.insert("values".into(), values);
        }
        Value::Object(object) => object.values_mut().for_each(|value| spell_out(value, case)),
        Value::Array(list) => list.iter_mut().for_each(|value| spell_out(value, case)),
        _ => {}
    }
}

/// A connection as the program takes it: a policy that lets through nothing else.
fn as_policy(packet: &Packet, number: usize) -> Result<Value> {
    let from = match packet.client.strip_prefix("ip:") {
        Some(address) => json!({ "ipBlock": { "cidr": format!("{address}/32") } }),
        None => {
            let (namespace, name) = packet.client.split_once('/').context("namespace/pod")?;
            json!({
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
                "podSelector": { "matchLabels": { NAME: name } }
            })
        }
    };
    let (namespace, name) = packet.server.split_once('/').context("namespace/pod")?;
    Ok(json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": format!("pair-{number}"), "namespace": namespace },
        "spec": {
            "podSelector": { "matchLabels": { NAME: name } },
            "policyTypes": ["Ingress"],
            "ingress": [{ "from": [from], "ports": [{ "port": packet.port, "protocol": "TCP" }] }]
        }
    }))
}

fn analyze(option: &str, expected: &Path, cluster: &Path) -> Result<()> {
    let mut program = Command::new("python3");
    program.env("PYTHONPATH", analyzer()?).args(["-m", "nca", option]).arg(expected);
    program.arg("-b").arg(cluster).arg("-p").arg(cluster).arg("-n").arg(cluster);
    let run = process::run(&mut program, "")?;
    let judgements = ["all connections specified", "forbids connections specified"];
    let judged = judgements.iter().any(|words| run.stdout.contains(words));
    // Its warnings are about our way of writing a pair as a policy.
    let said = run.stderr.lines().filter(|line| !line.contains("Warning")).collect::<Vec<_>>().join("\n");
    ensure!(run.status.success() && judged, "{option}: {}{said}", run.stdout);
    Ok(())
}

/// The folder of network-config-analyzer.
fn analyzer() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).context("no HOME")?;
    let folder = cache.join("kennel/network-config-analyzer");
    ensure!(
        folder.join("nca").is_dir(),
        "network-config-analyzer is not in {}: run `tests/run setup`",
        folder.display()
    );
    Ok(folder)
}

fn write_all(path: &Path, objects: impl IntoIterator<Item = Value>) -> Result<()> {
    let mut text = String::new();
    for object in objects {
        // JSON is YAML.
        writeln!(text, "---\n{object}")?;
    }
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
