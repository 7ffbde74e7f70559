//! What people read about a KerberosPrincipal.

use crate::installation::Installation;
use anyhow::{Result, ensure};
use kennel_tests::kube::eventually;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// The story of one: a Service that is missing, then made.
#[test]
fn kubectl_describe_says_why_one_does_not_work_and_later_that_it_does() -> Result<()> {
    let dev = Installation::dev()?;
    let kubectl = dev.kubectl();
    kubectl.apply(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: late, namespace: shop}\n---\n\
         apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {name: late, namespace: shop}\n\
         spec: {serviceAccountName: late, serviceClasses: [HTTP], hosts: {services: [late]}}\n",
    )?;
    await_description(&dev, "there is no Service late in namespace shop: create it", ["Warning", "ServiceNotFound"])?;
    kubectl.run(&["create", "service", "clusterip", "late", "--tcp=80", "-n", "shop"])?;
    await_description(&dev, "every principal is there", ["Normal", "Ready"])?;
    kubectl.run(&["delete", "kprinc/late", "serviceaccount/late", "service/late", "-n", "shop"])?;
    Ok(())
}

/// Waits for a message, and for an Event with this type and reason.
fn await_description(dev: &Installation, message: &str, event: [&str; 2]) -> Result<()> {
    eventually(SOON, &format!("{message:?} and the Event {event:?}"), || {
        let described = dev.kubectl().run(&["describe", "kprinc", "late", "-n", "shop"])?;
        ensure!(described.contains(message), "no {message:?} in:\n{described}");
        let has_event = described.lines().any(|line| line.split_whitespace().take(2).eq(event));
        ensure!(has_event, "no Event {event:?} in:\n{described}");
        Ok(Some(()))
    })
}
