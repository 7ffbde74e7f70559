//! Tells the KDC which keys are on disk, and waits until it says that other ones are due.

use crate::cli::Cli;
use crate::connection::{AGENT, Answer, post};
use crate::credentials::Statement;
use crate::enrol::Failure;
use crate::schedule::until_retry;
use anyhow::Context;
use hyper::StatusCode;
use kennel_wire::enrol::{HeldRequest, HeldResponse, path};
use std::time::Duration;

/// Longest time that the KDC may take for an answer, and some.
const PATIENCE: Duration = Duration::from_secs(330);
/// Pause after an answer that nothing is due, at most: the agents of a cluster do not ask together after a restart of the KDC.
const AGAIN: Duration = Duration::from_secs(5);
/// Pause after a refusal: the next enrolment shows whether it lasts.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// Tells the KDC what is on disk, without waiting for anything. A failure is logged: an older KDC does not want to know.
pub(crate) async fn confirm(cli: &Cli, statement: &Statement) {
    if let Err(Failure::Refused(why) | Failure::Later(why, _)) = ask(cli, statement, Some(0)).await {
        tracing::warn!(why, "the KDC does not know that the keys have arrived");
    }
}

/// Tells the KDC what is on disk, until it says that an enrolment is due. Completes only then: with an older KDC, never.
pub(crate) async fn until_due(cli: &Cli, statement: &Statement, luck: impl Fn() -> f64) -> HeldResponse {
    let mut failures = 0;
    loop {
        let pause = match ask(cli, statement, None).await {
            Ok(Some(due)) if due.refetch_before.is_some() => return due,
            Ok(Some(_)) => {
                failures = 0;
                AGAIN.mul_f64(luck())
            }
            Ok(None) => {
                tracing::info!("the KDC has no {}: the agent asks at its deadlines alone", path::HELD);
                return std::future::pending().await;
            }
            Err(Failure::Refused(why)) => {
                tracing::debug!(why, "the KDC refuses to say when keys change");
                REFUSED_PAUSE
            }
            Err(Failure::Later(why, asked)) => {
                tracing::debug!(why, "the KDC does not say when keys change");
                failures = u32::saturating_add(failures, 1);
                until_retry(failures, asked, luck())
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Asks once. Returns `None` where the KDC is older than the question.
async fn ask(cli: &Cli, statement: &Statement, wait: Option<u32>) -> Result<Option<HeldResponse>, Failure> {
    let request = HeldRequest {
        held: statement.held.clone(),
        on_disk: statement.on_disk.clone(),
        ticket_from: statement.ticket_from.map(|time| time.to_rfc3339().to_string()),
        wait_seconds: wait,
        agent: Some(AGENT.to_owned()),
    };
    let patience = if wait == Some(0) { Duration::ZERO } else { PATIENCE };
    read(post(cli, path::HELD, &request, patience).await?)
}

fn read(answer: Answer) -> Result<Option<HeldResponse>, Failure> {
    match answer.status {
        StatusCode::OK => Ok(Some(serde_json::from_slice(&answer.body).context("the answer is not one about keys")?)),
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(answer.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(status: StatusCode, body: &'static str) -> Result<Option<HeldResponse>, Failure> {
        read(Answer { status, retry_after: Some(Duration::from_secs(70)), body: body.into() })
    }

    #[test]
    fn an_older_kdc_is_asked_no_more_and_one_that_is_full_later() {
        let older = read_from(StatusCode::NOT_FOUND, "this path does not exist: see /v1/openapi.json\n");
        assert_eq!(older.unwrap(), None);
        let full = r#"{"reason":"TooManyWaiting","message":"m","retryable":true}"#;
        let full = read_from(StatusCode::SERVICE_UNAVAILABLE, full);
        assert!(matches!(full, Err(Failure::Later(_, Some(after))) if after.as_secs() == 70));
        assert_eq!(read_from(StatusCode::OK, "{}").unwrap(), Some(HeldResponse::default()));
        assert!(read_from(StatusCode::OK, "<html>").is_err());
    }
}
