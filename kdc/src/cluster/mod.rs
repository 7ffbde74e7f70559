//! The cluster: how to reach it, and the Lease of a realm.
//!
//! | module | what |
//! |---|---|
//! | [`lease`] | which store a realm is in, and who writes |

pub(crate) mod lease;

use anyhow::Context;
use kube::config::{KubeConfigOptions, Kubeconfig};
use std::path::Path;

/// Connects by a kubeconfig, or as a pod of the cluster. The API server may be away: it is asked later.
pub(crate) async fn connect(kubeconfig: Option<&Path>) -> anyhow::Result<kube::Client> {
    let config = match kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).with_context(|| format!("{} cannot be read", path.display()))?;
            let options = KubeConfigOptions::default();
            let config = kube::Config::from_custom_kubeconfig(file, &options).await;
            config.with_context(|| format!("{} says not how to reach a cluster", path.display()))?
        }
        None => kube::Config::incluster().context(
            "this is no pod of a cluster: give cluster.kubeconfig (or --kubeconfig), or take out the section [cluster]",
        )?,
    };
    kube::Client::try_from(config).context("the cluster's API cannot be used")
}
