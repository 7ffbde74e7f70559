//! The paths of the admin API: reads requests and writes answers.

use crate::clock;
use crate::endpoints::admin_api::bodies::pairs_response;
use crate::endpoints::admin_api::callers::Callers;
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::endpoints::admin_api::stream::{DecisionStream, StreamIdentity};
use crate::endpoints::admin_api::streams::Streams;
use crate::endpoints::bearer::bearer;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use kennel_audit::{DecisionLog, DecisionScope};
use kennel_listen::{ConnectionEnd, PeerAddress};
use kennel_wire::admin::{DecisionsQuery, LINES, NamespaceQuery, path};
use rand::RngCore;
use rand::rngs::OsRng;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;

/// Longest name of a namespace (RFC 1123 label).
const LONGEST_NAMESPACE: usize = 63;

/// The responder of the admin API.
pub(crate) struct AdminApi {
    realm: String,
    /// Identity of the process, for streams that are resumed.
    instance: String,
    log: Arc<DecisionLog>,
    callers: Callers,
    streams: Streams,
}

impl AdminApi {
    pub(crate) fn new(realm: String, log: Arc<DecisionLog>, callers: Callers) -> AdminApi {
        let instance = format!("{:016x}", OsRng.next_u64());
        AdminApi { realm, instance, log, callers, streams: Streams::default() }
    }

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
        let user = self.callers.permit(peer.ip(), bearer(headers), namespace.as_deref()).await?;
        Ok((user, namespace.map_or(DecisionScope::All, DecisionScope::Namespace)))
    }
}

/// Returns the router of all paths.
pub(crate) fn router(api: Arc<AdminApi>) -> Router {
    Router::new().route(path::DECISIONS, get(decisions)).route(path::PAIRS, get(pairs)).with_state(api)
}

async fn decisions(
    State(api): State<Arc<AdminApi>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    Extension(ConnectionEnd(end)): Extension<ConnectionEnd>,
    headers: HeaderMap,
    query: Result<Query<DecisionsQuery>, QueryRejection>,
) -> Result<Response, AdminRefusal> {
    let Query(query) = query?;
    let (user, scope) = api.permit(peer, &headers, query.namespace.clone()).await?;
    let place = api.streams.admit(user)?;
    let identity = StreamIdentity { realm: &api.realm, instance: &api.instance };
    let stream = DecisionStream::new(api.log.clone(), identity, &query, scope, end, Some(place));
    let mut response = Response::new(stream.into_body());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(LINES));
    Ok(uncached(response))
}

async fn pairs(
    State(api): State<Arc<AdminApi>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    query: Result<Query<NamespaceQuery>, QueryRejection>,
) -> Result<Response, AdminRefusal> {
    let Query(NamespaceQuery { namespace }) = query?;
    let (_, scope) = api.permit(peer, &headers, namespace).await?;
    Ok(json(&pairs_response(&api.log, &api.realm, &scope, clock::now().time)))
}

impl From<QueryRejection> for AdminRefusal {
    fn from(rejection: QueryRejection) -> AdminRefusal {
        AdminRefusal::QueryMalformed(rejection.body_text())
    }
}

fn json(body: &impl Serialize) -> Response {
    uncached(Json(body).into_response())
}

/// No cache may keep what only some may see.
fn uncached(mut response: Response<Body>) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
