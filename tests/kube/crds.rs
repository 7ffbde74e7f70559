//! The rules of the custom resources, held by the API server: each wrong object is refused with what to do, and what is right is
//! stored as it was written.

use crate::refusals::REFUSALS;
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::{Api, root};
use kennel_tests::kubectl::utf8;
use std::path::PathBuf;

fn refused(yaml: &str) -> Result<String> {
    let run = Api::shared()?.kubectl(&["create", "--dry-run=server", "-f", "-"], yaml)?;
    ensure!(!run.status.success(), "this was let in:\n{yaml}");
    Ok(run.stderr)
}

/// An object `web`, cluster-wide or in the namespace `default`; `spec` in YAML's flow style.
fn object(kind: &str, spec: &str) -> String {
    let (place, account) = match kind {
        "KerberosRealm" => ("", ""),
        "KerberosPrincipal" => (", namespace: default", "serviceAccountName: web, "),
        _ => (", namespace: default", ""),
    };
    format!(
        "apiVersion: kennel.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: web{place}}}\nspec: {{{account}{spec}}}\n"
    )
}

fn realm(name: &str, spec: &str) -> String {
    object("KerberosRealm", spec).replace("name: web", &format!("name: {name}"))
}

#[test]
fn a_wrong_object_is_told_what_to_do() -> Result<()> {
    ensure!(REFUSALS.len() >= 30);
    for (kind, spec, said) in REFUSALS {
        let error = refused(&object(kind, spec))?;
        ensure!(error.contains(said), "{kind} with {spec} is refused, but not with {said:?}:\n{error}");
    }
    Ok(())
}

#[test]
fn an_account_has_one_kerberos_principal_of_its_own_name() -> Result<()> {
    let second = object("KerberosPrincipal", "").replace("name: web, namespace", "name: second, namespace");
    let error = refused(&second)?;
    ensure!(error.contains("set metadata.name to the value of spec.serviceAccountName"), "{error}");
    Ok(())
}

#[test]
fn a_realm_s_name_and_domain_cannot_change() -> Result<()> {
    let api = Api::shared()?;
    api.apply(&realm("immutable", "realmName: IMMUTABLE.TEST"))?;
    for change in ["realmName: OTHER.TEST", "realmName: IMMUTABLE.TEST, clusterDomain: other.local"] {
        let run = api.kubectl(&["apply", "-f", "-"], &realm("immutable", change))?;
        ensure!(!run.status.success() && run.stderr.contains("create another KerberosRealm"), "{run}");
    }
    // The same domain, said aloud.
    api.apply(&realm("immutable", "realmName: IMMUTABLE.TEST, clusterDomain: cluster.local"))
}

#[test]
fn what_is_left_out_is_not_written_into_the_object() -> Result<()> {
    let api = Api::shared()?;
    api.apply(&realm("plain", "realmName: PLAIN.TEST"))?;
    let spec = api.json_path(&["krealm", "plain"], "{.spec}")?;
    assert_eq!(spec, r#"{"realmName":"PLAIN.TEST"}"#);
    Ok(())
}

#[test]
fn an_object_that_no_kdc_has_seen_is_unknown_and_pending() -> Result<()> {
    let api = Api::shared()?;
    api.apply(&realm("unseen", "realmName: UNSEEN.TEST, access: {defaultMode: Observe}"))?;
    let table = api.kubectl(&["get", "krealm", "unseen", "--no-headers"], "")?.ok()?.stdout;
    let columns: Vec<&str> = table.split_whitespace().collect();
    assert_eq!(
        columns.get(..5).context("too few columns")?,
        ["unseen", "UNSEEN.TEST", "Observe", "Unknown", "Pending"]
    );
    let generation = api.json_path(&["krealm", "unseen"], "{.status.observedGeneration}")?;
    assert_eq!(generation, "-1");
    Ok(())
}

#[test]
fn the_scenarios_apply_twice_without_a_difference() -> Result<()> {
    let api = Api::alone()?;
    let files = scenarios()?;
    ensure!(files.len() == 13, "{files:?}");
    let apply = || -> Result<()> {
        for file in &files {
            api.kubectl(&["apply", "--server-side", "-f", utf8(file)?], "")?.ok()?;
        }
        Ok(())
    };
    let specs = || {
        api.kubectl(
            &[
                "get",
                "krealm,kprinc,kaccess",
                "-A",
                "-o",
                "jsonpath={range .items[*]}{.metadata.name} {.metadata.generation} {.spec}{\"\\n\"}{end}",
            ],
            "",
        )
    };
    let versions = || {
        api.kubectl(&["get", "krealm,kprinc,kaccess", "-A", "-o", "jsonpath={.items[*].metadata.resourceVersion}"], "")
    };
    apply()?;
    let first = specs()?.ok()?.stdout;
    ensure!(first.lines().count() == 16, "{first}");
    apply()?;
    assert_eq!(specs()?.ok()?.stdout, first);
    // The second apply has stored the status that the definition gives to an unseen object; from then on nothing is written.
    let second = versions()?.ok()?.stdout;
    apply()?;
    assert_eq!(versions()?.ok()?.stdout, second);
    for file in &files {
        let difference = api.kubectl(&["diff", "--server-side", "-f", utf8(file)?], "")?;
        ensure!(difference.status.success(), "{}: {difference}", file.display());
    }
    Ok(())
}

/// The files of deploy/examples/scenarios, by their numbers.
fn scenarios() -> Result<Vec<PathBuf>> {
    let folder = root().join("deploy/examples/scenarios");
    let entries = std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> =
        entries.into_iter().filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    Ok(files)
}

#[test]
fn conditions_of_two_writers_survive_each_other() -> Result<()> {
    let api = Api::shared()?;
    api.apply(&realm("shared", "realmName: SHARED.TEST"))?;
    let condition = |manager: &str, kind: &str, status: &str| {
        let yaml = format!(
            "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: shared}}\nstatus: {{conditions: [{{type: {kind}, \
             status: '{status}', reason: R, message: m, lastTransitionTime: '2026-01-01T00:00:00Z'}}]}}\n"
        );
        let manager = format!("--field-manager={manager}");
        api.kubectl(&["apply", "--server-side", "--subresource=status", &manager, "-f", "-"], &yaml)?.ok()
    };
    condition("theirs", "Theirs", "True")?;
    condition("kennel-kdc/shared", "Stalled", "False")?;
    condition("theirs", "Theirs", "False")?;
    let said = api.json_path(&["krealm", "shared"], "{range .status.conditions[*]}{.type}={.status} {end}")?;
    let mut conditions: Vec<&str> = said.split_whitespace().collect();
    conditions.sort_unstable();
    assert_eq!(conditions, ["Ready=Unknown", "Stalled=False", "Theirs=False"]);
    Ok(())
}
