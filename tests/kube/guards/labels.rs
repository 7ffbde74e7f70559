//! The label `kennel.dev/service-account` of a pod is the pod's account, whatever a tenant tries.

use super::{FORGED, api, attempt, create, label_of, pod};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::eventually;
use kennel_tests::process::Run;
use serde_json::{Value, json};
use std::time::Duration;

const CART: &str = "kennel.dev/service-account: cart";
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_new_pod_of_every_namespace_gets_its_account_as_a_label() -> Result<()> {
    for namespace in ["free", "shop", "kube-system"] {
        eventually(SOON, "the account exists", || {
            api()?.json_path(&["serviceaccount", "default", "-n", namespace], "{.metadata.name}").map(Some)
        })?;
        // Without an account in the object it is the account `default`, which the API server fills in.
        create("tenant", &pod(namespace, "plain", "''", "app: x"))?.ok()?;
        assert_eq!(label_of(namespace, "plain")?, "default", "{namespace}");
    }
    create("tenant", &pod("shop", "right", "web", "kennel.dev/service-account: web"))?.ok()?;
    assert_eq!(label_of("shop", "right")?, "web");
    Ok(())
}

#[test]
fn a_pod_that_brings_another_accounts_label_is_refused_also_outside_of_realms() -> Result<()> {
    for namespace in ["free", "shop"] {
        for label in [CART, "kennel.dev/service-account: ''"] {
            let refused = create("tenant", &pod(namespace, "forged", "web", label))?.refused(FORGED)?;
            ensure!(refused.stderr.contains("set it to web in the pod"), "no remedy: {refused}");
        }
    }
    Ok(())
}

#[test]
fn a_label_is_not_changed_and_not_removed_by_any_way_to_a_pod() -> Result<()> {
    create("tenant", &pod("shop", "target", "web", ""))?.ok()?;
    for label in [json!("cart"), json!(""), json!(null)] {
        let patch = json!({ "metadata": { "labels": { "kennel.dev/service-account": label } } });
        for kind in ["merge", "strategic"] {
            patch_pod("target", "", kind, &patch)?.refused(FORGED)?;
            patch_pod("target", "status", kind, &patch)?.refused(FORGED)?;
        }
    }
    // These write labels only along with what they are for.
    let debugger = json!({ "ephemeralContainers": [{ "name": "d", "image": "i" }] });
    let resize = json!({ "containers": [{ "name": "c", "resources": { "requests": { "cpu": "1" } } }] });
    for (subresource, spec) in [("ephemeralcontainers", debugger), ("resize", resize)] {
        let labels = json!({ "kennel.dev/service-account": "cart" });
        let _ =
            patch_pod("target", subresource, "strategic", &json!({ "metadata": { "labels": labels }, "spec": spec }))?;
        assert_eq!(label_of("shop", "target")?, "web", "{subresource}");
    }
    let applied = attempt(
        "tenant",
        &["apply", "--server-side", "--force-conflicts", "-f", "-"],
        &pod("shop", "target", "web", CART),
    )?;
    applied.refused(FORGED)?;
    let mut whole = whole_pod("shop", "target")?;
    whole["metadata"]["labels"]["kennel.dev/service-account"] = json!("cart");
    attempt("tenant", &["replace", "-f", "-"], &whole.to_string())?.refused(FORGED)?;
    assert_eq!(label_of("shop", "target")?, "web");
    Ok(())
}

fn patch_pod(pod: &str, subresource: &str, kind: &str, patch: &Value) -> Result<Run> {
    let subresource = format!("--subresource={subresource}");
    let subresource: &[&str] = if subresource.ends_with('=') { &[] } else { &[&subresource] };
    let whole = ["patch", "pod", pod, "-n", "shop", "--type", kind, "-p", &patch.to_string()];
    attempt("tenant", &[&whole, subresource].concat(), "")
}

#[test]
fn a_binding_does_not_bring_labels_of_ours_to_the_pod() -> Result<()> {
    create("tenant", &pod("shop", "to-bind", "web", ""))?.ok()?;
    let binding = |labels| {
        json!({ "apiVersion": "v1", "kind": "Binding", "metadata": { "name": "to-bind", "namespace": "shop", "labels": labels },
                "target": { "apiVersion": "v1", "kind": "Node", "name": "n1" } })
        .to_string()
    };
    for path in ["/api/v1/namespaces/shop/pods/to-bind/binding", "/api/v1/namespaces/shop/bindings"] {
        for key in ["kennel.dev/service-account", "kennel.dev/inject"] {
            let refused = attempt("tenant", &["create", "--raw", path, "-f", "-"], &binding(json!({ key: "cart" })))?;
            refused.refused("a Binding would write its labels to the pod")?;
        }
    }
    let path = "/api/v1/namespaces/shop/pods/to-bind/binding";
    attempt("tenant", &["create", "--raw", path, "-f", "-"], &binding(json!({ "topology.kubernetes.io/zone": "z" })))?
        .ok()?;
    assert_eq!(label_of("shop", "to-bind")?, "web");
    Ok(())
}

/// A forged label in the selector would make the ReplicaSet lose a pod whose label was overwritten, and create the next one, without end.
#[test]
fn a_controllers_forged_template_makes_no_pod_and_says_why() -> Result<()> {
    let deployment = |name: &str, label: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  \
             selector: {{matchLabels: {{app: {name}, kennel.dev/service-account: {label}}}}}\n  template:\n    \
             metadata: {{labels: {{app: {name}, kennel.dev/service-account: {label}}}}}\n    \
             spec: {{serviceAccountName: web, containers: [{{name: c, image: i}}]}}\n"
        )
    };
    create("tenant", &(deployment("forging", "cart") + "---\n" + &deployment("honest", "web")))?.ok()?;
    let names =
        |app: &str| api()?.json_path(&["pods", "-n", "shop", "-l", &format!("app={app}")], "{.items[*].metadata.name}");
    eventually(SOON, "the honest one has its pod", || Ok(Some(names("honest")?).filter(|names| !names.is_empty())))?;
    let message = r#"{.items[*].status.conditions[?(@.type=="ReplicaFailure")].message}"#;
    eventually(SOON, "the forging one says why it has none", || {
        let said = api()?.json_path(&["deployments", "-n", "shop"], message)?;
        Ok(said.contains(FORGED).then_some(()))
    })?;
    assert_eq!((names("forging")?.as_str(), names("honest")?.split(' ').count()), ("", 1));
    Ok(())
}

#[test]
fn a_namespace_with_a_forged_label_cannot_be_prepared_before_it_is_enrolled() -> Result<()> {
    api()?.apply(&super::namespace("prepared", ""))?;
    api()?.kubectl(&["create", "serviceaccount", "web", "-n", "prepared"], "")?.ok()?;
    create("tenant", &pod("prepared", "forged", "web", CART))?.refused(FORGED)?;
    create("tenant", &pod("prepared", "honest", "web", ""))?.ok()?;
    attempt("enroller", &["label", "namespace", "prepared", "kennel.dev/realm=prod"], "")?.ok()?;
    assert_eq!(label_of("prepared", "honest")?, "web");
    Ok(())
}

#[test]
fn a_pod_from_before_the_guards_is_updated_and_its_label_stays_as_it_was() -> Result<()> {
    for (old, label) in [("old", ""), ("forged-before", "cart")] {
        report_status("free", old)?;
        attempt("tenant", &["annotate", "pod", old, "-n", "free", "--overwrite", "seen=yes"], "")?.ok()?;
        let changed = if label.is_empty() { "kennel.dev/service-account=cart" } else { "kennel.dev/service-account-" };
        attempt("tenant", &["label", "pod", old, "-n", "free", "--overwrite", changed], "")?.refused(FORGED)?;
        assert_eq!(label_of("free", old)?, label);
        // Whoever may write the pod may set it right.
        let right = "kennel.dev/service-account=web";
        attempt("tenant", &["label", "pod", old, "-n", "free", "--overwrite", "--dry-run=server", right], "")?.ok()?;
    }
    Ok(())
}

#[test]
fn a_kubelet_reports_status_and_makes_mirror_pods_which_have_no_account_and_no_label() -> Result<()> {
    create("tenant", &pod("shop", "on-node", "web", "").replace("spec: {", "spec: {nodeName: n1, "))?.ok()?;
    report_status("shop", "on-node")?;
    let uid = api()?.json_path(&["node", "n1"], "{.metadata.uid}")?;
    let mirror = |name: &str, labels: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: kube-system\n  labels: {{{labels}}}\n  \
             annotations: {{kubernetes.io/config.mirror: abc}}\n  \
             ownerReferences: [{{apiVersion: v1, kind: Node, name: n1, uid: {uid}, controller: true}}]\n\
             spec: {{nodeName: n1, containers: [{{name: c, image: i}}]}}\n"
        )
    };
    as_kubelet(&["create", "-f", "-"], &mirror("etcd-n1", "tier: control-plane"))?.ok()?;
    assert_eq!(label_of("kube-system", "etcd-n1")?, "");
    as_kubelet(&["create", "-f", "-"], &mirror("forged-n1", CART))?.refused("leave the label out").map(|_| ())
}

/// Writes the status of a pod as the kubelet does that runs it.
fn report_status(namespace: &str, pod: &str) -> Result<()> {
    let mut whole = whole_pod(namespace, pod)?;
    *whole.pointer_mut("/status/phase").context("no phase")? = json!("Running");
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/status");
    as_kubelet(&["replace", "--raw", &path, "-f", "-"], &whole.to_string())?.ok()?;
    assert_eq!(whole_pod(namespace, pod)?.pointer("/status/phase"), Some(&json!("Running")));
    Ok(())
}

fn whole_pod(namespace: &str, pod: &str) -> Result<Value> {
    let found = api()?.kubectl(&["get", "pod", pod, "-n", namespace, "-o", "json"], "")?.ok()?;
    Ok(serde_json::from_str(&found.stdout)?)
}

fn as_kubelet(arguments: &[&str], input: &str) -> Result<Run> {
    api()?.kubectl(&[arguments, &["--as", "system:node:n1", "--as-group", "system:nodes"]].concat(), input)
}

#[test]
fn an_account_whose_name_is_longer_than_a_label_has_pods_without_one() -> Result<()> {
    let account = "a".repeat(64);
    create("tenant", &pod("shop", "long", &account, ""))?.ok()?;
    assert_eq!(label_of("shop", "long")?, "");
    let cut = format!("kennel.dev/service-account: {}", "a".repeat(63));
    create("tenant", &pod("shop", "long-cut", &account, &cut))?.refused("leave the label out")?;
    let cut = cut.replace(": ", "=");
    attempt("tenant", &["label", "pod", "long", "-n", "shop", &cut], "")?.refused(FORGED).map(|_| ())
}
