//! A server that has no file descriptor left.

use crate::load::{REALM, SEED, request};
use anyhow::{Context, Result, ensure};
use kennel_tests::peer::{Tcp, Udp};
use kennel_tests::realm::Realm;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Clock ticks of CPU time that a process has used (proc(5)): user and system.
fn ticks(process: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Ok(fields.get(11).context("utime")?.parse::<u64>()? + fields.get(12).context("stime")?.parse::<u64>()?)
}

#[test]
fn udp_goes_on_without_descriptors_and_tcp_is_back_as_soon_as_there_are_some() -> Result<()> {
    // Less than the server's own limit of connections, so that the system's is what it meets.
    let mut realm = Realm::builder(REALM)?.seed(SEED).under(&["prlimit", "--nofile=80:80"]).start()?;
    let request = request()?;
    let held: Vec<TcpStream> = (0..300)
        .filter_map(|_| {
            TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, realm.port()).into(), Duration::from_secs(1)).ok()
        })
        .collect();
    ensure!(held.len() > 80, "only {} connections", held.len());
    std::thread::sleep(Duration::from_millis(500));
    let (process, mut udp) = (realm.server().id(), Udp::connect(realm.port())?);
    let before = ticks(process)?;
    for _ in 0..40 {
        udp.ask(&request)?;
        std::thread::sleep(Duration::from_millis(25));
    }
    let used = ticks(process)? - before;
    // A loop that tries and fails would use a whole core: 100 ticks in this second.
    ensure!(used < 50, "{used} ticks of CPU in a second with nothing to do");
    ensure!(realm.server().stderr().contains("connections cannot be accepted"), "{}", realm.server().said());
    drop(held);
    std::thread::sleep(Duration::from_millis(500));
    ensure!(Tcp::new(realm.port()).ask(&request)?.is_some(), "TCP does not answer again");
    Ok(())
}
