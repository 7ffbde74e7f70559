//! What people may do: the parts that deploy/base adds to view, edit and admin, asked of the API server with users who have nothing
//! else; and what `kubectl delete -k` of a folder in deploy/ takes away.

use anyhow::{Result, ensure};
use kennel_tests::kube::{Api, eventually, root};
use kennel_tests::kubectl::utf8;
use std::time::Duration;

/// The controller that composes roles acts within this time.
const SOON: Duration = Duration::from_secs(30);

const PRINCIPAL: &str = "apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {name: web, namespace: people}\n\
                         spec: {serviceAccountName: web}\n";
const ACCESS: &str = "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {name: web, namespace: people}\n\
                      spec: {targetRefs: [{name: web}], allow: []}\n";
const REALM: &str =
    "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {name: people}\nspec: {realmName: PEOPLE.TEST}\n";

/// Whether a user of a role may do something in the namespace `people`.
fn may(api: &Api, user: &str, verb: &str, resource: &str) -> Result<bool> {
    may_in("people", api, user, verb, resource)
}

/// Whether a user may do something in a namespace; `resource` may name a sub-resource after a slash.
fn may_in(namespace: &str, api: &Api, user: &str, verb: &str, resource: &str) -> Result<bool> {
    let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
    let (user, part) = (format!("--as={user}"), format!("--subresource={part}"));
    let run = api.kubectl(&["auth", "can-i", verb, resource, &part, "-n", namespace, &user], "")?;
    Ok(run.stdout.trim() == "yes")
}

/// Whether a user can create an object; nothing is stored.
fn creates(api: &Api, user: &str, yaml: &str) -> Result<bool> {
    let user = format!("--as={user}");
    let run = api.kubectl(&["create", "--dry-run=server", &user, "-f", "-"], yaml)?;
    ensure!(run.status.success() || run.stderr.contains("is forbidden"), "{run}");
    Ok(run.status.success())
}

#[test]
fn an_editor_writes_principals_an_admin_access_too_and_nobody_of_them_realms() -> Result<()> {
    let api = Api::shared()?;
    api.kubectl(&["apply", "-f", utf8(&root().join("deploy/base/people.yaml"))?], "")?.ok()?;
    api.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: people}\n")?;
    for role in ["view", "edit", "admin"] {
        let binding = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {role}, namespace: people}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\n\
             subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {role}-user}}]\n"
        );
        api.apply(&binding)?;
    }
    eventually(SOON, "the roles are composed", || {
        let composed = may(api, "view-user", "get", "kerberosaccesses.kennel.dev")?
            && may(api, "edit-user", "create", "kerberosprincipals.kennel.dev")?
            && may(api, "admin-user", "create", "kerberosaccesses.kennel.dev")?;
        Ok(composed.then_some(()))
    })?;
    let rows = [("view-user", [false; 3]), ("edit-user", [true, false, false]), ("admin-user", [true, true, false])];
    for (user, expected) in rows {
        let created = [PRINCIPAL, ACCESS, REALM].map(|yaml| creates(api, user, yaml));
        let [principal, access, realm] = created;
        assert_eq!([principal?, access?, realm?], expected, "{user}: KerberosPrincipal, KerberosAccess, KerberosRealm");
        ensure!(may(api, user, "list", "kerberosprincipals.kennel.dev")?, "{user} sees no KerberosPrincipals");
        ensure!(!may(api, user, "get", "kerberosprincipals.kennel.dev/keys")?, "{user} sees keys");
        let decisions = may(api, user, "get", "kerberosaccesses.kennel.dev/decisions")?;
        assert_eq!(decisions, user == "admin-user", "{user}: decisions");
        ensure!(may(api, user, "get", "kerberosprincipals.kennel.dev/keyversions")?, "{user} sees no versions");
        let rotation = may(api, user, "update", "kerberosprincipals.kennel.dev/rotation")?;
        assert_eq!(rotation, user == "admin-user", "{user}: rotation");
    }
    Ok(())
}

#[test]
fn keys_as_they_are_and_administration_are_roles_of_their_own() -> Result<()> {
    let api = Api::shared()?;
    api.kubectl(&["apply", "-f", utf8(&root().join("deploy/base/people.yaml"))?], "")?.ok()?;
    api.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: administered}\n")?;
    for role in ["kennel-keytab", "kennel-kadmin"] {
        let binding = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {role}, namespace: administered}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\n\
             subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {role}-user}}]\n"
        );
        api.apply(&binding)?;
    }
    let may = |user: &str, verb: &str, part: &str| {
        may_in("administered", api, &format!("{user}-user"), verb, &format!("kerberosprincipals.kennel.dev/{part}"))
    };
    eventually(SOON, "the roles are bound", || {
        let bound = may("kennel-keytab", "get", "keys")? && may("kennel-kadmin", "create", "records")?;
        Ok(bound.then_some(()))
    })?;
    ensure!(!may("kennel-keytab", "create", "keys")? && !may("kennel-keytab", "get", "records")?);
    ensure!(!may("kennel-kadmin", "get", "keys")?, "who administers does not extract keys");
    ensure!(may("kennel-kadmin", "update", "password")? && may("kennel-kadmin", "create", "keys")?);
    Ok(())
}

#[test]
fn what_an_example_or_overlay_deletes_takes_no_definition_and_no_realm_along() -> Result<()> {
    let api = Api::shared()?;
    let kinds = |folder: &str| -> Result<String> {
        let path = root().join("deploy").join(folder);
        Ok(api.kubectl(&["kustomize", utf8(&path)?], "")?.ok()?.stdout)
    };
    for folder in ["overlays/dev", "overlays/cert-manager", "examples/shop", "examples/keytab-secrets", "base"] {
        let objects = kinds(folder)?;
        for kind in ["CustomResourceDefinition", "KerberosRealm"] {
            let line = format!("kind: {kind}");
            ensure!(!objects.lines().any(|of| of == line), "kubectl delete -k deploy/{folder} deletes a {kind}");
        }
    }
    ensure!(kinds("crds")?.contains("kind: CustomResourceDefinition"));
    ensure!(kinds("examples/realm")?.contains("kind: KerberosRealm"));
    Ok(())
}
