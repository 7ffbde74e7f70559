//! Hostile load next to a good client of each listener: what the clients notice, what the server's memory does, and how much
//! the audit trail grows.
//!
//! `cargo run --release -p kennel-tests --bin hostile` (`--short` in tests/run). It prints figures; what must hold whatever
//! the machine, it asserts: good clients are always answered over TCP and HTTPS, health within a second, memory and the trail
//! stay bounded, all is over when the attack is.

mod attacks;
mod enrolment;
mod good;
mod health;
mod kerberos;

use anyhow::{Result, ensure};
use attacks::{Attack, Running};
use clap::Parser;
use enrolment::EnrolmentClient;
use good::{Clients, Seen, Watched};
use health::HealthClient;
use kennel_tests::kube::Api;
use kennel_tests::memory;
use kennel_tests::realm::Realm;
use kerberos::KerberosClient;
use std::time::Duration;

/// The most that the server may occupy under any of the attacks, KiB.
const MEMORY: u64 = 200 * 1024;
/// The most that an attacker who is issued nothing may write to the audit trail in a second, octets.
const TRAIL: u64 = 20 * 1024;
/// The most that an answer to a good client writes, octets.
const LINE: u64 = 800;

/// After the last datagram of a flood, the kernel's queue before the server is still full, and a datagram that comes at
/// that instant is lost, whatever the server does. It is empty long before this.
const QUEUED: Duration = Duration::from_millis(100);

const SEED: &str = "[[principal]]\nname = \"alice\"\npassword = \"secret\"\n[[principal]]\nname = \"HTTP/web.shop\"\n";

/// Attacks kennel-kdc, and watches good clients.
#[derive(Debug, Parser)]
struct Args {
    /// How long each attack lasts, seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// A moment of each.
    #[arg(long)]
    short: bool,
    /// Attacks whose description contains this text; all by default.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let lasting = Duration::from_secs(if args.short { 2 } else { args.seconds });
    let api = Api::alone()?;
    let mut realm = Realm::builder("TEST.KENNEL")?.seed(SEED).kubeconfig(&api.kubeconfig()).start()?;
    let (port, process) = (realm.port(), realm.server().id());
    let enrolment = EnrolmentClient::new(&api, &realm)?;
    let clients = Clients { kerberos: KerberosClient::new(port)?, enrolment, health: HealthClient { port: port + 4 } };
    println!("{:<50} {:^27} {:^27} {:^27} {:^27}", "good clients of:", "TCP", "UDP", "enrolment", "health");
    println!("{:<50} {HEAD} {HEAD} {HEAD} {HEAD} {:>9} {:>7} {:>8}", "attack", "sent", "MiB", "KiB/s");
    row("none", &clients.watch(lasting)?, 0, memory::resident(process)?, 0);
    for attack in Attack::ALL.into_iter().filter(|attack| attack.name().contains(&args.only)) {
        let before = trail(&realm)?;
        let running = Running::start(attack, port);
        let seen = clients.watch(lasting)?;
        let (memory, sent) = (memory::resident(process)?, running.stop()?);
        let growth = (trail(&realm)? - before) / lasting.as_secs().max(1);
        row(attack.name(), &seen, sent, memory, growth);
        judge(attack, &seen, lasting, memory, growth)?;
        std::thread::sleep(QUEUED);
        let after = clients.watch(Duration::from_secs(1))?;
        row("  right after it", &after, 0, memory::resident(process)?, 0);
        let lost = [&after.tcp, &after.udp, &after.enrolment, &after.health].map(|watched| watched.failed);
        ensure!(lost == [0; 4], "a good client is not served after the attack: {lost:?}");
    }
    println!("peak {} MiB", memory::peak(process)? / 1024);
    ensure!(realm.server().is_running()?, "{}", realm.server().said());
    ensure!(!realm.server().stderr().contains("panicked"), "{}", realm.server().said());
    Ok(())
}

/// What must hold during an attack.
fn judge(attack: Attack, seen: &Seen, lasting: Duration, memory: u64, growth: u64) -> Result<()> {
    let Seen { tcp, udp, enrolment, health } = seen;
    ensure!(tcp.failed == 0, "{} exchanges of the good client failed over TCP", tcp.failed);
    ensure!(enrolment.failed == 0, "{} enrolments failed", enrolment.failed);
    ensure!(health.failed == 0 && health.longest() < health::LIMIT, "a probe took {:?}", health.longest());
    ensure!(memory < MEMORY, "the server occupies {memory} KiB");
    let answers: usize = [tcp, udp, enrolment].map(|watched| watched.latencies.len() + watched.failed).iter().sum();
    let own = answers as u64 * LINE / lasting.as_secs().max(1);
    ensure!(growth < own + TRAIL || attack.is_issued_tickets(), "the audit trail grows by {growth} octets a second");
    Ok(())
}

/// Length of the audit trail, octets.
fn trail(realm: &Realm) -> Result<u64> {
    Ok(std::fs::metadata(realm.folder().join("audit.log"))?.len())
}

const HEAD: &str = " count  p50 ms  p99 ms lost";

fn row(name: &str, seen: &Seen, sent: u64, memory: u64, growth: u64) {
    let part = |watched: &Watched| {
        let (p50, p99) = (watched.percentile(50), watched.percentile(99));
        format!("{:>6} {p50:>7.2} {p99:>7.2} {:>4}", watched.latencies.len(), watched.failed)
    };
    let [tcp, udp, enrolment, health] = [&seen.tcp, &seen.udp, &seen.enrolment, &seen.health].map(part);
    println!("{name:<50} {tcp} {udp} {enrolment} {health} {sent:>9} {:>7} {:>8}", memory / 1024, growth / 1024);
}
