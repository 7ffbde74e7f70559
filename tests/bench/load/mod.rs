//! The load: one thread that keeps so many requests under way, each on a socket of its own, as many clients would. It is
//! the same for every server. One thread, because threads that sleep have to be woken, by the server and on its account.
//!
//! | module | what |
//! |---|---|
//! | [`udp`] | datagrams |
//! | [`tcp`] | a connection for each request, as libkrb5 does it |

mod tcp;
mod udp;

use crate::cpu;
use anyhow::{Result, ensure};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Transport {
    /// Datagrams.
    Udp,
    /// A connection for each.
    Tcp,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP, a connection for each request",
        }
    }
}

/// What a run showed.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) requests: usize,
    pub(crate) elapsed: Duration,
    /// Of the server, all threads.
    pub(crate) cpu: Duration,
    /// Each request's.
    pub(crate) latencies: Vec<Duration>,
}

/// An answer that does not come within this time ends the benchmark: nothing here loses requests on purpose.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends the requests, `under_way` at a time. Every answer must begin with `tag`: a server that refuses quickly is not fast.
pub(crate) fn run(
    transport: Transport,
    port: u16,
    process: u32,
    requests: &[Vec<u8>],
    tag: u8,
    under_way: usize,
) -> Result<Measured> {
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let cpu_before = cpu::time(process)?;
    let start = Instant::now();
    let latencies = match transport {
        Transport::Udp => udp::run(server, requests, tag, under_way)?,
        Transport::Tcp => tcp::run(server, requests, tag, under_way)?,
    };
    let elapsed = start.elapsed();
    let cpu = cpu::time(process)?.saturating_sub(cpu_before);
    ensure!(latencies.len() == requests.len(), "{} answers to {} requests", latencies.len(), requests.len());
    Ok(Measured { requests: requests.len(), elapsed, cpu, latencies })
}

/// Holds an answer against what it should be.
fn check(answer: &[u8], tag: u8) -> Result<()> {
    ensure!(
        answer.first() == Some(&tag),
        "not the answer that was asked for: {:02x?}",
        answer.get(..80).unwrap_or(answer)
    );
    Ok(())
}
