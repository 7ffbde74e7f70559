//! `kennel`, the administrator's command. Under the name `kubectl-kennel` on the path it is a plugin of kubectl.
//!
//! | module | what |
//! |---|---|
//! | [`commands`] | one file for each subcommand |
//! | [`state`] | the state of a realm, gathered from the cluster |
//! | [`problems`] | the checks: what is wrong and what to do |
//! | [`metrics`] | the series of `/metrics` that are shown |
//! | [`table`] | columns |

mod commands;
mod metrics;
mod problems;
mod state;
mod table;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "kennel", version, about = "Looks after a Kennel realm")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows realm, replicas, store and enrolments, and each problem with what to do about it.
    Status(commands::status::StatusArgs),
}

fn main() -> ExitCode {
    // Fails where the process has a provider already.
    let _ = rustls_graviola::default_provider().install_default();
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kennel: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        Command::Status(args) => runtime.block_on(commands::status::run(args)),
    }
}
