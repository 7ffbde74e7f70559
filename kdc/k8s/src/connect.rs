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
    /// The kubeconfig has no context of this name, or the context lacks an address.
    #[error("the context {context} of the kubeconfig does not say how to reach a cluster")]
    ContextUnusable {
        /// The context.
        context: String,
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
    from_config(of_kubeconfig(path, &KubeConfigOptions::default()).await?)
}

/// Makes a client from the service account that is mounted into this pod.
///
/// # Errors
/// [`ConnectError::NotInPod`], [`ConnectError::Unusable`].
pub fn from_pod() -> Result<Client, ConnectError> {
    from_config(Config::incluster().map_err(ConnectError::NotInPod)?)
}

/// Finds a cluster as `kubectl` does: in `kubeconfig`, else in the files that `KUBECONFIG` names, in `~/.kube/config`, or by the
/// service account of the pod. `context` names one of the kubeconfig's contexts in place of the current one.
///
/// # Errors
/// [`ConnectError`]: there is no cluster, or the file or its context is unusable.
pub async fn find_cluster(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Config, ConnectError> {
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    match (kubeconfig, context) {
        (Some(path), _) => of_kubeconfig(path, &options).await,
        (None, Some(context)) => Config::from_kubeconfig(&options)
            .await
            .map_err(|source| ConnectError::ContextUnusable { context: context.to_owned(), source }),
        (None, None) => Config::infer().await.map_err(ConnectError::NothingToInfer),
    }
}

/// Makes a client of a configuration.
///
/// # Errors
/// [`ConnectError::Unusable`].
pub fn from_config(config: Config) -> Result<Client, ConnectError> {
    Client::try_from(config).map_err(|error| ConnectError::Unusable(Box::new(error)))
}

async fn of_kubeconfig(path: &Path, options: &KubeConfigOptions) -> Result<Config, ConnectError> {
    let file = Kubeconfig::read_from(path)
        .map_err(|source| ConnectError::KubeconfigUnreadable { path: path.to_owned(), source })?;
    let config = Config::from_custom_kubeconfig(file, options).await;
    config.map_err(|source| ConnectError::KubeconfigIncomplete { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named() {
        let error = from_kubeconfig(Path::new("/nonexistent/kubeconfig")).await.err().unwrap();
        assert_eq!(error.to_string(), "/nonexistent/kubeconfig cannot be read");
        let error = find_cluster(Some(Path::new("/nonexistent/kubeconfig")), None).await.err().unwrap();
        assert_eq!(error.to_string(), "/nonexistent/kubeconfig cannot be read");
    }
}
