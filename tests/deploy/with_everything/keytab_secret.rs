//! Keytabs in Secrets, for programs that take one from there.

use crate::installation::Installation;
use crate::shop::SOON;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kennel_tests::kube::eventually;

const ACCOUNT: &str = "system:serviceaccount:kennel-system:kennel-kdc";

#[test]
fn a_keytab_secret_is_written_and_logs_in() -> Result<()> {
    let everything = Installation::everything()?;
    let cart = everything.deployment("cart");
    eventually(SOON, "the keytab Secrets are written, and that of batch logs in", || {
        let keytab = everything.secret_base64("shop", "web-keytab", "keytab")?;
        ensure!(!keytab.is_empty(), "the keytab of web is empty");
        let keytab = everything.secret_base64("shop", "batch-keytab", "keytab")?;
        cart.login_with_keytab(&keytab, "batch.shop")?.ok().map(Some)
    })?;
    Ok(())
}

/// The story of a namespace that wants keytab Secrets: a condition with a command, the command, the Secret.
#[test]
fn a_namespace_that_binds_no_role_gets_the_command_in_a_condition_and_that_command_is_enough() -> Result<()> {
    let everything = Installation::everything()?;
    let kubectl = everything.kubectl();
    kubectl.apply(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: strict, labels: {kennel.dev/realm: dev}}\n---\n\
         apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: api, namespace: strict}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: strict}\nspec: {ports: [{port: 80}]}\n---\n\
         apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {name: api, namespace: strict}\n\
         spec: {serviceAccountName: api, serviceClasses: [HTTP], hosts: {services: [api]}, keytabSecretRef: {name: api-keytab}}\n",
    )?;
    let path = "{.status.conditions[?(@.reason==\"SecretsForbidden\")].message}";
    let command = eventually(SOON, "the condition has a command", || {
        let message = kubectl.json_path(&["kprinc", "api", "-n", "strict"], path)?;
        let command = message.split_once("(kubectl ").and_then(|(_, rest)| rest.split_once(';'));
        command.map(|(command, _)| Some(command.to_owned())).with_context(|| format!("no command in: {message:?}"))
    })?;
    let may = |verb: &str| {
        let arguments = ["auth", "can-i", verb, "secrets", "--as", ACCOUNT, "-n", "strict"];
        Ok::<_, anyhow::Error>(kubectl.attempt(&arguments, "")?.stdout)
    };
    assert_eq!(may("get")?, "no\n", "the role of another namespace has no effect here");
    kubectl.run(&command.split(' ').collect::<Vec<_>>())?;
    assert_eq!((may("get")?, may("list")?), ("yes\n".into(), "no\n".into()));
    // The KDC looks again when the object changes, and in ten minutes by itself.
    kubectl.run(&[
        "patch",
        "kprinc/api",
        "-n",
        "strict",
        "--type=merge",
        "-p",
        r#"{"spec": {"serviceClasses": ["HTTP", "ldap"]}}"#,
    ])?;
    eventually(SOON, "the Secret is written", || {
        let keytab = everything.secret_base64("strict", "api-keytab", "keytab")?;
        ensure!(!keytab.is_empty(), "the keytab is empty");
        Ok(Some(()))
    })?;
    kubectl.wait(SOON, &["delete", "namespace", "strict"]).map(|_| ())
}

impl Installation {
    /// A value of a Secret, as text.
    pub(crate) fn secret(&self, namespace: &str, name: &str, key: &str) -> Result<String> {
        Ok(String::from_utf8(STANDARD.decode(self.secret_base64(namespace, name, key)?)?)?)
    }

    /// A value of a Secret, in base64.
    pub(crate) fn secret_base64(&self, namespace: &str, name: &str, key: &str) -> Result<String> {
        let path = format!("{{.data.{}}}", key.replace('.', "\\."));
        self.kubectl().json_path(&["secret", name, "-n", namespace], &path)
    }
}
