//! `serve`: reads the configuration, wires the parts, serves until a signal, stops in order. `dev` uses the same wiring.

use crate::answer::Answerer;
use crate::audit::{Audit, AuditWriter};
use crate::cli::ServeArgs;
use crate::config::{AuditSettings, Config, Limits, StoreKind, warn_of_weakness};
use crate::in_cluster::{InCluster, Lost, Running, Secrets, connect};
use crate::listen::http::{Listener, Server};
use crate::listen::{Bound, Served};
use crate::live::Live;
use crate::metrics::{Census, Check, Measure, Metrics, router};
use crate::{clock, instance, logs, store};
use anyhow::Context;
use kennel_core::pods::{NoCluster, Pods};
use kennel_core::realm::Realm;
use kennel_k8s::lease::{LocalStore, RealmLease};
use kennel_store::{EntryCache, PrincipalStore, SledStore, master_key_file};
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let config = Config::load(args)?;
    logs::start(&config.log)?;
    let realm = config.realm.build(config.realm_name()?)?;
    warn_of_weakness(&realm);
    let mut signals = Signals::new()?;
    // Before anything is made: a port in use changes nothing.
    let bound = Bound::bind(&config.listen.addresses, config.limits.udp_threads)?;
    let settings = &config.store;
    let lease = lease(&config, &realm.name).await?;
    let store = match settings.kind {
        StoreKind::Sled => store::open(&settings.path, &settings.master_key, settings.create).await?,
    };
    if store::check_realm(store.as_ref(), &realm, settings.create).await? {
        tracing::info!(realm = realm.name, store = %settings.path.display(), "made a new realm");
    }
    let name = realm.name.clone();
    let cluster = match &config.cluster {
        Some(cluster) => {
            let secrets = Secrets { authority: config.authority(), master_key: &settings.master_key };
            let prepared = InCluster::prepare(&name, cluster, config.enrolment.as_ref(), secrets).await?;
            let master_key = master_key_file::load(&settings.master_key)?.id().to_owned();
            Some(match lease {
                Some(lease) => prepared.holding(lease, master_key),
                None => prepared,
            })
        }
        None => None,
    };
    let metrics = config.metrics.as_ref().map(|metrics| Listener::bind(&metrics.addresses)).transpose()?;
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
        anyhow::bail!("another process has taken the realm's Lease: this one stops, so that the two do not grow apart");
    }
    tracing::info!("stopped");
    Ok(())
}

/// The Lease of a realm in a cluster, once it is known that no other store has that realm.
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

/// What a service serves.
pub(crate) struct Parts {
    pub(crate) realm: Realm,
    pub(crate) store: Arc<dyn PrincipalStore>,
    pub(crate) cache_capacity: usize,
    pub(crate) cluster: Option<InCluster>,
    /// Where metrics and health are served.
    pub(crate) metrics: Option<Listener>,
}

/// A KDC that answers.
pub(crate) struct Service {
    served: Served,
    cluster: Option<Running>,
    metrics: Option<Server>,
    /// Counts what the store holds, where that is shown.
    census: Option<JoinHandle<()>>,
    audit: AuditWriter,
}

impl Service {
    /// Starts to answer on the bound sockets.
    pub(crate) async fn start(
        parts: Parts,
        bound: Bound,
        limits: &Limits,
        audit: &AuditSettings,
    ) -> anyhow::Result<Service> {
        let cache = EntryCache::open(parts.store, parts.cache_capacity).await?;
        let metrics = Arc::new(Metrics::new());
        let (audit, writer) = Audit::start(audit, metrics.clone())?;
        let pods: Arc<dyn Pods> = match &parts.cluster {
            Some(cluster) => Arc::new(cluster.index.clone()),
            None => Arc::new(NoCluster),
        };
        let live = Arc::new(Live::new(parts.realm, pods));
        let addresses = bound.addresses().to_vec();
        let answerer = Answerer::new(live.clone(), cache.clone(), audit.clone(), limits.udp_reply_limit);
        let served = bound.serve(&Arc::new(answerer), limits)?;
        tracing::info!(?addresses, "listening on UDP and TCP");
        let census = Arc::new(Census::default());
        let (checks, measure) = (checks(parts.cluster.as_ref()), measure(parts.cluster.as_ref(), census.clone()));
        let census = parts.metrics.is_some().then(|| tokio::spawn(census.follow(cache.clone())));
        let cluster = parts.cluster.map(|cluster| cluster.start(live, cache, audit, metrics.clone())).transpose()?;
        let metrics =
            parts.metrics.map(|listener| listener.serve(&router(metrics, measure, checks), None)).transpose()?;
        Ok(Service { served, cluster, metrics, census, audit: writer })
    }

    /// Ends where another process has taken the realm.
    pub(crate) async fn lost(&self) -> Lost {
        match &self.cluster {
            Some(cluster) => cluster.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Takes nothing new, finishes what has begun, writes the last audit lines.
    pub(crate) async fn stop(self) {
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
        if let Some(metrics) = self.metrics {
            metrics.stop().await;
        }
        if let Some(census) = self.census {
            census.abort();
        }
        self.served.stop().await;
        if tokio::task::spawn_blocking(|| self.audit.stop()).await.is_err() {
            tracing::error!("the end of the audit trail could not be awaited");
        }
    }
}

/// What must be so for the server to be ready. Its store is open and its realm known before anything is served.
fn checks(cluster: Option<&InCluster>) -> Vec<Check> {
    let always = |name| Check { name, holds: Box::new(|| true) };
    let mut checks = vec![always("store open, master key loaded"), always("realm known")];
    if let Some(cluster) = cluster {
        let index = cluster.index.clone();
        checks.push(Check { name: "cluster listed", holds: Box::new(move || index.read().is_synced()) });
    }
    checks
}

fn measure(cluster: Option<&InCluster>, census: Arc<Census>) -> Measure {
    let tls = cluster.and_then(InCluster::tls);
    #[expect(clippy::cast_precision_loss, reason = "seconds since the epoch")]
    let seconds = |time: Option<i64>| time.unwrap_or(0) as f64;
    Box::new(move |metrics| {
        metrics.certificate_expiry.set(seconds(tls.as_ref().and_then(|tls| tls.expiry())));
        metrics.authority_expiry.set(seconds(tls.as_ref().and_then(|tls| tls.authority_expiry())));
        census.show(&metrics.held);
    })
}

/// SIGTERM and SIGINT.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they do not end the process at once.
    pub(crate) fn new() -> anyhow::Result<Signals> {
        let listen = |kind| signal(kind).context("signals cannot be received");
        Ok(Signals { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// The name of the first that arrives.
    pub(crate) async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
