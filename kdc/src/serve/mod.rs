//! `serve`: reads the configuration, starts the parts in order, serves until a signal, stops in order. `dev` uses the same parts.
//!
//! | module | what |
//! |---|---|
//! | [`service`] | a KDC that answers: start in order, stop in order |
//! | [`cluster`] | the parts that only a realm with a cluster has |
//! | [`lease`] | the way to the cluster, and the Lease of the realm there |
//! | [`store`] | opens or creates the store and its master key |
//! | [`mark`] | the high-water mark of the store's revision, by which an older copy is noticed |
//! | [`master_key`] | the master key while the KDC serves: its state and its rotation |
//! | [`keys_in_use`] | the master keys of the open store, for what is wrapped outside it |
//! | [`descriptors`] | how many file descriptors the process may have |
//! | [`authority_file`] | the file of Kennel's own certificate authority |
//! | [`certificates`] | the certificate of HTTPS: renewed, and one authority following the other |
//! | [`heartbeat`] | whether the runtime that serves requests is stuck |
//! | [`signals`] | SIGTERM, SIGINT and SIGHUP |

mod authority_file;
mod certificates;
pub(crate) mod cluster;
mod descriptors;
mod heartbeat;
mod keys_in_use;
pub(crate) mod lease;
mod mark;
pub(crate) mod master_key;
pub(crate) mod service;
pub(crate) mod signals;
pub(crate) mod store;

use crate::config::Config;
use crate::config::realm::warn_of_weakness;
use crate::config::store::StoreKind;
use crate::logs::{self, Log};
use crate::serve::cluster::{ClusterParts, Lost};
use crate::serve::keys_in_use::KeysInUse;
use crate::serve::lease::ServableCluster;
use crate::serve::mark::{MarkFile, MarkKeeper};
use crate::serve::master_key::MasterKeyRotation;
use crate::serve::service::{Bound, KadminSockets, Parts, Service};
use crate::serve::signals::{Received, Signals};
use kennel_core::realm::Realm;
use kennel_listen::{BoundSockets, HttpListener, LocalListener};
use kennel_store::Revision;
use std::sync::Arc;

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let log = logs::start(&config.log)?;
    let mut realm = config.realm.build(config.realm_name()?)?;
    warn_of_weakness(&realm);
    let mut signals = Signals::new()?;
    // Binds before any file is created, so that a port in use changes nothing.
    let bound = BoundSockets::bind(&config.listen.addresses, config.limits.udp_threads)?;
    let kpasswd = config.kpasswd.as_ref().map(|kpasswd| BoundSockets::bind(&kpasswd.addresses, 1)).transpose()?;
    let kadmin =
        config.kadmin.as_ref().map(|kadmin| KadminSockets::bind(&kadmin.addresses, kadmin.idle)).transpose()?;
    let bound = Bound { kdc: bound, kpasswd, kadmin };
    let settings = &config.store;
    // The Lease of another process may take its time to run out.
    let servable = tokio::select! {
        servable = servable_cluster(config, &realm.name) => servable?,
        _ = signals.stop() => return Ok(()),
    };
    let mark = servable.as_ref().map(|servable| servable.lease.mark());
    let lease_mark = Revision(mark.as_ref().map_or(0, |mark| mark.found()));
    let store = match settings.kind {
        StoreKind::Sled => store::open_newest(settings, lease_mark).await?,
    };
    let revisions = store.revisions();
    realm.kvno_floor = revisions.borrow().kvno_floor();
    let mark_file = Arc::new(MarkFile::beside(&settings.master_key, KeysInUse::of(store.clone())));
    let keeper = MarkKeeper::start(mark_file.clone(), revisions.clone());
    if let Some(mark) = mark {
        mark.follow(move || revisions.borrow().0);
    }
    if store::check_realm(store.as_ref(), &realm, settings.create).await? {
        tracing::info!(realm = realm.name, store = %settings.path.display(), "created a new realm");
    }
    let name = realm.name.clone();
    let master_key = Arc::new(MasterKeyRotation::new(
        &realm.name,
        store.clone(),
        settings.master_key.clone(),
        Some(mark_file),
        config.authority(),
        settings.rewrap_rate,
    ));
    let cluster = cluster_parts(config, &realm, servable, &master_key)?;
    let metrics = config.metrics.as_ref().map(|metrics| HttpListener::bind(&metrics.addresses)).transpose()?;
    let admin = LocalListener::bind(&config.admin_socket())?;
    let parts = Parts {
        realm,
        access: None,
        store,
        cache_capacity: settings.cache_capacity,
        cluster,
        master_key: master_key.clone(),
        access_list: config.access_list(),
        metrics,
        admin: Some(admin),
    };
    let service = Service::start(parts, bound, &config.limits, &config.audit).await?;
    tracing::info!(realm = name, version = env!("CARGO_PKG_VERSION"), "serving");
    if settings.rotate_master_key
        && let Err(error) = master_key.rotate(false).await
    {
        tracing::warn!(%error, "the master key is not rotated, although --rotate-master-key asks for that");
    }
    let ended = until_stopped(&service, &log, &mut signals).await;
    service.stop().await;
    keeper.stop().await;
    ended?;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for a signal to stop, or until this process must not go on, which is an error. Opens the files of the trail and of the log
/// again at SIGHUP, and reads the access list.
pub(crate) async fn until_stopped(service: &Service, log: &Log, signals: &mut Signals) -> Result<(), Lost> {
    loop {
        tokio::select! {
            received = signals.next() => match received {
                Received::Stop(signal) => {
                    tracing::info!(signal, "stopping");
                    return Ok(());
                }
                Received::Reopen => {
                    log.reopen();
                    service.reopen_trail();
                    service.read_access_list();
                    tracing::info!("SIGHUP: the files of the audit trail and of the log are opened again");
                }
            },
            lost = service.lost() => return Err(lost),
        }
    }
}

/// Prepares the parts that follow the cluster, where the realm has one.
fn cluster_parts(
    config: &Config,
    realm: &Realm,
    servable: Option<ServableCluster>,
    master_key: &Arc<MasterKeyRotation>,
) -> anyhow::Result<Option<ClusterParts>> {
    let (Some(cluster), Some(servable)) = (&config.cluster, servable) else { return Ok(None) };
    ClusterParts::prepare(realm, servable, cluster, config.enrolment.as_ref(), master_key.clone()).map(Some)
}

/// Connects to the cluster, where the realm has one, and makes sure that nobody else serves the realm.
async fn servable_cluster(config: &Config, realm: &str) -> anyhow::Result<Option<ServableCluster>> {
    let Some(cluster) = &config.cluster else { return Ok(None) };
    let ports = config.ports_of_clients();
    ServableCluster::check(cluster.kubeconfig.as_deref(), realm, &config.store.path, ports).await.map(Some)
}
