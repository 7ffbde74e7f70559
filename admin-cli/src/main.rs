//! `kennel`, the administrator's command. Under the name `kubectl-kennel` on the path it is a plugin of kubectl; under those of MIT's
//! programs (`kadmin`, `kadmin.local`, `ktutil`, `kdb5_util`) it does what they do.
//!
//! | module | what |
//! |---|---|
//! | [`commands`] | one file for each subcommand, a folder for each noun |
//! | [`command_line`] | the command line as clap knows it; completion and manual |
//! | [`completion`] | what may follow the words of a command line, for kubectl |
//! | [`program`] | the program that is asked for, by its name |
//! | [`console`] | prompts, secrets, and lines of commands |
//! | [`reach`] | how the cluster and the KDC's admin API are reached |
//! | [`api`] | the client of the admin API |
//! | [`keytab_file`] | keytabs on disk |
//! | [`krb5_conf`] | the realm and the servers that krb5.conf names |
//! | [`source`] | objects of files or of a cluster, rendered as the KDC renders them |
//! | [`output`] | text, JSON and YAML; colors |
//! | [`table`] | columns |
//! | [`state`] | the state of a realm, gathered from the cluster |
//! | [`problems`] | the checks: what is wrong and what to do |
//! | [`metrics`] | the series of `/metrics` that are shown |

mod api;
mod command_line;
mod commands;
mod completion;
mod console;
mod keytab_file;
mod krb5_conf;
mod metrics;
mod output;
mod problems;
mod program;
mod reach;
mod source;
mod state;
mod table;

use crate::command_line::{kadmin_words, print_manual, with_kadmin, with_kadmin_options, write_manual};
use crate::commands::kadmin::invocation::{Invocation, KadminArgs, Work};
use crate::commands::{
    access, audit, diff, dump, explain, import, kadmin, kdb5_util, keys, keytab, ktutil, load, master_key, render,
    rotate, status,
};
use crate::program::Program;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code of a question that could not be answered; 1 is an answer: not reachable, or different.
const UNANSWERED: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "kennel", version, about = "Looks after a Kennel realm", after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    kadmin: KadminArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Under the name kubectl-kennel on the path, the command is a plugin: kubectl kennel status.
Commands of kadmin (addprinc, getprinc, ktadd, ...) have the names, options, texts and exit codes of MIT's program; options of kennel
stand before them. A command that is -q \"...\", lines of standard input, and kennel shell carry them out too.
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
    /// Puts a dump into the place of all that a KDC on this machine has, while it serves.
    Load(load::LoadArgs),
    /// Imports a realm of MIT Kerberos or Heimdal beside all that a KDC on this machine has, while it serves.
    ImportMit(import::ImportArgs),
    /// Carries out kadmin's commands one after the other, with history and completion.
    Shell(Box<KadminArgs>),
    /// Writes the keys of a service account as a keytab to standard output.
    Keytab(keytab::KeytabArgs),
    /// Reads, changes and writes keytabs, as MIT's ktutil.
    Ktutil(ktutil::KtutilArgs),
    /// Prints the completions of a shell: source <(kennel completion bash)
    Completion {
        /// The shell.
        shell: Shell,
    },
    /// Prints the manual page, or writes those of all commands into a folder.
    Man {
        /// The folder, such as /usr/local/share/man/man8.
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
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
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let name = words.next().unwrap_or_default();
    let (program, name) = Program::named(&name);
    let done = match program {
        Program::Kennel => kennel(),
        Program::Kadmin => run(kadmin::program::run(name, false, words.collect())),
        Program::KadminLocal => run(kadmin::program::run(name, true, words.collect())),
        Program::Ktutil => ktutil::run_as_program(),
        Program::Kdb5Util => run(kdb5_util::run(&words.collect::<Vec<_>>())),
        Program::KubectlCompletion => complete(&words.collect::<Vec<_>>()),
    };
    match done {
        Ok(code) => code,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::from(UNANSWERED)
        }
    }
}

fn run(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Answers kubectl, which passes the words behind `kubectl kennel`.
fn complete(words: &[String]) -> anyhow::Result<ExitCode> {
    io::stdout().write_all(completion::for_kubectl(with_kadmin_options(Cli::command()), words).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn kennel() -> anyhow::Result<ExitCode> {
    let matches = with_kadmin(Cli::command()).get_matches();
    if let Some(words) = kadmin_words(&matches) {
        let args = KadminArgs::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        return run(Invocation::of_kennel(Work::Command(words), args).run());
    }
    let Cli { kadmin, command } = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match command {
        Some(command) => {
            refuse_options_before(&matches);
            carry_out(&command)
        }
        None => {
            let work = match kadmin.query.clone() {
                Some(line) => Work::Query(line),
                None if io::stdin().is_terminal() => {
                    with_kadmin(Cli::command()).print_help()?;
                    return Ok(ExitCode::from(UNANSWERED));
                }
                None => Work::Lines,
            };
            run(Invocation::of_kennel(work, kadmin).run())
        }
    }
}

/// Options before a command are those of kadmin's commands: before another one they would be without effect.
fn refuse_options_before(matches: &ArgMatches) {
    let given = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    if let Some(id) = matches.ids().find(given) {
        let command = matches.subcommand_name().unwrap_or_default();
        let why = format!("the option {id} stands before {command}: write it behind {command}\n");
        Cli::command().error(clap::error::ErrorKind::ArgumentConflict, why).exit()
    }
}

fn carry_out(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Shell(args) => run(Invocation::of_kennel(Work::Lines, (**args).clone()).run()),
        Command::Ktutil(args) => ktutil::run(args),
        Command::Completion { shell } => {
            clap_complete::generate(*shell, &mut with_kadmin_options(Cli::command()), "kennel", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { folder } => {
            let kennel = with_kadmin(Cli::command());
            match folder {
                Some(folder) => write_manual(kennel, folder)?,
                None => print_manual(kennel)?,
            }
            Ok(ExitCode::SUCCESS)
        }
        command => run(ask(command)),
    }
}

async fn ask(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Status(args) => status::run(args).await,
        Command::Render(args) => render::run(args),
        Command::Explain(args) => explain::run(args).await,
        Command::Diff(args) => diff::run(args).await,
        Command::Access(Access::Suggest(args)) => access::suggest::run(args).await,
        Command::Access(Access::Matrix(args)) => access::matrix::run(args).await,
        Command::Audit(Audit::Tail(args)) => audit::tail::run(args).await,
        Command::Keys(args) => keys::run(args).await,
        Command::Keytab(args) => keytab::run(args).await,
        Command::Rotate(args) => rotate::run(args).await,
        Command::MasterKey(MasterKey::Status(args)) => master_key::status(args).await,
        Command::MasterKey(MasterKey::Rotate(args)) => master_key::rotate(args).await,
        Command::Dump(args) => dump::run(args).await,
        Command::Load(args) => load::run(args).await,
        Command::ImportMit(args) => import::run(args).await,
        // Carried out already: they ask no KDC, or in a conversation.
        Command::Shell(_) | Command::Ktutil(_) | Command::Completion { .. } | Command::Man { .. } => {
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_options_of_a_command_have_one_name() {
        with_kadmin(Cli::command()).debug_assert();
        with_kadmin_options(Cli::command()).debug_assert();
    }

    fn words(line: &str) -> Option<Vec<String>> {
        kadmin_words(&with_kadmin(Cli::command()).try_get_matches_from(line.split_whitespace()).unwrap())
    }

    #[test]
    fn words_behind_a_command_of_kadmin_are_passed_on_as_they_are() {
        let line = "kennel --socket /s -o json ank -randkey -e aes256-cts +allow_svr --help HTTP/x";
        let expected = ["add_principal", "-randkey", "-e", "aes256-cts", "+allow_svr", "--help", "HTTP/x"];
        assert_eq!(words(line).unwrap(), expected);
        assert_eq!(words("kennel xst -q -k /kt x").unwrap(), ["ktadd", "-q", "-k", "/kt", "x"]);
        assert_eq!(words("kennel listprincs").unwrap(), ["list_principals"]);
        assert_eq!(words("kennel keys shop/web"), None);
    }
}
