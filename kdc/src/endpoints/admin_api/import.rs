//! A realm of MIT Kerberos or Heimdal beside the records of the realm while the KDC serves, on the admin socket alone. What both have is
//! decided when no write can come between, as for the store of a KDC that does not run (`core::mit_import::merge`).

use crate::clock;
use crate::endpoints::admin_api::answer::json;
use crate::endpoints::admin_api::load;
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::endpoints::admin_api::replacement::{RealmReplacement, read_order};
use crate::whole_realm::mit::{ForeignRealm, read};
use crate::whole_realm::report;
use anyhow::anyhow;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::post;
use kennel_core::mit_import::master_keys::MasterSecret;
use kennel_core::mit_import::merge::{KrbtgtKeys, MergeError, MergeRules, merge};
use kennel_core::principal::Record;
use kennel_crypto::SecretBytes;
use kennel_store::PrincipalStore;
use kennel_wire::mit_dump::stash;
use kennel_wire::realm_dump::{ImportAnswer, ImportRequest, ImportSecret, ImportedKrbtgt, LoadState, path};
use rand::rngs::OsRng;
use std::sync::Arc;

/// Returns the router, for the admin socket.
pub(crate) fn router(realm: Arc<RealmReplacement>) -> Router {
    let routes = Router::new().route(path::IMPORT, post(import).get(load::state));
    routes.layer(DefaultBodyLimit::max(load::LONGEST)).with_state(realm)
}

async fn import(State(realm): State<Arc<RealmReplacement>>, body: Bytes) -> Result<Response, AdminRefusal> {
    let read = tokio::task::spawn_blocking(move || request(&body)).await;
    let (request, foreign) = read.map_err(|_| not_imported("the dump cannot be read"))??;
    let served = realm.live.name();
    if foreign.name != served {
        let why = format!("the dump is of the realm {}, and this KDC serves {served}", foreign.name);
        return Err(not_imported(why));
    }
    let report = report::text(&foreign, request.verbose);
    let rules = MergeRules { replace: request.replace, krbtgt: krbtgt_keys(request.krbtgt) };
    let dump = Merge { realm: foreign.name, records: foreign.records, rules };
    if request.dry_run {
        let present = realm.store.list().await?.records.into_iter().map(|versioned| versioned.record).collect();
        dump.with(present).map_err(|error| not_imported(error.to_string()))?;
        return Ok(json(&ImportAnswer { report, state: None }));
    }
    let state = realm.progress().begin(dump.records.len(), replace(realm.clone(), dump))?;
    Ok(json(&ImportAnswer { report, state: Some(state) }))
}

/// Reads a request and the dump behind it.
fn request(body: &[u8]) -> Result<(ImportRequest, ForeignRealm), AdminRefusal> {
    let (request, dump): (ImportRequest, _) = read_order(body, "how the dump is imported")?;
    let secret = secret(&request.secret)?;
    let foreign = read(dump, request.realm.as_deref(), &secret, |_| {});
    Ok((request, foreign.map_err(|error| not_imported(error.to_string()))?))
}

fn secret(given: &ImportSecret) -> Result<MasterSecret, AdminRefusal> {
    Ok(match given {
        ImportSecret::Stash(file) => {
            MasterSecret::Stash(stash::decode(&file.0).map_err(|error| not_imported(error.to_string()))?)
        }
        ImportSecret::Password(password) => MasterSecret::Password(SecretBytes::new(password.clone().into_bytes())),
        ImportSecret::None => MasterSecret::None,
    })
}

fn krbtgt_keys(krbtgt: ImportedKrbtgt) -> KrbtgtKeys {
    match krbtgt {
        ImportedKrbtgt::Import => KrbtgtKeys::Import,
        ImportedKrbtgt::Keep => KrbtgtKeys::Keep,
    }
}

/// The records of a dump, and how they come beside those of the store.
struct Merge {
    realm: String,
    records: Vec<Record>,
    rules: MergeRules,
}

impl Merge {
    fn with(self, present: Vec<Record>) -> Result<Vec<Record>, MergeError> {
        merge(&self.realm, present, self.records, self.rules, clock::now(), &mut OsRng)
    }
}

async fn replace(realm: Arc<RealmReplacement>, dump: Merge) -> anyhow::Result<LoadState> {
    let (merged, written) = (realm.progress().clone(), realm.progress().clone());
    let merge = move |present| {
        let records = dump.with(present).map_err(|error| anyhow!("{error} (nothing was changed)"))?;
        merged.set_records(records.len());
        Ok::<_, anyhow::Error>(records)
    };
    let revision = realm.store.replace_merged(merge, Box::new(move |count| written.set_written(count))).await?;
    realm.serve_new_records().await?;
    tracing::warn!(revision = revision.0, "a dump of another realm was imported, as the admin socket was asked to");
    Ok(LoadState::Imported { revision: revision.0 })
}

fn not_imported(why: impl Into<String>) -> AdminRefusal {
    AdminRefusal::NotLoaded(why.into())
}
