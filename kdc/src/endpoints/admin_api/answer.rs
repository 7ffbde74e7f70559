//! Answers that no cache may keep, since only some may see them.

use axum::Json;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A body in JSON.
pub(super) fn json(body: &impl Serialize) -> Response {
    uncached(Json(body).into_response())
}

/// Forbids caches to keep an answer.
pub(super) fn uncached(mut response: Response<Body>) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
