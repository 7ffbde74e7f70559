//! A dump into the place of all records while the KDC serves, on the admin socket alone. The old records are served until the new ones are
//! whole on the disk; one step then decides (`kennel_store::sled::replace`), so that a process that is killed leaves all of one or all of
//! the other. A load goes on where its client is gone, who asks for its progress.

use crate::clock;
use crate::endpoints::admin_api::answer::json;
use crate::endpoints::admin_api::dump::dump_secret;
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::serve::store::check_realm;
use crate::whole_realm::store::realm_of;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::post;
use kennel_controller::Live;
use kennel_core::principal::Record;
use kennel_store::administration::Administration;
use kennel_store::dump::{Manifest, reader};
use kennel_store::{EntryCache, SledStore};
use kennel_wire::realm_dump::{LoadReport, LoadRequest, LoadState, path};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest body of a request, octets: a million principals.
const LONGEST: usize = 2 << 30;
/// Time for operations that have chosen versions of keys under the former floor to end.
const SETTLE: Duration = Duration::from_secs(1);

/// Loads dumps into the store of a realm that is served.
pub(crate) struct LoadApi {
    store: Arc<SledStore>,
    cache: Arc<EntryCache>,
    live: Arc<Live>,
    administration: Arc<Administration>,
    state: Mutex<LoadState>,
}

impl LoadApi {
    /// `cache` is the one in front of `store` by which requests are answered.
    pub(crate) fn new(
        store: Arc<SledStore>,
        cache: Arc<EntryCache>,
        live: Arc<Live>,
        administration: Arc<Administration>,
    ) -> LoadApi {
        LoadApi { store, cache, live, administration, state: Mutex::new(LoadState::Idle) }
    }

    /// Returns the router, for the admin socket.
    pub(crate) fn router(self) -> Router {
        let routes = Router::new().route(path::LOAD, post(load).get(state));
        routes.layer(DefaultBodyLimit::max(LONGEST)).with_state(Arc::new(self))
    }

    /// Refuses what does not belong here.
    fn check(&self, request: &LoadRequest, manifest: &Manifest, records: &[Record]) -> Result<(), AdminRefusal> {
        let realm = self.live.name();
        if realm_of(records) != Some(realm) {
            let of_dump = &manifest.realm;
            return Err(not_loaded(format!("the dump is of the realm {of_dump}, and this KDC serves {realm}")));
        }
        if !request.replace {
            let why = format!("the KDC serves records of {realm}: give --replace for the dump to take their place");
            return Err(not_loaded(why));
        }
        Ok(())
    }

    /// Takes note of a load that begins. One goes on at a time.
    fn begin(&self, records: usize) -> Result<(), AdminRefusal> {
        let mut state = self.lock();
        if let LoadState::Loading { written, records } = &*state {
            return Err(not_loaded(format!("another dump is being loaded ({written} of {records} records)")));
        }
        *state = LoadState::Loading { written: 0, records };
        Ok(())
    }

    async fn run(self: Arc<Self>, manifest: Manifest, records: Vec<Record>) {
        let end = match self.replace(&manifest, records).await {
            Ok(report) => {
                tracing::warn!(
                    records = report.records,
                    created = report.created,
                    revision = report.revision,
                    "a dump took the place of all records, as the admin socket was asked to"
                );
                LoadState::Loaded(report)
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "a dump was not loaded");
                LoadState::Failed { reason: format!("{error:#}") }
            }
        };
        *self.lock() = end;
    }

    async fn replace(self: &Arc<Self>, manifest: &Manifest, records: Vec<Record>) -> anyhow::Result<LoadReport> {
        let count = records.len();
        let present = *self.store.revisions().borrow();
        let above = present.max(manifest.revision).beyond_lost_history();
        self.live.raise_kvno_floor(above.kvno_floor());
        tokio::time::sleep(SETTLE).await;
        let api = self.clone();
        let progress = move |written| *api.lock() = LoadState::Loading { written, records: count };
        let revision = self.store.replace_all(records, above, Box::new(progress)).await?;
        self.cache.forget_all();
        // What a start does: a dump may be of an earlier version, and of the middle of a renaming.
        check_realm(&*self.cache, &self.live.realm(), false).await?;
        self.administration.finish_renamings(clock::now()).await?;
        Ok(LoadReport {
            realm: manifest.realm.clone(),
            records: count,
            created: manifest.created.to_rfc3339().to_string(),
            dumped_at: manifest.revision.0,
            revision: revision.0,
            kvno_floor: revision.kvno_floor(),
        })
    }

    /// The state is whole after each change, so a poisoned lock still guards sound data.
    fn lock(&self) -> MutexGuard<'_, LoadState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn state(State(api): State<Arc<LoadApi>>) -> Response {
    json(&*api.lock())
}

async fn load(State(api): State<Arc<LoadApi>>, body: Bytes) -> Result<Response, AdminRefusal> {
    let read = tokio::task::spawn_blocking(move || read(&body)).await;
    let (request, manifest, records) = read.map_err(|_| not_loaded("the dump cannot be read"))??;
    api.check(&request, &manifest, &records)?;
    api.begin(records.len())?;
    tokio::spawn(api.clone().run(manifest, records));
    Ok(json(&*api.lock()))
}

fn read(body: &[u8]) -> Result<(LoadRequest, Manifest, Vec<Record>), AdminRefusal> {
    // The errors of serde may quote the body.
    let malformed =
        || AdminRefusal::QueryMalformed("the first line does not say what the dump is encrypted under".into());
    let end = body.iter().position(|octet| *octet == b'\n').ok_or_else(malformed)?;
    let (line, file) = (body.get(..end).unwrap_or_default(), body.get(end + 1..).unwrap_or_default());
    let request: LoadRequest = serde_json::from_slice(line).map_err(|_| malformed())?;
    let secret = dump_secret(&request.secret)?;
    let (manifest, records) = reader::read(file, &secret, |_| {}).map_err(|error| not_loaded(error.to_string()))?;
    Ok((request, manifest, records))
}

fn not_loaded(why: impl Into<String>) -> AdminRefusal {
    AdminRefusal::NotLoaded(why.into())
}
