//! Hostile load next to a good client: what the client notices, and what the server's memory does.
//!
//! `cargo run --release -p kennel-tests --bin hostile` (`--short` in tests/run). It prints figures; what must hold whatever
//! the machine, it asserts: the good client is always answered, memory stays bounded, all is over when the attack is.

mod attacks;
mod good;
mod memory;

use anyhow::{Result, ensure};
use attacks::{Attack, Running};
use clap::Parser;
use good::{Client, Seen, Watched};
use kennel_tests::realm::Realm;
use std::time::Duration;

/// The server may grow by so much under any of the attacks, KiB. (10,000 connections that say nothing cost least.)
const GROWTH: u64 = 200 * 1024;

/// After the last datagram of a flood, the kernel's queue before the server is still full, and a datagram that comes at
/// that instant is lost, whatever the server does. It is empty long before this.
const QUEUED: Duration = Duration::from_millis(100);

const SEED: &str = "[[principal]]\nname = \"alice\"\npassword = \"secret\"\n[[principal]]\nname = \"HTTP/web.shop\"\n";

/// Attacks kennel-kdc, and watches a good client.
#[derive(Debug, Parser)]
struct Args {
    /// How long each attack lasts, seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// A moment of each.
    #[arg(long)]
    short: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let lasting = Duration::from_secs(if args.short { 2 } else { args.seconds });
    let mut realm = Realm::builder("TEST.KENNEL")?.seed(SEED).start()?;
    let (port, process) = (realm.port(), realm.server().id());
    println!("{:<44} {:^32}   {:^32}", "", "good client, TCP", "good client, UDP");
    println!("{:<44} {HEAD}   {HEAD} {:>9} {:>11}", "attack", "sent", "memory KiB");
    let client = Client::new(port)?;
    row("none", &client.watch(lasting)?, 0, memory::resident(process)?);
    let before = memory::resident(process)?;
    for attack in Attack::ALL {
        let running = Running::start(attack, port);
        let seen = client.watch(lasting)?;
        let during = memory::resident(process)?;
        row(attack.name(), &seen, running.stop()?, during);
        ensure!(seen.tcp.failed == 0, "{} exchanges of the good client failed over TCP", seen.tcp.failed);
        ensure!(during < before + GROWTH, "the server grew from {before} to {during} KiB");
        std::thread::sleep(QUEUED);
        let after = client.watch(Duration::from_secs(1))?;
        row("  right after it", &after, 0, memory::resident(process)?);
        ensure!(after.tcp.failed + after.udp.failed == 0, "the good client is not served after the attack");
    }
    println!("peak {} KiB", memory::peak(process)?);
    ensure!(realm.server().is_running()?, "{}", realm.server().said());
    ensure!(!realm.server().stderr().contains("panicked"), "{}", realm.server().said());
    Ok(())
}

const HEAD: &str = " count   p50 ms   p99 ms    lost";

fn row(name: &str, seen: &Seen, sent: u64, memory: u64) {
    let half = |watched: &Watched| {
        let (p50, p99) = (watched.percentile(50), watched.percentile(99));
        format!("{:>6} {p50:>8.2} {p99:>8.2} {:>7}", watched.latencies.len(), watched.failed)
    };
    println!("{name:<44} {}   {} {sent:>9} {memory:>11}", half(&seen.tcp), half(&seen.udp));
}
