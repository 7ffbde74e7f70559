//! `kennel keytab`: the keys of a service account as a file, for a program outside the cluster, through a Kubernetes identity.

use crate::world::{SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::process::{self, Run};
use serde_json::Value;
use std::process::{Command, Output};

/// A new key is used as soon as its holders have it; the two principals are for the self test of `dev`.
const SEED: &str = "[realm.rotation]\npropagation = \"1s\"\n\
                    [[principal]]\nname = \"alice\"\npassword = \"secret\"\n[[principal]]\nname = \"host/self.test\"\n";

/// A realm with a service `web`, whose keys `operator` is to take; nobody else is in the namespace `bank`.
struct Shop(World<'static>);

impl Shop {
    fn new() -> Result<Shop> {
        let world = World::seeded(Api::shared()?, "", SEED)?;
        for namespace in ["shop", "bank"] {
            world.namespace(namespace, &["web", "operator"])?;
            world.service(namespace, "web")?;
            world.principal(namespace, "web", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
            world.await_condition(namespace, "web", "Ready", ["True", "Ready"])?;
        }
        Ok(Shop(world))
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(kennel()?);
        command.args(arguments).env("KUBECONFIG", self.0.api.kubeconfig());
        command.arg("--server").arg(self.0.url("")).arg("--ca").arg(self.0.realm.ca());
        Ok(command)
    }

    /// `kennel keytab` as `operator` of the shop.
    fn keytab(&self, namespace: &str) -> Result<Output> {
        let operator = format!("{}/operator", self.0.ns("shop"));
        let mut command = self.command(&["keytab", "-n", &self.0.ns(namespace), "web", "--as-account", &operator])?;
        Ok(command.output()?)
    }

    fn refused(&self, namespace: &str, missing: &str) -> Result<()> {
        let output = self.keytab(namespace)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let words = format!("lacks the permission to get {missing}.kennel.dev in namespace {}", self.0.ns(namespace));
        ensure!(output.status.code() == Some(2) && said.contains(&words), "not refused for want of {missing}: {said}");
        ensure!(output.stdout.is_empty(), "a refusal writes no keytab");
        Ok(())
    }

    /// Lets `operator` get a sub-resource of KerberosPrincipals in the shop.
    fn permit(&self, subresource: &str) -> Result<()> {
        let (shop, resource) = (self.0.ns("shop"), format!("--resource=kerberosprincipals.kennel.dev/{subresource}"));
        let (role, account) = (format!("--role={subresource}"), format!("--serviceaccount={shop}:operator"));
        let kubectl = |arguments: &[&str]| self.0.api.kubectl(&[arguments, &["-n", &shop]].concat(), "")?.ok();
        kubectl(&["create", "role", subresource, "--verb=get", &resource])?;
        kubectl(&["create", "rolebinding", subresource, &role, &account]).map(|_| ())
    }

    /// The keys of the service, as the administrator of the cluster sees them.
    fn keys(&self) -> Result<Value> {
        let run = process::run(&mut self.command(&["keys", &self.service(), "-o", "json"])?, "")?;
        let mut said: Value = serde_json::from_str(&run.stdout).with_context(|| run.to_string())?;
        Ok(said["principals"][0].take())
    }

    fn service(&self) -> String {
        format!("HTTP/web.{}.svc.cluster.local", self.0.ns("shop"))
    }

    fn extractions(&self, outcome: &str) -> Result<Vec<Value>> {
        let lines = self.0.audit_of("admin")?.into_iter();
        Ok(lines.filter(|line| line["operation"] == "extract-keys" && line["outcome"] == outcome).collect())
    }

    fn rotate(&self) -> Result<Run> {
        process::run(&mut self.command(&["rotate", &self.service(), "--now"])?, "")
    }
}

#[test]
fn keys_are_taken_by_whom_the_cluster_names_and_rotate_when_asked_alone_from_then_on() -> Result<()> {
    let shop = Shop::new()?;
    let namespace = shop.0.ns("shop");
    shop.refused("shop", "kerberosprincipals/keyversions")?;
    shop.permit("keyversions")?;
    eventually(SOON, "the first Role counts", || shop.refused("shop", "kerberosprincipals/keys").map(Some))?;
    let refusals = shop.extractions("refused")?;
    ensure!(refusals.iter().any(|line| line["reason"] == "NotPermitted"), "{refusals:?}");
    ensure!(shop.extractions("done")?.is_empty(), "no key has left");
    let before = shop.keys()?;
    assert_eq!((&before["rotation"], before["unknownHolder"].is_null()), (&"Scheduled".into(), true), "{before}");

    shop.permit("keys")?;
    let output = eventually(SOON, "the second Role counts", || {
        let output = shop.keytab("shop")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(Some(output))
    })?;
    shop.refused("bank", "kerberosprincipals/keyversions")?;
    let mit = shop.0.realm.mit()?;
    let file = mit.file("web.keytab");
    std::fs::write(&file, &output.stdout)?;
    mit.kinit_with_keytab(&file, &[&shop.service()])?.ok()?;

    // A line with who took which version of whose keys. The account itself has none: its pods get tickets.
    let taken = shop.extractions("done")?;
    ensure!(!taken.is_empty(), "no line of the trail says that keys left");
    for line in &taken {
        ensure!(line["target"].as_str().is_some_and(|target| target.starts_with(&shop.service())), "{line}");
        ensure!(line["user"] == format!("system:serviceaccount:{namespace}:operator"), "{line}");
        ensure!(line["kvno"] == before["versions"][0]["kvno"], "{line}");
    }

    // Somebody has the keys by hand: nothing changes them but an order.
    let after = shop.keys()?;
    assert_eq!((&after["rotation"], &after["versions"]), (&"OnDemand".into(), &before["versions"]), "{after}");
    ensure!(after["unknownHolder"].is_string() && after["nextRotationTime"].is_null(), "{after}");
    let text = process::run(&mut shop.command(&["keys", &shop.service()])?, "")?.ok()?.stdout;
    ensure!(text.contains("somebody has keys by hand since"), "{text}");
    eventually(SOON, "the object shows no next rotation", || {
        let next = shop.0.api.json_path(&["kprinc", "web", "-n", &namespace], "{.status.nextRotationTime}")?;
        Ok(next.is_empty().then_some(()))
    })?;
    shop.rotate()?.ok()?;
    eventually(SOON, "the ordered key is used", || {
        let newest = shop.keys()?["versions"][0].clone();
        Ok((newest["state"] == "Active" && newest["kvno"] != before["versions"][0]["kvno"]).then_some(()))
    })
}
