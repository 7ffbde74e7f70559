//! The paths about keys: what versions there are and who holds them, and orders to rotate or revoke them.

use crate::clock;
use crate::endpoints::admin_api::answer::json;
use crate::endpoints::admin_api::callers::Callers;
use crate::endpoints::admin_api::keys::principal_keys;
use crate::endpoints::admin_api::names::{NamedPrincipals, resolve};
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::endpoints::bearer::bearer;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use kennel_audit::Audit;
use kennel_controller::{Live, Ordered, RotationBook, RotationOrder, RotationPolicies, key_report, order, order_all};
use kennel_core::rotation::event::{OrderedBy, RotationAction, RotationEvent};
use kennel_k8s::index::view::SharedIndex;
use kennel_listen::PeerAddress;
use kennel_store::PrincipalStore;
use kennel_wire::admin::{KeysQuery, KeysResponse, Permission, RotateRequest, RotateResponse, path};
use kennel_wire::message::Principal;
use std::net::SocketAddr;
use std::sync::Arc;

/// Most names that an answer lists.
const MOST_NAMED: usize = 16;

/// Longest body of a request, octets.
const LONGEST_BODY: usize = 8 * 1024;

/// The responder of the paths about keys.
pub(crate) struct KeyApi {
    pub(crate) live: Arc<Live>,
    pub(crate) store: Arc<dyn PrincipalStore>,
    pub(crate) book: Arc<RotationBook>,
    pub(crate) policies: RotationPolicies,
    /// `None` where the realm has no cluster.
    pub(crate) index: Option<SharedIndex>,
    pub(crate) audit: Audit,
}

/// The responder for one kind of callers.
#[derive(Clone)]
struct KeyState {
    api: Arc<KeyApi>,
    callers: Callers,
}

/// Returns the router of the paths about keys, for these callers.
pub(crate) fn router(api: Arc<KeyApi>, callers: Callers) -> Router {
    Router::new()
        .route(path::KEYS, get(keys))
        .route(path::ROTATE, post(rotate))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(KeyState { api, callers })
}

async fn keys(
    State(KeyState { api, callers }): State<KeyState>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    query: Result<Query<KeysQuery>, QueryRejection>,
) -> Result<Response, AdminRefusal> {
    let Query(KeysQuery { principal }) = query?;
    let named = api.find(&principal).await?;
    callers.permit(peer.ip().into(), bearer(&headers), Permission::KEYS, named.namespace.as_deref()).await?;
    let KeyApi { store, book, policies, .. } = &*api;
    let now = clock::now();
    let mut principals = Vec::with_capacity(named.names.len());
    for name in &named.names {
        principals.extend(key_report(&**store, book, policies, name, now).await?.as_ref().map(principal_keys));
    }
    if principals.is_empty() {
        return Err(AdminRefusal::PrincipalUnknown(principal));
    }
    principals.sort_by(|a, b| a.principal.cmp(&b.principal));
    let realm = api.live.name().to_owned();
    Ok(json(&KeysResponse { realm, time: now.time.to_rfc3339().to_string(), principals }))
}

/// Carries the order out in a task of its own, which does not end with the caller's connection.
async fn rotate(
    State(KeyState { api, callers }): State<KeyState>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    body: Result<Json<RotateRequest>, JsonRejection>,
) -> Result<Response, AdminRefusal> {
    let Json(request) = body.map_err(|rejection| AdminRefusal::QueryMalformed(rejection.body_text()))?;
    let order = if request.revoke_old { RotationOrder::Revoke } else { RotationOrder::Rotate };
    let named = match (&request.principal, request.all) {
        (Some(principal), false) => Some(api.find(principal).await?),
        (None, true) => None,
        _ => return Err(AdminRefusal::QueryMalformed("give principal, or all: true".into())),
    };
    let namespace = named.as_ref().and_then(|named| named.namespace.clone());
    let user = callers.permit(peer.ip().into(), bearer(&headers), Permission::ROTATE, namespace.as_deref()).await;
    let user = user.inspect_err(|refusal| api.record_refusal(refusal, named.as_ref(), peer))?;
    let task = tokio::spawn(async move {
        let by = OrderedBy { user, peer: peer.ip() };
        api.carry_out(named, order, &by).await
    });
    match task.await {
        Ok(answer) => Ok(json(&answer?)),
        Err(error) => {
            tracing::error!(%error, "an order to rotate keys ended without an answer");
            Err(AdminRefusal::StoreUnavailable)
        }
    }
}

impl KeyApi {
    async fn find(&self, principal: &str) -> Result<NamedPrincipals, AdminRefusal> {
        resolve(principal, self.live.name(), self.index.as_ref(), &*self.store).await
    }

    async fn carry_out(
        &self,
        named: Option<NamedPrincipals>,
        what: RotationOrder,
        by: &OrderedBy,
    ) -> Result<RotateResponse, AdminRefusal> {
        if !self.audit.accepts() {
            return Err(AdminRefusal::TrailUnavailable);
        }
        let (realm, now) = (self.live.realm(), clock::now());
        let is_of_all = named.is_none();
        let ends = match named {
            Some(named) => {
                let mut ends = Vec::with_capacity(named.names.len());
                for name in named.names {
                    let end = order(&*self.store, &realm, &name, what, &by.user, now).await?;
                    ends.push((name, end));
                }
                ends
            }
            None => order_all(&*self.store, &realm, what, &by.user, now).await?,
        };
        let mut answer =
            RotateResponse { realm: self.live.name().to_owned(), principals: 0, left: 0, names: Vec::new() };
        let mut left = None;
        for (name, end) in ends {
            match end {
                Ordered::Written(action) => {
                    answer.principals = answer.principals.saturating_add(1);
                    answer.names.push(name.to_string());
                    self.record(Some(name), action, by);
                }
                Ordered::Never(never) => {
                    answer.left = answer.left.saturating_add(1);
                    left = Some(AdminRefusal::NeverRotates { principal: name.to_string(), why: never.to_string() });
                }
                Ordered::Unknown => left = left.or_else(|| Some(AdminRefusal::PrincipalUnknown(name.to_string()))),
            }
        }
        if answer.names.len() > MOST_NAMED {
            answer.names.clear();
        }
        answer.names.sort();
        match left.filter(|_| answer.principals == 0 && !is_of_all) {
            Some(refusal) => Err(refusal),
            None => Ok(answer),
        }
    }

    fn record(&self, principal: Option<Principal>, action: RotationAction, by: &OrderedBy) {
        let (time, by) = (clock::now(), Some(by.clone()));
        self.audit.record_rotation(RotationEvent { time, principal, action, by });
    }

    /// Records that a user ordered what he may not.
    fn record_refusal(&self, refusal: &AdminRefusal, named: Option<&NamedPrincipals>, peer: SocketAddr) {
        if let AdminRefusal::NotPermitted { user, .. } = refusal {
            let principal = named.and_then(|named| named.names.first().cloned());
            let by = OrderedBy { user: user.clone(), peer: peer.ip() };
            self.record(principal, RotationAction::Refused(refusal.name()), &by);
        }
    }
}
