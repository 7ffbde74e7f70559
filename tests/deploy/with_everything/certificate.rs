//! The enrolment API's certificate, from cert-manager.

use super::cert_manager;
use crate::installation::Installation;
use crate::shop::SOON;
use anyhow::{Result, ensure};
use kennel_tests::kube::eventually;
use kennel_tests::kubectl::utf8;
use kennel_tests::process::{self, Run};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The kubelet brings a Secret into a volume within its minute, and the KDC looks at its files now and then.
const RENEWAL_LIMIT: Duration = Duration::from_secs(180);
const NAME: &str = "kennel.kennel-system.svc";

#[test]
fn the_api_is_served_under_cert_managers_authority_which_agents_trust() -> Result<()> {
    let everything = Installation::everything()?;
    let folder = TempDir::new()?;
    let authority = everything.secret("kennel-system", "kennel-kdc-tls", "ca.crt")?;
    let map = ["configmap", "kennel-krb5", "-n", "shop"];
    assert_eq!(everything.kubectl().json_path(&map, "{.data.ca\\.crt}")?, authority);
    let issuer = openssl(&["x509", "-noout", "-issuer"], &served(&everything)?)?.ok()?;
    assert!(issuer.stdout.contains("Kennel enrolment CA"), "{issuer}");
    ensure_verified(&everything, &authority, folder.path())
}

#[test]
fn a_renewed_certificate_is_taken_up_while_the_kdc_runs() -> Result<()> {
    let everything = Installation::everything()?;
    let (kubectl, folder) = (everything.kubectl(), TempDir::new()?);
    let before = served(&everything)?;
    cert_manager::renew(kubectl, "kennel-system", "kennel-kdc")?;
    eventually(SOON, "the Secret has another certificate", || {
        let secret = everything.secret("kennel-system", "kennel-kdc-tls", "tls.crt")?;
        Ok((openssl(&["x509"], &secret)?.ok()?.stdout != before).then_some(()))
    })?;
    // The kubelet looks at the volumes of a pod that changes now, and not within its minute.
    let stamp = format!("kennel.test/looked={}", std::process::id());
    kubectl.run(&["annotate", "--overwrite", "pod", "kennel-kdc-0", "-n", "kennel-system", &stamp])?;
    eventually(RENEWAL_LIMIT, "the KDC serves another certificate", || {
        let now = served(&everything)?;
        std::thread::sleep(Duration::from_millis(300));
        Ok((now != before).then_some(()))
    })?;
    let authority = everything.secret("kennel-system", "kennel-kdc-tls", "ca.crt")?;
    ensure_verified(&everything, &authority, folder.path())
}

/// The certificate that the KDC serves. It is asked from this machine: a veth pair leads to the pods.
fn served(everything: &Installation) -> Result<String> {
    let greeting = connect(everything, &[])?;
    let certificate = openssl(&["x509"], &greeting.stdout)?.ok()?.stdout;
    ensure!(!certificate.is_empty(), "no certificate in: {greeting}");
    Ok(certificate)
}

/// Fails where a client that trusts this authority alone would not go on.
fn ensure_verified(everything: &Installation, authority: &str, folder: &Path) -> Result<()> {
    let file = folder.join("ca.crt");
    std::fs::write(&file, authority)?;
    let options = ["-verify_hostname", NAME, "-CAfile", utf8(&file)?, "-verify_return_error"];
    connect(everything, &options)?.ok().map(|_| ())
}

fn connect(everything: &Installation, options: &[&str]) -> Result<Run> {
    let address = format!("{}:8443", everything.kdc_address()?);
    openssl(&[&["s_client", "-connect", &address, "-servername", NAME], options].concat(), "")
}

fn openssl(arguments: &[&str], input: &str) -> Result<Run> {
    process::run(Command::new("openssl").args(arguments), input)
}

impl Installation {
    /// The address of the KDC's pod.
    pub(crate) fn kdc_address(&self) -> Result<String> {
        self.kubectl().json_path(&["pod", "kennel-kdc-0", "-n", "kennel-system"], "{.status.podIP}")
    }
}
