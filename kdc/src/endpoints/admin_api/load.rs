//! A dump into the place of all records while the KDC serves, on the admin socket alone.

use crate::endpoints::admin_api::answer::json;
use crate::endpoints::admin_api::dump::dump_secret;
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::endpoints::admin_api::replacement::{RealmReplacement, read_order};
use crate::whole_realm::store::realm_of;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::post;
use kennel_core::principal::Record;
use kennel_store::dump::{Manifest, reader};
use kennel_wire::realm_dump::{LoadReport, LoadRequest, LoadState, path};
use std::sync::Arc;
use std::time::Duration;

/// Longest body of a request, octets: a million principals.
pub(super) const LONGEST: usize = 2 << 30;
/// Time for operations that have chosen versions of keys under the former floor to end.
const SETTLE: Duration = Duration::from_secs(1);

/// Returns the router, for the admin socket.
pub(crate) fn router(realm: Arc<RealmReplacement>) -> Router {
    let routes = Router::new().route(path::LOAD, post(load).get(state));
    routes.layer(DefaultBodyLimit::max(LONGEST)).with_state(realm)
}

pub(super) async fn state(State(realm): State<Arc<RealmReplacement>>) -> Response {
    json(&realm.progress().state())
}

async fn load(State(realm): State<Arc<RealmReplacement>>, body: Bytes) -> Result<Response, AdminRefusal> {
    let read = tokio::task::spawn_blocking(move || read(&body)).await;
    let (request, manifest, records) = read.map_err(|_| not_loaded("the dump cannot be read"))??;
    check(realm.live.name(), &request, &manifest, &records)?;
    let state = realm.progress().begin(records.len(), replace(realm.clone(), manifest, records))?;
    Ok(json(&state))
}

fn read(body: &[u8]) -> Result<(LoadRequest, Manifest, Vec<Record>), AdminRefusal> {
    let (request, file): (LoadRequest, _) = read_order(body, "what the dump is encrypted under")?;
    let secret = dump_secret(&request.secret)?;
    let (manifest, records) = reader::read(file, &secret, |_| {}).map_err(|error| not_loaded(error.to_string()))?;
    Ok((request, manifest, records))
}

/// Refuses a dump that does not belong here.
fn check(realm: &str, request: &LoadRequest, manifest: &Manifest, records: &[Record]) -> Result<(), AdminRefusal> {
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

async fn replace(realm: Arc<RealmReplacement>, manifest: Manifest, records: Vec<Record>) -> anyhow::Result<LoadState> {
    let count = records.len();
    let present = *realm.store.revisions().borrow();
    let above = present.max(manifest.revision).beyond_lost_history();
    realm.live.raise_kvno_floor(above.kvno_floor());
    tokio::time::sleep(SETTLE).await;
    let progress = realm.progress().clone();
    let written = Box::new(move |count| progress.set_written(count));
    let revision = realm.store.replace_all(records, above, written).await?;
    realm.serve_new_records().await?;
    let report = LoadReport {
        realm: manifest.realm,
        records: count,
        created: manifest.created.to_rfc3339().to_string(),
        dumped_at: manifest.revision.0,
        revision: revision.0,
        kvno_floor: revision.kvno_floor(),
    };
    tracing::warn!(
        records = report.records,
        created = report.created,
        revision = report.revision,
        "a dump took the place of all records, as the admin socket was asked to"
    );
    Ok(LoadState::Loaded(report))
}

fn not_loaded(why: impl Into<String>) -> AdminRefusal {
    AdminRefusal::NotLoaded(why.into())
}
