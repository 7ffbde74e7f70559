//! The paths of the master key: its state, and its rotation. No answer carries a key.

use crate::endpoints::admin_api::answer::json;
use crate::endpoints::admin_api::callers::Callers;
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::endpoints::bearer::bearer;
use crate::serve::master_key::{MasterKeyRotation, NotRotated};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use kennel_listen::PeerAddress;
use kennel_wire::admin::Permission;
use kennel_wire::master_key::{RotateMasterKey, path, permission};
use std::net::SocketAddr;
use std::sync::Arc;

/// Longest body of a request, octets.
const LONGEST: usize = 4096;

/// The responder of the master key's paths, for one kind of callers.
#[derive(Clone)]
struct MasterKeyApi {
    master_key: Arc<MasterKeyRotation>,
    callers: Callers,
}

impl MasterKeyApi {
    /// Returns the user, who has the permission in the whole cluster.
    async fn permit(&self, peer: SocketAddr, headers: &HeaderMap, what: Permission) -> Result<String, AdminRefusal> {
        self.callers.permit(peer.ip().into(), bearer(headers), what, None).await
    }

    async fn answer(&self) -> Result<Response, AdminRefusal> {
        Ok(json(&self.master_key.status().await?))
    }
}

/// Returns the router of both paths.
pub(crate) fn router(master_key: Arc<MasterKeyRotation>, callers: Callers) -> Router {
    Router::new()
        .route(path::MASTER_KEY, get(status))
        .route(path::ROTATE, post(rotate))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(MasterKeyApi { master_key, callers })
}

async fn status(
    State(api): State<MasterKeyApi>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
) -> Result<Response, AdminRefusal> {
    api.permit(peer, &headers, permission::READ).await?;
    api.answer().await
}

async fn rotate(
    State(api): State<MasterKeyApi>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, AdminRefusal> {
    let user = api.permit(peer, &headers, permission::ROTATE).await?;
    let RotateMasterKey { generate } = match &body[..] {
        [] => RotateMasterKey::default(),
        body => serde_json::from_slice(body).map_err(|error| AdminRefusal::QueryMalformed(error.to_string()))?,
    };
    api.master_key.rotate(generate).await?;
    tracing::info!(user, generate, "the master key is rotated, as the admin API was asked to");
    api.answer().await
}

impl From<NotRotated> for AdminRefusal {
    fn from(error: NotRotated) -> AdminRefusal {
        match error {
            NotRotated::Refused(reason) => AdminRefusal::MasterKeyNotRotated(reason),
            NotRotated::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::enrolment::api::OPENAPI;
    use kennel_wire::master_key::{MasterKeyPhase, MasterKeyStatus};
    use serde_json::Value;

    #[test]
    fn the_document_has_the_fields_of_both_bodies() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let text = || Some(String::new());
        let status = MasterKeyStatus {
            realm: String::new(),
            phase: MasterKeyPhase::Settled,
            current: String::new(),
            next: text(),
            previous: text(),
            records: 0,
            rewrapped: 0,
            problem: text(),
            next_step: text(),
        };
        let bodies = [
            ("MasterKeyStatus", serde_json::to_value(status).unwrap()),
            ("RotateMasterKey", serde_json::to_value(RotateMasterKey::default()).unwrap()),
        ];
        for (schema, body) in bodies {
            let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
            assert!(properties.keys().eq(body.as_object().unwrap().keys()), "{schema}");
        }
        assert!(document["paths"][path::MASTER_KEY]["get"].is_object());
        assert!(document["paths"][path::ROTATE]["post"].is_object());
    }
}
