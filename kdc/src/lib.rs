//! The server binary: configuration, endpoints, order of start and stop. All decisions are in the core, behind the endpoints.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | the command line, and how its flags override the configuration |
//! | [`config`] | the file of `serve` |
//! | [`serve`] | `serve`: start in order, stop in order |
//! | [`endpoints`] | the responder of each port and path |
//! | [`whole_realm`] | `dump`, `load` and `import-mit`: whole realms, on the store of a KDC that does not run |
//! | [`dev`] | `dev`: a realm in one command, with a self test |
//! | [`instance`] | the name of this process, for Events and the Lease |
//! | [`logs`] | the process's own log |
//! | [`clock`] | reads the system's clock, in this one place |
//! | [`fuzzing`] | entry points of the fuzz targets; nothing else is public |
//!
//! Exit codes: 0 after a stop by a signal, 1 where the process cannot start or continue (the reason is on standard error), 2 for an
//! invalid command line.

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
mod whole_realm;

use clap::Parser;
use std::process::ExitCode;

/// Runs the program: reads the command line and serves until a signal stops the process.
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
    // The client of the API server uses the provider of the process. An error means that the process has one already.
    let _ = kennel_listen::provider().as_ref().clone().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = match command {
        cli::Command::Serve(args) => runtime.block_on(serve::run(&args.load()?)),
        cli::Command::Dev(args) => runtime.block_on(dev::run(&args)),
        cli::Command::Dump(args) => runtime.block_on(whole_realm::dump::run(&args)),
        cli::Command::Load(args) => runtime.block_on(whole_realm::load::run(&args)),
        cli::Command::ImportMit(args) => runtime.block_on(whole_realm::import::run(&args)),
    };
    // Does not wait for tasks that still wait for the store after the grace period.
    runtime.shutdown_background();
    result
}
