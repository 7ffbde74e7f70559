//! `kennel diff`: what applying files would change: tickets gained and lost, modes, NetworkPolicies; and who would lose access.
//!
//! | module | what |
//! |---|---|
//! | [`answer`] | the whole answer |
//! | [`compare`] | what differs between two renderings; pure |
//! | [`cover`] | whether grants let a client call a server |
//! | [`mod@losers`] | clients that asked lately, and that no grant lets in |
//! | [`outside`] | callers without Kerberos, whom nothing lets in |
//! | [`text`] | the answer for people |

mod answer;
mod compare;
mod cover;
mod losers;
mod outside;
mod text;

use crate::api::AdminApi;
use crate::commands::diff::answer::Answer;
use crate::commands::diff::compare::Difference;
use crate::commands::diff::losers::Losers;
use crate::commands::diff::outside::outside_callers;
use crate::output::{Colors, OutputFormat, print, print_value};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use crate::source::Source;
use crate::source::findings::findings;
use kennel_core::access::table::AccessTable;
use kennel_wire::admin::{NamespaceQuery, PairsResponse, path};
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `kennel diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// Folder with YAML files, or one file: what would be applied; may be given several times.
    #[arg(long, short, value_name = "DIR", required = true)]
    file: Vec<PathBuf>,
    /// Compare with the files of this folder in place of the cluster; may be given several times.
    #[arg(long, value_name = "DIR")]
    from: Vec<PathBuf>,
    /// Say who would lose access for servers of this namespace alone [default: all, which needs a permission for all of them].
    #[arg(long, short, value_name = "NAMESPACE", conflicts_with = "from")]
    namespace: Option<String>,
    /// Name of the KerberosRealm or its realm, where the cluster has several.
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    realm: Option<String>,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Prints what differs. Exit code 0: nothing; 1: something.
pub(crate) async fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let (old, new) = match &args.from[..] {
        [] => Source::before_and_after(&args.kdc, args.realm.as_deref(), &args.file).await?,
        from => (Source::of_files(from)?, Source::of_files(&args.file)?),
    };
    let would_lose_access = if args.from.is_empty() { losers(args, &new.rendered.access).await } else { None };
    let difference = Difference::new(&old.rendered, &new.rendered);
    let is_same = difference.is_empty();
    // What was wrong before is no part of the difference.
    let known = findings(&old.rendered);
    let problems = findings(&new.rendered).into_iter().filter(|problem| !known.contains(problem)).collect();
    let calls_without_kerberos = outside_callers(&old.rendered, &new.rendered, args.namespace.as_deref());
    let answer = Answer { difference, would_lose_access, calls_without_kerberos, problems };
    match args.output {
        OutputFormat::Text => print(&text::text(&answer, Colors::of_stdout()))?,
        format => print_value(&answer, format)?,
    }
    Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Who would lose access, where the KDC tells who asked.
async fn losers(args: &DiffArgs, table: &AccessTable) -> Option<Losers> {
    let pairs = async {
        let api = AdminApi::new(connect(&args.kdc, args.namespace.as_deref()).await?);
        api.get::<PairsResponse>(path::PAIRS, &NamespaceQuery { namespace: args.namespace.clone() }).await
    };
    match pairs.await {
        Ok(pairs) => Some(Losers::new(&pairs, table)),
        Err(error) => {
            eprintln!("kennel: who asked lately is not known, so neither is who would lose access: {error:#}");
            None
        }
    }
}
