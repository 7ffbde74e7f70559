//! The rules of the custom resources, held by the API server: each wrong object is refused with what to do.

use anyhow::Result;
use kennel_tests::kube::Api;

fn refused(yaml: &str) -> Result<String> {
    let run = Api::shared()?.kubectl(&["create", "--dry-run=server", "-f", "-"], yaml)?;
    anyhow::ensure!(!run.status.success(), "this was let in:\n{yaml}");
    Ok(run.stderr)
}

fn principal(spec: &str) -> String {
    format!(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {{name: web, namespace: default}}\nspec: {{serviceAccountName: web, {spec}}}\n"
    )
}

fn realm(name: &str, spec: &str) -> String {
    format!("apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
}

#[test]
fn a_wrong_principal_is_told_what_to_do() -> Result<()> {
    for (spec, said) in [
        ("serviceClasses: [HTTP/web]", "without a slash or a host"),
        ("serviceClasses: [krbtgt]", "are the KDC's own"),
        ("serviceClasses: [kadmin]", "are the KDC's own"),
        ("serviceClasses: [HTTP, HTTP]", "each service class once"),
        ("hosts: {services: [web.other.svc.cluster.local]}", "Services of other namespaces cannot be claimed"),
        ("hosts: {services: [web.other]}", "Services of other namespaces cannot be claimed"),
        ("hosts: {aliases: [web.other.svc.cluster.local]}", "Services of other namespaces cannot be claimed"),
        ("hosts: {aliases: [web.other.svc]}", "Services of other namespaces cannot be claimed"),
        ("hosts: {aliases: [web]}", "a full domain name in lower case"),
        ("hosts: {statefulSetPods: [Kafka]}", "the name of a StatefulSet"),
        ("credentials: [Password]", "supported values"),
        ("credentials: []", "should have at least 1 items"),
        ("credentials: [Keytab, Keytab]", "Duplicate value"),
        ("keytabSecret: Web_Keytab", "the name of a Secret of this namespace"),
        ("rotation: {interval: 5 weeks}", "rotation.interval"),
    ] {
        let error = refused(&principal(spec))?;
        assert!(error.contains(said), "{spec}: {error}");
    }
    Ok(())
}

#[test]
fn an_account_has_one_kerberos_principal_of_its_own_name() -> Result<()> {
    let error = refused(&principal("").replace("name: web, namespace", "name: second, namespace"))?;
    assert!(error.contains("set metadata.name to the value of spec.serviceAccountName"), "{error}");
    Ok(())
}

#[test]
fn a_realm_s_name_and_domain_cannot_change() -> Result<()> {
    let api = Api::shared()?;
    api.apply(&realm("immutable", "realmName: IMMUTABLE.TEST"))?;
    for change in ["realmName: OTHER.TEST", "realmName: IMMUTABLE.TEST, clusterDomain: other.local"] {
        let run = api.kubectl(&["apply", "-f", "-"], &realm("immutable", change))?;
        assert!(!run.status.success() && run.stderr.contains("create another KerberosRealm"), "{run}");
    }
    for (spec, said) in [
        ("realmName: 'NO SPACES'", "like a domain name"),
        ("realmName: R, enctypes: [des3]", "supported values"),
        ("realmName: R, credentials: {default: [Keytab], allowed: [Ticket]}", "default is among allowed"),
        ("realmName: R, credentials: {allowed: [Keytab]}", "give default where allowed lacks Ticket"),
        ("realmName: R, limits: {principalsPerNamespace: 0}", "greater than or equal to 1"),
        ("realmName: R, names: {shortForms: None}", "supported values"),
    ] {
        let error = refused(&realm("wrong", spec))?;
        assert!(error.contains(said), "{error}");
    }
    Ok(())
}

#[test]
fn what_is_left_out_of_a_realm_has_its_default() -> Result<()> {
    let api = Api::shared()?;
    api.apply(&realm("defaults", "realmName: DEFAULTS.TEST"))?;
    let spec = api.json_path(
        &["krealm", "defaults"],
        "{.spec.clusterDomain} {.spec.defaultMode} {.spec.namespaceSelector.matchLabels}",
    )?;
    assert_eq!(spec, r#"cluster.local Enforce {"kennel.dev/enroll":"true"}"#);
    Ok(())
}

#[test]
fn a_wrong_access_is_told_what_to_do() -> Result<()> {
    let access = |spec: &str| {
        format!(
            "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {{name: web, namespace: default}}\nspec: {{{spec}}}\n"
        )
    };
    for (spec, said) in [
        ("server: HTTP/web", "not a Kerberos name"),
        ("server: web, allow: [{from: [{serviceAccountName: shop/cart}]}]", "without its namespace"),
        ("server: web, allow: [{from: []}]", "should have at least 1 items"),
        (
            "server: web, allow: [{from: [{serviceAccountName: cart}], ports: [{port: 0}]}]",
            "greater than or equal to 1",
        ),
    ] {
        let error = refused(&access(spec))?;
        assert!(error.contains(said), "{spec}: {error}");
    }
    let right = access(
        "server: web, mode: Observe, allow: [{from: [{namespace: shop, serviceAccountName: cart}], services: [HTTP], ports: [{port: 8080}]}]",
    );
    Api::shared()?.kubectl(&["create", "--dry-run=server", "-f", "-"], &right)?.ok()?;
    Ok(())
}
