//! `spec.network.clusterPolicy`: ClusterNetworkPolicies of the Admin tier, which whoever edits NetworkPolicies cannot widen. The
//! definition of the kind is that of network-policy-api; nothing enforces it here, as no CNI at hand does.

use crate::access::{DNS, Shop};
use crate::world::SOON;
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::{Api, eventually, root};
use kennel_tests::kubectl::utf8;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Drift is mended within this time.
const MENDED: Duration = Duration::from_secs(2);

fn definition() -> PathBuf {
    root().join("tests/kube/definitions/clusternetworkpolicies.yaml")
}

/// A shop whose realm asks for cluster policies. Its API server is its own, since the definition of the kind is the cluster's.
fn shop(api: &Api) -> Result<Shop<'_>> {
    let spec = format!("  access: {{defaultMode: Enforce}}\n  network: {{clusterPolicy: {{priority: 900}}, {DNS}}}\n");
    Shop::with(api, &spec)
}

impl Shop<'_> {
    fn cluster_policy_name(&self) -> String {
        format!("kennel-{}.web", self.shop())
    }

    /// `spec` of the policy of `web`, where it is there.
    fn cluster_policy(&self) -> Result<Option<Value>> {
        let run = self.world.api.kubectl(
            &["get", "clusternetworkpolicy", &self.cluster_policy_name(), "--ignore-not-found", "-o", "json"],
            "",
        )?;
        let text = run.ok()?.stdout;
        if text.trim().is_empty() {
            return Ok(None);
        }
        Ok(serde_json::from_str::<Value>(&text)?.get("spec").cloned())
    }

    /// The accounts of the shop that the policy leaves to the NetworkPolicies, as its rules have them.
    fn passes(&self) -> Result<String> {
        let spec = self.cluster_policy()?.context("there is no policy")?;
        let rules = spec["ingress"].as_array().context("no rules")?.clone();
        let last = rules.last().context("no rules")?;
        ensure!(last["action"] == "Deny" && last["from"] == json!([{ "namespaces": {} }]), "{spec}");
        let passing = rules.iter().filter(|rule| rule["action"] == "Pass");
        Ok(passing.map(|rule| rule["from"].to_string()).collect())
    }

    /// The condition NetworkProgrammed of the KerberosRealm: status and reason.
    fn network(&self) -> Result<String> {
        let realm = self.world.realm_object();
        let of = |field: &str| format!("{{.status.conditions[?(@.type==\"NetworkProgrammed\")].{field}}}");
        self.world.api.json_path(&["krealm", realm], &format!("{}|{}", of("status"), of("reason")))
    }

    fn await_network(&self, is: &str) -> Result<()> {
        eventually(SOON, &format!("NetworkProgrammed of the realm is {is}"), || {
            let said = self.network()?;
            ensure!(said == is, "{said}");
            Ok(Some(()))
        })
    }

    fn mode(&self, mode: &str) -> Result<()> {
        let spec = format!("serviceClasses: [HTTP], hosts: {{services: [web]}}, accessMode: {mode}");
        self.world.principal("shop", "web", &spec)
    }
}

#[test]
fn a_server_that_enforces_has_a_policy_that_editors_of_its_namespace_cannot_widen_where_the_cluster_serves_the_kind()
-> Result<()> {
    let api = Api::alone()?;
    let shop = shop(&api)?;
    shop.await_network("False|ClusterPolicyNotServed")?;
    shop.allow("web", "cart")?;
    eventually(SOON, "cart gets a ticket without the kind", || Ok(shop.calls()?.then_some(())))?;

    api.kubectl(&["apply", "-f", utf8(&definition())?], "")?.ok()?;
    eventually(SOON, "the policy is written", || Ok(shop.cluster_policy().ok().flatten().map(|_| ())))?;
    shop.await_network("True|Programmed")?;
    let spec = shop.cluster_policy()?.context("no policy")?;
    ensure!(spec["tier"] == "Admin" && spec["priority"] == 900, "{spec}");
    ensure!(shop.passes()?.contains("\"cart\"") && !shop.passes()?.contains("batch"), "{spec}");
    ensure!(shop.calls()?, "the ticket stays");

    let name = shop.cluster_policy_name();
    let widen = r#"{"spec":{"ingress":[{"action":"Accept","from":[{"namespaces":{}}]}]}}"#;
    let egress = r#"{"spec":{"egress":[{"action":"Deny","to":[{"namespaces":{}}]}]}}"#;
    for edit in [
        &["patch", "clusternetworkpolicy", &name, "--type=merge", "-p", widen][..],
        &["patch", "clusternetworkpolicy", &name, "--type=merge", "-p", egress],
        &["delete", "clusternetworkpolicy", &name],
    ] {
        api.kubectl(edit, "")?.ok()?;
        // The third drift makes the policy contended.
        let limit = if edit[0] == "delete" { SOON } else { MENDED };
        eventually(limit, "the policy is put back", || {
            Ok(shop.cluster_policy()?.filter(|found| *found == spec).map(|_| ()))
        })?;
    }

    shop.revoke("web")?;
    eventually(SOON, "the ticket is refused", || Ok((!shop.calls()?).then_some(())))?;
    eventually(SOON, "nobody passes", || Ok(shop.passes()?.is_empty().then_some(())))?;

    shop.mode("Observe")?;
    eventually(SOON, "an observed server has none", || Ok(shop.cluster_policy()?.is_none().then_some(())))?;
    eventually(SOON, "cart gets a ticket in mode Observe", || Ok(shop.calls()?.then_some(())))?;
    shop.mode("Enforce")?;
    eventually(SOON, "the policy is back", || Ok(shop.cluster_policy()?.map(|_| ())))?;

    shop.world.apply_realm(&format!("  access: {{defaultMode: Enforce}}\n  network: {{{DNS}}}\n"))?;
    eventually(SOON, "a realm that does not ask for it has none", || Ok(shop.cluster_policy()?.is_none().then_some(())))
}

#[test]
fn a_grant_gives_its_ticket_once_the_cluster_policy_lets_its_packets_pass_and_leftovers_are_swept_after_a_restart()
-> Result<()> {
    let api = Api::alone()?;
    let mut shop = shop(&api)?;
    api.kubectl(&["apply", "-f", utf8(&definition())?], "")?.ok()?;
    eventually(SOON, "the policy is written", || Ok(shop.cluster_policy().ok().flatten().map(|_| ())))?;
    shop.allow("web", "cart")?;
    eventually(SOON, "cart gets a ticket", || Ok(shop.calls()?.then_some(())))?;
    ensure!(shop.passes()?.contains("\"cart\""), "a ticket without its policy");

    let name = shop.cluster_policy_name();
    let left = format!(
        "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {{name: kennel-gone.web, labels: \
         {{app.kubernetes.io/managed-by: kennel-kdc, kennel.dev/realm: {}}}}}\n\
         spec: {{tier: Admin, priority: 900, subject: {{namespaces: {{}}}}, ingress: []}}\n",
        shop.world.realm_object()
    );
    let foreign = left.replace("kennel-gone.web", "theirs").replace("managed-by: kennel-kdc", "managed-by: them");
    shop.world.realm.while_down(|| {
        api.kubectl(&["delete", "clusternetworkpolicy", &name], "")?.ok()?;
        api.apply(&left)?;
        api.apply(&foreign)
    })?;
    eventually(SOON, "cart gets a ticket again", || Ok(shop.calls()?.then_some(())))?;
    ensure!(shop.passes()?.contains("\"cart\""), "a ticket without its policy");
    eventually(SOON, "what is not rendered is swept", || {
        let names = api.kubectl(&["get", "clusternetworkpolicy", "-o", "name"], "")?.ok()?.stdout;
        ensure!(names.contains("/theirs"), "{names}");
        Ok((!names.contains("kennel-gone.web")).then_some(()))
    })
}

#[test]
fn the_kdc_may_write_cluster_policies_by_its_component_alone() -> Result<()> {
    let api = Api::alone()?;
    api.kubectl(&["apply", "-f", utf8(&definition())?], "")?.ok()?;
    let verbs = ["get", "list", "watch", "create", "patch", "update", "delete"];
    let may = |verb: &str| {
        let account = "--as=system:serviceaccount:kennel-system:kennel-kdc";
        let run =
            api.kubectl(&["auth", "can-i", verb, "clusternetworkpolicies.policy.networking.k8s.io", account], "")?;
        Ok::<bool, anyhow::Error>(run.stdout.trim() == "yes")
    };
    api.kubectl(&["apply", "-f", utf8(&root().join("deploy/base/namespace.yaml"))?], "")?.ok()?;
    api.kubectl(&["apply", "-n", "kennel-system", "-f", utf8(&root().join("deploy/base/rbac.yaml"))?], "")?.ok()?;
    for verb in verbs {
        ensure!(!may(verb)?, "{verb} without the component");
    }
    let component = root().join("deploy/components/cluster-policy/rbac.yaml");
    api.kubectl(&["apply", "-f", utf8(&component)?], "")?.ok()?;
    eventually(SOON, "the role counts", || Ok(may("list")?.then_some(())))?;
    for verb in verbs {
        ensure!(may(verb)?, "{verb} with the component");
    }
    Ok(())
}
