//! `/metrics` in the OpenMetrics text format. `/livez` fails where the process cannot serve any more and must be restarted. `/readyz`
//! lists the conditions of readiness and fails where one of them does not hold.

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use kennel_audit::Metrics;
use std::sync::Arc;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A condition of readiness, or of life.
pub(crate) struct Check {
    /// Text of the line in the response.
    pub(crate) name: &'static str,
    /// Whether the condition holds now.
    pub(crate) holds: Box<dyn Fn() -> bool + Send + Sync>,
}

/// Sets the gauges that are only updated at a scrape.
pub(crate) type Measure = Box<dyn Fn(&Metrics) + Send + Sync>;

struct Shared {
    metrics: Arc<Metrics>,
    measure: Measure,
    life: Vec<Check>,
    readiness: Vec<Check>,
}

/// Returns the router of all paths.
pub(crate) fn router(metrics: Arc<Metrics>, measure: Measure, life: Vec<Check>, readiness: Vec<Check>) -> Router {
    Router::new()
        .route("/metrics", get(text))
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .fallback(async || (StatusCode::NOT_FOUND, "this path does not exist: see /metrics, /livez and /readyz\n"))
        .with_state(Arc::new(Shared { metrics, measure, life, readiness }))
}

async fn text(State(shared): State<Arc<Shared>>) -> ([(HeaderName, &'static str); 1], String) {
    (shared.measure)(&shared.metrics);
    ([(CONTENT_TYPE, OPENMETRICS)], shared.metrics.text())
}

async fn alive(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    let (status, lines) = answer(&shared.life);
    if status == StatusCode::OK { (status, "ok\n".into()) } else { (status, lines) }
}

async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    answer(&shared.readiness)
}

fn answer(checks: &[Check]) -> (StatusCode, String) {
    let (mut status, mut lines) = (StatusCode::OK, String::new());
    for check in checks {
        let holds = (check.holds)();
        if !holds {
            status = StatusCode::SERVICE_UNAVAILABLE;
        }
        lines += &format!("[{}] {}\n", if holds { '+' } else { '-' }, check.name);
    }
    (status, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn asked(path: &str, holds: bool) -> (StatusCode, String) {
        let check = |name| vec![Check { name, holds: Box::new(move || holds) }];
        let (life, readiness) = (check("requests are served"), check("cluster listed"));
        let router = router(Arc::new(Metrics::new()), Box::new(|_| ()), life, readiness);
        let response = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_is_who_has_everything_and_what_is_missing_is_named() {
        assert_eq!(asked("/readyz", true).await, (StatusCode::OK, "[+] cluster listed\n".into()));
        assert_eq!(asked("/readyz", false).await, (StatusCode::SERVICE_UNAVAILABLE, "[-] cluster listed\n".into()));
        assert_eq!(asked("/livez", true).await, (StatusCode::OK, "ok\n".into()));
        let stuck = (StatusCode::SERVICE_UNAVAILABLE, "[-] requests are served\n".into());
        assert_eq!(asked("/livez", false).await, stuck);
        assert!(asked("/metrics", true).await.1.contains("kennel_build_info"));
        assert_eq!(asked("/", true).await.0, StatusCode::NOT_FOUND);
    }
}
