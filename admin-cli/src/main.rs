//! `kennel`, the administrator's command; as `kubectl-kennel` on the path a plugin of kubectl.
//!
//! | module | what |
//! |---|---|
//! | [`commands`] | one file for each subcommand |
//! | [`state`] | what the cluster says, gathered |
//! | [`problems`] | what is wrong and what to do |
//! | [`metrics`] | the few numbers of `/metrics` that are shown |
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
    /// Realm, replicas, store, enrolments, and problems with what to do about them.
    Status(commands::status::Args),
}

fn main() -> ExitCode {
    // An error: the process has a provider already.
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
