//! IPv4 and IPv6: one configuration serves a network of either family and of both, over UDP and TCP, and a kernel without IPv6.

use anyhow::{Result, ensure};
use kennel_tests::binary::kennel;
use kennel_tests::mit::Mit;
use kennel_tests::network::Network;
use kennel_tests::process;
use kennel_tests::serve::Served;
use std::process::Command;

/// The addresses of deploy/kennel-kdc.toml and of the overlays.
const EVERY: [&str; 2] = ["0.0.0.0", "[::]"];

/// A realm with alice and a service, served by a process that another program runs.
fn served(around: &[String]) -> Result<Served> {
    let mut realm = Served::new("TEST.KENNEL")?.listening(&EVERY)?.under(around);
    realm.start(&["--create"])?;
    for line in ["addprinc -pw secret alice", "addprinc -randkey HTTP/web.shop"] {
        let mut command = Command::new(kennel()?);
        command.arg("--socket").arg(realm.socket()).args(["-q", line]).env("USER", "root");
        let run = process::run(&mut command, "")?.ok()?;
        ensure!(run.stdout.contains("created"), "{run}");
    }
    Ok(realm)
}

/// Logs in and gets a service ticket at this address of the KDC, over UDP and over TCP.
fn log_in(realm: &Served, network: &Network, host: &str) -> Result<()> {
    let config = realm.krb5_conf_at(host)?;
    for (limit, used, unused) in [("1465", "UDP", "TCP"), ("1", "TCP", "UDP")] {
        let user = Mit::new(&config)?.with_defaults(&[("udp_preference_limit", limit)])?.under(&network.entrance());
        let login = user.kinit(&["alice"], "secret")?.ok()?;
        let ticket = user.kvno(&["HTTP/web.shop"])?.ok()?;
        for run in [login, ticket] {
            ensure!(run.trace.contains(used) && !run.trace.contains(unused), "{host} over {used}: {run}");
        }
    }
    Ok(())
}

#[test]
fn a_network_of_ipv6_alone_is_served_over_udp_and_tcp() -> Result<()> {
    let network = Network::new("ip -4 addr flush dev lo\nip addr add fd00:88::1/128 dev lo")?;
    let realm = served(&network.entrance())?;
    log_in(&realm, &network, "[fd00:88::1]")?;
    let trail = std::fs::read_to_string(realm.file("audit.log"))?;
    ensure!(trail.contains("\"peer\":\"[fd00:88::1]:"), "{trail}");
    Ok(())
}

#[test]
fn a_network_of_both_families_is_served_at_each_address() -> Result<()> {
    let network = Network::new("ip addr add fd00:88::1/128 dev lo\nip addr add 192.0.2.88/32 dev lo")?;
    let realm = served(&network.entrance())?;
    for host in ["127.0.0.1", "192.0.2.88", "[::1]", "[fd00:88::1]"] {
        log_in(&realm, &network, host)?;
    }
    Ok(())
}

#[test]
fn a_network_without_ipv6_is_served_by_ipv4() -> Result<()> {
    let off = "for conf in all default lo; do echo 1 > /proc/sys/net/ipv6/conf/$conf/disable_ipv6; done";
    let network = Network::new(off)?;
    let realm = served(&network.entrance())?;
    log_in(&realm, &network, "127.0.0.1")
}

#[test]
fn a_kernel_without_ipv6_is_served_by_ipv4_and_the_log_says_so() -> Result<()> {
    let network = Network::new("")?;
    let without = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/without_ipv6.py");
    let around = [&network.entrance()[..], &["python3".to_owned(), without.to_owned()]].concat();
    let realm = served(&around)?;
    log_in(&realm, &network, "127.0.0.1")?;
    let said = realm.said();
    ensure!(said.contains("this system has no IPv6: the address is not served") && said.contains("[::]:"), "{said}");
    Ok(())
}
