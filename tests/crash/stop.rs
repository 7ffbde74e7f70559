//! SIGTERM under load: every request that was accepted is answered.

use crate::load::{Load, REALM, SEED};
use anyhow::{Result, ensure};
use kennel_tests::realm::Realm;
use std::time::Duration;

#[test]
fn a_stop_under_load_answers_all_that_it_accepted() -> Result<()> {
    for _ in 0..3 {
        let mut realm = Realm::builder(REALM)?.seed(SEED).start()?;
        let before = realm.audit_lines()?;
        let load = Load::start(realm.port(), 4)?;
        load.await_answers(300)?;
        ensure!(realm.server().terminate(Duration::from_secs(10))?.success(), "{}", realm.server().said());
        // Whoever still waits for an answer would wait in vain, and not count.
        let answers = load.stop()? as u64;
        let accepted = realm.audit_lines()? - before;
        println!("{accepted} accepted, {answers} answered");
        ensure!(accepted == answers, "{accepted} requests were accepted, {answers} answered");
        ensure!(!realm.server().stderr().contains("grace period"), "{}", realm.server().said());
    }
    Ok(())
}
