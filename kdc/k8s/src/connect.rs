//! Clients of the API server: how the KDC and the command line find its address and credentials. No function here asks the
//! API server anything, so a client is made while the server is away.

use kube::Client;
use kube::config::{Config, InClusterError, InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::path::{Path, PathBuf};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig does not exist, may not be read, or is no kubeconfig.
    #[error("{path} cannot be read")]
    KubeconfigUnreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: KubeconfigError,
    },
    /// The kubeconfig has no current context, or the context lacks an address.
    #[error("{path} does not say how to reach a cluster")]
    KubeconfigIncomplete {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: KubeconfigError,
    },
    /// The process has no mounted service account.
    #[error("this process does not run in a pod of a cluster")]
    NotInPod(#[source] InClusterError),
    /// There is neither a kubeconfig nor a mounted service account.
    #[error("no cluster is configured")]
    NothingToInfer(#[source] InferConfigError),
    /// The configuration makes no client: its certificates or its proxy are unusable.
    #[error("no client can be made for the cluster's API")]
    Unusable(#[source] Box<kube::Error>),
}

/// Makes a client from the current context of a kubeconfig.
///
/// # Errors
/// [`ConnectError`]: the file is unreadable, incomplete or unusable.
pub async fn from_kubeconfig(path: &Path) -> Result<Client, ConnectError> {
    let file = Kubeconfig::read_from(path)
        .map_err(|source| ConnectError::KubeconfigUnreadable { path: path.to_owned(), source })?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    client(config.map_err(|source| ConnectError::KubeconfigIncomplete { path: path.to_owned(), source })?)
}

/// Makes a client from the service account that is mounted into this pod.
///
/// # Errors
/// [`ConnectError::NotInPod`], [`ConnectError::Unusable`].
pub fn from_pod() -> Result<Client, ConnectError> {
    client(Config::incluster().map_err(ConnectError::NotInPod)?)
}

/// Makes a client as `kubectl` does: from `KUBECONFIG`, from `~/.kube/config`, or from the pod.
///
/// # Errors
/// [`ConnectError::NothingToInfer`], [`ConnectError::Unusable`].
pub async fn from_environment() -> Result<Client, ConnectError> {
    client(Config::infer().await.map_err(ConnectError::NothingToInfer)?)
}

fn client(config: Config) -> Result<Client, ConnectError> {
    Client::try_from(config).map_err(|error| ConnectError::Unusable(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named() {
        let error = from_kubeconfig(Path::new("/nonexistent/kubeconfig")).await.err().unwrap();
        assert_eq!(error.to_string(), "/nonexistent/kubeconfig cannot be read");
    }
}
