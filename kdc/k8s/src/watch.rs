//! The watches: what the API server says of each kind, as events of the index. A watch that breaks begins again by itself,
//! with pauses that grow; a listing that it needs for that makes good what was missed meanwhile.

use crate::crd::{KerberosPrincipal, KerberosRealm};
use crate::index::Event;
use crate::index::facts::{Fact, OwnFact};
use crate::index::table::Change;
use futures_util::stream::{BoxStream, Stream, StreamExt, select_all};
use kube::core::DeserializeGuard;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Objects of a page of a listing: a page is held in memory whole.
const PAGE: u32 = 500;

/// What a watch says.
#[derive(Debug)]
pub enum Said {
    /// An event.
    Event {
        /// The kind.
        kind: &'static str,
        /// It shows that the watch works: it is not just that a listing begins, which is tried again after each failure.
        works: bool,
        /// What happened.
        event: Box<Event>,
    },
    /// A watch of this kind does not work; it is tried again.
    Broken {
        /// The kind.
        kind: &'static str,
        /// Why.
        error: String,
    },
}

/// Everything that the index wants to know, from now on and without end. It must be polled inside a tokio runtime.
pub fn all(client: &Client) -> impl Stream<Item = Said> + Send + Unpin + use<> {
    select_all([
        of_kind(Api::all(client.clone()), "Namespace", Event::Namespace),
        of_kind(Api::all(client.clone()), "ServiceAccount", Event::Account),
        of_kind(Api::all(client.clone()), "Service", Event::Service),
        of_kind(Api::all(client.clone()), "Pod", Event::Pod),
        of_kind(Api::all(client.clone()), "StatefulSet", Event::StatefulSet),
        of_own(client, "KerberosRealm", Event::Realm),
        of_own_namespaced(client, "KerberosPrincipal", Event::Principal),
    ])
}

type OwnStream = BoxStream<'static, Said>;

fn of_own(client: &Client, kind: &'static str, wrap: fn(Change<OwnFact<KerberosRealm>>) -> Event) -> OwnStream {
    of_kind(Api::<DeserializeGuard<KerberosRealm>>::all(client.clone()), kind, wrap)
}

fn of_own_namespaced(
    client: &Client,
    kind: &'static str,
    wrap: fn(Change<OwnFact<KerberosPrincipal>>) -> Event,
) -> OwnStream {
    of_kind(Api::<DeserializeGuard<KerberosPrincipal>>::all(client.clone()), kind, wrap)
}

fn of_kind<F>(api: Api<F::Object>, kind: &'static str, wrap: fn(Change<F>) -> Event) -> BoxStream<'static, Said>
where
    F: Fact + Send + 'static,
    F::Object: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let config = watcher::Config::default().page_size(PAGE);
    let events = watcher(api, config).default_backoff();
    let said = move |event: watcher::Result<watcher::Event<F::Object>>| match event {
        Ok(event) => change(event).map(|change| {
            let works = !matches!(change, Change::Listing);
            Said::Event { kind, works, event: Box::new(wrap(change)) }
        }),
        Err(error) => Some(Said::Broken { kind, error: error.to_string() }),
    };
    events.filter_map(move |event| std::future::ready(said(event))).boxed()
}

fn change<F: Fact>(event: watcher::Event<F::Object>) -> Option<Change<F>> {
    Some(match event {
        watcher::Event::Init => Change::Listing,
        watcher::Event::InitApply(object) => F::of(object).map(|(key, fact)| Change::Listed(key, fact))?,
        watcher::Event::InitDone => Change::ListingEnds,
        watcher::Event::Apply(object) => F::of(object).map(|(key, fact)| Change::Put(key, fact))?,
        watcher::Event::Delete(object) => F::of(object).map(|(key, _)| Change::Gone(key))?,
    })
}
