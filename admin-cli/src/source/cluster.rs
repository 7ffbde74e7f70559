//! Reads the objects of a cluster by the watches that the KDC uses, up to the end of their first listing.

use crate::reach::args::KdcArgs;
use anyhow::{Context, bail, ensure};
use futures_util::StreamExt;
use kennel_core::realm::Realm;
use kennel_k8s::callers::kind::CallerKind;
use kennel_k8s::callers::read::{CallersFound, read_callers};
use kennel_k8s::crd::KerberosRealm;
use kennel_k8s::index::Index;
use kennel_k8s::index::surroundings::{KdcPods, Surroundings};
use kennel_k8s::index::tables::ClusterEvent;
use kennel_k8s::watch::{WatchReport, watch_cluster};
use kube::{Api, Client, ResourceExt};
use std::time::Duration;

/// Time limit of the listings.
const LISTINGS: Duration = Duration::from_secs(60);

/// The objects of a cluster.
pub(super) struct Cluster {
    realm: String,
    kdc_namespace: String,
    events: Vec<ClusterEvent>,
    /// Who calls pods without Kerberos, and the kinds that this user may not list.
    callers: CallersFound,
}

impl Cluster {
    /// Kinds of callers that this user may not list.
    pub(super) fn unread(&self) -> &[CallerKind] {
        &self.callers.forbidden
    }

    /// An index of the objects, and of further ones that are laid over them.
    pub(super) fn index(&self, further: Vec<ClusterEvent>) -> Index {
        let mut index = empty_index(&self.realm, &self.kdc_namespace);
        let callers = self.callers.callers.clone().into();
        index.set_surroundings(Surroundings { callers, ..index.surroundings().clone() });
        self.events.iter().cloned().chain(further).for_each(|event| index.apply(event));
        index.settle();
        index
    }
}

fn empty_index(realm: &str, kdc_namespace: &str) -> Index {
    let mut index = Index::new(Realm::new(realm));
    let kdc = Some(KdcPods::of_deployment(kdc_namespace));
    index.set_surroundings(Surroundings { kdc, ..Surroundings::default() });
    index
}

/// Reads everything that decides access. `realm` names the KerberosRealm, where there are several.
pub(super) async fn read(kdc: &KdcArgs, realm: Option<&str>) -> anyhow::Result<Cluster> {
    let client = kdc.cluster.client().await?;
    let realm = realm_name(&client, realm).await?;
    let mut index = empty_index(&realm, &kdc.kdc_namespace);
    let mut events = Vec::new();
    let listed = async {
        let mut reports = watch_cluster(&client);
        while !index.is_synced() {
            match reports.next().await {
                Some(WatchReport::Event { event, .. }) => {
                    index.apply((*event).clone());
                    events.push(*event);
                }
                Some(WatchReport::Broken { kind, error }) => bail!(
                    "the cluster's {kind} objects cannot be listed, and who may call whom follows from those of every namespace: \
                     {error}"
                ),
                None => bail!("the watches ended"),
            }
        }
        Ok(())
    };
    tokio::time::timeout(LISTINGS, listed)
        .await
        .context("the API server did not list everything within a minute")??;
    let callers = read_callers(&client).await.context("who calls pods without Kerberos cannot be read")?;
    Ok(Cluster { realm, kdc_namespace: kdc.kdc_namespace.clone(), events, callers })
}

/// The name of the realm whose objects are read.
async fn realm_name(client: &Client, wanted: Option<&str>) -> anyhow::Result<String> {
    let realms = Api::<KerberosRealm>::all(client.clone()).list(&Default::default()).await;
    let mut realms = realms.context("KerberosRealms cannot be listed: is deploy/crds applied?")?.items;
    let is_wanted = |realm: &KerberosRealm| {
        wanted.is_none_or(|wanted| realm.name_any() == wanted || realm.spec.realm_name == wanted)
    };
    realms.retain(is_wanted);
    ensure!(realms.len() < 2, "there are several KerberosRealms: name one with --realm");
    let found = realms.pop().map(|realm| realm.spec.realm_name);
    found.with_context(|| {
        wanted.map_or("there is no KerberosRealm".into(), |name| format!("there is no KerberosRealm {name}"))
    })
}
