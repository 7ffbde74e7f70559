//! Sections `[cluster]` and `[enrolment]`: the cluster that the KDC follows, and the API for its pods.

use crate::config::values::Seconds;
use anyhow::ensure;
use kennel_listen::Lives;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Section `[cluster]`: the cluster whose objects become principals.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClusterSettings {
    /// Kubeconfig of the API server. Default: the service account of the pod that this process runs in.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Addresses of the KDC in the krb5.conf of clients, `host:port`.
    pub(crate) kdcs: Vec<String>,
    /// Host of kadmin and kpasswd in the krb5.conf of clients. Default: none, so that clients change no passwords.
    pub(crate) admin_server: Option<String>,
}

/// Section `[enrolment]`: the enrolment API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolmentSettings {
    /// Local addresses with ports, each served over HTTPS.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Names and IP addresses by which clients reach the API. The certificate is issued for these.
    #[serde(default)]
    pub(crate) names: Vec<String>,
    /// The operator's certificate. Default: one of Kennel's own authority.
    pub(crate) certificate: Option<CertificateSettings>,
    /// Life of Kennel's own authority. The next one is published when a fifth is left.
    #[serde(default = "default_authority_life")]
    pub(crate) authority_life: Seconds,
    /// Life of a certificate that Kennel's own authority issues. It is renewed when a third is left.
    #[serde(default = "default_certificate_life")]
    pub(crate) certificate_life: Seconds,
    /// Requests of pods that may wait for changes of their keys at a time, each in a connection of its own.
    #[serde(default = "waiting")]
    pub(crate) waiting: usize,
}

impl EnrolmentSettings {
    /// The lives of Kennel's own certificates.
    pub(crate) fn lives(&self) -> Lives {
        Lives { authority: self.authority_life.0.into(), certificate: self.certificate_life.0.into() }
    }
}

/// Ten years.
pub(crate) fn default_authority_life() -> Seconds {
    Seconds(3650 * 86_400)
}

/// Thirty days.
pub(crate) fn default_certificate_life() -> Seconds {
    Seconds(30 * 86_400)
}

/// Default of [`EnrolmentSettings::waiting`].
pub(crate) const fn waiting() -> usize {
    4096
}

/// Files of a certificate, PEM. Changed files are read again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateSettings {
    /// The chain, the server's certificate first.
    pub(crate) certificate: PathBuf,
    /// The private key of the server's certificate.
    pub(crate) key: PathBuf,
    /// The CA certificates that clients trust. Default: the chain.
    pub(crate) ca: Option<PathBuf>,
}

/// Whether the colons of an IPv6 address would be taken for that of a port.
fn is_bare_ipv6(address: &str) -> bool {
    !address.starts_with('[') && address.matches(':').count() > 1
}

/// Refuses settings under which no pod could be served.
pub(crate) fn check(cluster: Option<&ClusterSettings>, enrolment: Option<&EnrolmentSettings>) -> anyhow::Result<()> {
    if let Some(cluster) = cluster {
        ensure!(
            !cluster.kdcs.is_empty(),
            "cluster.kdcs: give the address at which clients reach the KDC, such as \"kennel.kennel-system.svc:88\""
        );
        for address in cluster.kdcs.iter().chain(&cluster.admin_server) {
            ensure!(
                !is_bare_ipv6(address),
                "cluster.kdcs, cluster.admin_server: clients cannot read {address:?} in krb5.conf: write an IPv6 address in brackets, such \
                 as \"[fd00::88]:88\""
            );
        }
    }
    if let Some(enrolment) = enrolment {
        ensure!(cluster.is_some(), "enrolment: needs the section [cluster], whose pods enrol");
        ensure!(!enrolment.addresses.is_empty(), "enrolment.addresses: give at least one, such as \"0.0.0.0:8443\"");
        ensure!(enrolment.waiting <= 65_536, "enrolment.waiting: must be at most 65536");
        let named = !enrolment.names.is_empty() || enrolment.certificate.is_some();
        ensure!(
            named,
            "enrolment.names: give the names by which pods reach this server, such as \"kennel.kennel-system.svc\""
        );
        let Lives { authority, certificate } = enrolment.lives();
        ensure!(
            certificate > 0 && certificate <= authority / 5,
            "enrolment.certificate_life: at most a fifth of enrolment.authority_life, and not zero"
        );
    }
    Ok(())
}
