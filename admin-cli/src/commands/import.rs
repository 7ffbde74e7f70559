//! `kennel import-mit`: a realm of MIT Kerberos or Heimdal beside the records of a KDC that runs.

use crate::api::AdminApi;
use crate::commands::input::{STDIO, append, first_line};
use crate::commands::replacement;
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use kennel_wire::enrol::Blob;
use kennel_wire::realm_dump::{ImportAnswer, ImportRequest, ImportSecret, ImportedKrbtgt, LoadState, path};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Options of `kennel import-mit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Realms are imported over the admin socket of the KDC's machine alone (--socket, or KENNEL_SOCKET), by root or the KDC's own user. The KDC
serves its present records until the new ones are whole on its disk, and then both; writes wait meanwhile, and none is lost. All of the
dump is imported or nothing: if the KDC is killed, its next start says which in its log. Into the store of a KDC that does not run:
kennel-kdc import-mit.

Names that both have are refused, or with --replace the dump's; what Kubernetes owns is never replaced. kadmin/admin and kadmin/changepw are
the dump's in each case: who administers logs in again.

  kennel import-mit realm.mit --master-key STASH --krbtgt keep --socket DIR/admin.sock
  (base64 -w 0 STASH; echo; cat realm.mit) | kubectl exec -i kennel-kdc-0 -- \
      kennel import-mit - --master-key - --krbtgt keep --socket /var/lib/kennel/admin.sock")]
pub(crate) struct ImportArgs {
    /// The dump of kdb5_util dump, or of Heimdal's kadmin -l dump --format=MIT; - for standard input, behind the master key where that
    /// comes from there too.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    master: MasterArgs,
    /// Name of the realm, where the dump has neither K/M nor krbtgt.
    #[arg(long)]
    realm: Option<String>,
    /// Whose keys krbtgt has then: those that the KDC has, so that the tickets that it issued stay good; or those of the dump, so that
    /// those of the old KDC do.
    #[arg(long, value_enum)]
    krbtgt: Krbtgt,
    /// Records of the dump take the place of those of the same name. Without it, such names are refused.
    #[arg(long)]
    replace: bool,
    /// Shows what would be imported, or why not, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Shows every name in what is said of the import.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    kdc: KdcArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct MasterArgs {
    /// The stash of the dump's master key: a keytab, or a file of kdb5_util before 1.7. One of several master keys is enough. With -
    /// the stash in base64, in the first line of standard input.
    #[arg(long, value_name = "STASH")]
    master_key: Option<PathBuf>,
    /// File with the password of the newest master key, in its first line; - for the first line of standard input.
    #[arg(long, value_name = "FILE")]
    master_password: Option<PathBuf>,
    /// The keys of the dump are not encrypted: Heimdal without a master key, or with --decrypt.
    #[arg(long)]
    unencrypted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Krbtgt {
    Import,
    Keep,
}

/// Imports the dump, and waits until the KDC serves it.
pub(crate) async fn run(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    ensure!(
        args.kdc.has_socket(),
        "realms are imported over the admin socket alone: give --socket PATH, on the machine of the KDC; where it does not run, kennel-kdc \
         import-mit"
    );
    let request = ImportRequest {
        secret: args.master.read()?,
        realm: args.realm.clone(),
        krbtgt: match args.krbtgt {
            Krbtgt::Import => ImportedKrbtgt::Import,
            Krbtgt::Keep => ImportedKrbtgt::Keep,
        },
        replace: args.replace,
        dry_run: args.dry_run,
        verbose: args.verbose,
    };
    let mut body = serde_json::to_vec(&request)?;
    body.push(b'\n');
    append(&args.file, &mut body)?;
    let api = AdminApi::new(connect(&args.kdc, None).await?);
    let ImportAnswer { report, state } = api.upload(path::IMPORT, body).await?;
    if let Some(begun) = state {
        match replacement::wait(&api, path::IMPORT, begun).await? {
            LoadState::Imported { .. } => {}
            other => bail!("another load came in between: {other:?}"),
        }
    }
    print!("{report}");
    Ok(ExitCode::SUCCESS)
}

impl MasterArgs {
    fn read(&self) -> anyhow::Result<ImportSecret> {
        match self {
            MasterArgs { master_key: Some(path), .. } => read_stash(path).map(ImportSecret::Stash),
            MasterArgs { master_password: Some(path), .. } => first_line(path).map(ImportSecret::Password),
            MasterArgs { unencrypted: true, .. } => Ok(ImportSecret::None),
            _ => bail!("give --master-key, --master-password or --unencrypted"),
        }
    }
}

fn read_stash(path: &Path) -> anyhow::Result<Blob> {
    if path == Path::new(STDIO) {
        let line = serde_json::Value::String(first_line(path)?);
        return serde_json::from_value(line).context("the first line of standard input is no stash in base64");
    }
    let file = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Blob(Zeroizing::new(file)))
}
