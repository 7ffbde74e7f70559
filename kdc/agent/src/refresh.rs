//! The loop: enrol, store the credentials, sleep until the next refresh. A refusal before the first success ends the agent, so
//! that a pod with a wrong setup fails visibly. After a success the agent keeps trying, because the stored ticket may still
//! be good.

use crate::cli::Cli;
use crate::clock::now;
use crate::credentials::{CredentialTimes, Folder};
use crate::enrol::{Failure, enrol};
use crate::health::{self, Health};
use crate::schedule::{until_refresh, until_retry};
use crate::write::FileAccess;
use rand::Rng;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Pause after a refusal that follows a success.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
const REFUSED: u8 = 2;

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
    let folder = Folder::new(&cli.dir, FileAccess { mode: cli.mode, group: cli.group });
    let begun = Instant::now();
    let (mut failures, mut succeeded) = (0_u32, false);
    loop {
        let pause = match one(cli, &folder).await {
            Ok(held) => {
                health.held(held);
                (failures, succeeded) = (0, true);
                if cli.once {
                    return Ok(ExitCode::SUCCESS);
                }
                until_refresh(now(), held.refetch_before, luck())
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

async fn one(cli: &Cli, folder: &Folder) -> Result<CredentialTimes, Failure> {
    let response = enrol(cli).await?;
    let held = folder.keep(&response, now()).await?;
    let (ticket, keytab) = (response.ticket.is_some(), response.keytab.map_or(0, |keytab| keytab.entries.len()));
    tracing::info!(client = response.client, ticket, keytab, refetch_before = response.refetch_before, "enrolled");
    Ok(held)
}

fn luck() -> f64 {
    rand::thread_rng().gen_range(0.0..1.0)
}
