//! `kennel master-key`: which master key the store is under, and its rotation.

use crate::api::AdminApi;
use crate::commands::kadmin::program::use_local_socket;
use crate::output::{OutputFormat, plain, print, print_value};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use kennel_wire::master_key::{MasterKeyPhase, MasterKeyStatus, RotateMasterKey, path};
use std::process::ExitCode;
use std::time::Duration;

/// Interval at which `--wait` asks.
const ASK: Duration = Duration::from_secs(2);

/// Options of `kennel master-key status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs get on kerberosrealms/master-key.kennel.dev in the whole cluster. Keys are named by ids, which reveal nothing of them.

Exit code: 0 for success, 1 where something is wrong with the files of the keys or with a rotation, 2 where there is no answer.")]
pub(crate) struct StatusArgs {
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    #[command(flatten)]
    kdc: KdcArgs,
}

impl StatusArgs {
    /// Asks the KDC on this machine, unless another one is named.
    pub(crate) fn use_local_socket(&mut self) {
        use_local_socket(&mut self.kdc, None);
    }
}

/// Options of `kennel master-key rotate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The next key is in a file beside that of the master key, with the ending .next: in a Secret, a second key. The KDC serves and takes
writes meanwhile, and goes on after a restart. Both keys stay in place until the end, as kennel master-key status says.

  (umask 077; echo \"kennel-master-key-v1 $(openssl rand -hex 32)\" > next)
  kubectl -n kennel-system patch secret kennel-master-key \\
    -p \"{\\\"stringData\\\":{\\\"master.key.next\\\":\\\"$(cat next)\\\"}}\"
  kennel master-key rotate --wait

Needs update (with --wait, get too) on kerberosrealms/master-key.kennel.dev in the whole cluster.

Exit code: 0 for success, 1 where something is wrong with the files of the keys or with the rotation, 2 where there is no answer.")]
pub(crate) struct RotateArgs {
    /// Has the KDC make the next key, where it keeps the master key in a folder of its own (not in a mounted Secret) and no file holds
    /// the next one.
    #[arg(long)]
    generate: bool,
    /// Waits until the rotation has ended.
    #[arg(long)]
    wait: bool,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Prints the state of the master key.
pub(crate) async fn status(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let api = AdminApi::new(connect(&args.kdc, None).await?);
    show(&api.get(path::MASTER_KEY, &()).await?, args.output)
}

/// Begins a rotation, and prints the state.
pub(crate) async fn rotate(args: &RotateArgs) -> anyhow::Result<ExitCode> {
    let api = AdminApi::new(connect(&args.kdc, None).await?);
    let request = RotateMasterKey { generate: args.generate };
    let mut status: MasterKeyStatus = api.post(path::ROTATE, &request).await?;
    while args.wait && status.phase != MasterKeyPhase::Settled && status.problem.is_none() {
        eprintln!("{} of {} records", status.rewrapped, status.records);
        tokio::time::sleep(ASK).await;
        status = api.get(path::MASTER_KEY, &()).await?;
    }
    show(&status, args.output)
}

fn show(status: &MasterKeyStatus, format: OutputFormat) -> anyhow::Result<ExitCode> {
    match format {
        OutputFormat::Text => print(&text(status))?,
        format => print_value(status, format)?,
    }
    Ok(if status.problem.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn text(status: &MasterKeyStatus) -> String {
    let MasterKeyStatus { realm, phase, current, next, previous, records, rewrapped, problem, next_step } = status;
    let mut out = String::new();
    let mut line = |name: &str, value: &str| out += &format!("{name:12} {}\n", plain(value));
    line("realm", realm);
    line("master key", current);
    match (phase, next) {
        (MasterKeyPhase::Settled, Some(next)) => line("next key", &format!("{next}, ready")),
        (MasterKeyPhase::Settled, None) => {}
        (MasterKeyPhase::Rewrapping | MasterKeyPhase::Completing, next) => {
            line("next key", &format!("{}, being taken up", next.as_deref().unwrap_or("?")));
        }
    }
    if let Some(previous) = previous {
        line("previous key", &format!("{previous}, which copies of the store from before the last rotation need"));
    }
    let percent = rewrapped.saturating_mul(100).checked_div(*records).unwrap_or(100);
    match phase {
        MasterKeyPhase::Settled => line("records", &records.to_string()),
        MasterKeyPhase::Rewrapping => {
            line("records", &format!("{rewrapped} of {records} under the next key ({percent} %)"))
        }
        MasterKeyPhase::Completing => line("records", &format!("{records}, all under the next key; the rest follows")),
    }
    if let Some(problem) = problem {
        line("problem", problem);
    }
    if let Some(next_step) = next_step {
        line("next step", next_step);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(phase: MasterKeyPhase) -> MasterKeyStatus {
        MasterKeyStatus {
            realm: "R".into(),
            phase,
            current: "0123456789abcdef".into(),
            next: None,
            previous: None,
            records: 5000,
            rewrapped: 5000,
            problem: None,
            next_step: None,
        }
    }

    #[test]
    fn a_store_under_one_key_is_told_in_three_lines() {
        let said = "realm        R\nmaster key   0123456789abcdef\nrecords      5000\n";
        assert_eq!(text(&status(MasterKeyPhase::Settled)), said);
    }

    #[test]
    fn a_rotation_shows_its_progress_and_what_to_do() {
        let under_way = MasterKeyStatus {
            next: Some("89abcdef01234567".into()),
            rewrapped: 3120,
            problem: Some("the files\u{1b} hold another key".into()),
            next_step: Some("leave both keys".into()),
            ..status(MasterKeyPhase::Rewrapping)
        };
        let said = text(&under_way);
        assert!(said.contains("next key     89abcdef01234567, being taken up\n"), "{said}");
        assert!(said.contains("records      3120 of 5000 under the next key (62 %)\n"), "{said}");
        assert!(said.contains("problem      the files\\u{1b} hold another key\n"), "{said}");
        assert!(said.ends_with("next step    leave both keys\n"), "{said}");
        let empty = MasterKeyStatus { records: 0, rewrapped: 0, ..status(MasterKeyPhase::Rewrapping) };
        assert!(text(&empty).contains("(100 %)"));
    }
}
