//! Options that say where the cluster and the KDC are, and who asks.

use anyhow::Context;
use hyper::Uri;
use kennel_k8s::connect;
use kube::{Client, Config};
use std::path::PathBuf;

/// Where the cluster is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ClusterArgs {
    /// Kubeconfig of the cluster [default: as kubectl finds it].
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: the current one].
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    context: Option<String>,
}

impl ClusterArgs {
    /// How to reach the API server.
    pub(crate) async fn config(&self) -> anyhow::Result<Config> {
        let found = connect::find_cluster(self.kubeconfig.as_deref(), self.context.as_deref()).await;
        found.context("no cluster can be reached: give --kubeconfig, or set KUBECONFIG")
    }

    /// A client of the API server.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        Ok(connect::from_config(self.config().await?)?)
    }
}

/// Where the KDC is, and who asks.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KdcArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Namespace of the KDC.
    #[arg(long, value_name = "NAMESPACE", default_value = "kennel-system", help_heading = "KDC")]
    pub(crate) kdc_namespace: String,
    /// Unix socket of a KDC on this machine: admin.sock beside its store, or in the folder of `kennel-kdc dev`. Neither a cluster nor
    /// a token is needed.
    #[arg(long, value_name = "PATH", env = "KENNEL_SOCKET", conflicts_with_all = ["kdc_server", "as_account", "token_file"], help_heading = "KDC")]
    pub(super) socket: Option<PathBuf>,
    /// Address of the KDC's enrolment listener, such as `https://kdc.example:8443` [default: a port of a ready pod of the KDC,
    /// forwarded through the API server].
    #[arg(id = "kdc_server", long = "server", value_name = "URL", value_parser = https, help_heading = "KDC")]
    pub(super) server: Option<Uri>,
    /// PEM file of the CA that issued the KDC's certificate [default: with --server, the authorities that this machine trusts; else
    /// ca.crt of a ConfigMap kennel-krb5].
    #[arg(long, value_name = "FILE", help_heading = "KDC")]
    pub(super) ca: Option<PathBuf>,
    /// File with the Kubernetes token that is shown to the KDC [default: the token of the kubeconfig].
    #[arg(long, value_name = "FILE", conflicts_with = "as_account", help_heading = "KDC")]
    pub(super) token_file: Option<PathBuf>,
    /// Service account to ask as, where the kubeconfig holds a client certificate in place of a token: the command requests a token
    /// of it from the API server.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = account, help_heading = "KDC")]
    pub(super) as_account: Option<(String, String)>,
}

impl KdcArgs {
    /// Whether a KDC on this machine is meant.
    pub(crate) fn has_socket(&self) -> bool {
        self.socket.is_some()
    }

    /// Whether an option or the environment names the KDC, so that it is not looked for in a cluster.
    pub(crate) fn names_a_server(&self) -> bool {
        self.socket.is_some() || self.server.is_some()
    }

    /// Reaches the KDC by this socket.
    pub(crate) fn use_socket(&mut self, path: PathBuf) {
        self.socket = Some(path);
    }
}

fn https(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|error| format!("no URL: {error}"))?;
    match (url.scheme_str(), url.host()) {
        (Some("https"), Some(_)) => Ok(url),
        _ => Err("not of the form https://HOST:PORT: a token is shown over TLS alone".to_owned()),
    }
}

fn account(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("not of the form NAMESPACE/NAME".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_reached_by_https_alone() {
        assert_eq!(https("https://kdc.example:8443").unwrap().host(), Some("kdc.example"));
        for refused in ["http://kdc.example:8443", "kdc.example:8443", "https:///v1", ""] {
            assert!(https(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn an_account_is_a_namespace_and_a_name() {
        assert_eq!(account("shop/web"), Ok(("shop".to_owned(), "web".to_owned())));
        for refused in ["web", "/web", "shop/", "shop/web/x"] {
            assert!(account(refused).is_err(), "{refused}");
        }
    }
}
