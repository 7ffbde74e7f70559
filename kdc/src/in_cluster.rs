//! The parts that only a realm with a cluster has, wired: the index, the controller that follows it, the enrolment API.

use crate::audit::Audit;
use crate::cluster::{Controller, Published};
use crate::config::{ClusterSettings, EnrolmentSettings};
use crate::enrol::{Enrolment, EnrolmentCluster, krb5_conf, router};
use crate::listen::http::{Listener, Server};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::tls::{Authority, Files, Tls};
use crate::{clock, instance, store};
use anyhow::Context;
use kennel_k8s::apply::Applier;
use kennel_k8s::connect;
use kennel_k8s::crd::realm::cluster_domain;
use kennel_k8s::index::Index;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::lease::RealmLease;
use kennel_store::{EntryCache, master_key_file};
use rand::rngs::OsRng;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is prepared before anything is served.
pub(crate) struct InCluster {
    client: kube::Client,
    kdcs: Vec<String>,
    https: Option<(Listener, Arc<Tls>)>,
    pub(crate) index: SharedIndex,
    /// And the id of the master key; none for a realm that is only tried out.
    lease: Option<(RealmLease, String)>,
}

/// What runs.
pub(crate) struct Running {
    controller: JoinHandle<()>,
    https: Option<Server>,
    lease: Option<Arc<RealmLease>>,
    lost: watch::Receiver<bool>,
}

/// Another process has taken the realm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lost;

/// Where our own certificate authority is, and what it is wrapped with.
pub(crate) struct Secrets<'a> {
    pub(crate) authority: PathBuf,
    pub(crate) master_key: &'a Path,
}

impl InCluster {
    /// Connects and binds; `None` in place of the settings of the enrolment serves none.
    pub(crate) async fn prepare(
        realm: &str,
        cluster: &ClusterSettings,
        enrolment: Option<&EnrolmentSettings>,
        secrets: Secrets<'_>,
    ) -> anyhow::Result<InCluster> {
        anyhow::ensure!(
            graviola::util::is_cpu_supported(),
            "this processor lacks instructions that TLS needs here (AES, PCLMULQDQ, AVX2, ADX, BMI2 on x86-64): run the \
             KDC on a newer one"
        );
        let client = connect(cluster.kubeconfig.as_deref()).await?;
        let https = enrolment.map(|settings| https(realm, settings, &secrets)).transpose()?;
        let index = SharedIndex::new(Index::new(realm));
        Ok(InCluster { client, kdcs: cluster.kdcs.clone(), https, index, lease: None })
    }

    /// The certificate that clients of the enrolment API are to trust.
    pub(crate) fn ca_pem(&self) -> Option<String> {
        self.https.as_ref().map(|(_, tls)| tls.ca_pem())
    }

    /// Serves as the holder of a Lease, from the store under this master key.
    pub(crate) fn holding(mut self, lease: RealmLease, master_key: String) -> InCluster {
        self.lease = Some((lease, master_key));
        self
    }

    /// The certificate of the enrolment API.
    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.https.as_ref().map(|(_, tls)| tls.clone())
    }

    /// Starts all of it.
    pub(crate) fn start(
        self,
        live: Arc<Live>,
        cache: Arc<EntryCache>,
        audit: Audit,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Running> {
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
        let (client, index) = (self.client.clone(), self.index.clone());
        let controller = Controller::new(client, applier, index, cache.clone(), live.clone(), published, metrics);
        let https = match self.https {
            Some((listener, tls)) => {
                let ca = tls.clone();
                let cluster = EnrolmentCluster { client: self.client, index: self.index, events };
                let enrolment = Enrolment::new(live, cache, cluster, audit, krb5_conf, move || ca.ca_pem());
                tracing::info!(addresses = ?listener.addresses(), "enrolment over HTTPS");
                Some(listener.serve(&router(Arc::new(enrolment)), Some(tls))?)
            }
            None => None,
        };
        let (lost, gone) = watch::channel(false);
        let lease = self.lease.map(|(lease, store)| (Arc::new(lease), store));
        let held = lease.as_ref().map(|(lease, _)| lease.clone());
        let controller = tokio::spawn(async move {
            let Some((lease, store)) = lease else {
                // Nobody else would.
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
        Ok(Running { controller, https, lease: held, lost: gone })
    }
}

impl Running {
    /// Ends where another process has taken the realm.
    pub(crate) async fn lost(&self) -> Lost {
        match self.lost.clone().wait_for(|lost| *lost).await {
            Ok(_) => Lost,
            // There was no Lease to lose.
            Err(_) => std::future::pending().await,
        }
    }

    /// Ends it. A write of the controller that has begun is whole or not there.
    pub(crate) async fn stop(self) {
        self.controller.abort();
        if let Some(https) = self.https {
            https.stop().await;
        }
        if let Some(lease) = self.lease {
            lease.release().await;
        }
    }
}

/// Makes a client from a kubeconfig, or from the pod that this process runs in. The API server may be away: it is asked later.
pub(crate) async fn connect(kubeconfig: Option<&Path>) -> anyhow::Result<kube::Client> {
    match kubeconfig {
        Some(path) => Ok(connect::from_kubeconfig(path).await?),
        None => connect::from_pod()
            .context("no cluster: give cluster.kubeconfig (or --kubeconfig), or take out the section [cluster]"),
    }
}

fn https(realm: &str, settings: &EnrolmentSettings, secrets: &Secrets<'_>) -> anyhow::Result<(Listener, Arc<Tls>)> {
    let listener = Listener::bind(&settings.addresses)?;
    let tls = match &settings.certificate {
        Some(given) => {
            let ca = given.ca.clone().unwrap_or_else(|| given.certificate.clone());
            Tls::given(Files::new(given.certificate.clone(), given.key.clone(), ca))?
        }
        None => {
            let master = master_key_file::load(secrets.master_key)?;
            if let Some(folder) = secrets.authority.parent() {
                store::make_private_folder(folder)?;
            }
            let now = clock::now().time.0;
            let authority = Authority::open_or_make(&secrets.authority, &master, realm, now, &mut OsRng)?;
            Tls::own(authority, settings.names.clone(), now, &mut OsRng).context("enrolment.names")?
        }
    };
    Ok((listener, Arc::new(tls)))
}
