//! The paths of the enrolment API: reads requests and writes answers.

use crate::endpoints::bearer::bearer;
use crate::endpoints::enrolment::attempt::{Enrolment, EnrolmentAnswer};
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kennel_core::enrolment::EnrolmentRefusal;
use kennel_listen::{ConnectionSlot, PeerAddress};
use kennel_wire::enrol::{EnrollError, LONGEST_REQUEST, path};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Time limit of a request's body.
const BODY_TIME: Duration = Duration::from_secs(5);

/// The description of the API.
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

/// Returns the router of all paths.
pub(crate) fn router(enrolment: Arc<Enrolment>) -> Router {
    Router::new()
        .route(path::ENROLL, post(enroll))
        .route(path::HELD, post(held))
        .route(path::KRB5_CONF, get(krb5_conf))
        .route(path::CA, get(ca))
        .route(path::OPENAPI, get(async || text("application/json", OPENAPI.to_owned())))
        .fallback(async || (StatusCode::NOT_FOUND, format!("this path does not exist: see {}\n", path::OPENAPI)))
        .with_state(enrolment)
}

async fn krb5_conf(State(enrolment): State<Arc<Enrolment>>) -> Response<Body> {
    text("text/plain; charset=utf-8", enrolment.krb5_conf())
}

async fn ca(State(enrolment): State<Arc<Enrolment>>) -> Response<Body> {
    text("application/x-pem-file", enrolment.ca())
}

/// Runs the attempt in a task of its own, which hyper does not drop when the client closes the connection: the attempt then ends
/// at once, with its event.
async fn enroll(
    State(enrolment): State<Arc<Enrolment>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The sender lives as long as somebody waits for the answer.
    let (_waits, gone) = oneshot::channel::<Infallible>();
    let attempt = tokio::spawn(async move {
        let token = bearer(&parts.headers);
        enrolment.enrol(peer, token, read(body), async { _ = gone.await }).await
    });
    match attempt.await {
        Ok(answer) => answered(answer),
        Err(error) => {
            tracing::error!(%error, "an enrolment ended without a decision");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// Waits as long as the client does: a request that nobody waits for any more ends here.
async fn held(
    State(enrolment): State<Arc<Enrolment>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    Extension(connection): Extension<ConnectionSlot>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // On the heap, and so is not part of what a request occupies while it waits.
    let confirmed = Box::pin(enrolment.confirm(peer, bearer(&parts.headers), read(body))).await;
    drop(parts);
    match confirmed {
        Ok(wait) => answered(enrolment.until_due(wait, &connection).await),
        Err(answer) => refused(&answer),
    }
}

/// Reads the body. An empty one is a request without fields: an enrolment asks for all credentials by it.
async fn read<T: DeserializeOwned + Default>(body: Body) -> Result<T, EnrolmentRefusal> {
    let whole = tokio::time::timeout(BODY_TIME, Limited::new(body, LONGEST_REQUEST).collect()).await;
    let whole = whole.map_err(|_| EnrolmentRefusal::RequestTooSlow)?;
    let octets = whole.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
        Some(_) => EnrolmentRefusal::RequestTooLarge,
        None => EnrolmentRefusal::RequestMalformed,
    })?;
    let octets = octets.to_bytes();
    if octets.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&octets).map_err(|_| EnrolmentRefusal::RequestMalformed)
}

fn answered(answer: Result<impl Serialize, EnrolmentAnswer>) -> Response<Body> {
    match answer {
        Ok(response) => json(StatusCode::OK, &response),
        Err(answer) => refused(&answer),
    }
}

fn refused(answer: &EnrolmentAnswer) -> Response<Body> {
    let refusal = answer.refusal;
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN);
    let (reason, message) = (refusal.name().to_owned(), refusal.text().to_owned());
    let mut response = json(status, &EnrollError { reason, message, retryable: refusal.retryable() });
    if let Some(after) = answer.retry_after {
        let seconds = after.as_secs().saturating_add(1);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    use axum::response::IntoResponse;
    let mut response = (status, Json(body)).into_response();
    // No cache may keep credentials.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::enrol::{
        Blob, EnrollRequest, EnrollResponse, EnrolledKeys, EnrolledKeytab, EnrolledTicket, HeldRequest, HeldResponse,
        HeldVersions,
    };
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn document() -> Value {
        serde_json::from_str(OPENAPI).unwrap()
    }

    #[test]
    fn the_document_has_every_path() {
        let document = document();
        let paths: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let (admin, others): (BTreeSet<_>, BTreeSet<_>) =
            paths.into_iter().partition(|path| path.starts_with("/v1/admin/"));
        assert_eq!(others, [path::ENROLL, path::HELD, path::KRB5_CONF, path::CA, path::OPENAPI].into());
        assert_eq!(admin, crate::endpoints::admin_api::api::PATHS.into());
    }

    #[test]
    fn the_document_has_every_refusal_under_its_status() {
        let document = document();
        for path in [path::ENROLL, path::HELD] {
            // An enrolment does not wait, and what a pod says about keys needs no trail and no ticket.
            let others = match path {
                path::ENROLL => &[EnrolmentRefusal::TooManyWaiting][..],
                _ => {
                    &[EnrolmentRefusal::TrailUnavailable, EnrolmentRefusal::TicketRefused, EnrolmentRefusal::ClientGone]
                }
            };
            for refusal in EnrolmentRefusal::ALL {
                let response = &document["paths"][path]["post"]["responses"][refusal.status().to_string()];
                let names = response["description"].as_str().unwrap_or_default();
                let mut names = names.split(|c: char| !c.is_alphanumeric());
                let is_said = names.any(|name| name == refusal.name());
                assert_eq!(is_said, !others.contains(refusal), "{path}: {}", refusal.name());
            }
        }
        let reasons =
            document["components"]["schemas"]["EnrollError"]["properties"]["reason"]["enum"].as_array().unwrap();
        let reasons: BTreeSet<&str> = reasons.iter().map(|reason| reason.as_str().unwrap()).collect();
        assert_eq!(reasons, EnrolmentRefusal::ALL.iter().map(|refusal| refusal.name()).collect());
    }

    /// Checks that a body and its schema have the same fields.
    fn same_fields(schema: &str, body: &impl Serialize) {
        let document = document();
        let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
        let body = serde_json::to_value(body).unwrap();
        let fields: BTreeSet<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(properties.keys().collect::<BTreeSet<_>>(), fields, "{schema}");
    }

    #[test]
    fn the_document_has_the_fields_of_every_body() {
        let blob = || Blob(Vec::new().into());
        let entry = EnrolledKeys { principal: String::new(), kvnos: vec![1], alias_of: Some(String::new()) };
        same_fields("KeytabEntry", &entry);
        let keytab = EnrolledKeytab { data: blob(), entries: vec![entry] };
        same_fields("Keytab", &keytab);
        let ticket = EnrolledTicket { ccache: blob(), end_time: String::new() };
        same_fields("Ticket", &ticket);
        let response = EnrollResponse {
            realm: String::new(),
            client: String::new(),
            ticket: Some(ticket),
            keytab: Some(keytab),
            krb5_conf: String::new(),
            refetch_before: String::new(),
        };
        same_fields("EnrollResponse", &response);
        let agent = Some(String::new());
        let held = HeldVersions::new();
        let request = EnrollRequest { enctypes: vec![20], agent: agent.clone(), held: Some(held.clone()) };
        same_fields("EnrollRequest", &request);
        let on_disk = Some(held.clone());
        let request = HeldRequest { held, on_disk, ticket_from: Some(String::new()), wait_seconds: Some(0), agent };
        same_fields("HeldRequest", &request);
        same_fields("HeldResponse", &HeldResponse { refetch_before: Some(String::new()), urgent: true });
        same_fields("EnrollError", &EnrollError { reason: String::new(), message: String::new(), retryable: true });
    }

    #[tokio::test]
    async fn a_body_is_small_and_json_or_empty() {
        assert_eq!(read(Body::empty()).await, Ok(EnrollRequest::default()));
        assert_eq!(read::<EnrollRequest>(Body::from("{\"enctypes\":[18]}")).await.unwrap().enctypes, [18]);
        let malformed = read::<HeldRequest>(Body::from("[")).await;
        assert_eq!(malformed, Err(EnrolmentRefusal::RequestMalformed));
        let large = Body::from(vec![b' '; LONGEST_REQUEST + 1]);
        assert_eq!(read::<HeldRequest>(large).await, Err(EnrolmentRefusal::RequestTooLarge));
    }
}
