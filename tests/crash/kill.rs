//! `kill -9` under a load of requests. `KENNEL_CRASH_ROUNDS` kills oftener.

use crate::load::{Load, REALM, SEED};
use anyhow::{Context, Result, ensure};
use kennel_tests::realm::Realm;
use std::time::Duration;

const ROUNDS: u64 = 10;

#[test]
fn kill_9_loses_no_principal_and_tears_no_audit_line_but_the_last() -> Result<()> {
    let rounds = std::env::var("KENNEL_CRASH_ROUNDS").map_or(Ok(ROUNDS), |text| text.parse().context("rounds"))?;
    let mut realm = Realm::builder(REALM)?.seed(SEED).start()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let load = Load::start(realm.port(), 2)?;
    for round in 0..rounds {
        load.await_answers(20)?;
        std::thread::sleep(Duration::from_millis(round * 7 % 40));
        realm.kill_and_restart()?;
        // The ticket of the first life is good in every other, for a service whose key has not changed.
        if round % 5 == 4 {
            user.run("kdestroy", &["-q"], "")?;
            user.kinit(&["alice"], "secret")?.ok()?;
        }
        let run = user.kvno(&["-k", &realm.keytab("HTTP/web.shop").display().to_string(), "HTTP/web.shop"])?;
        run.ok().with_context(|| format!("round {round}"))?;
    }
    let answers = load.stop()?;
    let audit = realm.audit()?;
    let torn = audit.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_err()).count();
    println!("{rounds} kills, {answers} answers, {} audit lines, {torn} of them torn", audit.lines().count());
    ensure!(torn as u64 <= rounds, "{torn} torn lines in {rounds} kills");
    Ok(())
}
