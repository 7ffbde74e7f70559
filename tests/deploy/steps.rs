//! What an installation is made of, and how it is taken away.

use crate::access::topologies;
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::root;
use kennel_tests::kubectl::{Kubectl, utf8};
use kennel_tests::pods;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Namespaces that the tests make besides ours.
const NAMESPACES: [&str; 6] = ["shop", "strict", "elsewhere", "monitoring", "outside", "late"];
/// Groups of the kinds that come with other projects, made for the time of an installation.
const FOREIGN_GROUPS: [&str; 2] = [".cert-manager.io", ".monitoring.coreos.com"];
const CLUSTER_KINDS: &str = "validatingadmissionpolicybinding,validatingadmissionpolicy,mutatingadmissionpolicybinding,\
    mutatingadmissionpolicy,crd,clusterrole,clusterrolebinding,namespace";

const ROLLOUT_LIMIT: Duration = Duration::from_secs(90);
const SHOP_LIMIT: Duration = Duration::from_secs(120);
const POD_LIMIT: Duration = Duration::from_secs(60);
const DELETE_LIMIT: Duration = Duration::from_secs(60);
/// All at once, and in whatever state it is.
const CLEAR_LIMIT: Duration = Duration::from_secs(180);

/// A folder of deploy/.
pub(crate) fn deploy(folder: &str) -> PathBuf {
    root().join("deploy").join(folder)
}

/// The `kubectl apply -k` of README.md, and a volume, as the cluster has no provisioner.
pub(crate) fn install_dev(kubectl: &Kubectl) -> Result<()> {
    let started = Instant::now();
    install_kdc(kubectl, &deploy("overlays/dev"))?;
    println!("from the first apply until the KDC is ready: {:.1} s", started.elapsed().as_secs_f64());
    install_shop(kubectl)?;
    println!("from the first apply until the shop is ready: {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Applies the definitions and an overlay with the KDC, and waits until it is ready.
pub(crate) fn install_kdc(kubectl: &Kubectl, overlay: &Path) -> Result<()> {
    kubectl.apply_folder(&deploy("crds"))?;
    kubectl.apply_folder(overlay)?;
    make_volume(kubectl, "kennel-data", "data-kennel-kdc-0")?;
    await_kdc(kubectl, ROLLOUT_LIMIT)
}

/// Waits until the KDC's StatefulSet has rolled out.
pub(crate) fn await_kdc(kubectl: &Kubectl, limit: Duration) -> Result<()> {
    pods::wait(kubectl, "kennel-system", limit, &["rollout", "status", "statefulset/kennel-kdc"])
        .context("the KDC does not become ready")
}

/// Applies deploy/examples/realm and deploy/examples/shop, and waits until all pods are ready, with the agent beside them.
pub(crate) fn install_shop(kubectl: &Kubectl) -> Result<()> {
    kubectl.apply_folder(&deploy("examples/realm"))?;
    kubectl.apply_folder(&deploy("examples/shop"))?;
    await_shop(kubectl)
}

/// Waits until the shop's Deployments and its StatefulSet are ready.
pub(crate) fn await_shop(kubectl: &Kubectl) -> Result<()> {
    pods::wait(kubectl, "shop", SHOP_LIMIT, &["wait", "--for=condition=Available", "deployment", "--all"])
        .context("the Deployments do not become ready")?;
    pods::wait(kubectl, "shop", ROLLOUT_LIMIT, &["rollout", "status", "statefulset/kafka"])
        .context("the StatefulSet kafka does not become ready")
}

/// Makes a PersistentVolume for a claim of the KDC: an empty folder of the node that belongs to the KDC's user.
pub(crate) fn make_volume(kubectl: &Kubectl, name: &str, claim: &str) -> Result<()> {
    kubectl.apply(&volume_yaml(name, claim))?;
    run_on_volume(kubectl, name, "rm -rf /data/* && chown 65532:65532 /data")
        .context("no volume for the KDC")
        .map(|_| ())
}

/// A PersistentVolume that is a folder of the node, for one claim.
pub(crate) fn volume_yaml(name: &str, claim: &str) -> String {
    format!(
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {name}}}\nspec:\n  capacity: {{storage: 1Gi}}\n  \
         accessModes: [ReadWriteOnce]\n  storageClassName: \"\"\n  claimRef: {{namespace: kennel-system, name: {claim}}}\n  \
         hostPath: {{path: /run/{name}, type: DirectoryOrCreate}}\n"
    )
}

/// Runs a line of shell in a pod that has the volume's folder at `/data`, and returns what the line printed.
pub(crate) fn run_on_volume(kubectl: &Kubectl, name: &str, line: &str) -> Result<String> {
    const POD: &str = "kennel-volume";
    kubectl.apply(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {POD}, namespace: default}}\nspec:\n  restartPolicy: Never\n  \
         containers:\n  - {{name: c, image: 'kennel.test/krb5:dev', imagePullPolicy: Never, command: [sh, -c, '{line}'], \
         volumeMounts: [{{name: data, mountPath: /data}}]}}\n  volumes:\n  - {{name: data, hostPath: {{path: /run/{name}, \
         type: DirectoryOrCreate}}}}\n"
    ))?;
    pods::wait(kubectl, "default", POD_LIMIT, &["wait", "--for=jsonpath={.status.phase}=Succeeded", "pod", POD])?;
    let printed = kubectl.run(&["logs", POD, "-n", "default"])?;
    kubectl.wait(DELETE_LIMIT, &["delete", "pod", POD, "-n", "default"])?;
    Ok(printed)
}

/// Makes the pods of pods.yaml.
pub(crate) fn make_pods(kubectl: &Kubectl) -> Result<()> {
    kubectl.run(&["apply", "-f", utf8(&pods_yaml())?]).context("pods of every shape are not accepted").map(|_| ())
}

/// Deletes them.
pub(crate) fn remove_pods(kubectl: &Kubectl) -> Result<()> {
    kubectl.wait(DELETE_LIMIT, &["delete", "--ignore-not-found", "-f", utf8(&pods_yaml())?]).map(|_| ())
}

fn pods_yaml() -> PathBuf {
    root().join("tests/deploy/pods.yaml")
}

/// The `kubectl delete -k` of the shop and the KDC, then of what these leave: the realm and the definitions. The volume goes too.
pub(crate) fn remove_dev(kubectl: &Kubectl) -> Result<()> {
    remove(kubectl, &deploy("overlays/dev"))
}

/// Deletes the shop and an overlay with the KDC, then the realm and the definitions, which those leave.
pub(crate) fn remove(kubectl: &Kubectl, overlay: &Path) -> Result<()> {
    let shop = deploy("examples/shop");
    kubectl.wait(DELETE_LIMIT, &["delete", "-k", utf8(&shop)?])?;
    kubectl.wait(DELETE_LIMIT, &["delete", "-k", utf8(overlay)?])?;
    let left = kubectl.json_path(&["kerberosrealms"], "{.items[*].metadata.name}")?;
    ensure!(left == "dev", "kubectl delete -k took a realm, and every principal in it, along: {left:?} is left");
    allow_deletion(kubectl)?;
    for folder in ["examples/realm", "crds"] {
        kubectl.wait(DELETE_LIMIT, &["delete", "-k", utf8(&deploy(folder))?])?;
    }
    kubectl.wait(DELETE_LIMIT, &["delete", "persistentvolume", "kennel-data"])?;
    Ok(())
}

/// The annotations without which deploy/guards refuses to delete a realm that has namespaces and the definitions.
fn allow_deletion(kubectl: &Kubectl) -> Result<()> {
    let definitions = kubectl.run(&["get", "crd", "-o", "name"])?;
    let ours: Vec<&str> = definitions.lines().filter(|name| name.ends_with(".kennel.dev")).collect();
    if ours.is_empty() {
        return Ok(());
    }
    kubectl.run(&[&["annotate", "--overwrite"], &ours[..], &["kennel.dev/deletion=allowed"]].concat())?;
    let realms = kubectl.json_path(&["kerberosrealms"], "{.items[*].metadata.name}")?;
    for realm in realms.split_whitespace() {
        let allowed = format!("kennel.dev/delete-in-use={realm}");
        kubectl.run(&["annotate", "--overwrite", "kerberosrealm", realm, &allowed])?;
    }
    Ok(())
}

/// Fails where the cluster still holds an object of ours.
pub(crate) fn ensure_nothing_of_ours(kubectl: &Kubectl) -> Result<()> {
    let namespaced = kubectl.run(&["get", "configmap,secret,lease,pvc", "-A", "-o", "name"])?;
    let all = kubectl.run(&["get", CLUSTER_KINDS, "-o", "name"])? + &namespaced;
    let left: Vec<&str> = all.lines().filter(|name| is_ours(name)).collect();
    ensure!(left.is_empty(), "left in the cluster: {}", left.join(" "));
    Ok(())
}

fn is_ours(name: &str) -> bool {
    name.contains("kennel-") || name.contains("kennel.")
}

/// Takes away whatever a process that did not come to its end has left, by the names of its objects.
pub(crate) fn clear(kubectl: &Kubectl) -> Result<()> {
    let kinds = [CLUSTER_KINDS, "persistentvolume"].join(",");
    let all = kubectl.run(&["get", &kinds, "-o", "name"])?;
    let is_left = |name: &&str| {
        let is_namespace = || {
            let name = name.strip_prefix("namespace/");
            name.is_some_and(|name| NAMESPACES.contains(&name) || name.starts_with(topologies::PREFIX))
        };
        is_ours(name) || is_namespace() || FOREIGN_GROUPS.iter().any(|group| name.ends_with(group))
    };
    let left: Vec<&str> = all.lines().filter(is_left).collect();
    if !left.is_empty() {
        println!("left by an earlier run, deleted: {}", left.join(" "));
        allow_deletion(kubectl)?;
        kubectl.wait(CLEAR_LIMIT, &[&["delete"], &left[..]].concat())?;
    }
    let pods = ["pod/kennel-volume", "--ignore-not-found", "-n", "default"];
    kubectl.wait(DELETE_LIMIT, &[&["delete"], &pods[..]].concat()).map(|_| ())
}
