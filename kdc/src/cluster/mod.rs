//! The cluster: what its objects ask for is put into the store, and what became of it is told there.
//!
//! | module | what |
//! |---|---|
//! | [`controller`] | the loop: watches in, names to settle out |
//! | [`work`] | which names are due |
//! | [`settle`] | one name: from what is wanted and what is stored to the next write |
//! | [`publish`] | status, Events, ConfigMaps, keytab Secrets |
//! | [`lease`] | which store a realm is in, and who writes |
//! | [`keytab`] | the keytab of some services |

mod controller;
pub(crate) mod keytab;
pub(crate) mod lease;
mod publish;
mod settle;
mod work;

pub(crate) use controller::Controller;
pub(crate) use publish::Published;

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
