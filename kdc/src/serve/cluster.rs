//! The parts that only a realm with a cluster has: the index, the controller that follows the cluster, the APIs of enrolment and
//! administration.

use crate::clock;
use crate::config::cluster::{ClusterSettings, EnrolmentSettings};
use crate::endpoints::admin_api::callers::{Callers, ClusterCallers};
use crate::endpoints::admin_api::directory::IndexDirectory;
use crate::endpoints::admin_api::pairs_file::{self, PairsKeeper};
use crate::endpoints::admin_api::router::AdminRouter;
use crate::endpoints::enrolment::api::router;
use crate::endpoints::enrolment::attempt::{Enrolment, EnrolmentCluster};
use crate::endpoints::enrolment::events::LeasedEvents;
use crate::endpoints::enrolment::krb5_conf;
use crate::endpoints::enrolment::waiting::WaitingRequests;
use crate::instance;
use crate::serve::certificates::Certificates;
use crate::serve::descriptors;
use crate::serve::lease::ServableCluster;
use crate::serve::master_key::MasterKeyRotation;
use kennel_audit::{Audit, DecisionLog, Metrics};
use kennel_controller::{Controller, ControllerParts, Live, Programmed, Published, RotationBook};
use kennel_core::realm::Realm;
use kennel_k8s::apply::Applier;
use kennel_k8s::crd::realm::CLUSTER_DOMAIN;
use kennel_k8s::index::Index;
use kennel_k8s::index::surroundings::KdcPods;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::lease::CheckedLease;
use kennel_k8s::token::IssuerKeys;
use kennel_listen::{HttpListener, HttpServer, Tls, provider};
use kennel_store::EntryCache;
use kennel_wire::message::Principal;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Name of the file of who asked for whom, beside the store.
const PAIRS_FILE: &str = "pairs.json";

/// The parts of a cluster, prepared and not started.
pub(crate) struct ClusterParts {
    client: kube::Client,
    kdcs: Vec<String>,
    admin_server: Option<String>,
    /// The KDC's own pods, where this process runs in one.
    kdc: Option<KdcPods>,
    https: Option<(HttpListener, Certificates)>,
    /// Requests of pods that may wait for changes of their keys.
    waiting: usize,
    pub(crate) index: SharedIndex,
    /// What is programmed, once this process holds the Lease.
    pub(crate) programmed: Programmed,
    lease: CheckedLease,
    /// The store's master key, by whose id the Lease names the store.
    master_key: Arc<MasterKeyRotation>,
    /// The file of who asked for whom.
    pairs: PathBuf,
}

/// What the parts of a cluster share with the others of the process.
pub(crate) struct SharedParts {
    pub(crate) live: Arc<Live>,
    pub(crate) cache: Arc<EntryCache>,
    pub(crate) book: Arc<RotationBook>,
    pub(crate) audit: Audit,
    pub(crate) metrics: Arc<Metrics>,
}

/// The running parts of a cluster.
pub(crate) struct RunningCluster {
    /// Follows the cluster and keeps the Lease.
    follower: JoinHandle<()>,
    https: Option<HttpServer>,
    /// Tasks of the enrolment API: renew the serving certificate, follow the API server's keys and the changes of the store.
    upkeep: JoinSet<()>,
    waiting: Option<WaitingRequests>,
    decisions: Arc<DecisionLog>,
    lease: Arc<CheckedLease>,
    lost: watch::Receiver<Option<Lost>>,
}

/// Why this process must not go on serving the realm.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum Lost {
    /// Another process has taken the realm's Lease.
    #[error("another process has taken the realm's Lease: this process stops, so that the two stores do not diverge")]
    Taken,
    /// The Lease shows what the start could not ask for: the store is an older copy.
    #[error(
        "the store is an older copy: the realm's Lease says that it was at revision {mark} already. Put the newest copy of the store \
         back; if there is none, start once with --accept-rollback, which says what to do then"
    )]
    RolledBack {
        /// The mark in the Lease.
        mark: u64,
    },
}

impl ClusterParts {
    /// Binds the enrolment API. Without `enrolment`, pods cannot enrol.
    pub(crate) fn prepare(
        realm: &Realm,
        servable: ServableCluster,
        cluster: &ClusterSettings,
        enrolment: Option<&EnrolmentSettings>,
        master_key: Arc<MasterKeyRotation>,
    ) -> anyhow::Result<ClusterParts> {
        anyhow::ensure!(
            graviola::util::is_cpu_supported(),
            "this processor lacks instructions that TLS needs here (AES, PCLMULQDQ, AVX2, ADX, BMI2 on x86-64): run the \
             KDC on a newer one"
        );
        let waiting = enrolment.map_or(0, |settings| descriptors::affordable(settings.waiting));
        let https = enrolment.map(|settings| {
            let listener = HttpListener::bind(&settings.addresses)?;
            Ok::<_, anyhow::Error>((listener, Certificates::prepare(settings, master_key.authority())?))
        });
        let https = https.transpose()?;
        let index = SharedIndex::new(Index::new(realm.clone()));
        let ServableCluster { client, lease, kdc } = servable;
        let pairs = master_key.authority().path().with_file_name(PAIRS_FILE);
        Ok(ClusterParts {
            client,
            kdcs: cluster.kdcs.clone(),
            admin_server: cluster.admin_server.clone(),
            kdc,
            https,
            waiting,
            index,
            programmed: Programmed::default(),
            lease,
            master_key,
            pairs,
        })
    }

    /// Returns the log of decisions, with the pairs of earlier processes, and the task that keeps those.
    pub(crate) fn decisions(&self, realm: &str, metrics: Arc<Metrics>) -> (Arc<DecisionLog>, PairsKeeper) {
        let directory = Arc::new(IndexDirectory(self.index.clone()));
        let log = Arc::new(DecisionLog::new(directory, metrics, pairs_file::load(&self.pairs, realm)));
        let keeper = PairsKeeper::start(self.pairs.clone(), realm.to_owned(), log.clone());
        (log, keeper)
    }

    /// Returns the CA certificates that clients of the enrolment API trust, PEM.
    pub(crate) fn ca_pem(&self) -> Option<String> {
        self.tls().map(|tls| tls.ca_pem())
    }

    /// Returns the certificate of the enrolment API.
    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.https.as_ref().map(|(_, certificates)| certificates.tls().clone())
    }

    /// Starts the enrolment API and the controller.
    pub(crate) fn start(
        self,
        shared: SharedParts,
        decisions: Arc<DecisionLog>,
        admin: &AdminRouter,
    ) -> anyhow::Result<RunningCluster> {
        let SharedParts { live, cache, book, audit, metrics } = shared;
        let tls = self.tls();
        let krb5_conf = {
            let (index, realm, kdcs) = (self.index.clone(), live.name().to_owned(), self.kdcs);
            let admin_server = self.admin_server;
            move || {
                let domain = index.read().followed_realm().map(|realm| realm.spec.cluster_domain().to_owned());
                let domain = domain.as_deref().unwrap_or(CLUSTER_DOMAIN);
                krb5_conf::of_realm(&realm, &kdcs, admin_server.as_deref(), domain)
            }
        };
        let published = {
            let krb5_conf = krb5_conf.clone();
            Published::new(move || {
                let ca = tls.as_ref().map(|tls| ("ca.crt".to_owned(), tls.ca_pem()));
                std::iter::once(("krb5.conf".to_owned(), krb5_conf())).chain(ca).collect()
            })
        };
        let (events, programmed) = (LeasedEvents::default(), self.programmed);
        let mut upkeep = JoinSet::new();
        let mut waiting = None;
        let https = match self.https {
            Some((listener, certificates)) => {
                let tls = certificates.tls().clone();
                let places = self.waiting;
                let requests = waiting.insert(WaitingRequests::new(places, metrics.clone())).clone();
                let krbtgt = Principal::krbtgt(live.name(), live.name());
                upkeep.spawn(requests.clone().follow(cache.clone(), self.index.clone(), krbtgt));
                let algorithms = provider().signature_verification_algorithms;
                let keys = Arc::new(IssuerKeys::new(self.client.clone(), algorithms));
                let (client, index, events) = (self.client.clone(), self.index.clone(), events.clone());
                let programmed = programmed.clone();
                let (keys_of_cluster, metrics) = (keys.clone(), metrics.clone());
                let cluster = EnrolmentCluster {
                    client,
                    keys: keys_of_cluster,
                    index,
                    programmed,
                    events,
                    waiting: requests,
                    metrics,
                };
                let ca = tls.clone();
                let enrolment =
                    Enrolment::new(live.clone(), cache.clone(), cluster, audit.clone(), krb5_conf, move || ca.ca_pem());
                tracing::info!(addresses = ?listener.addresses(), "listening for enrolment over HTTPS");
                let callers = Callers::Cluster(Arc::new(ClusterCallers::new(self.client.clone())));
                let routes = router(Arc::new(enrolment)).merge(admin.routes(callers));
                // Connections whose requests have given up their places are still there for a moment.
                let parked = places + places / 4 + 16;
                let https = listener.serve_with_parking(&routes, Some(tls.server_config()?), parked)?;
                let published = published.clone();
                upkeep.spawn(certificates.keep(move || published.touch()));
                upkeep.spawn(async move { keys.follow().await });
                Some(https)
            }
            None => None,
        };
        let (lost, gone) = watch::channel(None);
        let lease = Arc::new(self.lease);
        let follower = Follower {
            lease: lease.clone(),
            master_key: self.master_key,
            client: self.client,
            index: self.index,
            store: cache,
            live,
            programmed,
            kdc: self.kdc,
            published,
            book,
            decisions: decisions.clone(),
            audit,
            metrics,
            events,
        };
        let follower = tokio::spawn(async move {
            lost.send_replace(Some(follower.follow().await));
        });
        Ok(RunningCluster { follower, https, upkeep, waiting, decisions, lease, lost: gone })
    }
}

/// The parts of the process that follows the cluster and writes for it, as soon as it holds the Lease.
struct Follower {
    lease: Arc<CheckedLease>,
    master_key: Arc<MasterKeyRotation>,
    client: kube::Client,
    index: SharedIndex,
    store: Arc<EntryCache>,
    live: Arc<Live>,
    programmed: Programmed,
    kdc: Option<KdcPods>,
    published: Published,
    book: Arc<RotationBook>,
    decisions: Arc<DecisionLog>,
    audit: Audit,
    metrics: Arc<Metrics>,
    events: LeasedEvents,
}

impl Follower {
    /// Takes the Lease, and follows the cluster until this process must not go on.
    async fn follow(self) -> Lost {
        let Follower {
            lease,
            master_key,
            client,
            index,
            store,
            live,
            programmed,
            kdc,
            published,
            book,
            decisions,
            audit,
            metrics,
            events,
        } = self;
        let store_name = || master_key.ids().current;
        let held = lease.acquire(store_name).await;
        if let Some(mark) = lease.mark().beyond_store() {
            return Lost::RolledBack { mark };
        }
        let gauge = metrics.lease_held.clone();
        gauge.set(1);
        let applier = Applier::new(&held, &client, instance::name(), live.name());
        events.begin(applier.events.clone());
        let controller = Controller::new(ControllerParts {
            client,
            held: held.clone(),
            applier,
            index,
            store,
            live,
            programmed,
            kdc,
            published,
            book,
            decisions,
            audit,
            metrics,
            clock: clock::now,
            since_boot: clock::since_boot,
        });
        tokio::select! {
            () = controller.run() => {}
            () = lease.keep(&held, store_name, |held| { gauge.set(held.into()); }) => {}
        }
        Lost::Taken
    }
}

impl RunningCluster {
    /// Completes when this process must not go on.
    pub(crate) async fn lost(&self) -> Lost {
        let mut lost = self.lost.clone();
        let found = lost.wait_for(Option::is_some).await.ok().and_then(|lost| *lost);
        match found {
            Some(lost) => lost,
            // The sender is gone without a loss: the process stops.
            None => std::future::pending().await,
        }
    }

    /// Stops the parts and releases the Lease. Stopping is safe at any point: each write of the store is atomic.
    pub(crate) async fn stop(mut self) {
        // Before the Lease is given back, the writers have ended.
        self.follower.abort();
        let _ = self.follower.await;
        self.upkeep.shutdown().await;
        // Answers that follow the decisions, and those that wait, end now.
        self.decisions.close();
        self.waiting.iter().for_each(WaitingRequests::close);
        if let Some(https) = self.https {
            https.stop().await;
        }
        self.lease.release().await;
    }
}
