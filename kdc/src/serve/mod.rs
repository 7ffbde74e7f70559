//! `serve`: reads the configuration, starts the parts in order, serves until a signal, stops in order. `dev` uses the same parts.
//!
//! | module | what |
//! |---|---|
//! | [`service`] | a KDC that answers: start in order, stop in order |
//! | [`cluster`] | the parts that only a realm with a cluster has |
//! | [`store`] | opens or creates the store and its master key |
//! | [`authority_file`] | the file of Kennel's own certificate authority |
//! | [`signals`] | SIGTERM and SIGINT |

mod authority_file;
pub(crate) mod cluster;
pub(crate) mod service;
pub(crate) mod signals;
pub(crate) mod store;

use crate::config::Config;
use crate::config::realm::warn_of_weakness;
use crate::config::store::StoreKind;
use crate::serve::cluster::{ClusterParts, Lost, Secrets, connect};
use crate::serve::service::{Parts, Service};
use crate::serve::signals::Signals;
use crate::{clock, instance, logs};
use kennel_core::realm::Realm;
use kennel_k8s::lease::{LocalStore, RealmLease};
use kennel_listen::{BoundSockets, HttpListener};
use kennel_store::{SledStore, master_key_file};

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    logs::start(&config.log)?;
    let realm = config.realm.build(config.realm_name()?)?;
    warn_of_weakness(&realm);
    let mut signals = Signals::new()?;
    // Binds before any file is created, so that a port in use changes nothing.
    let bound = BoundSockets::bind(&config.listen.addresses, config.limits.udp_threads)?;
    let settings = &config.store;
    let lease = lease(config, &realm.name).await?;
    let store = match settings.kind {
        StoreKind::Sled => store::open(&settings.path, &settings.master_key, settings.create).await?,
    };
    if store::check_realm(store.as_ref(), &realm, settings.create).await? {
        tracing::info!(realm = realm.name, store = %settings.path.display(), "created a new realm");
    }
    let name = realm.name.clone();
    let cluster = cluster_parts(config, &realm, lease).await?;
    let metrics = config.metrics.as_ref().map(|metrics| HttpListener::bind(&metrics.addresses)).transpose()?;
    let parts = Parts { realm, store, cache_capacity: settings.cache_capacity, cluster, metrics };
    let service = Service::start(parts, bound, &config.limits, &config.audit).await?;
    tracing::info!(realm = name, version = env!("CARGO_PKG_VERSION"), "serving");
    let lost = tokio::select! {
        signal = signals.wait() => {
            tracing::info!(signal, "stopping");
            None
        }
        lost = service.lost() => Some(lost),
    };
    service.stop().await;
    if let Some(Lost) = lost {
        anyhow::bail!(
            "another process has taken the realm's Lease: this process stops, so that the two stores do not diverge"
        );
    }
    tracing::info!("stopped");
    Ok(())
}

/// Prepares the parts that follow the cluster, where the realm has one.
async fn cluster_parts(
    config: &Config,
    realm: &Realm,
    lease: Option<RealmLease>,
) -> anyhow::Result<Option<ClusterParts>> {
    let Some(cluster) = &config.cluster else { return Ok(None) };
    let secrets = Secrets { authority: config.authority(), master_key: &config.store.master_key };
    let prepared = ClusterParts::prepare(realm, cluster, config.enrolment.as_ref(), secrets).await?;
    Ok(Some(match lease {
        Some(lease) => prepared.holding(lease, master_key_file::load(&config.store.master_key)?.id().to_owned()),
        None => prepared,
    }))
}

/// Checks that no other store holds the realm, and returns its Lease. `None` where the realm has no cluster.
async fn lease(config: &Config, realm: &str) -> anyhow::Result<Option<RealmLease>> {
    let Some(cluster) = &config.cluster else { return Ok(None) };
    let client = connect(cluster.kubeconfig.as_deref()).await?;
    let lease = RealmLease::new(&client, realm, instance::lease_identity(&config.store.path), clock::now);
    if SledStore::exists(&config.store.path)? {
        let master_key = master_key_file::load(&config.store.master_key)?;
        lease.check(LocalStore::Existing(master_key.id())).await?;
    } else {
        lease.check(LocalStore::Missing).await?;
    }
    Ok(Some(lease))
}
