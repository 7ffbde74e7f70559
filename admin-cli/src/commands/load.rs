//! `kennel load`: a dump into the place of all records of a KDC that runs.

use crate::api::AdminApi;
use crate::commands::dump_secret::SecretArgs;
use crate::commands::input::append;
use crate::commands::replacement;
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use anyhow::{bail, ensure};
use kennel_wire::realm_dump::{LoadReport, LoadRequest, LoadState, path};
use std::path::PathBuf;
use std::process::ExitCode;

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
    append(&args.file, &mut body)?;
    let api = AdminApi::new(connect(&args.kdc, None).await?);
    let begun = api.upload(path::LOAD, body).await?;
    match replacement::wait(&api, path::LOAD, begun).await? {
        LoadState::Loaded(report) => print(&report),
        other => bail!("another load came in between: {other:?}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &LoadReport) {
    let LoadReport { realm, records, created, dumped_at, revision, kvno_floor } = report;
    println!(
        "loaded {records} records of the realm {realm}, as they were on {created} at revision {dumped_at}; the store goes on at \
         revision {revision}, and new keys have versions above {kvno_floor}"
    );
}
