//! The way to the cluster, and the Lease of the realm there: every subcommand that follows a cluster passes here before it opens
//! or creates a store.

use crate::{clock, instance};
use anyhow::Context;
use kennel_k8s::connect;
use kennel_k8s::crd::port::TransportProtocol;
use kennel_k8s::index::surroundings::KdcPods;
use kennel_k8s::lease::{CheckedLease, LeaseClocks, LocalStore, RealmLease};
use kennel_store::SledStore;
use std::collections::BTreeSet;
use std::path::Path;

/// A cluster in which this process may serve its realm.
pub(crate) struct ServableCluster {
    pub(crate) client: kube::Client,
    pub(crate) lease: CheckedLease,
    /// The KDC's own pods, where this process runs in one.
    pub(crate) kdc: Option<KdcPods>,
}

impl ServableCluster {
    /// Connects, and makes sure that neither another store nor another process has the realm. `store`: what this process serves the
    /// realm from, which need not exist yet. `ports`: what clients call, which the policies of the cluster open.
    pub(crate) async fn check(
        kubeconfig: Option<&Path>,
        realm: &str,
        store: &Path,
        ports: BTreeSet<(u16, TransportProtocol)>,
    ) -> anyhow::Result<ServableCluster> {
        let client = connect(kubeconfig).await?;
        let clocks = LeaseClocks { wall: clock::now, since_boot: clock::since_boot };
        let lease = RealmLease::new(&client, realm, instance::lease_identity(), clocks);
        let lease = match SledStore::master_key_ids_in(store)? {
            Some(ids) => lease.check(LocalStore::Existing(&ids.all().map(str::to_owned).collect::<Vec<_>>())).await?,
            None => lease.check(LocalStore::Missing).await?,
        };
        let kdc = kubeconfig.is_none().then(|| KdcPods { namespace: client.default_namespace().to_owned(), ports });
        Ok(ServableCluster { client, lease, kdc })
    }
}

/// Creates a client from a kubeconfig, or from the pod that this process runs in. Sends no request, so the API server need not be
/// reachable yet.
async fn connect(kubeconfig: Option<&Path>) -> anyhow::Result<kube::Client> {
    match kubeconfig {
        Some(path) => Ok(connect::from_kubeconfig(path).await?),
        None => connect::from_pod().context(
            "no cluster is configured: give cluster.kubeconfig (or --kubeconfig), or remove the section [cluster]",
        ),
    }
}
