//! A dump of the realm while the KDC serves, on the admin socket alone: whoever has the file and its passphrase has every key.

use crate::clock;
use crate::endpoints::admin_api::answer::uncached;
use crate::endpoints::admin_api::refusal::AdminRefusal;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::routing::post;
use futures_util::stream::unfold;
use kennel_crypto::{MasterKey, SecretBytes};
use kennel_store::PrincipalStore;
use kennel_store::dump::secret::DumpSecret;
use kennel_store::dump::{Manifest, writer};
use kennel_wire::realm_dump::{DumpRequest, path};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Longest body of a request, octets.
const LONGEST: usize = 16 * 1024;
/// Pieces of the answer that wait for the client.
const WAITING: usize = 4;
/// Octets of such a piece.
const PIECE: usize = 64 * 1024;

#[derive(Clone)]
struct DumpApi {
    store: Arc<dyn PrincipalStore>,
    realm: String,
}

/// Returns the router, for the admin socket.
pub(crate) fn router(store: Arc<dyn PrincipalStore>, realm: &str) -> Router {
    Router::new()
        .route(path::DUMP, post(dump))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(DumpApi { store, realm: realm.to_owned() })
}

async fn dump(State(api): State<DumpApi>, body: Bytes) -> Result<Response, AdminRefusal> {
    let secret = secret(&body)?;
    let listing = api.store.list().await?;
    let count = listing.records.len();
    let manifest = Manifest {
        realm: api.realm,
        revision: listing.revision,
        created: clock::now(),
        records: u64::try_from(count).unwrap_or(u64::MAX),
    };
    tracing::info!(
        records = count,
        revision = listing.revision.0,
        "the realm is dumped, as the admin socket was asked to"
    );
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIECE, ChannelWriter(sender.clone()));
        let records = listing.records.iter().map(|versioned| &versioned.record);
        if let Err(error) = writer::write(&mut out, &secret, &manifest, records, |_| {}) {
            // The client sees that the answer is torn; who is gone sees nothing.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let pieces = unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(uncached(response))
}

fn secret(body: &[u8]) -> Result<DumpSecret, AdminRefusal> {
    // The errors of serde may quote the body.
    let malformed = |_| AdminRefusal::QueryMalformed("the body is neither a passphrase nor a key".to_owned());
    dump_secret(&serde_json::from_slice(body).map_err(malformed)?)
}

/// The secret that a request names.
pub(super) fn dump_secret(request: &DumpRequest) -> Result<DumpSecret, AdminRefusal> {
    match request {
        DumpRequest::Passphrase(passphrase) if passphrase.is_empty() => {
            Err(AdminRefusal::QueryMalformed("the passphrase is empty".to_owned()))
        }
        DumpRequest::Passphrase(passphrase) => {
            Ok(DumpSecret::Passphrase(SecretBytes::new(passphrase.clone().into_bytes())))
        }
        DumpRequest::Key(text) => {
            let key = MasterKey::from_text(text).map_err(|error| AdminRefusal::QueryMalformed(error.to_string()))?;
            Ok(DumpSecret::Key(Arc::new(key)))
        }
    }
}

/// Sends what is written as pieces of the answer.
struct ChannelWriter(mpsc::Sender<io::Result<Bytes>>);

impl Write for ChannelWriter {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(octets)));
        sent.map(|()| octets.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use kennel_core::key_set::KeySet;
    use kennel_core::principal::{Origin, PrincipalRecord, Record};
    use kennel_store::dump::reader;
    use kennel_store::{Expect, MemoryStore};
    use kennel_wire::message::Principal;
    use tower::ServiceExt;

    async fn ask(body: &str) -> (StatusCode, Bytes) {
        let store = MemoryStore::new();
        for name in ["alice", "krbtgt/R"] {
            let name = Principal::parse(name, "R").unwrap();
            let record = PrincipalRecord::new(name, Origin::Manual, KeySet::default(), clock::now(), "test");
            store.put(&Record::Principal(Box::new(record)), Expect::Absent).await.unwrap();
        }
        let request = Request::post(path::DUMP).body(Body::from(body.to_owned())).unwrap();
        let response = router(Arc::new(store), "R").oneshot(request).await.unwrap();
        (response.status(), response.into_body().collect().await.unwrap().to_bytes())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_answer_is_a_whole_dump() {
        let text = MasterKey::generate(&mut rand::rngs::OsRng).expose_text();
        for request in [DumpRequest::Passphrase("correct horse".into()), DumpRequest::Key(text.to_string())] {
            let body = serde_json::to_string(&request).unwrap();
            let (status, file) = ask(&body).await;
            assert_eq!(status, StatusCode::OK);
            let (manifest, records) = reader::read(&file, &secret(body.as_bytes()).unwrap(), |_| {}).unwrap();
            assert_eq!((&*manifest.realm, manifest.revision.0, records.len()), ("R", 2, 2));
        }
    }

    #[tokio::test]
    async fn without_a_secret_there_is_no_dump_and_no_answer_repeats_one() {
        for body in ["", "{}", r#"{"passphrase":""}"#, r#"{"key":"hunter2"}"#, r#"{"other":"hunter2"}"#] {
            let (status, answer) = ask(body).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
            assert!(!String::from_utf8_lossy(&answer).contains("hunter2"), "{body}");
        }
    }
}
