//! The enrolment API on real sockets, with an API server that does not answer.

use crate::clock;
use crate::config::audit::AuditSettings;
use crate::endpoints::enrolment::api::router;
use crate::endpoints::enrolment::attempt::{Enrolment, EnrolmentCluster};
use crate::endpoints::enrolment::events::LeasedEvents;
use crate::endpoints::enrolment::waiting::WaitingRequests;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kennel_audit::{Audit, AuditWriter, Metrics, SinkTarget};
use kennel_controller::{Live, Programmed};
use kennel_core::access::AllowAll;
use kennel_core::pods::NoCluster;
use kennel_core::realm::Realm;
use kennel_k8s::index::Index;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::token::IssuerKeys;
use kennel_listen::{HttpListener, HttpServer, provider};
use kennel_store::{EntryCache, MemoryStore};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// An enrolment API, whose API server accepts connections and answers nothing.
struct Api {
    enrolment: Arc<Enrolment>,
    address: SocketAddr,
    server: HttpServer,
    audit: AuditWriter,
    folder: TempDir,
    _api_server: TcpListener,
}

impl Api {
    async fn start() -> Api {
        // The client of the API server uses the provider of the process; an error means that another test has set it.
        let _ = provider().as_ref().clone().install_default();
        let api_server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", api_server.local_addr().unwrap()).parse().unwrap();
        let client = kube::Client::try_from(kube::Config::new(url)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sink = SinkTarget::File(folder.path().join("audit.log"));
        let (audit, writer) = Audit::start(
            &AuditSettings { sink, ..AuditSettings::default() }.build(),
            Arc::new(Metrics::new()),
            None,
            clock::now,
        )
        .unwrap();
        let cache = EntryCache::open(Arc::new(MemoryStore::new()), 10).await.unwrap();
        let live = Arc::new(Live::new(Realm::new("R"), Arc::new(AllowAll), Arc::new(NoCluster)));
        let keys = Arc::new(IssuerKeys::new(client.clone(), provider().signature_verification_algorithms));
        let index = SharedIndex::new(Index::new(Realm::new("R")));
        let (programmed, events, metrics) = (Programmed::default(), LeasedEvents::default(), Arc::new(Metrics::new()));
        let waiting = WaitingRequests::new(4, metrics.clone());
        let cluster = EnrolmentCluster { client, keys, index, programmed, events, waiting, metrics };
        let enrolment = Arc::new(Enrolment::new(live, cache, cluster, audit, String::new, String::new));
        let listener = HttpListener::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let address = listener.addresses()[0];
        let server = listener.serve(&router(enrolment.clone()), None).unwrap();
        Api { enrolment, address, server, audit: writer, folder, _api_server: api_server }
    }

    /// Sends a request without waiting for the answer.
    async fn send(&self, token: &str, body: &str, length: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST /v1/enroll HTTP/1.1\r\nHost: kdc\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn until_reviews(&self, running: usize) {
        let all = async {
            while self.enrolment.reviews_running() != running {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
    }

    /// Stops and returns the reason of each event.
    async fn stop(self) -> Vec<String> {
        self.server.stop().await;
        tokio::task::spawn_blocking(|| self.audit.stop()).await.unwrap();
        let path: PathBuf = self.folder.path().join("audit.log");
        let lines = std::fs::read_to_string(path).unwrap();
        let reason = |line: &str| serde_json::from_str::<Value>(line).unwrap()["reason"].as_str().unwrap().to_owned();
        lines.lines().map(reason).collect()
    }
}

/// A token that cannot be verified while the API server's keys are not known.
fn token(number: usize) -> String {
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "aud": "kennel://R", "exp": clock::now().time.0 + 600, "jti": number });
    format!("{}.{}.{}", encode(json!({ "alg": "ES256", "kid": "k" })), encode(claims), URL_SAFE_NO_PAD.encode("sig"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_that_hangs_up_during_a_review_leaves_one_event_and_no_permit() {
    let api = Api::start().await;
    for number in 0..5 {
        let stream = api.send(&token(number), "", 0).await;
        api.until_reviews(1).await;
        drop(stream);
        api.until_reviews(0).await;
    }
    assert_eq!(api.stop().await, ["ClientGone"; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_within_its_body_leaves_one_event() {
    let api = Api::start().await;
    let stream = api.send(&token(0), "{\"enc", 100).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let events = api.stop().await;
    assert!(events == ["ClientGone"] || events == ["RequestMalformed"], "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_cannot_be_verified_have_few_reviews_and_leave_no_permit_when_they_wait_in_vain() {
    let api = Api::start().await;
    let mut streams = Vec::new();
    for number in 0..10 {
        streams.push(api.send(&token(number), "", 0).await);
    }
    api.until_reviews(2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(api.enrolment.reviews_running(), 2, "the share of one address");
    drop(streams);
    api.until_reviews(0).await;
    assert_eq!(api.stop().await, ["ClientGone"; 10]);
}
