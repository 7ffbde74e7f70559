//! A tenant who asks for more than its share, or for the names of others.

use crate::metrics::{get, value};
use crate::world::{SOON, World};
use anyhow::{Result, ensure};
use kennel_tests::kube::{Api, eventually};
use kennel_tests::memory;

/// Most memory of a KDC beside a hostile tenant, KiB: a build for tests needs about a third of it.
const MOST_MEMORY: u64 = 300_000;

/// A StatefulSet of many replicas whose pods cannot be made (no account of that name). No more of them than a cluster's own
/// controller can bear: it makes each pod in its memory first. (The index is tried with a million.)
fn huge_set(namespace: &str, name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{clusterIP: None, ports: [{{port: 80}}]}}\n\
         ---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  serviceName: {name}\n  \
         replicas: 2000\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: \
         {{serviceAccountName: none, containers: [{{name: c, image: i}}]}}\n"
    )
}

#[test]
fn thousands_of_replicas_in_four_stateful_sets_fill_no_memory_and_stop_nobody() -> Result<()> {
    let mut world = World::new()?;
    world.namespace("evil", &["evil"])?;
    world.namespace("shop", &["web", "cart"])?;
    let sets = ["s0", "s1", "s2", "s3"];
    let full = world.ns("evil");
    world.api.apply(&sets.map(|set| huge_set(&full, set)).concat())?;
    let classes: Vec<String> = (0..16).map(|n| format!("c{n}")).collect();
    let spec = format!("serviceClasses: [{}], hosts: {{statefulSets: [{}]}}", classes.join(", "), sets.join(", "));
    world.principal("evil", "evil", &spec)?;
    world.await_condition("evil", "evil", "Ready", ["True", "Ready"])?;
    world.service("shop", "web")?;
    world.principal("shop", "web", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
    world.await_condition("shop", "web", "Ready", ["True", "Ready"])?;
    let memory = memory::resident(world.realm.server().id())?;
    println!("memory beside 8,000 replicas of 16 classes: {memory} KiB");
    ensure!(memory < MOST_MEMORY, "{memory} KiB");
    let count = world.api.json_path(&["kprinc", "evil", "-n", &full], "{.status.principalCount}")?;
    assert_eq!(count, "0", "no pod exists");
    world.realm.kill_and_restart()?;
    world
        .enrolled_pod("shop", "cart-1", "cart")?
        .kvno(&format!("HTTP/web.{}.svc.cluster.local", world.ns("shop")))?
        .ok()?;
    world.api.kubectl(&["delete", "namespace", &full, "--wait=false"], "")?.ok()?;
    Ok(())
}

#[test]
fn what_is_over_a_limit_says_so_and_what_was_within_it_stays() -> Result<()> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    // web, cart, the account `default` of every namespace, and the service.
    world.apply_realm("  limits: {principalsPerNamespace: 4}\n")?;
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let full = world.ns("shop");
    world.api.kubectl(&["create", "serviceaccount", "aaa", "-n", &full], "")?.ok()?;
    world.principal("shop", "cart", "serviceClasses: [HTTP], hosts: {services: [none]}")?;
    let said = world.await_condition("shop", "cart", "Ready", ["False", "QuotaExceeded"])?;
    assert!(said.contains("4 of spec.limits.principalsPerNamespace"), "{said}");
    world.await_condition("shop", "web", "Ready", ["True", "Ready"])?;
    eventually(SOON, "Events tell of the object and of the account", || {
        let told = |object: &str| world.api.kubectl(&["describe", object, "-n", &full], "")?.ok().map(|run| run.stdout);
        Ok((told("kprinc/cart")?.contains("QuotaExceeded") && told("serviceaccount/aaa")?.contains("QuotaExceeded"))
            .then_some(()))
    })
}

#[test]
fn accounts_that_are_created_and_deleted_in_turns_do_not_fill_the_store() -> Result<()> {
    let mut world = World::with(Api::shared()?, "  limits: {principalsPerNamespace: 20}\n")?;
    world.namespace("churn", &["web"])?;
    world.service("churn", "web")?;
    world.principal("churn", "web", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
    world.await_condition("churn", "web", "Ready", ["True", "Ready"])?;
    let full = world.ns("churn");
    for round in 0..8 {
        let accounts: String = (0..40)
            .map(|n| format!("---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: x{round}-{n}, namespace: {full}, labels: {{churn: \"1\"}}}}\n"))
            .collect();
        world.api.apply(&accounts)?;
        world.api.kubectl(&["delete", "serviceaccount", "-n", &full, "-l", "churn=1", "--wait=true"], "")?.ok()?;
    }
    world.api.kubectl(&["create", "serviceaccount", "late", "-n", &full], "")?.ok()?;
    world.principal("churn", "late", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
    let said = world.await_condition("churn", "late", "Ready", ["False", "QuotaExceeded"])?;
    assert!(said.contains("disabled principals of deleted objects") && said.contains("the first one at 20"), "{said}");
    // web, the account `default` of every namespace and the service are three of the 20.
    let abandoned = "kennel_cluster_abandoned_principals ";
    eventually(SOON, "the metric counts those of this namespace", || {
        Ok((value(&get(&world, "/metrics")?, abandoned)? == 17.0).then_some(()))
    })?;
    world.realm.kill_and_restart()?;
    world.api.kubectl(&["create", "serviceaccount", "later", "-n", &full], "")?.ok()?;
    world.principal("churn", "later", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
    world.await_condition("churn", "later", "Ready", ["False", "QuotaExceeded"])?;
    world.await_condition("churn", "web", "Ready", ["True", "Ready"])?;
    world.enrolled_pod("churn", "web-1", "web").map(|_| ())
}
