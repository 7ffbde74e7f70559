//! `kennel.dev/on-change: rollout`: the KDC restarts the workloads whose programs read their keytab once, and uses a new key when their
//! new pods have it. The cluster's own controllers replace the pods; no kubelet runs them.

use crate::holders::{change, holders, now, service, stage, versions, with_store, world};
use crate::world::{SOON, World};
use anyhow::{Result, bail, ensure};
use kennel_tests::kube::{eventually, root};
use kennel_tests::kubectl::utf8;
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

/// A key is staged for ten seconds at least, and a pod lacks it for 15 before its workload is restarted.
const RESTARTED: Duration = Duration::from_secs(60);
const RESTARTED_AT: &str = "{.spec.template.metadata.annotations.kennel\\.dev/restarted-at}";

/// The Deployment of `web`, whose pods read their keytab once. Recreate: a pod that no node runs is never available.
fn deployment(world: &World<'_>) -> Value {
    let labels = json!({ "app": "web", "kennel.dev/service-account": "web" });
    let template = json!({
        "metadata": { "labels": labels, "annotations": { "kennel.dev/on-change": "rollout" } },
        "spec": { "serviceAccountName": "web", "terminationGracePeriodSeconds": 0, "containers": [{ "name": "c", "image": "i" }] }
    });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": world.ns("shop") },
        "spec": { "replicas": 1, "strategy": { "type": "Recreate" }, "selector": { "matchLabels": { "app": "web" } }, "template": template }
    })
}

/// The name of the Deployment's pod, once it is another than `before`.
fn pod(world: &World<'_>, before: &str) -> Result<String> {
    let full = world.ns("shop");
    eventually(SOON, "the Deployment has one new pod", || {
        let names = world.api.json_path(&["pods", "-n", &full, "-l", "app=web"], "{.items[*].metadata.name}")?;
        Ok((!names.is_empty() && !names.contains(' ') && names != before).then_some(names))
    })
}

/// The notes of the Events of one reason.
fn events(world: &World<'_>, reason: &str) -> Result<String> {
    let selector = format!("reason={reason}");
    let get = ["get", "events.v1.events.k8s.io", "-n", &world.ns("shop"), "--field-selector", &selector];
    let path = ["-o", "jsonpath={range .items[*]}{.regarding.kind} {.regarding.name}: {.note}{\"\\n\"}{end}"];
    Ok(world.api.kubectl(&[&get[..], &path].concat(), "")?.ok()?.stdout)
}

#[test]
fn a_workload_is_restarted_once_and_its_new_key_is_used_when_the_new_pod_has_it() -> Result<()> {
    let mut world = world()?;
    let (full, name) = (world.ns("shop"), service(&world));
    world.api.apply(&deployment(&world).to_string())?;
    let first = pod(&world, "")?;
    let folders = [TempDir::new()?, TempDir::new()?];
    let start = |world: &World<'_>, pod: &str, folder: &TempDir| {
        world.agent_that_stays(&world.token("shop", "web", pod)?, folder.path(), &["--on-change", "rollout"])
    };
    let restarted = |world: &World<'_>| world.api.json_path(&["deployment", "web", "-n", &full], RESTARTED_AT);
    let kvno = |world: &World<'_>| world.api.json_path(&["kprinc", "web", "-n", &full], "{.status.kvno}");
    let agent = start(&world, &first, &folders[0])?;
    eventually(SOON * 2, "the first pod has version 1", || {
        let metrics = world.metrics()?;
        Ok((!metrics.lines().any(|line| line == "kennel_enrolment_confirmations_total 0")).then_some(()))
    })?;
    ensure!(restarted(&world)?.is_empty(), "the first keytab is no change");

    let ordered = now()?;
    with_store(&mut world, async |store| change(store, &name, |record| record.rotation_ordered = Some(ordered)).await)?;
    eventually(RESTARTED, "the Deployment is restarted", || Ok((!restarted(&world)?.is_empty()).then_some(())))?;
    assert_eq!(versions(&folders[0].path().join("keytab"), &name)?, [2, 1], "the old pod has it on disk");
    let held = with_store(&mut world, async |store| holders(store).await)?;
    assert_eq!(held, [(first.clone(), vec![(name.clone(), vec![1])])], "and has not read it");
    let told = eventually(SOON, "an Event says why", || {
        Ok(Some(events(&world, "RolloutStarted")?).filter(|events| !events.is_empty()))
    })?;
    ensure!(told.starts_with("Deployment web: ") && told.contains("version 2 of the keys"), "{told}");
    drop(agent);

    let mark = restarted(&world)?;
    let second = pod(&world, &first)?;
    assert_eq!(kvno(&world)?, "1", "no program has version 2");
    let _agent = start(&world, &second, &folders[1])?;
    eventually(RESTARTED, "the KDC uses version 2", || Ok((kvno(&world)? == "2").then_some(())))?;
    assert_eq!(restarted(&world)?, mark, "it was restarted once");
    assert_eq!(pod(&world, &first)?, second);
    Ok(())
}

#[test]
fn an_agent_whose_program_cannot_be_told_hears_of_a_revocation_at_once() -> Result<()> {
    let mut world = world()?;
    world.pod("shop", "web-1", "web")?;
    let (folder, name) = (TempDir::new()?, service(&world));
    let token = world.token("shop", "web", "web-1")?;
    let agent = world.agent_that_stays(&token, folder.path(), &["--on-change", "http://127.0.0.1:1/"])?;
    let fetched = |kvnos: &[u32]| {
        eventually(SOON * 3, "the keytab is on disk", || {
            Ok((versions(&folder.path().join("keytab"), &name)? == kvnos).then_some(()))
        })
    };
    fetched(&[1])?;
    with_store(&mut world, async |store| stage(store, &name).await)?;
    fetched(&[2, 1])?;
    eventually(SOON, "the program is not there", || Ok(agent.stderr().contains("could not be told").then_some(())))?;
    let (asked, now) = (agent.stderr().matches("urgent=true").count(), now()?);
    let account = format!("web.{}@{}", world.ns("shop"), world.realm.name());
    with_store(&mut world, async |store| change(store, &account, |record| record.revoked = Some(now)).await)?;
    eventually(SOON, "the agent enrols at once", || {
        Ok((agent.stderr().matches("urgent=true").count() > asked).then_some(()))
    })
}

/// A pod of no workload, as somebody makes one by hand.
#[test]
fn a_pod_that_nothing_replaces_is_named_with_what_to_do() -> Result<()> {
    let mut world = world()?;
    let (full, name) = (world.ns("shop"), service(&world));
    world.pod("shop", "alone", "web")?;
    world.api.kubectl(&["annotate", "pod", "alone", "-n", &full, "kennel.dev/on-change=rollout"], "")?.ok()?;
    let folder = TempDir::new()?;
    let token = world.token("shop", "web", "alone")?;
    let _agent = world.agent_that_stays(&token, folder.path(), &["--on-change", "rollout"])?;
    eventually(SOON * 2, "the keytab is on disk", || {
        Ok((versions(&folder.path().join("keytab"), &name)? == [1]).then_some(()))
    })?;
    with_store(&mut world, async |store| stage(store, &name).await)?;
    let told = eventually(RESTARTED, "an Event names it", || {
        Ok(Some(events(&world, "RolloutRefused")?).filter(|events| !events.is_empty()))
    })?;
    ensure!(told.starts_with("Pod alone: ") && told.contains("of no Deployment, StatefulSet or DaemonSet"), "{told}");
    Ok(())
}

/// deploy/components/rollout: what its role gives is less than the role by itself would.
#[test]
fn the_kdc_may_change_one_annotation_of_templates_that_ask_for_it_and_nothing_else() -> Result<()> {
    let world = world()?;
    let full = world.ns("shop");
    let component = root().join("deploy/components/rollout");
    for file in ["rbac.yaml", "guard.yaml"] {
        world.api.kubectl(&["apply", "-f", utf8(&component.join(file))?], "")?.ok()?;
    }
    let binding = ["create", "rolebinding", "rollout", "--clusterrole=kennel-kdc-rollout", "-n", &full];
    world.api.kubectl(&[&binding[..], &["--serviceaccount=kennel-system:kennel-kdc"]].concat(), "")?.ok()?;
    for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
        for asks in [true, false] {
            let workload = workload(&world, kind, asks);
            world.api.apply(&workload.to_string())?;
            ensure_one_annotation(&world, kind, workload["metadata"]["name"].as_str().unwrap_or_default(), asks)?;
        }
    }
    Ok(())
}

/// Without pods, as far as the kind permits.
fn workload(world: &World<'_>, kind: &str, asks: bool) -> Value {
    let mut workload = deployment(world);
    workload["kind"] = kind.into();
    workload["metadata"]["name"] = if asks { "asks" } else { "other" }.into();
    let spec = &mut workload["spec"];
    spec["replicas"] = 0.into();
    spec["strategy"].take();
    if kind == "DaemonSet" {
        spec["replicas"].take();
        spec["template"]["spec"]["nodeSelector"] = json!({ "none": "none" });
    }
    if kind == "StatefulSet" {
        spec["serviceName"] = "web".into();
    }
    if !asks {
        spec["template"]["metadata"]["annotations"] = json!({ "kennel.dev/on-change": "http://127.0.0.1/" });
    }
    workload
}

/// Tries what the role alone would permit.
fn ensure_one_annotation(world: &World<'_>, kind: &str, name: &str, asks: bool) -> Result<()> {
    let full = world.ns("shop");
    let attempt = |patch: &Value, more: &[&str]| {
        let what = ["patch", kind, name, "-n", &full, "--type=merge", "-p", &patch.to_string()];
        world.api.kubectl(&[&what[..], &["--as=system:serviceaccount:kennel-system:kennel-kdc"], more].concat(), "")
    };
    let template = |template: Value| json!({ "spec": { "template": template } });
    let annotations = |annotations: Value| template(json!({ "metadata": { "annotations": annotations } }));
    let restart = |time: &str| annotations(json!({ "kennel.dev/restarted-at": time }));
    let image = json!([{ "name": "c", "image": "evil" }]);
    let wrong = [
        template(json!({ "spec": { "containers": image } })),
        template(json!({ "spec": { "serviceAccountName": "cart" } })),
        template(json!({ "spec": { "hostNetwork": true } })),
        template(json!({ "metadata": { "labels": { "more": "x" } } })),
        annotations(json!({ "kennel.dev/restarted-at": "x", "kennel.dev/inject": "x" })),
        annotations(json!({ "kennel.dev/on-change": null })),
        json!({ "spec": { "revisionHistoryLimit": 3 } }),
        json!({ "metadata": { "annotations": { "a": "b" } } }),
        json!({ "metadata": { "labels": { "a": "b" } } }),
    ];
    let refused = |patch: &Value, more: &[&str]| {
        let run = attempt(patch, more)?;
        ensure!(!run.status.success() && run.stderr.contains("changes nothing of a workload but"), "{patch}: {run}");
        Ok(())
    };
    // A new policy acts a moment after it was made. What is tried before then must not last: the same change again would change
    // nothing, and the guard would have nothing to refuse.
    eventually(SOON * 2, "the guard acts", || refused(&wrong[0], &["--dry-run=server"]).map(Some))?;
    wrong.iter().try_for_each(|patch| refused(patch, &[]))?;
    let run = attempt(&restart("2026-01-01T00:00:00Z"), &[])?;
    match (asks, run.status.success()) {
        (true, true) | (false, false) => Ok(()),
        _ => bail!("{kind} that asks ({asks}) for it: {run}"),
    }
}
