//! Figures, printed (`--nocapture`): many principals made and listed over the real protocol, and an administrator beside connections that
//! do nothing. `KENNEL_KADMIN_PRINCIPALS` sets how many principals, 200 by default; the figures are those of 10,000. Nothing
//! here depends on how long anything takes.

use crate::setting::{PASSWORD, Setting};
use crate::wire::{Administrator, Wire, principal};
use anyhow::{Context, Result, ensure};
use kennel_tests::process::run_within;
use kennel_wire::kadm5::arguments::Arguments;
use kennel_wire::kadm5::principal::{PrincipalEntry, PrincipalMask};
use kennel_wire::kadm5::results::Results;
use std::time::{Duration, Instant};

const ROOT: &str = "root/admin";
const ADMIN: &str = "kadmin/admin";
const PATIENCE: Duration = Duration::from_secs(900);
/// Connections that do nothing.
const IDLE: usize = 1_000;
/// Connections of our own client that make principals at a time.
const WRITERS: usize = 4;

fn principals() -> Result<usize> {
    std::env::var("KENNEL_KADMIN_PRINCIPALS")
        .map_or(Ok(200), |number| number.parse().context("KENNEL_KADMIN_PRINCIPALS"))
}

/// Prints a rate.
fn rate(what: &str, count: usize, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {count} in {seconds:.2} s, {:.0}/s", count as f64 / seconds);
}

#[test]
fn many_principals_are_made_kept_and_listed() -> Result<()> {
    let (mut setting, count) = (Setting::new()?, principals()?);
    let kadmin = |setting: &Setting, lines: &str| {
        let mut command = setting.user.program("kadmin");
        run_within(command.args(["-p", ROOT, "-w", PASSWORD]), lines, PATIENCE)?.ok()
    };
    let lines: String = (0..count).map(|number| format!("addprinc -randkey HTTP/n{number:06}.shop\n")).collect();
    let start = Instant::now();
    let made = kadmin(&setting, &lines)?;
    rate("addprinc -randkey, one kadmin of MIT", count, start);
    ensure!(made.stdout.matches("created.").count() == count, "{}", made.stderr);
    // What was acknowledged is on the disk.
    setting.kill_and_restart()?;
    let start = Instant::now();
    let listed = kadmin(&setting, "listprincs\n")?.stdout;
    println!("listprincs by MIT's kadmin, login included: {:.3} s", start.elapsed().as_secs_f64());
    ensure!(listed.matches("HTTP/n").count() == count);
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    for expression in [None, Some("HTTP/n*7.shop@*".to_owned())] {
        let start = Instant::now();
        let Ok(Results::Names(names)) = root.call(Arguments::GetPrincipals { expression: expression.clone() })? else {
            anyhow::bail!("no names")
        };
        println!("listprincs {expression:?}: {} names in {:.3} s", names.len(), start.elapsed().as_secs_f64());
    }
    let start = Instant::now();
    std::thread::scope(|scope| {
        let setting = &setting;
        let writers = (0..WRITERS).map(|writer| scope.spawn(move || create(setting, writer, count / WRITERS)));
        writers.collect::<Vec<_>>().into_iter().try_for_each(|writer| writer.join().expect("a writer ends"))
    })?;
    rate("create, four connections", count / WRITERS * WRITERS, start);
    Ok(())
}

fn create(setting: &Setting, writer: usize, count: usize) -> Result<()> {
    let mut root = Administrator::log_in(setting, ROOT, ADMIN)?;
    for number in 0..count {
        let name = principal(&format!("HTTP/w{writer}-{number:06}.shop"))?;
        let entry = Box::new(PrincipalEntry { principal: Some(name), ..PrincipalEntry::default() });
        let mask = PrincipalMask::PRINCIPAL;
        let made = root.call(Arguments::CreatePrincipal { entry, mask, keysalts: vec![], password: None })?;
        ensure!(made.is_ok(), "{made:?}");
    }
    Ok(())
}

#[test]
fn an_administrator_beside_connections_that_do_nothing() -> Result<()> {
    let (setting, count) = (Setting::new()?, principals()?);
    let calls = count.min(2_000);
    latencies(&setting, "alone", calls)?;
    let idle = (0..IDLE).map(|_| Wire::connect(&setting)).collect::<Result<Vec<_>>>()?;
    latencies(&setting, "beside 1,000 connections that do nothing", calls)?;
    drop(idle);
    Ok(())
}

/// Prints how long calls, and whole runs of MIT's kadmin, take.
fn latencies(setting: &Setting, when: &str, calls: usize) -> Result<()> {
    let mut root = Administrator::log_in(setting, ROOT, ADMIN)?;
    let get = || {
        Ok::<_, anyhow::Error>(Arguments::GetPrincipal { principal: principal("alice")?, mask: PrincipalMask::all() })
    };
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        ensure!(root.call(get()?)?.is_ok());
        times.push(start.elapsed());
    }
    times.sort();
    let of = |part: usize| times.get((times.len() - 1) * part / 1_000).copied().unwrap_or_default();
    println!("getprinc {when}: median {:?}, 99 % {:?}, longest {:?}", of(500), of(990), of(1_000));
    let runs = 1 + calls / 100;
    let start = Instant::now();
    for _ in 0..runs {
        setting.says("getprinc alice", "Principal: alice@TEST.KENNEL")?;
    }
    println!("MIT's kadmin {when}, login included: {:?} a run", start.elapsed() / runs as u32);
    Ok(())
}
