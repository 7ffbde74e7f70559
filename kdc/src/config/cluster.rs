//! Sections `[cluster]` and `[enrolment]`: the cluster that is followed, and the API for its pods.

use anyhow::ensure;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The cluster whose objects become principals.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClusterSettings {
    /// How to reach it; as one of its pods where this is left out.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Where clients find the KDC, `host:port`: for the krb5.conf that they get.
    pub(crate) kdcs: Vec<String>,
}

/// The enrolment API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolmentSettings {
    /// Each is served over HTTPS.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Names and addresses that clients know it by: the certificate is for these.
    #[serde(default)]
    pub(crate) names: Vec<String>,
    /// The operator's certificate; one of our own authority where this is left out.
    pub(crate) certificate: Option<CertificateSettings>,
}

/// Files of a certificate, PEM. They are read again when they change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateSettings {
    /// The chain, the server's own first.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
    /// What clients are to trust; the chain itself where this is left out.
    pub(crate) ca: Option<PathBuf>,
}

/// Refuses sections that cannot serve a pod.
pub(crate) fn check(cluster: Option<&ClusterSettings>, enrolment: Option<&EnrolmentSettings>) -> anyhow::Result<()> {
    if let Some(cluster) = cluster {
        ensure!(
            !cluster.kdcs.is_empty(),
            "cluster.kdcs: give where clients find the KDC, such as \"kennel.kennel-system.svc:88\""
        );
    }
    if let Some(enrolment) = enrolment {
        ensure!(cluster.is_some(), "enrolment: needs the section [cluster], whose pods are to enrol");
        ensure!(!enrolment.addresses.is_empty(), "enrolment.addresses: give at least one, such as \"0.0.0.0:8443\"");
        let named = !enrolment.names.is_empty() || enrolment.certificate.is_some();
        ensure!(
            named,
            "enrolment.names: give the names that pods know this server by, such as \"kennel.kennel-system.svc\""
        );
    }
    Ok(())
}
