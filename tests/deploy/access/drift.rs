//! NetworkPolicies that somebody else changes, and those of others that let more in.

use crate::access::probe::{Listener, Undo};
use crate::installation::Installation;
use crate::shop::SOON;
use anyhow::{Result, ensure};
use kennel_tests::kube::eventually;
use std::time::{Duration, Instant};

/// Drift is mended, and a policy that widens is named, within this time.
const LIMIT: Duration = Duration::from_secs(2);
const DRIFTS: &str = "kennel_network_policy_drift_total";

/// A policy: its UID and its spec.
fn policy(dev: &Installation, name: &str) -> Result<(String, String)> {
    let object = ["networkpolicy", name, "-n", "shop"];
    let kubectl = dev.kubectl();
    Ok((kubectl.json_path(&object, "{.metadata.uid}")?, kubectl.json_path(&object, "{.spec}")?))
}

#[test]
fn a_policy_that_somebody_deletes_is_back_within_two_seconds_and_that_is_told() -> Result<()> {
    let dev = Installation::dev()?;
    let ((uid, spec), drifts) = (policy(&dev, "kennel-ingress-web")?, dev.metric(DRIFTS)?);
    dev.kubectl().run(&["delete", "networkpolicy", "kennel-ingress-web", "-n", "shop", "--wait=false"])?;
    let deleted = Instant::now();
    eventually(LIMIT, "the policy is back", || {
        let (now, restored) = policy(&dev, "kennel-ingress-web")?;
        Ok((now != uid && restored == spec).then_some(()))
    })?;
    println!("a deleted policy was seen again {:?} after kubectl returned", deleted.elapsed());
    ensure!(dev.metric(DRIFTS)? > drifts, "the drift is not counted");
    for object in ["kprinc/web", "kaccess/web"] {
        dev.await_description(object, "NetworkPolicyRestored")?;
    }
    Ok(())
}

#[test]
fn a_policy_that_somebody_edits_is_as_before_within_two_seconds_and_that_is_told() -> Result<()> {
    let dev = Installation::dev()?;
    let ((_, spec), drifts) = (policy(&dev, "kennel-ingress-kafka")?, dev.metric(DRIFTS)?);
    let everybody = r#"[{"op": "add", "path": "/spec/ingress/-", "value": {}}]"#;
    let patch = ["patch", "networkpolicy", "kennel-ingress-kafka", "-n", "shop", "--type=json", "-p", everybody];
    dev.kubectl().run(&patch)?;
    let edited = Instant::now();
    eventually(LIMIT, "the policy is as before", || {
        Ok((policy(&dev, "kennel-ingress-kafka")?.1 == spec).then_some(()))
    })?;
    println!("an edited policy was seen as before {:?} after kubectl returned", edited.elapsed());
    eventually(SOON, "the drift is counted", || Ok((dev.metric(DRIFTS)? > drifts).then_some(())))?;
    for object in ["kprinc/kafka", "kaccess/kafka"] {
        dev.await_description(object, "NetworkPolicyRestored")?;
    }
    Ok(())
}

const ALLOW_ALL: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
    metadata: {name: allow-all, namespace: shop}\n\
    spec: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{}], egress: [{}]}\n";

/// Policies add up, so that Kennel can only say what somebody else lets through.
#[test]
fn a_policy_of_others_that_lets_everybody_in_is_named_within_two_seconds_as_long_as_it_is_there() -> Result<()> {
    let dev = Installation::dev()?;
    let _listener = Listener::start(dev.deployment("web"), 80)?;
    let (batch, web) = (dev.pod_of("batch")?, dev.address_of(&dev.pod_of("web")?)?);
    ensure!(!dev.connects(&batch, &web, 80)?, "batch reaches web before");
    let undo = Undo::by(&dev, &["delete", "networkpolicy", "allow-all", "-n", "shop", "--ignore-not-found"]);
    dev.kubectl().apply(ALLOW_ALL)?;
    let applied = Instant::now();
    eventually(LIMIT, "the policy is named", || {
        let condition = dev.condition("kprinc/web", "NetworkProgrammed")?;
        ensure!(condition.starts_with("False WidenedByPolicy ") && condition.contains("shop/allow-all"), "{condition}");
        Ok(Some(()))
    })?;
    println!("a policy of others was named {:?} after kubectl returned", applied.elapsed());
    dev.await_description("kprinc/web", "Warning  WidenedByPolicy")?;
    eventually(SOON, "batch reaches web", || Ok(dev.connects(&batch, &web, 80)?.then_some(())))?;
    drop(undo);
    eventually(SOON, "batch reaches web no more", || Ok((!dev.connects(&batch, &web, 80)?).then_some(())))?;
    eventually(SOON, "the condition holds again", || {
        let condition = dev.condition("kprinc/web", "NetworkProgrammed")?;
        ensure!(condition.starts_with("True "), "{condition}");
        Ok(Some(()))
    })
}
