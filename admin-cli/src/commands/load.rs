//! `kennel load`: a dump into the place of all records of a KDC that runs.

use crate::api::{AdminApi, Refused};
use crate::commands::dump_secret::{STDIO, SecretArgs};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use anyhow::{Context, bail, ensure};
use kennel_wire::realm_dump::{LoadReport, LoadRequest, LoadState, path};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Interval between two looks at the progress.
const LOOK: Duration = Duration::from_millis(500);
/// Time between two words on the progress.
const SAY: Duration = Duration::from_secs(2);
/// Looks that may fail one after the other: a connection ends now and then.
const FAILURES: u32 = 4;

/// Options of `kennel load`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Dumps are loaded over the admin socket of the KDC's machine alone (--socket, or KENNEL_SOCKET), by root or the KDC's own user. The KDC
serves its present records until the new ones are whole on its disk, and then those of the dump; writes wait meanwhile. If the KDC is
killed, it has all of one or all of the other, and its next start says which in its log. Whatever happened after the dump is undone:
revisions go on far above, and new key versions 65,536 above, so that no number comes again. Into the store of a KDC that does not run:
kennel-kdc load.

  kennel load realm.dump --replace --passphrase-file FILE --socket DIR/admin.sock
  cat passphrase realm.dump | kubectl exec -i kennel-kdc-0 -- \
      kennel load - --replace --passphrase-file - --socket /var/lib/kennel/admin.sock")]
pub(crate) struct LoadArgs {
    /// The dump; - for standard input, behind the passphrase where that comes from there too.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Puts the dump into the place of all that the KDC serves, which must be of the same realm.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Loads the dump, and waits until the KDC serves it.
pub(crate) async fn run(args: &LoadArgs) -> anyhow::Result<ExitCode> {
    let request = LoadRequest { secret: args.secret.read()?, replace: args.replace };
    ensure!(
        args.kdc.has_socket(),
        "dumps are loaded over the admin socket alone: give --socket PATH, on the machine of the KDC; where it does not run, kennel-kdc load"
    );
    let mut body = serde_json::to_vec(&request)?;
    body.push(b'\n');
    read(&args.file, &mut body)?;
    let api = AdminApi::new(connect(&args.kdc, None).await?);
    let mut state = api.upload(path::LOAD, body).await?;
    let (mut said, mut failures) = (Instant::now(), 0);
    loop {
        match state {
            LoadState::Loaded(report) => {
                print(&report);
                return Ok(ExitCode::SUCCESS);
            }
            LoadState::Failed { reason } => bail!("the dump is not loaded: {reason}"),
            LoadState::Idle => bail!(gone("the KDC was started anew")),
            LoadState::Loading { written, records } if said.elapsed() >= SAY => {
                said = Instant::now();
                eprintln!("records loaded: {written} of {records}");
            }
            LoadState::Loading { .. } => {}
        }
        state = loop {
            tokio::time::sleep(LOOK).await;
            match api.get(path::LOAD, &()).await {
                Ok(state) => break state,
                Err(error) if failures >= FAILURES || error.is::<Refused>() => {
                    return Err(error.context(gone("the KDC does not answer any more")));
                }
                Err(_) => failures += 1,
            }
        };
        failures = 0;
    }
}

fn gone(what: &str) -> String {
    format!(
        "{what}, while records were being replaced: it has all of the old ones or all of the new ones, and the log of its start says which"
    )
}

fn read(path: &Path, into: &mut Vec<u8>) -> anyhow::Result<()> {
    let read = if path == Path::new(STDIO) {
        io::stdin().lock().read_to_end(into).map(|_| ())
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(into)).map(|_| ())
    };
    read.with_context(|| format!("{} cannot be read", path.display()))
}

fn print(report: &LoadReport) {
    let LoadReport { realm, records, created, dumped_at, revision, kvno_floor } = report;
    println!(
        "loaded {records} records of the realm {realm}, as they were on {created} at revision {dumped_at}; the store goes on at \
         revision {revision}, and new keys have versions above {kvno_floor}"
    );
}
