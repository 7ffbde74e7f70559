//! Answers of the admin API, which no cache may keep.

use axum::Json;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub(super) fn json(body: &impl Serialize) -> Response {
    uncached(Json(body).into_response())
}

/// No cache may keep what only some may see.
pub(super) fn uncached(mut response: Response<Body>) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
