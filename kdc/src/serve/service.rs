//! A running KDC: starts its parts in order and stops them in order.

use crate::clock;
use crate::config::access_list::AccessListSource;
use crate::config::audit::AuditSettings;
use crate::config::listen::LimitSettings;
use crate::config::values::Seconds;
use crate::endpoints::admin_api::administration::OperationApi;
use crate::endpoints::admin_api::api::AdminApi;
use crate::endpoints::admin_api::callers::Callers;
use crate::endpoints::admin_api::dump;
use crate::endpoints::admin_api::explain::ExplainedCluster;
use crate::endpoints::admin_api::import;
use crate::endpoints::admin_api::load;
use crate::endpoints::admin_api::pairs_file::PairsKeeper;
use crate::endpoints::admin_api::replacement::RealmReplacement;
use crate::endpoints::admin_api::rotation::KeyApi;
use crate::endpoints::admin_api::router::AdminRouter;
use crate::endpoints::health::{Check, Measure, router};
use crate::endpoints::kadmin::KadminEndpoint;
use crate::endpoints::kdc::KdcEndpoint;
use crate::endpoints::kpasswd::PasswordEndpoint;
use crate::serve::cluster::{ClusterParts, Lost, RunningCluster, SharedParts};
use crate::serve::heartbeat::Heartbeat;
use crate::serve::master_key::MasterKeyRotation;
use kennel_audit::{Audit, AuditWriter, Metrics};
use kennel_controller::{Census, Live, LoginBook, RotationBook, RotationPolicies, Rotator, RotatorParts};
use kennel_core::access::table::AccessTable;
use kennel_core::access::{AccessIndex, AccessPolicy, AllowAll};
use kennel_core::pods::{NoCluster, Pods};
use kennel_core::realm::Realm;
use kennel_listen::{
    ApartServer, BoundSockets, Framing, HttpListener, HttpServer, ListenLimits, LocalListener, Respond, RunningSockets,
};
use kennel_store::administration::Administration;
use kennel_store::{EntryCache, SledStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Sockets that are bound before anything is made.
pub(crate) struct Bound {
    pub(crate) kdc: BoundSockets,
    /// `None` where nobody can change a password over the network.
    pub(crate) kpasswd: Option<BoundSockets>,
    /// `None` where nobody can administer the realm over the network.
    pub(crate) kadmin: Option<KadminSockets>,
}

/// Sockets of kadmin.
pub(crate) struct KadminSockets {
    sockets: BoundSockets,
    /// Time for which a client may say nothing between two calls.
    idle: Duration,
}

impl KadminSockets {
    /// Binds each address, over TCP alone.
    pub(crate) fn bind(addresses: &[SocketAddr], idle: Seconds) -> anyhow::Result<KadminSockets> {
        let sockets = BoundSockets::bind_tcp(addresses, Framing::RecordMarking)?;
        Ok(KadminSockets { sockets, idle: idle.duration() })
    }
}

/// The parts of a service, prepared and not started.
pub(crate) struct Parts {
    pub(crate) realm: Realm,
    /// Who may call whom, where files say it; with a cluster, its objects do.
    pub(crate) access: Option<Arc<AccessIndex>>,
    pub(crate) store: Arc<SledStore>,
    pub(crate) cache_capacity: usize,
    pub(crate) cluster: Option<ClusterParts>,
    /// The master key of the store.
    pub(crate) master_key: Arc<MasterKeyRotation>,
    /// Who may do what by kadmin.
    pub(crate) access_list: AccessListSource,
    /// Sockets for metrics and health.
    pub(crate) metrics: Option<HttpListener>,
    /// The socket of the local administrator.
    pub(crate) admin: Option<LocalListener>,
}

/// A running KDC.
pub(crate) struct Service {
    sockets: Vec<RunningSockets>,
    cluster: Option<RunningCluster>,
    /// The admin API on its Unix socket.
    admin: Option<HttpServer>,
    /// Metrics and health, on a thread of their own: strangers on other listeners do not delay a probe.
    metrics: Option<ApartServer>,
    /// Tasks that follow the store: one counts the principals, where metrics are served; one keeps what rotations need; without a
    /// cluster, one rotates.
    upkeep: JoinSet<()>,
    audit: AuditWriter,
    administration: Arc<Administration>,
    /// Where the access list of `administration` is read from again, and the realm of its names.
    access_list: (AccessListSource, String),
    /// Keeps who asked for whom, where the realm has a cluster.
    pairs: Option<PairsKeeper>,
}

impl Service {
    /// Starts the parts, and serves on the bound sockets.
    pub(crate) async fn start(
        parts: Parts,
        bound: Bound,
        limits: &LimitSettings,
        audit: &AuditSettings,
    ) -> anyhow::Result<Service> {
        let access_list = (parts.access_list, parts.realm.name.clone());
        let permitted = access_list.0.read(&access_list.1)?;
        let cache = EntryCache::open(parts.store.clone(), parts.cache_capacity).await?;
        let metrics = Arc::new(Metrics::new());
        let decisions = parts.cluster.as_ref().map(|cluster| cluster.decisions(&parts.realm.name, metrics.clone()));
        let (decisions, pairs) = decisions.unzip();
        let (audit, writer) = Audit::start(&audit.build(), metrics.clone(), decisions.clone(), clock::now)?;
        let pods: Arc<dyn Pods> = match &parts.cluster {
            Some(cluster) => Arc::new(cluster.index.clone()),
            None => Arc::new(NoCluster),
        };
        let access: Arc<dyn AccessPolicy> = match (&parts.cluster, parts.access) {
            // Denies what the cluster has not said yet; services that an administrator made go on.
            (Some(_), _) => {
                let table = AccessTable { realm: parts.realm.name.clone(), ..AccessTable::default() };
                Arc::new(AccessIndex::new(&table))
            }
            (None, Some(access)) => access,
            (None, None) => Arc::new(AllowAll),
        };
        let logins = Arc::new(LoginBook::default());
        let live = Live::new(parts.realm, access, pods).guarding_logins(logins.clone());
        let live = Arc::new(if parts.cluster.is_some() { live.awaiting_access() } else { live });
        live.raise_kvno_floor(parts.store.revisions().borrow().kvno_floor());
        let administration = administration(&live, &cache, &logins, &audit);
        administration.set_access_list(permitted);
        administration.finish_renamings(clock::now()).await?;
        let (trail, heartbeat) = (audit.clone(), Heartbeat::start());
        let endpoint = KdcEndpoint::new(live.clone(), cache.clone(), audit.clone(), limits.udp_reply_limit);
        let listen = limits.build();
        let mut sockets = vec![serve(bound.kdc, endpoint, &listen, "kerberos")?];
        if let Some(bound) = bound.kpasswd {
            let endpoint = PasswordEndpoint::new(
                live.clone(),
                cache.clone(),
                administration.clone(),
                logins.clone(),
                audit.clone(),
                limits.udp_reply_limit,
            );
            sockets.push(serve(bound, endpoint, &listen, "kpasswd")?);
        }
        if let Some(KadminSockets { sockets: bound, idle }) = bound.kadmin {
            let endpoint =
                KadminEndpoint::new(live.clone(), cache.clone(), administration.clone(), audit.clone(), idle);
            // A script may have any number of calls, and its `kadmin` does not connect again.
            let listen = ListenLimits { tcp_requests: u32::MAX, ..listen };
            sockets.push(serve(bound, endpoint, &listen, "kadmin")?);
        }
        let census = Arc::new(Census::default());
        let life = vec![Check { name: "requests are served", holds: Box::new(move || heartbeat.beats()) }];
        let readiness = readiness(parts.cluster.as_ref(), trail.clone());
        let measure = measure(parts.cluster.as_ref(), census.clone(), trail, parts.master_key.clone());
        let mut upkeep = JoinSet::new();
        if parts.metrics.is_some() {
            upkeep.spawn(census.follow(cache.clone()));
        }
        upkeep.spawn(logins.follow(cache.clone()));
        let book = Arc::new(RotationBook::default());
        upkeep.spawn(book.clone().follow(cache.clone()));
        let explained =
            parts.cluster.as_ref().map(|parts| ExplainedCluster::new(parts.index.clone(), parts.programmed.clone()));
        let index = parts.cluster.as_ref().map(|parts| parts.index.clone());
        let keys = KeyApi {
            live: live.clone(),
            store: cache.clone(),
            book: book.clone(),
            policies: RotationPolicies::new(live.clone(), index.clone()),
            index,
            audit: audit.clone(),
        };
        let operations = OperationApi {
            live: live.clone(),
            store: cache.clone(),
            administration: administration.clone(),
            index: keys.index.clone(),
        };
        let api = AdminRouter {
            operations: Arc::new(operations),
            decisions: Arc::new(AdminApi::new(live.clone(), decisions.clone(), explained)),
            keys: Arc::new(keys),
            master_key: parts.master_key.clone(),
        };
        let replacement = RealmReplacement::new(parts.store, cache.clone(), live.clone(), administration.clone());
        let replacement = Arc::new(replacement);
        let whole_realms = dump::router(cache.clone(), live.name())
            .merge(load::router(replacement.clone()))
            .merge(import::router(replacement));
        let local = api.routes(Callers::Local).merge(whole_realms);
        let admin = parts.admin.map(|listener| listener.serve(local)).transpose()?;
        let cluster = match parts.cluster.zip(decisions) {
            Some((cluster, decisions)) => {
                let shared = SharedParts { live, cache, book, audit, metrics: metrics.clone() };
                Some(cluster.start(shared, decisions, &api)?)
            }
            None => {
                upkeep.spawn(rotator(live, cache, book, audit, metrics.clone()).run());
                None
            }
        };
        let router = router(metrics, measure, life, readiness);
        let metrics = parts.metrics.map(|listener| listener.serve_apart(router, "health")).transpose()?;
        upkeep.spawn(parts.master_key.run());
        Ok(Service { sockets, cluster, admin, metrics, upkeep, audit: writer, administration, access_list, pairs })
    }

    /// Completes when this process must not go on.
    pub(crate) async fn lost(&self) -> Lost {
        match &self.cluster {
            Some(cluster) => cluster.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Goes on with the trail in a new file, where the old one was moved away.
    pub(crate) fn reopen_trail(&self) {
        self.audit.reopen();
    }

    /// Decides by the access list as its file is now; by the former one where that cannot be read.
    pub(crate) fn read_access_list(&self) {
        let (source, realm) = &self.access_list;
        match source.read(realm) {
            Ok(list) => self.administration.set_access_list(list),
            Err(error) => tracing::error!(error = format!("{error:#}"), "the access list of kadmin stays as it was"),
        }
    }

    /// Accepts no new requests, finishes those that have begun, and writes the last audit lines.
    pub(crate) async fn stop(mut self) {
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
        if let Some(admin) = self.admin {
            admin.stop().await;
        }
        drop(self.metrics);
        self.upkeep.shutdown().await;
        for sockets in self.sockets {
            sockets.stop().await;
        }
        if tokio::task::spawn_blocking(|| self.audit.stop()).await.is_err() {
            tracing::error!("the audit trail did not end properly: its last lines may be missing");
        }
        // After the last event.
        if let Some(pairs) = self.pairs {
            pairs.stop().await;
        }
    }
}

/// Serves one protocol on its sockets.
fn serve(
    bound: BoundSockets,
    endpoint: impl Respond,
    limits: &ListenLimits,
    protocol: &'static str,
) -> anyhow::Result<RunningSockets> {
    let addresses = bound.addresses().to_vec();
    let sockets = bound.serve(&Arc::new(endpoint), limits)?;
    tracing::info!(?addresses, protocol, "listening");
    Ok(sockets)
}

/// Returns what performs the operations of administration, for every listener.
fn administration(
    live: &Arc<Live>,
    cache: &Arc<EntryCache>,
    logins: &Arc<LoginBook>,
    audit: &Audit,
) -> Arc<Administration> {
    let live = live.clone();
    let administration = Administration::new(cache.clone(), Arc::new(move || live.realm()));
    Arc::new(administration.with_logins(logins.clone()).with_trail(Arc::new(audit.clone())))
}

/// Returns what rotates the keys of a realm without a cluster, whose one process is the writer.
fn rotator(
    live: Arc<Live>,
    cache: Arc<EntryCache>,
    book: Arc<RotationBook>,
    audit: Audit,
    metrics: Arc<Metrics>,
) -> Rotator {
    Rotator::new(RotatorParts {
        store: cache,
        book,
        policies: RotationPolicies::new(live, None),
        may_write: Box::new(|| true),
        report: Box::new(|_| {}),
        audit,
        metrics,
        clock: clock::now,
        since_boot: clock::since_boot,
    })
}

/// Returns the conditions of readiness. The first two always hold: nothing is served before.
fn readiness(cluster: Option<&ClusterParts>, trail: Audit) -> Vec<Check> {
    let always = |name| Check { name, holds: Box::new(|| true) };
    let written = Check { name: "audit trail written", holds: Box::new(move || trail.accepts()) };
    let mut checks = vec![always("store open, master key loaded"), always("realm known"), written];
    if let Some(cluster) = cluster {
        let index = cluster.index.clone();
        checks.push(Check { name: "cluster listed", holds: Box::new(move || index.read().is_synced()) });
    }
    checks
}

fn measure(
    cluster: Option<&ClusterParts>,
    census: Arc<Census>,
    trail: Audit,
    master_key: Arc<MasterKeyRotation>,
) -> Measure {
    let tls = cluster.and_then(ClusterParts::tls);
    #[expect(clippy::cast_precision_loss, reason = "seconds since the epoch")]
    let seconds = |time: Option<i64>| time.unwrap_or(0) as f64;
    Box::new(move |metrics| {
        metrics.certificate_expiry.set(seconds(tls.as_ref().and_then(|tls| tls.expiry())));
        metrics.authority_expiry.set(seconds(tls.as_ref().and_then(|tls| tls.authority_expiry())));
        metrics.audit_stalled.set((!trail.accepts()).into());
        metrics.master_key_problem.set(master_key.has_problem().into());
        metrics.store.set(&census.counts(clock::now().time.0));
    })
}
