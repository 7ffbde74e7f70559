//! `kennel-agent` runs beside a workload: it proves to the KDC which pod it is in, and keeps that pod's credentials in a
//! folder that the workload mounts: `krb5.conf`, `ccache`, `keytab`.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`clock`] | the time of the system |
//! | [`connection`] | one request over HTTPS |
//! | [`enrol`] | one enrolment |
//! | [`held`] | what is on disk, told to the KDC, which says when other keys are due |
//! | [`credentials`] | the folder: what is in it, and how it is replaced |
//! | [`ccache`] | a new ticket into a cache that others read and append to |
//! | [`user_files`] | files of each user of a pod |
//! | [`mod@write`] | files that are there whole or not at all |
//! | [`schedule`] | when to ask again: pure |
//! | [`on_change`] | what happens after a keytab was replaced: a request or a signal |
//! | [`refresh`] | the loop |
//! | [`health`] | `/livez` and `/readyz` |
//!
//! Exit codes: 0 done, or stopped by a signal; 1 no enrolment in time, or a file that cannot be written; 2 refused for good,
//! or a command line that cannot be read.

mod ccache;
mod cli;
mod clock;
mod connection;
mod credentials;
mod enrol;
mod health;
mod held;
mod on_change;
mod refresh;
mod schedule;
mod user_files;
mod write;

use clap::Parser;
use cli::{Cli, Command};
use std::io::IsTerminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_new(&cli.log).unwrap_or_default();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    // One thread: the agent sleeps nearly always, and there is one beside every pod.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let result = match cli.command {
        Some(Command::Ready) => runtime.block_on(health::ask(cli.health.as_ref())),
        None => runtime.block_on(refresh::run(&cli)),
    };
    match result {
        Ok(code) => code,
        Err(error) => failed(&format!("{error:#}")),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("kennel-agent: {message}");
    ExitCode::FAILURE
}
