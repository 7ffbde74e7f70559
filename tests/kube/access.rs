//! One declaration, two layers: a KerberosAccess decides the ticket, and the NetworkPolicies that follow from it are written, kept
//! and removed in the order that is safe. No packet is filtered here: tests/deploy has real pods.

use crate::world::{Credentials, SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::{Api, eventually};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Drift is mended, and a policy that widens is named, within this time.
const MENDED: Duration = Duration::from_secs(2);

/// A realm that enforces, with the server `web` and the clients `cart` and `batch` in `shop`.
struct Shop {
    world: World<'static>,
    cart: Credentials,
}

impl Shop {
    fn new() -> Result<Shop> {
        Shop::with("  access: {defaultMode: Enforce}\n")
    }

    fn with(spec: &str) -> Result<Shop> {
        let world = World::with(Api::shared()?, spec)?;
        world.namespace("shop", &["web", "cart", "batch"])?;
        world.service("shop", "web")?;
        world.principal("shop", "web", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
        world.await_condition("shop", "web", "Ready", ["True", "Ready"])?;
        let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
        Ok(Shop { world, cart })
    }

    fn shop(&self) -> String {
        self.world.ns("shop")
    }

    /// A KerberosAccess of `web` for an account.
    fn allow(&self, name: &str, account: &str) -> Result<()> {
        self.access(name, &format!("[{{from: [{{serviceAccount: {{name: {account}}}}}]}}]"), "")
    }

    fn access(&self, name: &str, allow: &str, more: &str) -> Result<()> {
        self.world.api.apply(&format!(
            "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {{name: {name}, namespace: {}}}\n\
             spec: {{targetRefs: [{{name: web}}], allow: {allow}{more}}}\n",
            self.shop()
        ))
    }

    fn revoke(&self, name: &str) -> Result<()> {
        self.world.delete("shop", "kaccess", name)
    }

    /// `cart` asks for a ticket of `web`, from a cache without one.
    fn calls(&self) -> Result<bool> {
        Ok(self.cart.kvno(&format!("HTTP/web.{}.svc.cluster.local", self.shop()))?.status.success())
    }

    /// The policies of ours in the namespace, by name.
    fn policies(&self) -> Result<Vec<Value>> {
        let label = "app.kubernetes.io/managed-by=kennel-kdc";
        let run =
            self.world.api.kubectl(&["get", "netpol", "-n", &self.shop(), "-l", label, "-o", "json"], "")?.ok()?;
        let list: Value = serde_json::from_str(&run.stdout)?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// The ingress policy of `web`, if it lets `cart` in.
    fn lets_cart_in(&self) -> Result<Option<Value>> {
        let lets = |policy: &Value| {
            let rules = policy["spec"]["ingress"].to_string();
            policy["spec"]["podSelector"].to_string().contains("\"web\"") && rules.contains("\"cart\"")
        };
        Ok(self.policies()?.into_iter().find(lets))
    }

    /// The condition of a KerberosAccess: status, reason, message.
    fn condition(&self, access: &str, kind: &str) -> Result<String> {
        let of = |field: &str| format!("{{.status.conditions[?(@.type==\"{kind}\")].{field}}}");
        let path = format!("{}|{}|{}", of("status"), of("reason"), of("message"));
        self.world.api.json_path(&["kaccess", access, "-n", &self.shop()], &path)
    }

    fn await_condition(&self, access: &str, kind: &str, is: &str) -> Result<String> {
        eventually(SOON, &format!("{kind} of {access} is {is}"), || {
            let said = self.condition(access, kind)?;
            ensure!(said.starts_with(is), "{said}");
            Ok(Some(said))
        })
    }

    fn described(&self, object: &str) -> Result<String> {
        Ok(self.world.api.kubectl(&["describe", object, "-n", &self.shop()], "")?.ok()?.stdout)
    }
}

#[test]
fn a_client_that_no_access_allows_gets_no_ticket_and_one_that_is_allowed_gets_its_policy_first() -> Result<()> {
    let shop = Shop::new()?;
    ensure!(!shop.calls()?, "nobody is allowed yet");
    let refused = shop.world.last_audit_of("TGS")?;
    assert_eq!((&refused["reason"], &refused["denial"]), (&"AccessDenied".into(), &"NoAccess".into()), "{refused}");
    let words = format!("no KerberosAccess in {} allows cart.{} to call web", shop.shop(), shop.shop());
    assert_eq!(refused["text"].as_str(), Some(&*words));
    ensure!(shop.lets_cart_in()?.is_none());

    shop.allow("web", "cart")?;
    let applied = Instant::now();
    eventually(SOON, "cart gets a ticket", || {
        // The policy is looked for after the ticket: it must have been there before.
        Ok(shop.calls()?.then_some(()))
    })?;
    println!("from kubectl apply to the ticket: {:?}", applied.elapsed());
    ensure!(shop.lets_cart_in()?.is_some(), "a ticket without its policy: {:?}", shop.policies()?);
    shop.await_condition("web", "Ready", "True|Ready")?;
    let described = shop.described("kaccess/web")?;
    ensure!(described.contains("Normal") && described.contains("NetworkProgrammed"), "{described}");

    shop.revoke("web")?;
    eventually(SOON, "the ticket is refused", || Ok((!shop.calls()?).then_some(())))?;
    eventually(SOON, "the policy lets nobody in", || Ok(shop.lets_cart_in()?.is_none().then_some(())))
}
