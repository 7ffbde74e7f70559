//! `kennel-kdc import-mit`: a realm of MIT Kerberos or Heimdal into a store.

use crate::clock;
use crate::whole_realm::mit::read;
use crate::whole_realm::progress::Progress;
use crate::whole_realm::report;
use crate::whole_realm::secret::first_line;
use crate::whole_realm::store::StoreArgs;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use kennel_core::mit_import::master_keys::MasterSecret;
use kennel_core::mit_import::merge::{KrbtgtKeys, MergeRules, merge};
use kennel_store::Revision;
use kennel_store::sled::Rollback;
use kennel_wire::mit_dump::stash;
use rand::rngs::OsRng;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Options of `import-mit`.
#[derive(Debug, Args)]
#[command(after_help = "\
In the old realm: kdb5_util dump FILE, and copy the stash (key_stash_file in kdc.conf). With Heimdal: kadmin -l dump --format=MIT FILE,
and the m-key file. The dump has all keys, and is as secret as the database.

Users keep their passwords and services their keytabs: keys, versions, salts, policies, password history, string attributes and aliases
come along. Keys of enctypes that Kennel does not have (DES, triple DES, Camellia) are left out and named. K/M and kadmin/history stay
behind: Kennel has a master key of its own. Kennel asks every client for pre-authentication, also those of which MIT's realm did not.

All of it is imported or nothing: if the process is killed, the store has all of the old records or all of the new ones.")]
pub(crate) struct ImportArgs {
    /// The dump.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    master: MasterArgs,
    /// Name of the realm, where the dump has neither K/M nor krbtgt.
    #[arg(long)]
    realm: Option<String>,
    /// Whose keys krbtgt has: those of the dump, so that tickets of the old KDC stay good; or those of the store, or new ones.
    #[arg(long, value_enum, default_value_t = Krbtgt::Import)]
    krbtgt: Krbtgt,
    /// Records of the dump take the place of those of the same name in the store. Without it, such names are refused.
    #[arg(long)]
    replace: bool,
    /// Shows what would be imported, and changes nothing: the store is not even opened.
    #[arg(long)]
    dry_run: bool,
    /// Shows every name in what is said of the import.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct MasterArgs {
    /// The stash of the dump's master key: a keytab, or a file of kdb5_util before 1.7. One of several master keys is enough.
    #[arg(long, value_name = "STASH")]
    master_key: Option<PathBuf>,
    /// File with the password of the newest master key, in its first line.
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

/// Imports a dump.
pub(crate) async fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let secret = args.master.read()?;
    let dump = std::fs::read(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let mut progress = Progress::new("octets of the dump read", dump.len());
    let foreign = read(&dump, args.realm.as_deref(), &secret, |at| progress.at(at))
        .with_context(|| format!("{} is not imported (nothing was changed)", args.file.display()))?;
    drop(dump);
    let report = report::text(&foreign, args.verbose);
    if args.dry_run {
        print!("{report}");
        return Ok(());
    }
    let store = args.store.open(true, Rollback::Refuse).await?;
    let (present, _) = store.records().await?;
    let krbtgt = match args.krbtgt {
        Krbtgt::Import => KrbtgtKeys::Import,
        Krbtgt::Keep => KrbtgtKeys::Keep,
    };
    let rules = MergeRules { replace: args.replace, krbtgt };
    let merged = merge(&foreign.name, present, foreign.records, rules, clock::now(), &mut OsRng);
    let merged = merged.context("nothing was changed")?;
    let mut progress = Progress::new("records written", merged.len());
    store.replace(merged, Revision(0), Box::new(move |done| progress.at(done))).await?;
    print!("{report}");
    Ok(())
}

impl MasterArgs {
    fn read(&self) -> anyhow::Result<MasterSecret> {
        match self {
            MasterArgs { master_key: Some(path), .. } => read_stash(path),
            MasterArgs { master_password: Some(path), .. } => Ok(MasterSecret::Password(first_line(path)?)),
            MasterArgs { unencrypted: true, .. } => Ok(MasterSecret::None),
            _ => bail!("give --master-key, --master-password or --unencrypted"),
        }
    }
}

fn read_stash(path: &Path) -> anyhow::Result<MasterSecret> {
    let file = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let keys = stash::decode(&Zeroizing::new(file)).with_context(|| path.display().to_string())?;
    Ok(MasterSecret::Stash(keys))
}
