//! One enrolment: sends what is on disk, receives the credentials.

use crate::cli::Cli;
use crate::connection::{AGENT, Answer, post};
use anyhow::Context;
use hyper::StatusCode;
use kennel_wire::enrol::{EnrollError, EnrollRequest, EnrollResponse, HeldVersions, path};
use std::time::Duration;

/// Why there is no answer to go on with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The KDC refuses this pod, and would refuse the same request again.
    Refused(String),
    /// A later attempt may succeed; with the pause that the KDC asks for, if it asks for one.
    Later(String, Option<Duration>),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Later(format!("{error:#}"), None)
    }
}

/// Enrols. `held`: the key versions on disk; `None` where there are too many to say.
pub(crate) async fn enrol(cli: &Cli, held: Option<HeldVersions>) -> Result<EnrollResponse, Failure> {
    let request = EnrollRequest { enctypes: Vec::new(), agent: Some(AGENT.to_owned()), held };
    let answer = post(cli, path::ENROLL, &request, Duration::ZERO).await?;
    if answer.status == StatusCode::OK {
        return Ok(serde_json::from_slice(&answer.body).context("the answer is not that of an enrolment")?);
    }
    Err(answer.into())
}

/// An answer without success.
impl From<Answer> for Failure {
    fn from(Answer { status, retry_after: after, body }: Answer) -> Failure {
        match serde_json::from_slice::<EnrollError>(&body) {
            Ok(EnrollError { reason, message, retryable: false }) => Failure::Refused(format!("{reason}: {message}")),
            Ok(EnrollError { reason, message, retryable: true }) => {
                Failure::Later(format!("{reason}: {message}"), after)
            }
            // Not an answer of the KDC: a proxy in between, or another server.
            Err(_) => Failure::Later(format!("the server answered {status}, but not as the enrolment API does"), after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_good_is_told_from_what_may_come_later() {
        let body = |retryable| format!(r#"{{"reason":"PodEnded","message":"m","retryable":{retryable}}}"#);
        let retry_after = Some(Duration::from_secs(3));
        let of = |status, body: &str| Failure::from(Answer { status, retry_after, body: body.to_owned().into() });
        assert!(matches!(of(StatusCode::FORBIDDEN, &body(false)), Failure::Refused(m) if m == "PodEnded: m"));
        let after = Some(Duration::from_secs(3));
        assert!(matches!(of(StatusCode::SERVICE_UNAVAILABLE, &body(true)), Failure::Later(_, a) if a == after));
        for (status, odd) in [(StatusCode::FORBIDDEN, "<html>"), (StatusCode::BAD_GATEWAY, "")] {
            assert!(matches!(of(status, odd), Failure::Later(m, _) if m.contains("not as the enrolment API does")));
        }
    }
}
