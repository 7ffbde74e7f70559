//! A pod that has credentials may call others and be called, so it gets none before the NetworkPolicies of its namespace are applied.

use crate::access::probe::Undo;
use crate::installation::Installation;
use anyhow::{Result, ensure};
use kennel_tests::kube::eventually;
use std::time::Duration;

const NAMESPACE: &str = "late";
const POLICY: &str = "kennel-default";
const POD: &str = "apiVersion: v1\nkind: Pod\n\
    metadata: {name: app, namespace: late, labels: {kennel.dev/inject: enabled}}\nspec: {containers: [{name: app, \
    image: 'kennel.test/krb5:dev', imagePullPolicy: Never, command: [sh, -c, 'trap exit TERM; while :; do sleep 1; done']}]}\n";
const LIMIT: Duration = Duration::from_secs(90);

fn policies(dev: &Installation) -> Result<String> {
    dev.kubectl().json_path(&["networkpolicy", "-n", NAMESPACE], "{.items[*].metadata.name}")
}

/// Whether the pod's agent is ready, which it is once it has credentials.
fn has_credentials(dev: &Installation) -> Result<bool> {
    let started = "{.status.initContainerStatuses[0].started}";
    Ok(dev.kubectl().json_path(&["pod", "app", "-n", NAMESPACE], started)? == "true")
}

/// Waits for the credentials; the policies that are there are looked at before the pod each time.
fn await_credentials_after_policies(dev: &Installation) -> Result<()> {
    let before = eventually(LIMIT, "the pod has credentials", || {
        let before = policies(dev)?;
        Ok(has_credentials(dev)?.then_some(before))
    })?;
    ensure!(
        before.split(' ').any(|name| name == POLICY),
        "the pod has credentials, and its namespace only: {before:?}"
    );
    Ok(())
}

/// The namespace's account comes a moment after it.
fn make_pod(dev: &Installation) -> Result<()> {
    eventually(LIMIT, "the pod is accepted", || dev.kubectl().apply(POD).map(Some))
}

#[test]
fn a_pod_of_a_namespace_that_was_enrolled_this_second_gets_credentials_after_the_policies() -> Result<()> {
    let dev = Installation::dev()?;
    let _undo = Undo::namespaces(&dev, &[NAMESPACE]);
    dev.kubectl()
        .apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: late, labels: {kennel.dev/realm: dev}}\n")?;
    make_pod(&dev)?;
    await_credentials_after_policies(&dev)
}

/// A quota without room for policies stands for whatever keeps the KDC from writing them.
#[test]
fn while_the_policies_of_its_namespace_cannot_be_written_a_pod_waits_for_its_credentials() -> Result<()> {
    let dev = Installation::dev()?;
    let (kubectl, known) = (dev.kubectl(), dev.audit()?.len());
    let _undo = Undo::namespaces(&dev, &[NAMESPACE]);
    kubectl.apply(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: late}\n---\napiVersion: v1\nkind: ResourceQuota\n\
         metadata: {name: none, namespace: late}\nspec: {hard: {count/networkpolicies.networking.k8s.io: 0}}\n",
    )?;
    eventually(LIMIT, "the quota is in force", || {
        Ok((!kubectl.json_path(&["quota", "none", "-n", NAMESPACE], "{.status.used}")?.is_empty()).then_some(()))
    })?;
    kubectl.run(&["label", "namespace", NAMESPACE, "kennel.dev/realm=dev"])?;
    make_pod(&dev)?;
    let refusal = dev.await_audit(known, "the refusal of the pod", |line| {
        line["exchange"] == "enrolment" && line["pod"] == "late/app" && line["reason"] == "PoliciesNotApplied"
    })?;
    ensure!(refusal["outcome"] == "refused", "{refusal}");
    ensure!(!has_credentials(&dev)?, "the pod has credentials without policies");
    ensure!(policies(&dev)?.is_empty(), "policies in spite of the quota: {}", policies(&dev)?);
    kubectl.run(&["delete", "quota", "none", "-n", NAMESPACE])?;
    await_credentials_after_policies(&dev)
}
