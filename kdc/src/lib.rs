//! The server binary: configuration, endpoints, order of start and stop. It decides nothing: the core does, behind the listeners.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | the command line, and how its flags override the configuration |
//! | [`config`] | the file of `serve` |
//! | [`serve`] | `serve`: start in order, stop in order |
//! | [`endpoints`] | what answers on each port and path |
//! | [`dev`] | `dev`: a realm in one command, which proves itself |
//! | [`instance`] | the name of this process, for Events and the Lease |
//! | [`logs`] | the process's own log |
//! | [`clock`] | the system's clock, the only place that reads it |
//! | [`fuzzing`] | what the fuzzer reaches; nothing else is public |
//!
//! Exit codes: 0 stopped by a signal, 1 it could not start or go on (the reason is on standard error), 2 a command line
//! that cannot be read.

mod cli;
mod clock;
mod config;
mod dev;
mod endpoints;
#[doc(hidden)]
pub mod fuzzing;
mod instance;
mod logs;
mod serve;

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
    let _ = kennel_listen::provider().as_ref().clone().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = match command {
        cli::Command::Serve(args) => runtime.block_on(serve::run(&args.load()?)),
        cli::Command::Dev(args) => runtime.block_on(dev::run(&args)),
    };
    // What still waits for the store after the grace period is not waited for.
    runtime.shutdown_background();
    result
}
