//! The master key by the admin API and by `kennel`: RBAC decides who may, a rotation ends while the KDC serves, the Lease follows.

use crate::world::{SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_store::master_key_file;
use kennel_tests::binary::kennel;
use kennel_tests::kube::eventually;
use kennel_tests::process::{self, Run};
use serde_json::Value;
use std::process::Command;

impl World<'_> {
    /// `kennel master-key` as an account of the namespace `shop`.
    fn master_key(&self, arguments: &[&str], account: &str) -> Result<Run> {
        let mut command = Command::new(kennel()?);
        command.arg("master-key").args(arguments).env("KUBECONFIG", self.api.kubeconfig());
        command.arg("--server").arg(self.url("")).arg("--ca").arg(self.realm.ca());
        command.args(["--as-account", &format!("{}/{account}", self.ns("shop"))]);
        process::run(&mut command, "")
    }

    fn state(&self, account: &str) -> Result<Value> {
        let run = self.master_key(&["status", "-o", "json"], account)?;
        serde_json::from_str(&run.stdout).with_context(|| run.to_string())
    }

    /// Lets an account of the namespace `shop` use these verbs on the master key.
    fn permit(&self, account: &str, verbs: &str) -> Result<()> {
        let (name, namespace) = (format!("master-key-{}-{account}", self.ns("shop")), self.ns("shop"));
        self.api.apply(&format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\n\
             rules: [{{apiGroups: [kennel.dev], resources: [kerberosrealms/master-key], verbs: [{verbs}]}}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: {name}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}\n\
             subjects: [{{kind: ServiceAccount, name: {account}, namespace: {namespace}}}]\n"
        ))
    }

    /// The master key that the Lease names.
    fn store_of_lease(&self) -> Result<String> {
        let lease = format!("kennel-{}", self.realm.name().to_ascii_lowercase());
        self.api.json_path(&["lease", &lease], r"{.metadata.annotations.kennel\.dev/store}")
    }
}

#[test]
fn the_master_key_rotates_while_the_kdc_serves_by_whom_rbac_permits_and_the_lease_follows() -> Result<()> {
    let mut world = World::new()?;
    world.shop(&["web", "cart", "viewer", "operator"])?;
    world.permit("viewer", "get")?;
    world.permit("operator", "get, update")?;
    let old = eventually(SOON, "the viewer sees the master key", || {
        Ok(world.state("viewer").ok().and_then(|state| Some(state["current"].as_str()?.to_owned())))
    })?;
    assert_eq!(eventually(SOON, "the Lease names the store", || Ok(world.store_of_lease().ok()))?, old);

    let denied = world.master_key(&["status"], "cart")?;
    denied.refused("get kerberosrealms/master-key.kennel.dev in the whole cluster")?.refused("ClusterRoleBinding")?;
    world.master_key(&["rotate"], "viewer")?.refused("update kerberosrealms/master-key.kennel.dev")?;
    let none = world.master_key(&["rotate"], "operator")?;
    none.refused("MasterKeyNotRotated: there is no next key")?.refused("master.key.next")?.refused("--generate")?;

    let credentials = world.enrolled_pod("shop", "cart-1", "cart")?;
    let said = world.master_key(&["rotate", "--generate", "--wait"], "operator")?.ok()?.stdout;
    let key_file = world.realm.folder().join("master.key");
    let new = eventually(SOON, "the new key takes the file of the old one", || {
        let found = master_key_file::load(&key_file)?.id().to_owned();
        Ok(Some(found).filter(|found| *found != old))
    })?;
    ensure!(said.contains(&format!("master key   {new}\n")) && said.contains(&old), "{said}");
    assert!(!master_key_file::next_of(&key_file).exists());
    credentials.kvno(&format!("HTTP/web.{}.svc.cluster.local", world.ns("shop")))?.ok()?;
    world.enrolled_pod("shop", "cart-2", "cart")?;

    // Killed before the Lease may have followed, and after.
    world.realm.kill_and_restart()?;
    eventually(SOON, "the Lease follows", || Ok((world.store_of_lease()? == new).then_some(())))?;
    world.realm.kill_and_restart()?;
    let state = eventually(SOON, "the KDC answers", || Ok(world.state("viewer").ok()))?;
    assert_eq!((state["phase"].as_str(), state["current"].as_str()), (Some("Settled"), Some(&*new)), "{state}");
    assert_eq!((state["previous"].as_str(), state.get("problem")), (Some(&*old), None), "{state}");
    assert_eq!(state["records"], state["rewrapped"]);

    // Replaced while the KDC runs: it serves on, and says that the next start would fail.
    let right = std::fs::read(&key_file)?;
    std::fs::write(&key_file, format!("kennel-master-key-v1 {}\n", "00".repeat(32)))?;
    let problem = world.master_key(&["status"], "viewer")?;
    assert_eq!(problem.status.code(), Some(1), "{problem}");
    ensure!(problem.stdout.contains(&format!("holds the master key {new}, which the store needs")), "{problem}");
    let refused = world.master_key(&["rotate", "--generate"], "operator")?;
    refused.refused("put it back before the KDC starts again")?;
    std::fs::write(&key_file, right)?;
    world.master_key(&["status"], "viewer")?.ok().map(|_| ())
}
