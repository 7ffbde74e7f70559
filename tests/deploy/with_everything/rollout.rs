//! A program that reads its keytab once, at its start: its Deployment is restarted for a new key, and no ticket is ever under a key that
//! a running pod of it has not read.

use crate::installation::Installation;
use crate::shop::{Container, SOON};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::eventually;
use kennel_tests::pods;
use std::time::{Duration, Instant};

const SERVICE: &str = "HTTP/app.once.svc.cluster.local";
/// A pod lacks a key for 15 seconds before its Deployment is restarted, which is tried again after 30, and the old pod ends first.
const ROTATED: Duration = Duration::from_secs(150);

/// Whatever comes after the copy has read the keytab once.
const APP: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: once, labels: {kennel.dev/realm: dev}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app, namespace: once}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: once}
spec: {selector: {app: app}, ports: [{port: 80}]}
---
apiVersion: kennel.dev/v1alpha1
kind: KerberosPrincipal
metadata: {name: app, namespace: once}
spec: {serviceAccountName: app, serviceClasses: [HTTP], hosts: {services: [app]}, accessMode: Observe}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: once}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata:
      labels: {app: app, kennel.dev/inject: enabled}
      annotations: {kennel.dev/on-change: rollout}
    spec:
      serviceAccountName: app
      containers:
        - name: app
          image: kennel.test/krb5:dev
          imagePullPolicy: Never
          command: [sh, -c, 'cp /var/run/kennel/keytab /tmp/read && trap exit TERM && while :; do sleep 1; done']
          readinessProbe: {exec: {command: [test, -e, /tmp/read]}, periodSeconds: 1}
";

#[test]
fn a_deployment_whose_program_reads_its_keytab_once_is_restarted_before_its_new_key_is_used() -> Result<()> {
    let everything = Installation::everything()?;
    let kubectl = everything.kubectl();
    kubectl.apply(APP)?;
    pods::wait(kubectl, "once", SOON * 2, &["rollout", "status", "deployment/app"])?;
    let (cart, first) = (everything.deployment("cart"), running(&everything)?);
    let before = eventually(SOON, "cart gets a ticket for app", || ticket(&cart).map(Some))?;

    everything.kennel(&["rotate", "once/app", "--now"])?.ok()?;
    let command = eventually(SOON * 2, "an Event has a command", || {
        let path = "{.items[?(@.reason==\"RolloutRefused\")].note}";
        let said = kubectl.json_path(&["events.v1.events.k8s.io", "-n", "once"], path)?;
        let command = said.split_once("(kubectl ").and_then(|(_, rest)| rest.split_once(';'));
        command.map(|(command, _)| Some(command.to_owned())).with_context(|| format!("no command in: {said:?}"))
    })?;
    assert_eq!(running(&everything)?, first, "without a RoleBinding nothing is restarted");
    kubectl.run(&command.split(' ').collect::<Vec<_>>())?;

    let begun = Instant::now();
    while ticket(&cart)? == before {
        ensure!(begun.elapsed() < ROTATED, "the KDC does not use the next version");
        ensure_readable(&everything, ticket(&cart)?)?;
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(ticket(&cart)?, before + 1);
    ensure_readable(&everything, before + 1)?;
    let sets = kubectl.json_path(&["replicasets", "-n", "once"], "{.items[*].metadata.name}")?;
    ensure!(sets.split(' ').count() == 2, "it was restarted once: {sets}");
    let said = kubectl.run(&["describe", "deployment", "app", "-n", "once"])?;
    ensure!(said.contains("RolloutStarted"), "{said}");
    kubectl.wait(SOON * 2, &["delete", "namespace", "once"]).map(|_| ())
}

/// The version of the key that a new ticket is under.
fn ticket(cart: &Container) -> Result<u32> {
    let cache = "cp $(echo $KRB5CCNAME | cut -d: -f2) /tmp/once && KRB5CCNAME=FILE:/tmp/once";
    let said = cart.run(&["sh", "-c", &format!("{cache} kvno {SERVICE}")])?;
    said.trim().rsplit(' ').next().unwrap_or_default().parse().with_context(|| said)
}

/// The names of the pods that run.
fn running(everything: &Installation) -> Result<Vec<String>> {
    let pods = ["pods", "-n", "once", "--field-selector=status.phase=Running"];
    let names = everything.kubectl().json_path(&pods, "{.items[*].metadata.name}")?;
    Ok(names.split_whitespace().map(str::to_owned).collect())
}

/// Fails where the program of a pod that runs has not read this version. A pod may end meanwhile, and one that begins reads it first.
fn ensure_readable(everything: &Installation, kvno: u32) -> Result<()> {
    for pod in running(everything)? {
        let read = ["exec", "-n", "once", &pod, "-c", "app", "--", "klist", "-k", "/tmp/read"];
        let read = everything.kubectl().attempt(&read, "")?;
        let has = read.stdout.lines().any(|line| line.trim_start().starts_with(&format!("{kvno} ")));
        ensure!(has || !read.status.success(), "a ticket is under version {kvno}, and {pod} has read: {read}");
    }
    Ok(())
}
