//! What is not deleted by mistake.

use super::api;
use anyhow::Result;

#[test]
fn a_realm_with_namespaces_is_deleted_only_after_an_annotation_that_names_it() -> Result<()> {
    let api = api()?;
    api.apply(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {name: used}\nspec: {realmName: USED.TEST}\n",
    )?;
    let status = r#"{"status": {"namespaces": 2}}"#;
    api.kubectl(&["patch", "krealm", "used", "--subresource=status", "--type=merge", "-p", status], "")?.ok()?;
    let refused = "KerberosRealm used has 2 namespaces, and every principal in them would be disabled";
    api.kubectl(&["delete", "krealm", "used"], "")?.refused(refused)?;
    // The realms of the other tests are to stay.
    api.kubectl(&["delete", "--dry-run=server", "krealm", "--all"], "")?.refused(refused)?;
    api.kubectl(&["annotate", "krealm", "used", "kennel.dev/delete-in-use=true"], "")?.ok()?;
    api.kubectl(&["delete", "krealm", "used"], "")?.refused(refused)?;
    api.kubectl(&["annotate", "krealm", "used", "--overwrite", "kennel.dev/delete-in-use=used"], "")?.ok()?;
    api.kubectl(&["delete", "krealm", "used"], "")?.ok().map(|_| ())
}

#[test]
fn a_realm_without_namespaces_is_deleted_at_once() -> Result<()> {
    let api = api()?;
    api.apply("apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {name: spare}\nspec: {realmName: SPARE.TEST}\n")?;
    api.kubectl(&["delete", "krealm", "spare"], "")?.ok().map(|_| ())
}

#[test]
fn a_definition_of_ours_is_deleted_only_after_an_annotation_and_others_at_once() -> Result<()> {
    let api = api()?;
    for group in ["kennel.dev", "store.kennel.dev", "notkennel.dev"] {
        api.apply(&format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: trials.{group}}}\nspec:\n  \
             group: {group}\n  scope: Cluster\n  names: {{kind: Trial, plural: trials}}\n  versions: [{{name: v1, served: true, \
             storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}]\n"
        ))?;
    }
    for ours in ["trials.kennel.dev", "trials.store.kennel.dev"] {
        let refused = format!("deleting {ours} deletes every object of it");
        api.kubectl(&["delete", "crd", ours], "")?.refused(&refused)?;
        api.kubectl(&["annotate", "crd", ours, "kennel.dev/deletion=allowed"], "")?.ok()?;
        api.kubectl(&["delete", "crd", ours], "")?.ok()?;
    }
    api.kubectl(&["delete", "crd", "trials.notkennel.dev"], "")?.ok().map(|_| ())
}
