//! Kennel next to a tuned MIT krb5kdc: the same principals, the same requests, in turns.
//!
//! `cargo run --release -p kennel-tests --bin bench`. The load comes from this machine and takes its share of the cores,
//! so requests per second compare the servers under the same load; CPU per request is what a server itself costs.
//!
//! MIT's is Debian's: one worker, pre-authentication required, no last-success and lock-out writes, a log file. Its database
//! is db2, the only module that Debian builds; it opens the file anew for each principal that is looked up. Kennel writes
//! its audit log.

mod cpu;
mod load;
mod report;
mod servers;

use anyhow::Result;
use clap::Parser;
use kennel_crypto::Enctype;
use load::{Exchange, Requests};
use report::Report;
use servers::{Echo, Servers};

/// Compares kennel-kdc with MIT's krb5kdc.
#[derive(Debug, Parser)]
struct Args {
    /// Requests of each kind to each server in a round.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// Rounds, in each of which every server has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Requests that are under way at a time, each on a socket of its own.
    #[arg(long, default_value_t = 8)]
    sockets: usize,
    /// Principals that ask.
    #[arg(long, default_value_t = 20)]
    users: usize,
}

fn main() -> Result<()> {
    if servers::is_echo() {
        return servers::echo();
    }
    let args = Args::parse();
    println!(
        "{} requests a round and kind, {} rounds in turns, {} sockets, {} users; UDP on loopback, {} cores\n\
         MIT krb5kdc with db2, logging to a file; Kennel as `dev` runs it, with its audit log\n",
        args.requests,
        args.rounds,
        args.sockets,
        args.users,
        std::thread::available_parallelism()?
    );
    measure_echo(&args)?;
    for enctype in [Enctype::Aes256CtsHmacSha384, Enctype::Aes256CtsHmacSha1] {
        compare(&args, enctype)?;
    }
    Ok(())
}

/// A bare echo, for scale: what the sockets and the load alone cost.
fn measure_echo(args: &Args) -> Result<()> {
    let echo = Echo::start()?;
    let requests = vec![vec![0; 600]; args.requests];
    let mut report = Report::default();
    for _ in 0..args.rounds {
        report.add("UDP echo", "echo", load::run(echo.port(), echo.process_id(), &requests, 0, args.sockets)?);
    }
    report.print("for scale: 600 octets echoed by a loop in a process of its own");
    Ok(())
}

fn compare(args: &Args, enctype: Enctype) -> Result<()> {
    let servers = Servers::start(enctype, args.users)?;
    let users = servers.users(enctype)?;
    let mut report = Report::default();
    for _ in 0..args.rounds {
        for exchange in [Exchange::As, Exchange::Tgs] {
            for server in servers.both()? {
                // Made before the clock runs: timestamps stay fresh for five minutes.
                let requests = Requests::make(exchange, &users, server.port, args.requests)?;
                let measured =
                    load::run(server.port, server.process_id, &requests.messages, exchange.reply_tag(), args.sockets)?;
                report.add(exchange.name(), server.name, measured);
            }
        }
    }
    report.print(&format!("{enctype} for keys, tickets and sessions"));
    Ok(())
}
