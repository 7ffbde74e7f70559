//! deploy/guards/without-mutation: what validates stays, and is enough against forged labels.

use super::{FORGED, namespace, pod};
use anyhow::Result;
use kennel_tests::kube::{Api, eventually, root};
use kennel_tests::kubectl::utf8;
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn without_the_mutation_pods_of_a_realm_bring_the_label_and_others_may_lack_it() -> Result<()> {
    let (api, folder) = (Api::alone()?, TempDir::new()?);
    // The only kustomization that both can be named in has to lie below the root, or name the way there.
    let guards = root().join("deploy/guards");
    let up = "../".repeat(folder.path().components().count() - 1);
    let overlay = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{up}{0}]\ncomponents: [{up}{0}/without-mutation]\n",
        utf8(guards.strip_prefix("/")?)?
    );
    std::fs::write(folder.path().join("kustomization.yaml"), overlay)?;
    let applied = api.kubectl(&["apply", "-k", utf8(folder.path())?], "")?.ok()?;
    assert!(!applied.stdout.contains("mutatingadmissionpolic"), "{}", applied.stdout);
    api.apply(&(namespace("shop", "kennel.dev/realm: prod") + "---\n" + &namespace("free", "")))?;
    for namespace in ["free", "shop"] {
        api.kubectl(&["create", "serviceaccount", "web", "-n", namespace], "")?.ok()?;
    }
    let create = |namespace: &str, name: &str, label: &str| {
        api.kubectl(&["create", "-f", "-"], &pod(namespace, name, "web", label))
    };
    let remedy = "set it to web in the pod (or in the template that the pod is made from)";
    eventually(Duration::from_secs(20), "the policy acts", || create("shop", "a", "")?.refused(remedy).map(Some))?;
    create("shop", "right", "kennel.dev/service-account: web")?.ok()?;
    create("free", "unlabelled", "")?.ok()?;
    for namespace in ["free", "shop"] {
        create(namespace, "forged", "kennel.dev/service-account: cart")?.refused(FORGED)?;
    }
    // A pod that has no label yet gets its own account's, and no other.
    let label = |value: &str| {
        let label = format!("kennel.dev/service-account={value}");
        api.kubectl(&["label", "pod", "unlabelled", "-n", "free", &label], "")
    };
    label("cart")?.refused(FORGED)?;
    label("web")?.ok().map(|_| ())
}
