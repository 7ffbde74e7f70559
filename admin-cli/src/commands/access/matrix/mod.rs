//! `kennel access matrix`: who may reach whom, by the grants that are in force.
//!
//! | module | what |
//! |---|---|
//! | [`graph`] | the edges from clients to servers |
//! | [`picture`] | the graph as a table, and in the languages of other programs |

mod graph;
mod picture;

use crate::api::{AdminApi, Refused};
use crate::commands::access::matrix::graph::Graph;
use crate::output::{OutputFormat, print, print_value};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use crate::source::Source;
use crate::source::grants::access_response;
use clap::ValueEnum;
use kennel_wire::admin::{AccessResponse, NamespaceQuery, path};
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `kennel access matrix`.
#[derive(Debug, clap::Args)]
pub(crate) struct MatrixArgs {
    /// Only servers of this namespace [default: all namespaces, which needs a permission for all of them].
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Folder with YAML files, or one file: who may reach whom by these, in place of the KDC's grants; may be given several times.
    #[arg(long, short, value_name = "DIR")]
    file: Vec<PathBuf>,
    /// Name of the KerberosRealm or its realm, where the cluster has several and the KDC does not answer.
    #[arg(long, value_name = "NAME")]
    realm: Option<String>,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = Form::Table)]
    output: Form,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// The form of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[value(alias = "text")]
    Table,
    /// A graph for Graphviz.
    Dot,
    /// A graph for Markdown pages.
    Mermaid,
    /// A picture for browsers.
    Svg,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
}

/// Prints who may reach whom.
pub(crate) async fn run(args: &MatrixArgs) -> anyhow::Result<ExitCode> {
    let graph = Graph::new(&access(args).await?);
    match args.output {
        Form::Table => print(&picture::table(&graph))?,
        Form::Dot => print(&picture::dot(&graph))?,
        Form::Mermaid => print(&picture::mermaid(&graph))?,
        Form::Svg => print(&picture::svg(&graph))?,
        Form::Json => print_value(&graph, OutputFormat::Json)?,
        Form::Yaml => print_value(&graph, OutputFormat::Yaml)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The KDC's own answer, or what the files say; else what the cluster's objects say, as far as the user may read them.
async fn access(args: &MatrixArgs) -> anyhow::Result<AccessResponse> {
    let namespace = args.namespace.as_deref();
    let source = match &args.file[..] {
        [] => match live(args).await {
            Ok(access) => return Ok(access),
            // An answer of the KDC about this user.
            Err(error) if error.downcast_ref::<Refused>().is_some_and(Refused::is_about_the_user) => return Err(error),
            Err(error) => {
                eprintln!("kennel: {error:#}; this is what the objects of the cluster say");
                Source::of_cluster(&args.kdc, args.realm.as_deref()).await?
            }
        },
        files => Source::of_files(files)?,
    };
    let mut access = access_response(&source.rendered.access);
    access.servers.retain(|server| namespace.is_none_or(|namespace| server.account.namespace == namespace));
    Ok(access)
}

async fn live(args: &MatrixArgs) -> anyhow::Result<AccessResponse> {
    let api = AdminApi::new(connect(&args.kdc, args.namespace.as_deref()).await?);
    api.get(path::ACCESS, &NamespaceQuery { namespace: args.namespace.clone() }).await
}
