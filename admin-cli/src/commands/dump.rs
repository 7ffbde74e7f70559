//! `kennel dump`: the whole realm of a KDC that runs, in an encrypted file.

use crate::api::AdminApi;
use crate::commands::dump_secret::SecretArgs;
use crate::commands::input::STDIO;
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use anyhow::{Context, ensure};
use http_body_util::BodyExt;
use kennel_wire::realm_dump::path;
use kube::client::Body;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Time between two words on the progress.
const SAY: Duration = Duration::from_secs(2);

/// Options of `kennel dump`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Dumps are made over the admin socket of the KDC's machine alone (--socket, or KENNEL_SOCKET), by root or the KDC's own user: the file
has every key of the realm. The records are those of one moment, while the KDC serves and is written to. Of a KDC that does not run:
kennel-kdc dump. The way back is kennel load.

  kennel dump realm.dump --passphrase-file FILE --socket DIR/admin.sock
  kubectl exec -i kennel-kdc-0 -- kennel dump - --passphrase-file - --socket /var/lib/kennel/admin.sock < passphrase > realm.dump")]
pub(crate) struct DumpArgs {
    /// The file to write, which appears when it is whole; - for standard output, where what is torn is no dump.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Writes the dump.
pub(crate) async fn run(args: &DumpArgs) -> anyhow::Result<ExitCode> {
    let request = args.secret.read()?;
    ensure!(
        args.kdc.has_socket(),
        "dumps are made over the admin socket alone: give --socket PATH, on the machine of the KDC; where it does not run, kennel-kdc dump"
    );
    // A rename would put the dump into the place of a device.
    ensure!(
        args.file == Path::new(STDIO) || fs::metadata(&args.file).map_or(true, |found| found.is_file()),
        "{} is no regular file: name one, or - for standard output",
        args.file.display()
    );
    let api = AdminApi::new(connect(&args.kdc, None).await?);
    let body = api.octets(path::DUMP, &request).await?;
    if args.file == Path::new(STDIO) {
        let count = receive(body, &mut io::stdout()).await?;
        eprintln!("dumped {count} octets");
        return Ok(ExitCode::SUCCESS);
    }
    let mut unfinished = args.file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let written = receive_file(body, &unfinished).await.and_then(|count| {
        fs::rename(&unfinished, &args.file).with_context(|| format!("{} cannot be written", args.file.display()))?;
        Ok(count)
    });
    let count = written.inspect_err(|_| _ = fs::remove_file(&unfinished))?;
    eprintln!("dumped {count} octets into {}", args.file.display());
    Ok(ExitCode::SUCCESS)
}

/// Writes an answer into a file, 0600, and returns its length.
async fn receive_file(body: Body, path: &Path) -> anyhow::Result<u64> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    let count = receive(body, &mut file).await?;
    file.sync_all()?;
    Ok(count)
}

/// Writes an answer, and returns its length.
async fn receive(mut body: Body, out: &mut impl Write) -> anyhow::Result<u64> {
    let (mut count, mut said) = (0, Instant::now());
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the KDC's answer broke off: what was written is no whole dump")?;
        let octets = frame.data_ref().map(|data| &data[..]).unwrap_or_default();
        out.write_all(octets)?;
        count += u64::try_from(octets.len()).unwrap_or(u64::MAX);
        if said.elapsed() >= SAY {
            said = Instant::now();
            eprintln!("{count} octets so far");
        }
    }
    out.flush()?;
    Ok(count)
}
