//! The loop: enrol, store the credentials, tell the KDC, wait until the next refresh or until the KDC asks for one. A refusal before the first success ends the agent, so
//! that a pod with a wrong setup fails visibly. After a success the agent keeps trying, because the stored ticket may still
//! be good.

use crate::cli::Cli;
use crate::clock::now;
use crate::credentials::{CredentialTimes, Folder, Statement, seconds};
use crate::enrol::{Failure, enrol};
use crate::health::{self, Health};
use crate::held;
use crate::on_change::OnChange;
use crate::schedule::{until_asked, until_refresh, until_retry};
use crate::write::FileAccess;
use kennel_wire::enrol::HeldResponse;
use rand::Rng;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Pause after a refusal that follows a success.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
const REFUSED: u8 = 2;
/// An answer within this time did not wait for anything.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Runs until enrolment is done (`--once`), refused for good, or a signal stops it.
pub(crate) async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        graviola::util::is_cpu_supported(),
        "this processor lacks instructions that TLS needs here (AES, PCLMULQDQ, AVX2, ADX, BMI2 on x86-64): run the pod on \
         a node with a newer one"
    );
    let health = Arc::new(Health::default());
    if let Some(endpoint) = &cli.health {
        health::serve(endpoint, health.clone()).await?;
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        result = refresh(cli, &health, hangup) => result,
        _ = terminate.recv() => Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => Ok(ExitCode::SUCCESS),
    }
}

/// SIGHUP makes the agent enrol at once, with the token and the certificates as they are on disk by then.
async fn refresh(cli: &Cli, health: &Health, mut hangup: Signal) -> anyhow::Result<ExitCode> {
    let made = FileAccess { mode: cli.mode, group: cli.group, owner: None };
    let folder = Folder::new(&cli.dir, made, cli.on_change.is_some()).with_users(&cli.users);
    let begun = Instant::now();
    let (mut failures, mut succeeded) = (0_u32, false);
    let mut statement = folder.statement();
    let mut at_once = 0;
    loop {
        let pause = match one(cli, &folder, &statement).await {
            Ok(held) => {
                health.held(held);
                (failures, succeeded) = (0, true);
                if cli.once {
                    held::confirm(cli, &folder.statement()).await;
                    return Ok(ExitCode::SUCCESS);
                }
                until_next(cli, &folder, held, &mut statement, &mut at_once).await
            }
            Err(Failure::Refused(why)) if !succeeded => {
                eprintln!("kennel-agent: refused: {why}");
                return Ok(ExitCode::from(REFUSED));
            }
            Err(Failure::Refused(why)) => {
                tracing::error!(
                    why,
                    "the KDC refuses to renew the credentials; the stored ones are valid until they end"
                );
                health.failed(why);
                REFUSED_PAUSE
            }
            Err(Failure::Later(why, asked)) => {
                let pause = until_retry(failures, asked, luck());
                failures = failures.saturating_add(1);
                if cli.once && begun.elapsed().saturating_add(pause).as_secs() >= cli.deadline {
                    anyhow::bail!("no credentials within {} s: {why}", cli.deadline);
                }
                tracing::warn!(why, again_in = ?pause, "the enrolment failed; the agent tries again");
                health.failed(why);
                pause
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = hangup.recv() => tracing::info!("SIGHUP: the agent enrols again"),
        }
    }
}

/// Tells the program of a new keytab, until that succeeds.
async fn tell(on_change: &OnChange, folder: &Folder) {
    let mut failures = 0;
    while let Err(error) = on_change.act().await.and_then(|()| folder.told()) {
        let pause = until_retry(failures, None, luck());
        failures = failures.saturating_add(1);
        tracing::warn!(
            error = format!("{error:#}"),
            again_in = ?pause,
            "the keytab has changed, and the program of --on-change could not be told: the KDC does not use the new key meanwhile"
        );
        tokio::time::sleep(pause).await;
    }
    tracing::info!("the program of --on-change knows that the keytab has changed");
}

/// Tells the program and then the KDC what is on disk, and waits for the deadline of the next enrolment, or for the KDC to ask for one
/// earlier, which it may do before the program could be told; returns the pause before it. `at_once`: how often in a row the KDC has
/// asked right after an enrolment, which then changed nothing that the KDC minds.
async fn until_next(
    cli: &Cli,
    folder: &Folder,
    times: CredentialTimes,
    statement: &mut Statement,
    at_once: &mut u32,
) -> Duration {
    let asked = async {
        *statement = folder.statement();
        if let Some(on_change) = cli.on_change.as_ref().filter(|_| folder.is_untold()) {
            tokio::select! {
                asked = until_due(cli, statement) => return asked,
                () = tell(on_change, folder) => *statement = folder.statement(),
            }
        }
        until_due(cli, statement).await
    };
    let asked = tokio::time::timeout(until_refresh(now(), times.refetch_before, luck()), asked).await;
    let Ok((asked, waited)) = asked else {
        *at_once = 0;
        return Duration::ZERO;
    };
    *at_once = if waited < AT_ONCE { at_once.saturating_add(1) } else { 0 };
    let before = asked.refetch_before.and_then(|text| seconds(&text).ok()).unwrap_or_default();
    let pause = until_asked(now(), before, asked.urgent, *at_once, luck());
    tracing::info!(urgent = asked.urgent, ?pause, "the KDC has other keys or another ticket for this pod");
    pause
}

/// Waits until the KDC asks for an enrolment; returns its answer and the time that it took.
async fn until_due(cli: &Cli, statement: &Statement) -> (HeldResponse, Duration) {
    if !statement.is_sayable() {
        tracing::warn!(
            "the keytab has too many principals to tell the KDC: rotations of their keys have to go on without this pod"
        );
        return std::future::pending().await;
    }
    let begun = Instant::now();
    (held::until_due(cli, statement, luck).await, begun.elapsed())
}

async fn one(cli: &Cli, folder: &Folder, statement: &Statement) -> Result<CredentialTimes, Failure> {
    let response = enrol(cli, statement.is_sayable().then(|| statement.held.clone())).await?;
    let held = folder.keep(&response, now()).await?;
    let (ticket, keytab) = (response.ticket.is_some(), response.keytab.map_or(0, |keytab| keytab.entries.len()));
    tracing::info!(client = response.client, ticket, keytab, refetch_before = response.refetch_before, "enrolled");
    Ok(held)
}

fn luck() -> f64 {
    rand::thread_rng().gen_range(0.0..1.0)
}
