//! deploy/guards where controllers and a kubelet make and run the pods.

use crate::access::probe::Undo;
use crate::installation::Installation;
use anyhow::{Result, ensure};
use kennel_tests::kube::eventually;
use std::time::Duration;

const LABEL_AND_ACCOUNT: &str = r#"{range .items[*]}{.metadata.name}{" "}{.metadata.labels.kennel\.dev/service-account}{" "}{.spec.serviceAccountName}{" "}{.spec.initContainers[0].name}{"\n"}{end}"#;

#[test]
fn every_pod_of_the_shop_has_the_label_of_its_account_and_the_agent() -> Result<()> {
    let dev = Installation::dev()?;
    let pods =
        dev.kubectl().json_path(&["pods", "-n", "shop", "-l", "kennel.dev/inject=enabled"], LABEL_AND_ACCOUNT)?;
    ensure!(pods.lines().count() >= 5, "pods of three Deployments and a StatefulSet: {pods}");
    for pod in pods.lines() {
        let [_, label, account, agent] = *pod.split(' ').collect::<Vec<_>>() else {
            anyhow::bail!("no four words: {pod}")
        };
        assert_eq!((label, agent), (account, "kennel-agent"), "{pod}");
    }
    Ok(())
}

#[test]
fn a_running_pods_label_is_not_changed_and_the_kubelet_goes_on_reporting_its_status() -> Result<()> {
    let dev = Installation::dev()?;
    let (kubectl, pod) = (dev.kubectl(), dev.pod_of("cart")?);
    let forged = r#"{"metadata": {"labels": {"kennel.dev/service-account": "web"}}}"#;
    for subresource in [&[][..], &["--subresource=status"]] {
        let patch = [&["patch", "pod", &pod, "-n", "shop", "-p", forged], subresource].concat();
        kubectl.attempt(&patch, "")?.refused("stays so: leave it as it is")?;
    }
    // A pod that starts and becomes ready has had its status written many times.
    kubectl.run(&["delete", "pod", &pod, "-n", "shop"])?;
    kubectl.wait(Duration::from_secs(90), &["rollout", "status", "deployment/cart", "-n", "shop"]).map(|_| ())
}

/// A Deployment of batch whose pods would be taken for those of cart, which may call web.
const THIEF: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: thief, namespace: shop}\nspec:\n  \
    selector: {matchLabels: {app: thief}}\n  template:\n    \
    metadata: {labels: {app: thief, kennel.dev/inject: enabled, kennel.dev/service-account: cart}}\n    spec: \
    {serviceAccountName: batch, containers: [{name: thief, image: 'kennel.test/krb5:dev', command: [sleep, '600']}]}\n";

#[test]
fn a_deployment_whose_template_forges_the_label_gets_no_pod_and_is_told_what_to_write() -> Result<()> {
    let dev = Installation::dev()?;
    let kubectl = dev.kubectl();
    let _undo = Undo::by(&dev, &["delete", "deployment", "thief", "-n", "shop", "--ignore-not-found"]);
    kubectl.apply(THIEF)?;
    let failure = "{.status.conditions[?(@.type==\"ReplicaFailure\")].message}";
    let message = eventually(Duration::from_secs(30), "the Deployment cannot make its pod", || {
        let message = kubectl.json_path(&["deployment", "thief", "-n", "shop"], failure)?;
        Ok((!message.is_empty()).then_some(message))
    })?;
    ensure!(message.contains("is its service account and stays so: set it to batch"), "{message}");
    let pods = kubectl.json_path(&["pods", "-n", "shop", "-l", "app=thief"], "{.items[*].metadata.name}")?;
    ensure!(pods.is_empty(), "a pod with a forged label: {pods}");
    Ok(())
}
