//! Calico's StagedNetworkPolicies in mode Observe. The definition of the kind is Calico's; nothing judges flows by them here.

use crate::access::{DNS, Shop};
use crate::world::SOON;
use anyhow::{Result, ensure};
use kennel_tests::kube::{Api, eventually, root};
use kennel_tests::kubectl::utf8;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Drift is mended within this time.
const MENDED: Duration = Duration::from_secs(2);

impl Shop<'_> {
    /// `spec` of the staged policies of the shop, by name.
    fn staged(&self) -> Result<BTreeMap<String, Value>> {
        let run = self.world.api.kubectl(&["get", "stagednetworkpolicies", "-n", &self.shop(), "-o", "json"], "")?;
        let list: Value = serde_json::from_str(&run.ok()?.stdout)?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let name = |item: &Value| item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Ok(items.iter().map(|item| (name(item), item["spec"].clone())).collect())
    }
}

#[test]
fn an_observed_server_has_staged_policies_that_are_kept_and_go_with_the_mode() -> Result<()> {
    let api = Api::alone()?;
    let definition = root().join("tests/kube/definitions/stagednetworkpolicies.yaml");
    api.kubectl(&["apply", "-f", utf8(&definition)?], "")?.ok()?;
    api.kubectl(
        &["wait", "--for=condition=Established", "crd/stagednetworkpolicies.projectcalico.org", "--timeout=30s"],
        "",
    )?
    .ok()?;
    let shop = Shop::with(&api, &format!("  access: {{defaultMode: Observe}}\n  network: {{{DNS}}}\n"))?;
    shop.allow("web", "cart")?;
    let names = ["kennel-default", "kennel-ingress-web"];
    let specs = eventually(SOON, "both are written", || {
        let specs = shop.staged()?;
        Ok(specs.keys().eq(names).then_some(specs))
    })?;
    ensure!(specs["kennel-ingress-web"].to_string().contains("kennel.dev/service-account == 'cart'"), "{specs:?}");
    ensure!(specs["kennel-default"]["ingress"].to_string().contains("Deny"), "{specs:?}");
    for edit in [
        &["delete", "stagednetworkpolicy", "kennel-default"][..],
        &["patch", "stagednetworkpolicy", "kennel-default", "--type=merge", "-p", r#"{"spec":{"order":10}}"#],
    ] {
        api.kubectl(&[edit, &["-n", &shop.shop()]].concat(), "")?.ok()?;
        eventually(MENDED, "it is put back", || Ok((shop.staged()? == specs).then_some(())))?;
    }
    let spec = "serviceClasses: [HTTP], hosts: {services: [web]}, accessMode: Enforce";
    shop.world.principal("shop", "web", spec)?;
    eventually(SOON, "a server that enforces has none", || {
        Ok((!shop.staged()?.contains_key("kennel-ingress-web")).then_some(()))
    })?;
    shop.world.apply_realm(&format!("  access: {{defaultMode: Enforce}}\n  network: {{{DNS}}}\n"))?;
    eventually(SOON, "nothing is staged where everything is enforced", || Ok(shop.staged()?.is_empty().then_some(())))
}
