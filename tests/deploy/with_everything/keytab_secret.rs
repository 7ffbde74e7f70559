//! Keytabs in Secrets, for programs that take one from there.

use crate::installation::Installation;
use crate::shop::SOON;
use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kennel_tests::kube::eventually;

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
