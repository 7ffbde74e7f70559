//! `kennel import-mit`: what needs the store of a KDC that does not run is done by `kennel-kdc`, which alone opens stores. The arguments are
//! its own.

use anyhow::Context;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const PROGRAM: &str = "kennel-kdc";

/// Arguments that another program reads.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct OfflineArgs {
    /// Arguments of kennel-kdc: see --help.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// Becomes `kennel-kdc COMMAND ARGUMENTS`. Returns only where that program cannot be started.
pub(crate) fn run(command: &str, args: &OfflineArgs) -> anyhow::Result<ExitCode> {
    let program = beside().unwrap_or_else(|| PROGRAM.into());
    let error = Command::new(&program).arg(command).args(&args.arguments).exec();
    Err(error).with_context(|| {
        format!(
            "{} cannot be started: {command} works on the machine that has the store, where kennel-kdc is",
            program.display()
        )
    })
}

/// The program in the folder of this one.
fn beside() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name(PROGRAM);
    path.is_file().then_some(path)
}
