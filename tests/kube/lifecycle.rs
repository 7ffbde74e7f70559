//! Principals follow objects: they come, go, come again as others, and converge whatever was missed.

use crate::world::{SOON, World};
use anyhow::{Context, Result};
use kennel_tests::kube::{Api, eventually};
use std::time::Duration;

/// A world with `web` as a service and the client `cart`.
fn shop() -> Result<World<'static>> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    Ok(world)
}

fn web(world: &World<'_>) -> String {
    format!("HTTP/web.{}.svc.cluster.local", world.ns("shop"))
}

/// Until a ticket is refused; the reason of the audit line.
fn await_refusal(world: &World<'_>, credentials: &crate::world::Credentials) -> Result<serde_json::Value> {
    eventually(Duration::from_secs(10), "the ticket is refused", || {
        Ok((!credentials.kvno(&web(world))?.status.success()).then_some(()))
    })?;
    world.last_audit_of("TGS")
}

#[test]
fn a_pod_s_ticket_dies_with_the_pod() -> Result<()> {
    let world = shop()?;
    let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
    cart.kvno(&web(&world))?.ok()?;
    world.delete("shop", "pod", "cart-1")?;
    let line = await_refusal(&world, &cart)?;
    assert_eq!(line["reason"], "PodGone", "{line}");
    assert_eq!(line["pod"].as_str(), Some(&*format!("{}/cart-1", world.ns("shop"))));
    // Another pod of its name is another pod.
    let again = world.enrolled_pod("shop", "cart-1", "cart")?;
    again.kvno(&web(&world))?.ok()?;
    assert!(!cart.kvno(&web(&world))?.status.success(), "the old pod's ticket");
    Ok(())
}

#[test]
fn a_deleted_account_s_ticket_is_refused_and_its_successor_is_another() -> Result<()> {
    let world = shop()?;
    let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
    cart.kvno(&web(&world))?.ok()?;
    world.delete("shop", "serviceaccount", "cart")?;
    let line = await_refusal(&world, &cart)?;
    assert_eq!(line["reason"], "ClientLocked", "{line}");
    world.api.kubectl(&["create", "serviceaccount", "cart", "-n", &world.ns("shop")], "")?.ok()?;
    let new = world.enrolled_pod("shop", "cart-2", "cart")?;
    new.kvno(&web(&world))?.ok()?;
    let refused = cart.kvno(&web(&world))?;
    assert!(!refused.status.success(), "the older account's ticket works for the newer one");
    let line = world.last_audit_of("TGS")?;
    assert_eq!(line["reason"], "TicketRevoked", "{line}");
    Ok(())
}

#[test]
fn a_recreated_account_has_other_keys() -> Result<()> {
    let world = World::new()?;
    world.namespace("shop", &["batch"])?;
    world.principal("shop", "batch", "credentials: [Keytab]")?;
    world.await_condition("shop", "batch", "Ready", ["True", "Ready"])?;
    let old = world.enrolled_pod("shop", "batch-1", "batch")?;
    world.delete("shop", "serviceaccount", "batch")?;
    world.await_condition("shop", "batch", "Ready", ["False", "AccountNotFound"])?;
    world.api.kubectl(&["create", "serviceaccount", "batch", "-n", &world.ns("shop")], "")?.ok()?;
    let new = world.enrolled_pod("shop", "batch-2", "batch")?;
    let name = format!("batch.{}", world.ns("shop"));
    new.mit()?.kinit_with_keytab(&new.file("keytab"), &[&name])?.ok()?;
    assert!(!new.mit()?.kinit_with_keytab(&old.file("keytab"), &[&name])?.status.success(), "the old key still works");
    Ok(())
}

#[test]
fn a_namespace_that_is_not_enrolled_any_more_has_no_principals() -> Result<()> {
    let world = shop()?;
    let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
    let full = world.ns("shop");
    world.api.kubectl(&["label", "namespace", &full, "kennel.test/world-"], "")?.ok()?;
    await_refusal(&world, &cart)?;
    let message = world.await_condition("shop", "web", "Ready", ["False", "NamespaceNotEnrolled"])?;
    assert!(message.contains("kennel.test/world="), "{message}");
    Ok(())
}

#[test]
fn a_principal_that_cannot_have_a_name_says_whose_it_is() -> Result<()> {
    let world = shop()?;
    // Of two objects, the first by name has the name, although it comes later.
    world.principal("shop", "cart", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
    let message = world.await_condition("shop", "web", "Ready", ["False", "NameTaken"])?;
    world.await_condition("shop", "cart", "Ready", ["True", "Ready"])?;
    let full = world.ns("shop");
    assert!(message.contains(&format!("{full}/web")) && message.contains(&format!("{full}/cart")), "{message}");
    world.principal("shop", "cart", "serviceClasses: [HTTP], hosts: {services: [none], aliases: [web.example.com]}")?;
    let message = world.await_condition("shop", "cart", "Ready", ["False", "ServiceNotFound"])?;
    assert!(message.contains("create it") && message.contains("aliasPolicy"), "{message}");
    let described = world.api.kubectl(&["describe", "kprinc", "cart", "-n", &full], "")?.ok()?.stdout;
    assert!(described.contains("Warning") && described.contains("ServiceNotFound"), "{described}");
    Ok(())
}

#[test]
fn an_alias_of_the_realm_s_policy_works() -> Result<()> {
    let world = shop()?;
    let full = world.ns("shop");
    world
        .apply_realm(&format!("  aliasPolicy: [{{name: edge, namespaces: [{full}], domains: ['*.example.com']}}]\n"))?;
    world.principal("shop", "web", "serviceClasses: [HTTP], hosts: {services: [web], aliases: [web.example.com]}")?;
    world.await_condition("shop", "web", "Ready", ["True", "Ready"])?;
    let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
    eventually(SOON, "the alias is known", || Ok(cart.kvno("HTTP/web.example.com")?.status.success().then_some(())))
}

#[test]
fn what_changed_while_the_kdc_was_down_is_made_good() -> Result<()> {
    let mut world = shop()?;
    let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
    cart.kvno(&web(&world))?.ok()?;
    let (api, full) = (world.api, world.ns("shop"));
    world.realm.while_down(|| {
        api.kubectl(&["delete", "pod", "cart-1", "-n", &full, "--grace-period=0", "--force"], "")?.ok()?;
        api.kubectl(&["delete", "service", "web", "-n", &full], "")?.ok()?;
        api.kubectl(&["create", "serviceaccount", "late", "-n", &full], "")?.ok()
    })?;
    await_refusal(&world, &cart)?;
    world.await_condition("shop", "web", "Ready", ["False", "ServiceNotFound"])?;
    world.enrolled_pod("shop", "late-1", "late")?;
    Ok(())
}

#[test]
fn a_realm_object_changes_what_tickets_may_be() -> Result<()> {
    let world = World::with(Api::shared()?, "  tickets: {maxLife: 1h}\n")?;
    world.namespace("shop", &["cart"])?;
    let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
    let ccache = kennel_wire::ccache::Ccache::decode(&std::fs::read(cart.file("ccache"))?)?;
    let ticket = ccache.credentials.first().expect("a ticket");
    assert_eq!(ticket.endtime.0 - ticket.authtime.0, 3600);
    Ok(())
}

#[test]
fn of_two_realm_objects_the_older_counts_and_the_younger_says_so() -> Result<()> {
    let world = World::new()?;
    std::thread::sleep(Duration::from_secs(1));
    let name = world.realm.name().to_owned();
    world.api.apply(&format!("apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: z-second-{}}}\nspec: {{realmName: {name}, namespaceSelector: {{matchLabels: {{none: none}}}}}}\n", world.ns("")))?;
    let path = "{.status.conditions[?(@.type==\"Ready\")].reason}";
    let second = format!("z-second-{}", world.ns(""));
    eventually(SOON, "the younger one says so", || {
        Ok((world.api.json_path(&["krealm", &second], path)? == "RealmTaken").then_some(()))
    })?;
    eventually(SOON, "an Event tells of it, as of the one that is served", || {
        // The columns are as wide as the longest entry.
        let told = |realm: &str| -> Result<String> {
            let described = world.api.kubectl(&["describe", "krealm", realm], "")?.ok()?.stdout;
            Ok(described.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let (second, first) = (told(&second)?, told(world.ns("").trim_start_matches('-'))?);
        Ok((second.contains("Warning RealmTaken") && first.contains("Normal Serving")).then_some(()))
    })
}

#[test]
fn the_kdc_of_another_realm_leaves_the_config_map_of_a_namespace_alone() -> Result<()> {
    let ours = World::new()?;
    ours.namespace("shop", &["cart"])?;
    let full = ours.ns("shop");
    let uid =
        || ours.api.json_path(&["configmap", "kennel-krb5", "-n", &full, "--ignore-not-found"], "{.metadata.uid}");
    let first = eventually(SOON, "the ConfigMap is there", || Ok(Some(uid()?).filter(|uid| !uid.is_empty())))?;
    // It lists all ConfigMaps of Kennel before it writes its own.
    let other = World::new()?;
    other.namespace("shop", &["cart"])?;
    let theirs = ["configmap", "kennel-krb5", "-n", &other.ns("shop"), "--ignore-not-found"];
    eventually(SOON, "the other realm has its own", || {
        Ok((!other.api.json_path(&theirs, "{.metadata.uid}")?.is_empty()).then_some(()))
    })?;
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(uid()?, first);
    Ok(())
}

#[test]
fn a_client_that_asks_in_the_seconds_after_a_kill_gets_its_ticket() -> Result<()> {
    let mut world = shop()?;
    let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
    cart.kvno(&web(&world))?.ok()?;
    for kill in 0..3 {
        world.realm.kill_and_restart()?;
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            let run = cart.kvno(&web(&world))?;
            run.ok()
                .with_context(|| format!("{:?} after kill {kill}: {}", begun.elapsed(), world.realm.server().said()))?;
        }
    }
    Ok(())
}
