//! The client of the KDC's admin API: one answer, or lines as they come.

use anyhow::{Context, anyhow};
use http_body_util::{BodyExt, Limited};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{HeaderMap, Request, StatusCode};
use kennel_wire::admin::{AdminError, DecisionsQuery, path};
use kube::Client;
use kube::client::Body;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::Duration;

/// Time limit of a whole answer.
const ANSWER: Duration = Duration::from_secs(60);
/// Time within which a stream begins, and within which its next line comes: the KDC sends a sign every few seconds.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest answer, octets.
const LONGEST: usize = 256 * 1024 * 1024;
/// Longest line of a stream, octets.
const LONGEST_LINE: usize = 1024 * 1024;

/// The admin API of one KDC.
pub(crate) struct AdminApi {
    client: Client,
}

/// A refusal of the KDC.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// Stable name of the reason; `None`: the answer is not one of the admin API.
    pub(crate) reason: Option<String>,
    /// What is wrong and what to do, in words.
    pub(crate) message: String,
    /// Whether the same request may succeed later.
    pub(crate) retryable: bool,
    /// The pause that the KDC asks for.
    pub(crate) after: Option<Duration>,
}

impl AdminApi {
    /// `client` reaches the KDC and shows a token: see [`connect`](crate::reach::connect).
    pub(crate) fn new(client: Client) -> AdminApi {
        AdminApi { client }
    }

    /// The answer to one question.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> anyhow::Result<T> {
        let request = Request::get(with_query(path, query)?).body(Body::empty())?;
        self.ask(path, request).await
    }

    /// The answer to one order.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        self.ask(path, request.body(Body::from(serde_json::to_vec(body)?))?).await
    }

    /// The answer to one order that is no JSON alone.
    pub(crate) async fn upload<T: DeserializeOwned>(&self, path: &str, body: Vec<u8>) -> anyhow::Result<T> {
        let request = Request::post(path).header(CONTENT_TYPE, "application/octet-stream");
        self.ask(path, request.body(Body::from(body))?).await
    }

    /// The octets of the answer to one order, as they come.
    pub(crate) async fn octets(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Body> {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(serde_json::to_vec(body)?))?).await
    }

    /// The answer to one order that has a query too.
    pub(crate) async fn post_with_query<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.post(&with_query(path, query)?, body).await
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, request: Request<Body>) -> anyhow::Result<T> {
        let answer = tokio::time::timeout(ANSWER, async {
            let body = Limited::new(self.send(request).await?, LONGEST).collect().await;
            Ok::<_, anyhow::Error>(
                body.map_err(|error| anyhow!("the answer of the KDC cannot be read: {error}"))?.to_bytes(),
            )
        });
        let octets = answer.await.map_err(|_| anyhow!("the KDC did not answer within {ANSWER:?}"))??;
        serde_json::from_slice(&octets).with_context(|| format!("the answer of the KDC is not that of {path}"))
    }

    /// The lines of the stream of decisions.
    pub(crate) async fn decisions(&self, query: &DecisionsQuery) -> anyhow::Result<Lines> {
        let request = Request::get(with_query(path::DECISIONS, query)?).body(Body::empty())?;
        let answer = tokio::time::timeout(SILENCE, self.send(request)).await;
        let body = answer.map_err(|_| anyhow!("the KDC did not answer within {SILENCE:?}"))??;
        Ok(Lines { body, octets: Vec::new(), ended: false })
    }

    async fn send(&self, request: Request<Body>) -> anyhow::Result<Body> {
        let answer = self.client.send(request).await.map_err(reached)?;
        let (head, body) = answer.into_parts();
        if head.status == StatusCode::OK {
            return Ok(body);
        }
        let body = Limited::new(body, LONGEST_LINE).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Err(Refused::new(head.status, &head.headers, &body).into())
    }
}

/// The error of a connection, whose innermost cause says most: kube's own words repeat each other.
fn reached(error: kube::Error) -> anyhow::Error {
    anyhow::Error::from(error).context("the KDC cannot be reached")
}

/// `path?name=value&...`, with the fields of a query that are not null.
fn with_query(path: &str, query: &impl Serialize) -> anyhow::Result<String> {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    if let serde_json::Value::Object(fields) = serde_json::to_value(query)? {
        for (name, value) in fields {
            match value {
                serde_json::Value::Null => {}
                serde_json::Value::String(text) => _ = pairs.append_pair(&name, &text),
                other => _ = pairs.append_pair(&name, &other.to_string()),
            }
        }
    }
    let pairs = pairs.finish();
    Ok(if pairs.is_empty() { path.to_owned() } else { format!("{path}?{pairs}") })
}

impl Refused {
    fn new(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Refused {
        let after =
            headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        match serde_json::from_slice::<AdminError>(body) {
            Ok(AdminError { reason, message, retryable }) => {
                Refused { status, reason: Some(reason), message, retryable, after }
            }
            // An older KDC, or another server.
            Err(_) => {
                let message =
                    format!("{status}, and not in the words of the admin API: is this KDC as new as this command?");
                Refused { status, reason: None, message, retryable: status.is_server_error(), after }
            }
        }
    }
}

impl Refused {
    /// Whether the KDC does not know the path: it is older than this command.
    pub(crate) fn is_of_no_path(&self) -> bool {
        self.status == StatusCode::NOT_FOUND && self.reason.is_none()
    }

    /// Whether the KDC judged the user or the question; other refusals only say that this KDC does not answer.
    pub(crate) fn is_about_the_user(&self) -> bool {
        matches!(self.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.as_deref().map(|reason| format!("{reason}: ")).unwrap_or_default();
        write!(f, "the KDC refuses: {reason}{}", self.message)
    }
}

impl std::error::Error for Refused {}

/// The lines of an answer, as they come.
pub(crate) struct Lines {
    body: Body,
    /// What was received after the last whole line.
    octets: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// The next line; `None` where the answer has ended.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if let Some(line) = take_line(&mut self.octets) {
                return Ok(Some(line));
            }
            anyhow::ensure!(self.octets.len() <= LONGEST_LINE, "a line of the KDC's answer is too long");
            if self.ended {
                // A line that was cut is asked for again.
                return Ok(None);
            }
            let frame = tokio::time::timeout(SILENCE, self.body.frame()).await;
            match frame.map_err(|_| anyhow!("the KDC was silent for {SILENCE:?}"))? {
                Some(frame) => {
                    let frame = frame.context("the connection to the KDC broke")?;
                    self.octets.extend(frame.data_ref().map(|data| &data[..]).unwrap_or_default());
                }
                None => self.ended = true,
            }
        }
    }
}

/// Takes the first whole line out of what was received.
fn take_line(octets: &mut Vec<u8>) -> Option<String> {
    let end = octets.iter().position(|octet| *octet == b'\n')?;
    let rest = octets.split_off(end + 1);
    let line = std::mem::replace(octets, rest);
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::admin::ExplainQuery;

    #[test]
    fn a_query_names_what_is_asked_and_nothing_else() {
        let query = ExplainQuery { client: "alice@R".into(), server: "HTTP/web&x=1".into(), port: None };
        assert_eq!(with_query("/p", &query).unwrap(), "/p?client=alice%40R&server=HTTP%2Fweb%26x%3D1");
        let all = DecisionsQuery { follow: true, after: Some(7), ..DecisionsQuery::default() };
        assert_eq!(with_query("/p", &all).unwrap(), "/p?after=7&follow=true");
    }

    #[test]
    fn lines_are_whole_whatever_the_frames_are() {
        let mut octets = b"one\r\ntwo\nthr".to_vec();
        assert_eq!(take_line(&mut octets).as_deref(), Some("one"));
        assert_eq!(take_line(&mut octets).as_deref(), Some("two"));
        assert_eq!((take_line(&mut octets), &octets[..]), (None, &b"thr"[..]));
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_kdc() {
        let body = br#"{"reason":"Forbidden","message":"ask for get","retryable":false}"#;
        let refused = Refused::new(StatusCode::FORBIDDEN, &HeaderMap::new(), body);
        assert_eq!(refused.to_string(), "the KDC refuses: Forbidden: ask for get");
        let other = Refused::new(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"<html>");
        assert!(other.retryable && other.to_string().contains("502"), "{other}");
    }
}
