//! The parts that only a realm with a cluster has: the index, the controller that follows the cluster, the enrolment API.

use crate::clock;
use crate::config::cluster::{ClusterSettings, EnrolmentSettings};
use crate::endpoints::enrolment::api::router;
use crate::endpoints::enrolment::attempt::{Enrolment, EnrolmentCluster};
use crate::endpoints::enrolment::krb5_conf;
use crate::instance;
use crate::serve::authority_file;
use crate::serve::store::make_private_folder;
use anyhow::Context;
use kennel_audit::{Audit, Metrics};
use kennel_controller::{Controller, ControllerParts, Live, Published};
use kennel_core::realm::Realm;
use kennel_k8s::apply::Applier;
use kennel_k8s::connect;
use kennel_k8s::crd::realm::cluster_domain;
use kennel_k8s::index::Index;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::lease::RealmLease;
use kennel_listen::{CertificateFiles, HttpListener, HttpServer, Tls};
use kennel_store::{EntryCache, master_key_file};
use rand::rngs::OsRng;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Interval at which the serving certificate is renewed or read again, if that is due.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(60);

/// The parts of a cluster, prepared and not started.
pub(crate) struct ClusterParts {
    client: kube::Client,
    kdcs: Vec<String>,
    https: Option<(HttpListener, Arc<Tls>)>,
    pub(crate) index: SharedIndex,
    /// The Lease and the id of the master key. `None` for `dev`, where no other process serves the realm.
    lease: Option<(RealmLease, String)>,
}

/// The running parts of a cluster.
pub(crate) struct RunningCluster {
    controller: JoinHandle<()>,
    https: Option<HttpServer>,
    /// Renews the serving certificate.
    renewal: Option<JoinHandle<()>>,
    lease: Option<Arc<RealmLease>>,
    lost: watch::Receiver<bool>,
}

/// Another process has taken the realm's Lease.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lost;

/// The files of Kennel's own certificate authority and of the master key, which wraps its key.
pub(crate) struct Secrets<'a> {
    pub(crate) authority: PathBuf,
    pub(crate) master_key: &'a Path,
}

impl ClusterParts {
    /// Connects to the cluster and binds the enrolment API. Without `enrolment`, pods cannot enrol.
    pub(crate) async fn prepare(
        realm: &Realm,
        cluster: &ClusterSettings,
        enrolment: Option<&EnrolmentSettings>,
        secrets: Secrets<'_>,
    ) -> anyhow::Result<ClusterParts> {
        anyhow::ensure!(
            graviola::util::is_cpu_supported(),
            "this processor lacks instructions that TLS needs here (AES, PCLMULQDQ, AVX2, ADX, BMI2 on x86-64): run the \
             KDC on a newer one"
        );
        let client = connect(cluster.kubeconfig.as_deref()).await?;
        let https = enrolment.map(|settings| https(&realm.name, settings, &secrets)).transpose()?;
        let index = SharedIndex::new(Index::new(realm.clone()));
        Ok(ClusterParts { client, kdcs: cluster.kdcs.clone(), https, index, lease: None })
    }

    /// Returns the CA certificates that clients of the enrolment API trust, PEM.
    pub(crate) fn ca_pem(&self) -> Option<String> {
        self.https.as_ref().map(|(_, tls)| tls.ca_pem())
    }

    /// Makes the controller write only while this process holds the Lease. `master_key`: id of the key of the store.
    pub(crate) fn holding(mut self, lease: RealmLease, master_key: String) -> ClusterParts {
        self.lease = Some((lease, master_key));
        self
    }

    /// Returns the certificate of the enrolment API.
    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.https.as_ref().map(|(_, tls)| tls.clone())
    }

    /// Starts the enrolment API and the controller.
    pub(crate) fn start(
        self,
        live: Arc<Live>,
        cache: Arc<EntryCache>,
        audit: Audit,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<RunningCluster> {
        let krb5_conf = {
            let (index, realm, kdcs) = (self.index.clone(), live.name().to_owned(), self.kdcs);
            move || {
                let domain = index.read().followed_realm().map(|realm| realm.spec.cluster_domain.clone());
                krb5_conf::of_realm(&realm, &kdcs, &domain.unwrap_or_else(cluster_domain))
            }
        };
        let published = {
            let (krb5_conf, tls) = (krb5_conf.clone(), self.https.as_ref().map(|(_, tls)| tls.clone()));
            Published::new(move || {
                let ca = tls.as_ref().map(|tls| ("ca.crt".to_owned(), tls.ca_pem()));
                std::iter::once(("krb5.conf".to_owned(), krb5_conf())).chain(ca).collect()
            })
        };
        let lease_held = metrics.lease_held.clone();
        let applier = Applier::new(self.client.clone(), instance::name());
        let events = applier.events.clone();
        let controller = Controller::new(ControllerParts {
            client: self.client.clone(),
            applier,
            index: self.index.clone(),
            store: cache.clone(),
            live: live.clone(),
            published,
            metrics,
            clock: clock::now,
        });
        let (https, renewal) = match self.https {
            Some((listener, tls)) => {
                let ca = tls.clone();
                let cluster = EnrolmentCluster { client: self.client, index: self.index, events };
                let enrolment = Enrolment::new(live, cache, cluster, audit, krb5_conf, move || ca.ca_pem());
                tracing::info!(addresses = ?listener.addresses(), "listening for enrolment over HTTPS");
                let https = listener.serve(&router(Arc::new(enrolment)), Some(tls.server_config()?))?;
                (Some(https), Some(tokio::spawn(keep_renewing(tls))))
            }
            None => (None, None),
        };
        let (lost, gone) = watch::channel(false);
        let lease = self.lease.map(|(lease, store)| (Arc::new(lease), store));
        let held = lease.as_ref().map(|(lease, _)| lease.clone());
        let controller = tokio::spawn(async move {
            let Some((lease, store)) = lease else {
                // Without a Lease, no other process writes for the realm.
                lease_held.set(1);
                return controller.run().await;
            };
            lease.acquire(&store).await;
            lease_held.set(1);
            tokio::select! {
                () = controller.run() => {}
                () = lease.keep(&store) => {}
            }
            lease_held.set(0);
            lost.send_replace(true);
        });
        Ok(RunningCluster { controller, https, renewal, lease: held, lost: gone })
    }
}

impl RunningCluster {
    /// Completes when another process has taken the realm's Lease.
    pub(crate) async fn lost(&self) -> Lost {
        match self.lost.clone().wait_for(|lost| *lost).await {
            Ok(_) => Lost,
            // The sender is gone without a loss: the realm has no Lease.
            Err(_) => std::future::pending().await,
        }
    }

    /// Stops the parts and releases the Lease. Stopping is safe at any point: each write of the store is atomic.
    pub(crate) async fn stop(self) {
        self.controller.abort();
        if let Some(renewal) = self.renewal {
            renewal.abort();
        }
        if let Some(https) = self.https {
            https.stop().await;
        }
        if let Some(lease) = self.lease {
            lease.release().await;
        }
    }
}

/// Creates a client from a kubeconfig, or from the pod that this process runs in. Sends no request, so the API server need not be
/// reachable yet.
pub(crate) async fn connect(kubeconfig: Option<&Path>) -> anyhow::Result<kube::Client> {
    match kubeconfig {
        Some(path) => Ok(connect::from_kubeconfig(path).await?),
        None => connect::from_pod().context(
            "no cluster is configured: give cluster.kubeconfig (or --kubeconfig), or remove the section [cluster]",
        ),
    }
}

async fn keep_renewing(tls: Arc<Tls>) {
    loop {
        tokio::time::sleep(CERTIFICATE_CHECK).await;
        tls.check(clock::now().time.0, &mut OsRng);
    }
}

fn https(realm: &str, settings: &EnrolmentSettings, secrets: &Secrets<'_>) -> anyhow::Result<(HttpListener, Arc<Tls>)> {
    let listener = HttpListener::bind(&settings.addresses)?;
    let tls = match &settings.certificate {
        Some(given) => {
            let ca = given.ca.clone().unwrap_or_else(|| given.certificate.clone());
            Tls::given(CertificateFiles::new(given.certificate.clone(), given.key.clone(), ca))?
        }
        None => {
            let master = master_key_file::load(secrets.master_key)?;
            if let Some(folder) = secrets.authority.parent() {
                make_private_folder(folder)?;
            }
            let now = clock::now().time.0;
            let authority = authority_file::open_or_create(&secrets.authority, &master, realm, now, &mut OsRng)?;
            Tls::own(authority, settings.names.clone(), now, &mut OsRng).context("enrolment.names")?
        }
    };
    Ok((listener, Arc::new(tls)))
}
