//! The API server's watches, as events of the index. A watch that breaks starts again by itself, after pauses that grow; the
//! listing at its start makes up for the events that were missed.

use crate::crd::access::KerberosAccess;
use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::index::facts::{Fact, OwnFact};
use crate::index::table::ObjectChange;
use crate::index::tables::ClusterEvent;
use crate::labels::MANAGED_BY;
use crate::policy::kind::PolicyKind;
use futures_util::stream::{BoxStream, Stream, StreamExt, select_all};
use kube::api::DynamicObject;
use kube::core::DeserializeGuard;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Objects in one page of a listing; memory holds a whole page.
const PAGE: u32 = 500;

/// One report of a watch.
#[derive(Debug)]
pub enum WatchReport {
    /// Something happened to the objects of a kind.
    Event {
        /// The kind: `Pod`.
        kind: &'static str,
        /// Whether the event proves that the watch works. The start of a listing does not: it comes again after each failure.
        works: bool,
        /// The event.
        event: Box<ClusterEvent>,
    },
    /// The watch of a kind failed; it starts again by itself.
    Broken {
        /// The kind: `Pod`.
        kind: &'static str,
        /// The error in words.
        error: String,
    },
}

/// Watches everything that the index wants to know, from now on and without end. Poll the stream inside a tokio runtime.
pub fn watch_cluster(client: &Client) -> impl Stream<Item = WatchReport> + Send + Unpin + use<> {
    let realms = Api::<DeserializeGuard<KerberosRealm>>::all(client.clone());
    let principals = Api::<DeserializeGuard<KerberosPrincipal>>::all(client.clone());
    let accesses = Api::<DeserializeGuard<KerberosAccess>>::all(client.clone());
    // Of all EndpointSlices, only those of the API server itself matter.
    let api_server = watcher::Config::default().labels("kubernetes.io/service-name=kubernetes");
    let slices = Api::namespaced(client.clone(), "default");
    select_all([
        watch_kind(Api::all(client.clone()), "Namespace", ClusterEvent::Namespace),
        watch_kind(Api::all(client.clone()), "ServiceAccount", ClusterEvent::Account),
        watch_kind(Api::all(client.clone()), "Service", ClusterEvent::Service),
        watch_kind(Api::all(client.clone()), "Pod", ClusterEvent::Pod),
        watch_kind(Api::all(client.clone()), "StatefulSet", ClusterEvent::StatefulSet),
        watch_kind::<OwnFact<KerberosRealm>>(realms, "KerberosRealm", ClusterEvent::realm),
        watch_kind::<OwnFact<KerberosPrincipal>>(principals, "KerberosPrincipal", ClusterEvent::principal),
        watch_kind::<OwnFact<KerberosAccess>>(accesses, "KerberosAccess", ClusterEvent::access),
        watch_kind(Api::all(client.clone()), "NetworkPolicy", ClusterEvent::NetworkPolicy),
        watch_selected(slices, api_server, "EndpointSlice", ClusterEvent::ApiServer),
    ])
}

/// Watches the policies of ours of a kind that only some clusters serve, without end.
pub fn watch_policies(client: &Client, kind: PolicyKind) -> BoxStream<'static, WatchReport> {
    let api = Api::<DynamicObject>::all_with(client.clone(), &kind.api_resource());
    let ours = watcher::Config::default().labels(&MANAGED_BY.selector());
    watch_selected(api, ours, kind.name(), move |change| ClusterEvent::OptionalPolicy(kind, change))
}

/// What a watch of policies would report if there were none of them any more.
#[must_use]
pub fn no_policies(kind: PolicyKind) -> [WatchReport; 2] {
    [ObjectChange::Listing, ObjectChange::ListingEnds].map(|change| WatchReport::Event {
        kind: kind.name(),
        works: true,
        event: Box::new(ClusterEvent::OptionalPolicy(kind, change)),
    })
}

fn watch_kind<F>(
    api: Api<F::Object>,
    kind: &'static str,
    wrap: fn(ObjectChange<F>) -> ClusterEvent,
) -> BoxStream<'static, WatchReport>
where
    F: Fact + Send + 'static,
    F::Object: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    watch_selected(api, watcher::Config::default(), kind, wrap)
}

fn watch_selected<F>(
    api: Api<F::Object>,
    config: watcher::Config,
    kind: &'static str,
    wrap: impl Fn(ObjectChange<F>) -> ClusterEvent + Send + 'static,
) -> BoxStream<'static, WatchReport>
where
    F: Fact + Send + 'static,
    F::Object: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watcher(api, config.page_size(PAGE)).default_backoff();
    events.filter_map(move |event| std::future::ready(report(event, kind, &wrap))).boxed()
}

/// `None` for an object without a name, which no API server sends.
fn report<F: Fact>(
    event: watcher::Result<watcher::Event<F::Object>>,
    kind: &'static str,
    wrap: impl Fn(ObjectChange<F>) -> ClusterEvent,
) -> Option<WatchReport> {
    match event {
        Ok(event) => {
            let change = change::<F>(event)?;
            let works = !matches!(change, ObjectChange::Listing);
            Some(WatchReport::Event { kind, works, event: Box::new(wrap(change)) })
        }
        Err(error) => Some(WatchReport::Broken { kind, error: error.to_string() }),
    }
}

fn change<F: Fact>(event: watcher::Event<F::Object>) -> Option<ObjectChange<F>> {
    let keyed = F::from_object;
    Some(match event {
        watcher::Event::Init => ObjectChange::Listing,
        watcher::Event::InitApply(object) => keyed(object).map(|(key, fact)| ObjectChange::Listed(key, fact))?,
        watcher::Event::InitDone => ObjectChange::ListingEnds,
        watcher::Event::Apply(object) => keyed(object).map(|(key, fact)| ObjectChange::Put(key, fact))?,
        watcher::Event::Delete(object) => keyed(object).map(|(key, _)| ObjectChange::Gone(key))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::facts::ServiceFact;
    use k8s_openapi::api::core::v1::Service;
    use kube::runtime::watcher::Event;

    fn service() -> Service {
        let metadata = serde_json::json!({ "metadata": { "namespace": "shop", "name": "web", "uid": "u" } });
        serde_json::from_value(metadata).unwrap()
    }

    fn reported(event: watcher::Result<Event<Service>>) -> Option<WatchReport> {
        report::<ServiceFact>(event, "Service", ClusterEvent::Service)
    }

    #[test]
    fn every_event_but_the_start_of_a_listing_proves_that_the_watch_works() {
        let works = |event| match reported(Ok(event)) {
            Some(WatchReport::Event { kind: "Service", works, .. }) => works,
            other => panic!("{other:?}"),
        };
        assert!(!works(Event::Init));
        for event in [Event::InitApply(service()), Event::InitDone, Event::Apply(service()), Event::Delete(service())] {
            assert!(works(event));
        }
    }

    #[test]
    fn a_failure_is_reported_with_its_kind_and_an_object_without_a_name_is_not() {
        let failed = reported(Err(watcher::Error::NoResourceVersion));
        assert!(matches!(failed, Some(WatchReport::Broken { kind: "Service", .. })), "{failed:?}");
        assert!(reported(Ok(Event::Apply(Service::default()))).is_none());
    }
}
