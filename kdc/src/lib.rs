//! The server binary: wiring only. It reads the configuration, opens the store, binds the sockets, and hands bytes to the
//! core; nothing is decided here.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`config`] | the file of `serve` |
//! | [`serve`] | `serve`: start, wiring, graceful stop |
//! | [`dev`] | `dev`: a realm in one command, which proves itself |
//! | [`store`] | opening or creating the store and its master key |
//! | [`in_cluster`] | the parts of a realm with a cluster, wired |
//! | [`instance`] | the name of this process, for Events and the Lease |
//! | [`cluster`] | the cluster's objects into the store, and what became of them back |
//! | [`enrol`] | the enrolment API: a pod's token in, its credentials out |
//! | [`live`] | the realm as it is now |
//! | [`answer`] | how a request walks: the core's steps, the cache, the audit event |
//! | [`listen`] | UDP and TCP |
//! | [`audit`] | one line for each decision |
//! | [`tls`] | certificates: our own authority, or the operator's files |
//! | [`metrics`] | metrics and health |
//! | [`logs`] | the process's own log |
//! | [`clock`] | the system's clock, for the core |
//! | [`fuzzing`] | what the fuzzer reaches; nothing else is public |
//!
//! Exit codes: 0 stopped by a signal, 1 it could not start or go on (the reason is on standard error), 2 a command line
//! that cannot be read.

mod answer;
mod audit;
mod cli;
mod clock;
mod cluster;
mod config;
mod dev;
mod enrol;
#[doc(hidden)]
pub mod fuzzing;
mod in_cluster;
mod instance;
mod listen;
mod live;
mod logs;
mod metrics;
mod serve;
mod store;
mod tls;

use clap::Parser;
use std::process::ExitCode;

/// The program: reads the command line and runs until it is told to stop.
#[must_use]
pub fn main() -> ExitCode {
    match run(cli::Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kennel-kdc: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: cli::Command) -> anyhow::Result<()> {
    clock::check()?;
    // The cluster's API client asks the process for its provider. An error: it has one already.
    let _ = tls::provider().as_ref().clone().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = match command {
        cli::Command::Serve(args) => runtime.block_on(serve::run(&args)),
        cli::Command::Dev(args) => runtime.block_on(dev::run(&args)),
    };
    // What still waits for the store after the grace period is not waited for.
    runtime.shutdown_background();
    result
}
