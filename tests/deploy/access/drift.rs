//! NetworkPolicies that somebody else changes, and those of others that let more in.

use crate::access::probe::{Listener, Undo};
use crate::installation::Installation;
use crate::shop::SOON;
use anyhow::{Result, ensure};
use kennel_tests::kube::eventually;
use kennel_tests::process::Server;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Drift is mended, and a policy that widens is named, within this time.
const LIMIT: Duration = Duration::from_secs(2);
const DRIFTS: &str = "kennel_network_policy_drift_total";

/// The states of a policy as a watch reports them, `UID SPEC` each, until dropped.
struct Watch {
    kubectl: Server,
    _folder: TempDir,
}

impl Watch {
    fn start(dev: &Installation, policy: &str) -> Result<Watch> {
        let folder = TempDir::new()?;
        let line = r#"jsonpath={.metadata.uid} {.spec}{"\n"}"#;
        let watch = ["get", "networkpolicy", policy, "-n", "shop", "--watch", "-o", line];
        let mut kubectl = Server::start(&mut dev.kubectl().command(&watch), folder.path(), "watch")?;
        kubectl.wait_until(SOON, |kubectl| kubectl.stdout().contains('\n'))?;
        Ok(Watch { kubectl, _folder: folder })
    }

    /// Waits until the policy is as it was first, after some other state; returns the time that this took.
    fn await_restored(&mut self, is_restored: impl Fn([&str; 2], [&str; 2]) -> bool) -> Result<Duration> {
        let changed = Instant::now();
        self.kubectl.wait_until(LIMIT, |kubectl| {
            let said = kubectl.stdout();
            let mut states = said.lines().filter_map(|line| line.split_once(' ')).map(|(uid, spec)| [uid, spec]);
            let Some(first) = states.next() else { return false };
            states.next_back().is_some_and(|last| is_restored(first, last))
        })?;
        Ok(changed.elapsed())
    }
}

#[test]
fn a_policy_that_somebody_deletes_is_back_within_two_seconds_and_that_is_told() -> Result<()> {
    let dev = Installation::dev()?;
    let (mut watch, drifts) = (Watch::start(&dev, "kennel-ingress-web")?, dev.metric(DRIFTS)?);
    dev.kubectl().run(&["delete", "networkpolicy", "kennel-ingress-web", "-n", "shop", "--wait=false"])?;
    let took = watch.await_restored(|[old, spec], [new, restored]| new != old && restored == spec)?;
    println!("a deleted policy was there again {took:?} after kubectl returned");
    await_told(&dev, drifts, ["kprinc/web", "kaccess/web"])
}

#[test]
fn a_policy_that_somebody_edits_is_as_before_within_two_seconds_and_that_is_told() -> Result<()> {
    let dev = Installation::dev()?;
    let (mut watch, drifts) = (Watch::start(&dev, "kennel-ingress-kafka")?, dev.metric(DRIFTS)?);
    let everybody = r#"[{"op": "add", "path": "/spec/ingress/-", "value": {}}]"#;
    let patch = ["patch", "networkpolicy", "kennel-ingress-kafka", "-n", "shop", "--type=json", "-p", everybody];
    dev.kubectl().run(&patch)?;
    let took = watch.await_restored(|[_, spec], [_, restored]| restored == spec)?;
    println!("an edited policy was as before {took:?} after kubectl returned");
    await_told(&dev, drifts, ["kprinc/kafka", "kaccess/kafka"])
}

/// Waits for the count of drifts, and for the Events.
fn await_told(dev: &Installation, before: f64, objects: [&str; 2]) -> Result<()> {
    eventually(SOON, "the drift is counted", || Ok((dev.metric(DRIFTS)? > before).then_some(())))?;
    objects.into_iter().try_for_each(|object| dev.await_event(object, ["Warning", "NetworkPolicyRestored"]))
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
    dev.await_event("kprinc/web", ["Warning", "WidenedByPolicy"])?;
    eventually(SOON, "batch reaches web", || Ok(dev.connects(&batch, &web, 80)?.then_some(())))?;
    let explained = dev.kennel(&["explain", "shop/batch", "shop/web"])?;
    let widens = "only NetworkPolicy shop/allow-all, not Kennel's, lets packets in";
    ensure!(explained.stdout.contains(widens), "{explained}");
    drop(undo);
    eventually(SOON, "batch reaches web no more", || Ok((!dev.connects(&batch, &web, 80)?).then_some(())))?;
    eventually(SOON, "the condition holds again", || {
        let condition = dev.condition("kprinc/web", "NetworkProgrammed")?;
        ensure!(condition.starts_with("True "), "{condition}");
        Ok(Some(()))
    })
}
