//! Every key of the realm rotates at once, which no schedule does: how fast, in how much memory, and what logins feel of it.

use anyhow::{Context, Result, ensure};
use kennel_client::AsRequest;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_body, dangerous_as_request};
use kennel_tests::binary::kennel;
use kennel_tests::memory;
use kennel_tests::peer::Udp;
use kennel_tests::process;
use kennel_tests::realm::Realm;
use kennel_wire::message::{ErrorCode, KrbError, Principal};
use rand::rngs::OsRng;
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

/// Requests of one look at the delay.
const REQUESTS: usize = 500;
/// A rotation of everything is over by then.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Orders a rotation of every principal, and prints what that takes. `accounts`: principals of accounts, by name.
pub(crate) fn rotate_everything(realm: &mut Realm, accounts: &[Principal]) -> Result<()> {
    let before = delays(realm, accounts)?;
    println!("logins beside no rotation: {}", said(&before));
    let mut command = Command::new(kennel()?);
    command.args(["rotate", "--all", "--now", "--socket"]).arg(realm.folder().join("admin.sock"));
    let begun = Instant::now();
    let run = process::run(&mut command, "")?.ok()?;
    println!("{} ({:.1} s)", run.stdout.lines().next().unwrap_or_default(), begun.elapsed().as_secs_f64());
    let mut during = Vec::new();
    while count(realm, "activated")? < accounts.len() {
        ensure!(begun.elapsed() < PATIENCE, "not over: {} of {}", count(realm, "activated")?, accounts.len());
        ensure!(realm.server().is_running()?, "{}", realm.server().said());
        during.extend(delays(realm, accounts)?);
    }
    println!("logins beside it: {}", said(&during));
    for step in ["staged", "activated"] {
        let times = times(realm, step)?;
        let (first, last) = (times.first().context("no step")?, times.last().context("no step")?);
        let seconds = (last - first).max(1e-3);
        #[expect(clippy::cast_precision_loss, reason = "counts of steps")]
        let rate = times.len() as f64 / seconds;
        println!("{step}: {} writes in {seconds:.1} s, {rate:.0} a second", times.len());
    }
    println!("memory: {} KiB resident", memory::resident(realm.server().id())?);
    Ok(())
}

/// Delays of requests for initial tickets, each for another account.
fn delays(realm: &Realm, accounts: &[Principal]) -> Result<Vec<Duration>> {
    let mut udp = Udp::connect(realm.port())?;
    let step = (accounts.len() / REQUESTS).max(1);
    let mut delays = Vec::with_capacity(REQUESTS);
    for client in accounts.iter().step_by(step) {
        let request = dangerous_as_request(
            dangerous_as_body(&AsRequest::new(client.clone()), system_now(), &mut OsRng),
            Vec::new(),
        );
        let begun = Instant::now();
        let answer = udp.ask(&request)?;
        delays.push(begun.elapsed());
        let asked = KrbError::decode(answer).is_ok_and(|error| error.error_code == ErrorCode::PREAUTH_REQUIRED);
        ensure!(asked, "{client} is not known");
    }
    Ok(delays)
}

fn said(delays: &[Duration]) -> String {
    let mut sorted = delays.to_vec();
    sorted.sort_unstable();
    let at = |part: usize| sorted.get(sorted.len() * part / 1000).copied().unwrap_or_default();
    format!(
        "median {:?}, 99 of 100 within {:?}, longest {:?}",
        at(500),
        at(990),
        sorted.last().copied().unwrap_or_default()
    )
}

fn count(realm: &Realm, step: &str) -> Result<usize> {
    Ok(times(realm, step)?.len())
}

/// Times of the steps of this name by the audit trail, seconds.
fn times(realm: &Realm, step: &str) -> Result<Vec<f64>> {
    // As it is now: the trail does not rest while keys rotate.
    let trail = std::fs::read_to_string(realm.folder().join("audit.log"))?;
    let wanted = format!("\"exchange\":\"rotation\",\"outcome\":\"{step}\"");
    let time = |line: &str| -> Result<f64> {
        let line: Value = serde_json::from_str(line)?;
        let text = line.get("time").and_then(Value::as_str).context("no time")?;
        // HH:MM:SS.micros: a run crosses no midnight, or prints nonsense.
        let parts: Vec<f64> =
            text.get(11..26).context("no time")?.split(':').map(str::parse).collect::<Result<_, _>>()?;
        Ok(parts.iter().fold(0.0, |sum, part| sum * 60.0 + part))
    };
    let whole = trail.rfind('\n').map_or("", |end| trail.get(..end).unwrap_or_default());
    whole.lines().filter(|line| line.contains(&wanted)).map(time).collect()
}
