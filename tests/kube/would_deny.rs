//! Before Enforce: the status of a server in mode Observe, and `kennel diff`, name whom Enforce would deny: clients without a grant, and
//! callers that know nothing of Kerberos.

use crate::access::{DNS, Shop};
use crate::world::SOON;
use anyhow::{Result, ensure};
use kennel_tests::kube::{Api, eventually};
use tempfile::TempDir;

/// ServiceMonitor, as far as a list of them needs a definition.
const MONITORS: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
    metadata: {name: servicemonitors.monitoring.coreos.com}\nspec:\n  group: monitoring.coreos.com\n  scope: Namespaced\n  \
    names: {kind: ServiceMonitor, plural: servicemonitors, singular: servicemonitor}\n  versions: [{name: v1, served: true, storage: true, \
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]\n";

/// An Ingress, a ServiceMonitor and a webhook before the Service `web`.
fn callers(namespace: &str) -> String {
    let meta = |name: &str| format!("metadata: {{name: {name}, namespace: {namespace}}}");
    [
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\n{}\nspec: {{defaultBackend: {{service: {{name: web, port: {{number: 80}}}}}}}}\n",
            meta("front")
        ),
        format!(
            "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\n{}\nspec: {{selector: {{}}, endpoints: [{{targetPort: 9090}}]}}\n",
            meta("scrape")
        ),
        // Of a resource that nobody has, so that it stops no other test.
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: gate-{namespace}}}\n\
             webhooks: [{{name: gate.shop.test, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Ignore, \
             rules: [{{apiGroups: [none.shop.test], apiVersions: [v1], operations: [CREATE], resources: [none]}}], \
             clientConfig: {{service: {{name: web, namespace: {namespace}, port: 80}}}}}}]\n"
        ),
    ]
    .join("---\n")
}

impl Shop<'_> {
    /// The condition WouldDeny of `web`: status, and message.
    fn would_deny(&self) -> Result<(String, String)> {
        let [status, _, message] = self.world.condition("shop", "web", "WouldDeny")?;
        Ok((status, message))
    }

    fn await_named(&self, named: &[&str], not_named: &[&str]) -> Result<()> {
        eventually(2 * SOON, &format!("{named:?} would be denied, and {not_named:?} would not"), || {
            let (status, message) = self.would_deny()?;
            let named = named.iter().all(|name| message.contains(name));
            let others = not_named.iter().any(|name| message.contains(name));
            ensure!(status == "True" && named && !others, "{status}: {message}");
            Ok(Some(()))
        })
    }
}

#[test]
fn while_a_server_observes_its_status_and_the_difference_name_whom_enforce_would_deny() -> Result<()> {
    let api = Api::shared()?;
    let mut shop = Shop::with(api, &format!("  access: {{defaultMode: Observe}}\n  network: {{{DNS}}}\n"))?;
    let namespace = shop.shop();
    api.apply(MONITORS)?;
    api.kubectl(
        &["wait", "--for=condition=Established", "crd/servicemonitors.monitoring.coreos.com", "--timeout=30s"],
        "",
    )?
    .ok()?;
    api.apply(&callers(&namespace))?;
    // A process looks at its start; this one would look within a minute.
    shop.world.realm.kill_and_restart()?;
    let outside = [
        format!("Ingress {namespace}/front (port 80)"),
        format!("ServiceMonitor {namespace}/scrape (port 9090)"),
        format!("ValidatingWebhookConfiguration gate-{namespace} (port 80)"),
    ];
    let outside: Vec<&str> = outside.iter().map(String::as_str).collect();
    shop.await_named(&outside, &["clients that"])?;
    shop.world.await_condition("shop", "web", "Ready", ["True", "Ready"])?;

    eventually(SOON, "cart gets a ticket, since the server observes", || Ok(shop.calls()?.then_some(())))?;
    let cart = format!("cart.{namespace}@{}", shop.world.realm.name());
    shop.await_named(&[&[&*cart][..], &outside].concat(), &[])?;

    let folder = TempDir::new()?;
    let file = folder.path().join("enforce.yaml");
    let spec = "serviceClasses: [HTTP], hosts: {services: [web]}, accessMode: Enforce";
    std::fs::write(&file, shop.world.principal_yaml("shop", "web", spec))?;
    let file = file.to_str().unwrap_or_default();
    let differs = shop.world.run_audit(&["diff", "-f", file, "--realm", shop.world.realm.name(), "-n", &namespace])?;
    for caller in &outside {
        ensure!(differs.stdout.contains(&format!("! {caller} -> {namespace}/web")), "{caller} in {differs}");
    }

    let from = "from: [{ipBlock: {cidr: 10.0.0.0/8}}]";
    let opened = format!(", networkOnly: [{{{from}, ports: [{{port: 80}}]}}]");
    shop.access("web", "[{from: [{serviceAccount: {name: cart}}]}]", &opened)?;
    shop.await_named(&outside[1..2], &[&*cart, outside[0], outside[2]])?;
    shop.access("scrape", "[]", &format!(", networkOnly: [{{{from}, ports: [{{port: 9090}}]}}]"))?;
    eventually(2 * SOON, "nobody would be denied", || Ok((shop.would_deny()?.0.is_empty()).then_some(())))
}
