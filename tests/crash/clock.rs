//! A clock that jumps an hour, both ways (libfaketime; timers, which do not follow the clock, are left alone).

use crate::load::{REALM, SEED, request};
use anyhow::{Context, Result, ensure};
use kennel_client::TgsExchange;
use kennel_client::TgsRequest;
use kennel_client::client::system_now;
use kennel_tests::exchange::Actors;
use kennel_tests::peer::{Tcp, Udp};
use kennel_tests::realm::Realm;
use kennel_wire::message::{ErrorCode, KrbError};
use rand::rngs::OsRng;
use std::path::PathBuf;
use tempfile::TempDir;

/// Debian's faketime keeps its library in the folder of the architecture.
fn library() -> Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib")?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.is_file()).context("libfaketime is missing: run `tests/run setup`")
}

fn code(answer: &[u8]) -> Result<ErrorCode> {
    Ok(KrbError::decode(answer).context("a ticket in place of an error")?.error_code)
}

#[test]
fn jumps_of_an_hour_are_told_to_clients_and_leave_nothing_behind() -> Result<()> {
    let folder = TempDir::new()?;
    let clock = folder.path().join("clock");
    // Made two hours ago: a ticket that is older than its account would be another account's.
    std::fs::write(&clock, "-7200s")?;
    let mut realm = Realm::builder(REALM)?
        .seed(SEED)
        .env("LD_PRELOAD", library()?.to_str().context("UTF-8")?)
        .env("FAKETIME_TIMESTAMP_FILE", clock.to_str().context("UTF-8")?)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .start()?;
    std::fs::write(&clock, "+0")?;
    let (mut udp, mut tcp) = (Udp::connect(realm.port())?, Tcp::new(realm.port()));
    let actors = Actors::new(REALM, "alice", "secret", "HTTP/web.shop")?;
    let (tgt, _) = actors.log_in(&mut udp)?;
    let service = || TgsExchange::begin(&tgt, &TgsRequest::new(actors.service.clone()), system_now(), &mut OsRng).1;
    ensure!(tcp.ask(&request()?)?.is_some());
    for jump in ["+3600s", "-3600s"] {
        std::fs::write(&clock, jump)?;
        ensure!(code(udp.ask(&service())?)? == ErrorCode::AP_SKEW, "after a jump of {jump}");
        // The connection that was idle across the jump has not timed out.
        ensure!(tcp.ask(&request()?)?.is_some(), "after a jump of {jump}");
        // A client that believes the KDC's clock gets on.
        let user = realm.mit()?;
        user.kinit(&["alice"], "secret")?.ok()?;
        user.kvno(&["HTTP/web.shop"])?.ok()?;
        std::fs::write(&clock, "+0")?;
        actors.ticket(&tgt, &mut udp)?;
        ensure!(tcp.ask(&request()?)?.is_some());
    }
    ensure!(realm.server().is_running()? && !realm.server().stderr().contains("panicked"), "{}", realm.server().said());
    Ok(())
}
