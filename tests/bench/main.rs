//! Kennel next to a tuned MIT krb5kdc: the same principals, the same requests, in turns. README.md says how to run it and
//! how to read it.

mod cpu;
mod load;
mod report;
mod requests;
mod rewrap;
mod servers;

use anyhow::Result;
use clap::Parser;
use kennel_crypto::Enctype;
use kennel_tests::memory;
use load::Transport;
use report::Report;
use requests::{Exchange, Requests};
use servers::bare::Bare;
use servers::{Population, Servers};

/// Compares kennel-kdc with MIT's krb5kdc.
#[derive(Debug, Parser)]
struct Args {
    /// Requests of each kind to each server in a round.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// Rounds, in each of which every server has its turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests that are under way at a time, each on a socket of its own.
    #[arg(long, default_value_t = 32)]
    under_way: usize,
    /// Principals that ask.
    #[arg(long, default_value_t = 20)]
    users: usize,
    /// Principals that are only there; may be repeated [default: 0 and 100000].
    #[arg(long = "others", value_name = "N")]
    others: Vec<usize>,
    /// Only this transport.
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Only this enctype [default: aes256-cts-hmac-sha384-192 and aes256-cts-hmac-sha1-96].
    #[arg(long)]
    enctype: Option<String>,
    /// A little of everything, to see that it runs: the figures mean nothing.
    #[arg(long)]
    short: bool,
    /// Kennel alone, before, during and after a rotation of its master key.
    #[arg(long)]
    rewrap: bool,
}

fn main() -> Result<()> {
    servers::bare::echo_if_asked()?;
    let mut args = Args::parse();
    if args.short {
        (args.requests, args.rounds, args.users, args.others) = (500, 1, 5, vec![0]);
    }
    if args.others.is_empty() {
        args.others = vec![0, 100_000];
    }
    println!(
        "{} requests a round and kind, {} rounds in turns, {} under way at a time, {} users; loopback, {} cores\n\
         MIT krb5kdc with db2 and its log file, Kennel with sled and its audit file\n",
        args.requests,
        args.rounds,
        args.under_way,
        args.users,
        std::thread::available_parallelism()?
    );
    for others in args.others.clone() {
        for enctype in args.enctypes()? {
            let population = Population { users: args.users, others, enctype };
            if args.rewrap {
                rewrap::measure(&args, population)?;
            } else {
                compare(&args, population)?;
            }
        }
    }
    Ok(())
}

impl Args {
    fn transports(&self) -> Vec<Transport> {
        self.transport.map_or_else(|| vec![Transport::Udp, Transport::Tcp], |one| vec![one])
    }

    fn enctypes(&self) -> Result<Vec<Enctype>> {
        let both = [Enctype::Aes256CtsHmacSha384, Enctype::Aes256CtsHmacSha1];
        Ok(match &self.enctype {
            None => both.to_vec(),
            Some(name) => both.into_iter().filter(|enctype| enctype.name() == name).collect(),
        })
    }
}

fn compare(args: &Args, population: Population) -> Result<()> {
    let servers = Servers::start(population)?;
    println!("== {} for all keys, {} principals", population.enctype, population.users + population.others + 2);
    for server in servers.both() {
        let memory = memory::resident(server.process_id)?;
        println!("{:<12} ready after {:>5} ms, {:>6} KiB resident", server.name, server.started_in.as_millis(), memory);
    }
    println!();
    for transport in args.transports() {
        measure(args, &servers, transport)?;
    }
    for server in servers.both() {
        println!("{:<12} {:>6} KiB resident after all that", server.name, memory::resident(server.process_id)?);
    }
    println!();
    Ok(())
}

/// Every server in turn, in every round.
fn measure(args: &Args, servers: &Servers, transport: Transport) -> Result<()> {
    let users = servers.users()?;
    let bare = Bare::start(transport)?;
    let mut report = Report::default();
    for _ in 0..args.rounds {
        let run = |port, process, requests: &[Vec<u8>], tag| {
            load::run(transport, port, process, requests, tag, args.under_way)
        };
        report.add("echo", "bare echo", run(bare.port(), bare.process_id(), &echoes(args.requests), 0)?);
        for exchange in Exchange::ALL {
            for server in servers.both() {
                // Made before the clock runs: timestamps stay fresh for five minutes.
                let requests = Requests::make(exchange, &users, server.port, args.requests)?;
                let measured = run(server.port, server.process_id, &requests.messages, exchange.reply_tag())?;
                report.add(exchange.name(), server.name, measured);
            }
        }
    }
    report.print(transport.name());
    Ok(())
}

/// What the bare echo sends back: about as long as requests and replies are. Over TCP the frame stands in front of it.
fn echoes(count: usize) -> Vec<Vec<u8>> {
    vec![vec![0; 600]; count]
}
