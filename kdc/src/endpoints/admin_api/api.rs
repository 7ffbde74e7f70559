//! The paths of the admin API: reads requests and writes answers.

use crate::clock;
use crate::endpoints::admin_api::access::access_response;
use crate::endpoints::admin_api::answer::{json, uncached};
use crate::endpoints::admin_api::bodies::pairs_response;
use crate::endpoints::admin_api::callers::Callers;
use crate::endpoints::admin_api::explain::{self, ExplainedCluster};
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::endpoints::admin_api::stream::{DecisionStream, StreamIdentity};
use crate::endpoints::admin_api::streams::Streams;
use crate::endpoints::bearer::bearer;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use kennel_audit::{DecisionLog, DecisionScope};
use kennel_controller::Live;
use kennel_listen::{ConnectionEnd, PeerAddress};
use kennel_wire::admin::{DecisionsQuery, ExplainQuery, LINES, NamespaceQuery, Permission, path};
use rand::RngCore;
use rand::rngs::OsRng;
use std::net::SocketAddr;
use std::sync::Arc;

/// Every path.
#[cfg(test)]
pub(crate) const PATHS: [&str; 11] = [
    path::DECISIONS,
    path::PAIRS,
    path::ACCESS,
    path::EXPLAIN,
    path::KEYS,
    path::ROTATE,
    path::REALM,
    path::PRINCIPALS,
    path::POLICIES,
    kennel_wire::master_key::path::MASTER_KEY,
    kennel_wire::master_key::path::ROTATE,
];
/// Longest name of a namespace (RFC 1123 label).
const LONGEST_NAMESPACE: usize = 63;

/// The responder of the admin API.
pub(crate) struct AdminApi {
    live: Arc<Live>,
    /// Identity of the process, for streams that are resumed.
    instance: String,
    /// `None` where no cluster or file says which namespace a server belongs to.
    log: Option<Arc<DecisionLog>>,
    /// `None` where the realm has no cluster.
    cluster: Option<ExplainedCluster>,
    streams: Streams,
}

/// The API for one kind of callers.
#[derive(Clone)]
struct AdminState {
    api: Arc<AdminApi>,
    callers: Callers,
}

impl AdminApi {
    pub(crate) fn new(live: Arc<Live>, log: Option<Arc<DecisionLog>>, cluster: Option<ExplainedCluster>) -> AdminApi {
        let instance = format!("{:016x}", OsRng.next_u64());
        AdminApi { live, instance, log, cluster, streams: Streams::default() }
    }

    fn log(&self) -> Result<&Arc<DecisionLog>, AdminRefusal> {
        self.log.as_ref().ok_or(AdminRefusal::NoCluster)
    }
}

impl AdminState {
    /// Returns the user and what it may see of what it asks for.
    async fn permit(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
        namespace: Option<String>,
    ) -> Result<(String, DecisionScope), AdminRefusal> {
        if namespace.as_ref().is_some_and(|name| name.is_empty() || name.len() > LONGEST_NAMESPACE) {
            return Err(AdminRefusal::QueryMalformed("namespace is no name of a namespace".into()));
        }
        let user =
            self.callers.permit(peer.ip().into(), bearer(headers), Permission::DECISIONS, namespace.as_deref()).await?;
        Ok((user, namespace.map_or(DecisionScope::All, DecisionScope::Namespace)))
    }
}

/// Returns the router of all paths, for these callers.
pub(crate) fn router(api: Arc<AdminApi>, callers: Callers) -> Router {
    Router::new()
        .route(path::DECISIONS, get(decisions))
        .route(path::PAIRS, get(pairs))
        .route(path::ACCESS, get(access))
        .route(path::EXPLAIN, get(explanation))
        .with_state(AdminState { api, callers })
}

async fn decisions(
    State(state): State<AdminState>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    Extension(ConnectionEnd(end)): Extension<ConnectionEnd>,
    headers: HeaderMap,
    query: Result<Query<DecisionsQuery>, QueryRejection>,
) -> Result<Response, AdminRefusal> {
    let Query(query) = query?;
    let (user, scope) = state.permit(peer, &headers, query.namespace.clone()).await?;
    let api = state.api;
    let (log, place) = (api.log()?.clone(), api.streams.admit(user)?);
    let identity = StreamIdentity { realm: api.live.name(), instance: &api.instance };
    let stream = DecisionStream::new(log, identity, &query, scope, end, Some(place));
    let mut response = Response::new(stream.into_body());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(LINES));
    Ok(uncached(response))
}

async fn pairs(
    State(state): State<AdminState>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    query: Result<Query<NamespaceQuery>, QueryRejection>,
) -> Result<Response, AdminRefusal> {
    let Query(NamespaceQuery { namespace }) = query?;
    let (_, scope) = state.permit(peer, &headers, namespace).await?;
    let api = state.api;
    Ok(json(&pairs_response(api.log()?, api.live.name(), &scope, clock::now().time)))
}

async fn access(
    State(state): State<AdminState>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    query: Result<Query<NamespaceQuery>, QueryRejection>,
) -> Result<Response, AdminRefusal> {
    let Query(NamespaceQuery { namespace }) = query?;
    let (_, scope) = state.permit(peer, &headers, namespace).await?;
    let (api, kdc) = (&state.api, state.api.live.kdc());
    let index = kdc.access().index().ok_or(AdminRefusal::AccessUnknown)?;
    Ok(json(&access_response(index, api.live.name(), &scope)))
}

async fn explanation(
    State(state): State<AdminState>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    query: Result<Query<ExplainQuery>, QueryRejection>,
) -> Result<Response, AdminRefusal> {
    let Query(query) = query?;
    let api = &state.api;
    let cluster = api.cluster.as_ref().ok_or(AdminRefusal::NoCluster)?;
    let namespace_of = |name: &str| cluster.namespace_of(name, api.live.name());
    let (of_client, of_server) = (namespace_of(&query.client), namespace_of(&query.server));
    state.permit(peer, &headers, of_server).await?;
    let sees_client = state.permit(peer, &headers, of_client).await.is_ok();
    let mut response = cluster.explain(&api.live, query, clock::now().time).await?;
    if !sees_client {
        explain::hide_egress(&mut response);
    }
    Ok(json(&response))
}

impl From<QueryRejection> for AdminRefusal {
    fn from(rejection: QueryRejection) -> AdminRefusal {
        AdminRefusal::QueryMalformed(rejection.body_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::enrolment::api::OPENAPI;
    use kennel_wire::admin::{
        AccessGrant, AccessPeer, AccessResponse, AccessServer, AccountRef, DecisionLine, DecisionOutcome,
        DecisionRecord, ExplainLayer, ExplainResponse, ExplainVerdict, ExplainedLayer, Heartbeat, KeyHolder,
        KeyVersionInfo, KeyVersionState, KeysQuery, KeysResponse, LostDecisions, Pair, PairsResponse, PrincipalKeys,
        RotateRequest, RotateResponse, RotationKind, ServerMode, StreamStart,
    };
    use kennel_wire::master_key;
    use serde::Serialize;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn document() -> Value {
        serde_json::from_str(OPENAPI).unwrap()
    }

    /// Checks that a body and its schema have the same fields.
    fn same_fields(schema: &str, body: &impl Serialize) {
        let document = document();
        let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
        let body = serde_json::to_value(body).unwrap();
        let fields: BTreeSet<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(properties.keys().collect::<BTreeSet<_>>(), fields, "{schema}");
    }

    fn text() -> Option<String> {
        Some(String::new())
    }

    fn account() -> AccountRef {
        AccountRef { namespace: String::new(), name: String::new() }
    }

    fn record() -> DecisionRecord {
        DecisionRecord {
            sequence: 1,
            time: String::new(),
            exchange: String::new(),
            client: text(),
            client_account: Some(account()),
            pod: text(),
            server: text(),
            server_account: Some(account()),
            service_class: text(),
            outcome: DecisionOutcome::Allowed,
            access: text(),
            reason: text(),
            message: text(),
            peer: String::new(),
            ticket_end: text(),
        }
    }

    fn pair() -> Pair {
        Pair {
            client: String::new(),
            client_account: Some(account()),
            server_account: account(),
            service_class: text(),
            first: String::new(),
            last: String::new(),
            last_outcome: DecisionOutcome::Denied,
            count: 1,
            allowed: 0,
            would_deny: 0,
            denied: 1,
            refused: 0,
        }
    }

    #[test]
    fn the_document_has_the_fields_of_every_body() {
        let realm = String::new;
        let start = StreamStart { realm: realm(), instance: realm(), resumed: true, after: 0 };
        same_fields("StreamStart", &DecisionLine::Start(start));
        same_fields("DecisionRecord", &DecisionLine::Decision(record()));
        same_fields("LostDecisions", &DecisionLine::Lost(LostDecisions { lost: 1, sequence: 1 }));
        same_fields("Heartbeat", &DecisionLine::Heartbeat(Heartbeat { sequence: 1 }));
        same_fields("AccountRef", &account());
        same_fields("Pair", &pair());
        let pairs = PairsResponse { realm: realm(), since: realm(), until: realm(), lost: 0, pairs: Vec::new() };
        same_fields("PairsResponse", &pairs);
        let outcomes = &document()["components"]["schemas"]["DecisionOutcome"]["enum"];
        assert_eq!(*outcomes, serde_json::to_value(DecisionOutcome::ALL).unwrap());
    }

    #[test]
    fn the_document_has_the_fields_of_access() {
        let peer = || AccessPeer::Namespace(String::new());
        let grant = AccessGrant {
            access: String::new(),
            peer: peer(),
            service_classes: vec![String::new()],
            not_after: text(),
        };
        same_fields("AccessGrant", &grant);
        same_fields("AccessPeer", &peer());
        let server = AccessServer { account: account(), mode: ServerMode::Observe, grants: vec![grant] };
        same_fields("AccessServer", &server);
        let layer = ExplainedLayer {
            layer: ExplainLayer::Ticket,
            verdict: ExplainVerdict::Denied,
            objects: vec![String::new()],
            sentence: String::new(),
        };
        same_fields("ExplainedLayer", &layer);
        let explained =
            ExplainResponse { client: String::new(), server: String::new(), reachable: true, layers: vec![layer] };
        same_fields("ExplainResponse", &explained);
        same_fields("AccessResponse", &AccessResponse { realm: String::new(), servers: vec![server] });
    }

    #[test]
    fn the_document_has_the_fields_of_keys_and_orders() {
        let word = String::new;
        let version = KeyVersionInfo {
            kvno: 1,
            state: KeyVersionState::Retiring,
            since: word(),
            created: word(),
            accepted_until: text(),
            enctypes: Vec::new(),
            holders: 1,
        };
        same_fields("KeyVersionInfo", &version);
        let holder = KeyHolder { kind: word(), name: word(), kvnos: Vec::new(), since: word() };
        same_fields("KeyHolder", &holder);
        let keys = PrincipalKeys {
            principal: word(),
            rotation: RotationKind::Never,
            waiting_for: word(),
            stalled: false,
            next_rotation_time: text(),
            ordered: text(),
            revoked: text(),
            unknown_holder: text(),
            versions: vec![version],
            holders: vec![holder],
        };
        same_fields("PrincipalKeys", &keys);
        same_fields("KeysResponse", &KeysResponse { realm: word(), time: word(), principals: vec![keys] });
        same_fields("RotateRequest", &RotateRequest { principal: text(), all: true, revoke_old: true });
        same_fields("RotateResponse", &RotateResponse { realm: word(), principals: 1, left: 1, names: Vec::new() });
    }

    #[test]
    fn the_document_has_every_query_parameter() {
        let parameters = |path: &str| {
            let document = document();
            let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
            parameters.iter().map(|of| of["name"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
        };
        let fields = |query: Value| query.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let decisions =
            DecisionsQuery { namespace: text(), instance: text(), after: Some(1), follow: true, limit: Some(1) };
        assert_eq!(parameters(path::DECISIONS), fields(serde_json::to_value(decisions).unwrap()));
        let explain = ExplainQuery { client: String::new(), server: String::new(), port: Some(1) };
        assert_eq!(parameters(path::EXPLAIN), fields(serde_json::to_value(explain).unwrap()));
        let of_keys = fields(serde_json::to_value(KeysQuery { principal: String::new() }).unwrap());
        assert_eq!(parameters(path::KEYS), of_keys);
        let of_namespace = fields(serde_json::to_value(NamespaceQuery { namespace: text() }).unwrap());
        assert_eq!((parameters(path::PAIRS), parameters(path::ACCESS)), (of_namespace.clone(), of_namespace));
    }

    #[test]
    fn the_document_has_every_refusal_under_its_status() {
        let document = document();
        let reasons =
            document["components"]["schemas"]["AdminError"]["properties"]["reason"]["enum"].as_array().unwrap();
        let reasons: BTreeSet<&str> = reasons.iter().map(|reason| reason.as_str().unwrap()).collect();
        let refusals: Vec<AdminRefusal> =
            AdminRefusal::all().into_iter().chain(AdminRefusal::of_operations()).collect();
        assert_eq!(reasons, refusals.iter().map(AdminRefusal::name).collect());
        for refusal in refusals {
            let describes = |(path, method): (&str, &str)| {
                let responses = &document["paths"][path][method]["responses"];
                responses[refusal.status().as_str()]["description"]
                    .as_str()
                    .is_some_and(|said| said.contains(refusal.name()))
            };
            const POSTED: [(&str, &str); 4] = [
                (path::ROTATE, "post"),
                (master_key::path::ROTATE, "post"),
                (path::PRINCIPALS, "post"),
                (path::POLICIES, "post"),
            ];
            let all = PATHS.map(|path| (path, "get")).into_iter().chain(POSTED);
            assert!(all.into_iter().any(describes), "{}", refusal.name());
        }
    }
}
