//! A namespace comes into a realm, leaves it, and changes what the realm thinks of it, by those alone who may enroll there.

use super::{api, attempt, create, namespace};
use anyhow::Result;
use kennel_tests::kube::eventually;
use kennel_tests::process::Run;
use std::time::Duration;

const REFUSED: &str = "needs the verb enroll on kerberosrealms.kennel.dev prod";

#[test]
fn who_edits_namespaces_neither_enrols_one_nor_takes_one_out() -> Result<()> {
    create("editor", &namespace("e1", "kennel.dev/realm: prod"))?.refused(REFUSED)?;
    create("editor", &namespace("e1", "tier: a"))?.ok()?;
    for label in [r#""prod""#, r#""other""#] {
        let refusal = if label.contains("other") { "kerberosrealms.kennel.dev other" } else { REFUSED };
        let patch = format!(r#"{{"metadata": {{"labels": {{"kennel.dev/realm": {label}}}}}}}"#);
        for subresource in [&[][..], &["--subresource=status"]] {
            let patched = ["patch", "namespace", "e1", "--type=merge", "-p", &patch];
            attempt("editor", &[&patched, subresource].concat(), "")?.refused(refusal)?;
        }
    }
    finalize("editor", "e1", Some("prod"))?.refused(REFUSED)?;
    create("enroller", &namespace("e2", "kennel.dev/realm: prod"))?.ok()?;
    attempt("editor", &["label", "namespace", "e2", "kennel.dev/realm-"], "")?.refused(REFUSED)?;
    attempt("editor", &["label", "namespace", "e2", "--overwrite", "kennel.dev/realm="], "")?.refused(REFUSED)?;
    finalize("editor", "e2", None)?.refused(REFUSED)?;
    // Everything else of the namespace is the editor's, its deletion too.
    attempt("editor", &["label", "namespace", "e2", "tier=one"], "")?.ok()?;
    attempt("editor", &["delete", "namespace", "e1", "e2"], "")?.ok().map(|_| ())
}

/// Replaces the namespace through its sub-resource `finalize`.
fn finalize(user: &str, name: &str, realm: Option<&str>) -> Result<Run> {
    let labels = realm.map_or_else(String::new, |realm| format!("kennel.dev/realm: {realm}"));
    let whole = namespace(name, &labels) + "spec: {finalizers: [kubernetes]}\n";
    // `kubectl replace --raw` sends what stands in the file, which has to be JSON.
    let dry = api()?.kubectl(&["create", "--dry-run=client", "-o", "json", "-f", "-"], &whole)?.ok()?;
    let path = format!("/api/v1/namespaces/{name}/finalize");
    attempt(user, &["replace", "--raw", &path, "-f", "-"], &dry.stdout)
}

#[test]
fn who_may_enroll_in_a_realm_enrols_there_and_in_no_other() -> Result<()> {
    create("enroller", &namespace("f1", "kennel.dev/realm: prod"))?.ok()?;
    attempt("enroller", &["label", "namespace", "f1", "kennel.dev/realm-"], "")?.ok()?;
    attempt("enroller", &["label", "namespace", "f1", "kennel.dev/realm=prod"], "")?.ok()?;
    let moved = attempt("enroller", &["label", "namespace", "f1", "--overwrite", "kennel.dev/realm=other"], "")?;
    moved.refused("kerberosrealms.kennel.dev other").map(|_| ())
}

#[test]
fn a_realm_with_a_selector_of_its_own_guards_the_labels_of_that_selector() -> Result<()> {
    realm(
        "own",
        "namespaceSelector: {matchLabels: {env: live}, matchExpressions: [{key: phase, operator: NotIn, values: [retired]}]}",
    )?;
    let refused = "kerberosrealms.kennel.dev own";
    eventually(Duration::from_secs(20), "the realm's labels are guarded", || {
        let dry = ["create", "--dry-run=server", "-f", "-"];
        attempt("editor", &dry, &namespace("g0", "env: live"))?.refused(refused).map(Some)
    })?;
    create("editor", &namespace("g1", "env: live"))?.refused(refused)?;
    create("editor", &namespace("g1", "env: test"))?.ok()?;
    attempt("editor", &["label", "namespace", "g1", "--overwrite", "env=live"], "")?.refused(refused)?;
    attempt("editor", &["label", "namespace", "g1", "phase=retired"], "")?.ok()?;
    // The selector still does not take it.
    attempt("editor", &["label", "namespace", "g1", "--overwrite", "env=live"], "")?.ok()?;
    attempt("editor", &["label", "namespace", "g1", "phase-"], "")?.refused(refused)?;
    attempt(
        "editor",
        &[
            "patch",
            "namespace",
            "g1",
            "--subresource=status",
            "--type=merge",
            "-p",
            r#"{"metadata": {"labels": {"phase": null}}}"#,
        ],
        "",
    )?
    .refused(refused)?;
    api()?.kubectl(&["label", "namespace", "g1", "phase-"], "")?.ok()?;
    attempt("editor", &["label", "namespace", "g1", "phase=retired", "--overwrite"], "")?.refused(refused)?;
    attempt("editor", &["label", "namespace", "g1", "unrelated=yes"], "")?.ok()?;
    attempt("editor", &["delete", "namespace", "g1"], "")?.ok().map(|_| ())
}

#[test]
fn labels_that_decide_modes_names_and_callers_in_a_realm_are_written_by_enrollers_alone() -> Result<()> {
    realm(
        "labelled",
        "access: {namespaceModes: [{mode: Observe, namespaceSelector: {matchLabels: {rollout: observe}}}], trustedNamespaceLabels: [team]}\n  \
         aliasPolicy: [{name: web, domains: [web.example.com], namespaceSelector: {matchExpressions: [{key: front, operator: Exists}]}}]",
    )?;
    let refused = "needs the verb enroll on kerberosrealms.kennel.dev labelled";
    eventually(Duration::from_secs(20), "the realm's labels are guarded", || {
        let dry = ["create", "--dry-run=server", "-f", "-"];
        attempt("editor", &dry, &namespace("h0", "rollout: observe"))?.refused(refused).map(Some)
    })?;
    create("editor", &namespace("h1", "team: a"))?.refused("access in realm labelled goes by the label team")?;
    create("editor", &namespace("h1", "rollout: never"))?.ok()?;
    for label in ["team=a", "front=yes"] {
        attempt("editor", &["label", "namespace", "h1", label], "")?.refused(refused)?;
    }
    attempt("editor", &["label", "namespace", "h1", "--overwrite", "rollout=observe"], "")?.refused(refused)?;
    api()?.kubectl(&["label", "namespace", "h1", "team=a", "front=yes"], "")?.ok()?;
    for change in ["team=b", "team-", "front-"] {
        attempt("editor", &["label", "namespace", "h1", "--overwrite", change], "")?.refused(refused)?;
    }
    // Another value of a label that is only asked for.
    attempt("editor", &["label", "namespace", "h1", "--overwrite", "front=no"], "")?.ok()?;
    attempt("editor", &["delete", "namespace", "h1"], "")?.ok()?;
    api()?.kubectl(&["delete", "krealm", "labelled"], "")?.ok().map(|_| ())
}

fn realm(name: &str, spec: &str) -> Result<()> {
    api()?.apply(&format!(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: {name}}}\n\
         spec:\n  realmName: {}.TEST\n  {spec}\n",
        name.to_uppercase()
    ))
}
