//! `kennel`, the administrator's command. Under the name `kubectl-kennel` on the path it is a plugin of kubectl.
//!
//! | module | what |
//! |---|---|
//! | [`commands`] | one file for each subcommand, a folder for each noun |
//! | [`reach`] | how the cluster and the KDC's admin API are reached |
//! | [`api`] | the client of the admin API |
//! | [`source`] | objects of files or of a cluster, rendered as the KDC renders them |
//! | [`output`] | text, JSON and YAML; colors |
//! | [`table`] | columns |
//! | [`state`] | the state of a realm, gathered from the cluster |
//! | [`problems`] | the checks: what is wrong and what to do |
//! | [`metrics`] | the series of `/metrics` that are shown |

mod api;
mod commands;
mod metrics;
mod output;
mod problems;
mod reach;
mod source;
mod state;
mod table;

use crate::commands::{access, audit, diff, dump, explain, keys, master_key, offline, render, rotate, status};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use std::process::ExitCode;

/// Exit code of a question that could not be answered; 1 is an answer: not reachable, or different.
const UNANSWERED: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "kennel", version, about = "Looks after a Kennel realm", after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Under the name kubectl-kennel on the path, the command is a plugin: kubectl kennel status.
Exit code: 0 for success, 1 where the answer is no, 2 where there is no answer.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows realm, replicas, store and enrolments, and each problem with what to do about it.
    Status(status::StatusArgs),
    /// Shows what the KDC would make of YAML files: NetworkPolicies, and who gets tickets. Needs no cluster.
    Render(render::RenderArgs),
    /// Explains whether a client reaches a server, layer by layer, and names what allows it or what is missing.
    Explain(explain::ExplainArgs),
    /// Shows what applying YAML files would change: tickets, modes, NetworkPolicies; and who would lose access.
    Diff(diff::DiffArgs),
    /// Who may call whom, and who did.
    #[command(subcommand)]
    Access(Access),
    /// What the KDC decides.
    #[command(subcommand)]
    Audit(Audit),
    /// Shows the versions of a principal's keys, who holds them, and what the next step of the rotation waits for.
    Keys(keys::KeysArgs),
    /// Gives a principal, or all, new keys now; after a leak, refuses the old ones at once.
    Rotate(rotate::RotateArgs),
    /// The key that wraps every record of the KDC's store.
    #[command(subcommand)]
    MasterKey(MasterKey),
    /// Writes the whole realm of a KDC on this machine into an encrypted file, while it serves.
    Dump(dump::DumpArgs),
    /// Puts a dump into the store of a KDC that does not run (kennel-kdc load).
    #[command(disable_help_flag = true)]
    Load(offline::OfflineArgs),
    /// Imports a realm of MIT Kerberos or Heimdal into the store of a KDC that does not run (kennel-kdc import-mit).
    #[command(disable_help_flag = true)]
    ImportMit(offline::OfflineArgs),
    /// Prints the completions of a shell: source <(kennel completion bash)
    Completion {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
enum Access {
    /// Suggests KerberosAccess objects out of what clients asked for, to read before they are applied.
    Suggest(access::suggest::SuggestArgs),
    /// Shows who may reach whom, by the grants that are in force.
    Matrix(access::matrix::MatrixArgs),
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Shows decisions about tickets as they are made: allowed, observed, denied, refused.
    Tail(audit::tail::TailArgs),
}

#[derive(Debug, Subcommand)]
enum MasterKey {
    /// Shows which master key the store is under, the progress of a rotation, and what to do next.
    Status(master_key::StatusArgs),
    /// Begins to wrap every record anew under the next master key, while the KDC serves.
    Rotate(master_key::RotateArgs),
}

fn main() -> ExitCode {
    // Fails where the process has a provider already.
    let _ = rustls_graviola::default_provider().install_default();
    match run(&Cli::parse().command) {
        Ok(code) => code,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kennel: {error:#}");
            ExitCode::from(UNANSWERED)
        }
    }
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Status(args) => status::run(args).await,
            Command::Render(args) => render::run(args),
            Command::Explain(args) => explain::run(args).await,
            Command::Diff(args) => diff::run(args).await,
            Command::Access(Access::Suggest(args)) => access::suggest::run(args).await,
            Command::Access(Access::Matrix(args)) => access::matrix::run(args).await,
            Command::Audit(Audit::Tail(args)) => audit::tail::run(args).await,
            Command::Keys(args) => keys::run(args).await,
            Command::Rotate(args) => rotate::run(args).await,
            Command::MasterKey(MasterKey::Status(args)) => master_key::status(args).await,
            Command::MasterKey(MasterKey::Rotate(args)) => master_key::rotate(args).await,
            Command::Dump(args) => dump::run(args).await,
            Command::Load(args) => offline::run("load", args),
            Command::ImportMit(args) => offline::run("import-mit", args),
            Command::Completion { shell } => {
                clap_complete::generate(*shell, &mut Cli::command(), "kennel", &mut std::io::stdout());
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_options_of_a_command_have_one_name() {
        Cli::command().debug_assert();
    }
}
