//! `kennel access suggest`: KerberosAccess objects out of what was asked for, to read before they are applied.
//!
//! | module | what |
//! |---|---|
//! | [`draft`] | pairs that were seen -> objects with their comments; pure |
//! | [`workloads`] | the workloads of enrolled namespaces, among them those that nobody has seen |

mod draft;
mod workloads;

use crate::api::AdminApi;
use crate::commands::access::suggest::draft::Draft;
use crate::commands::access::suggest::workloads::Workloads;
use crate::output::{OutputFormat, print, print_value};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use kennel_wire::admin::{AccountRef, NamespaceQuery, PairsResponse, path};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::{Api, Client};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// Options of `kennel access suggest`.
#[derive(Debug, clap::Args)]
pub(crate) struct SuggestArgs {
    /// Only servers of this namespace [default: all namespaces, which needs a permission for all of them].
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Form of the output: yaml has comments; json has the objects and what the comments say.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Yaml)]
    output: OutputFormat,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Prints objects that allow what was asked for.
pub(crate) async fn run(args: &SuggestArgs) -> anyhow::Result<ExitCode> {
    let namespace = args.namespace.as_deref();
    let api = AdminApi::new(connect(&args.kdc, namespace).await?);
    let pairs: PairsResponse = api.get(path::PAIRS, &NamespaceQuery { namespace: args.namespace.clone() }).await?;
    let (classes, workloads) = match args.kdc.cluster.client().await {
        Ok(client) => (classes(&client, namespace).await, workloads::list(&client, namespace).await),
        // By --server and --token-file, the KDC is reached without a cluster.
        Err(_) => (BTreeMap::new(), Workloads::unknown("no kubeconfig")),
    };
    let draft = Draft::new(&pairs, &classes, &workloads, namespace);
    match args.output {
        OutputFormat::Json => print_value(&draft, OutputFormat::Json)?,
        OutputFormat::Yaml | OutputFormat::Text => print(&draft.yaml()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The service classes of each server. An object that cannot be read lacks here: its suggestion then names the classes.
async fn classes(client: &Client, namespace: Option<&str>) -> BTreeMap<AccountRef, BTreeSet<String>> {
    let kind = ApiResource::erase::<kennel_k8s::crd::KerberosPrincipal>(&());
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
        None => Api::all_with(client.clone(), &kind),
    };
    let listed = api.list(&Default::default()).await.map(|list| list.items).unwrap_or_default();
    let server = |object: DynamicObject| {
        let account = AccountRef { namespace: object.metadata.namespace?, name: object.metadata.name? };
        let classes = object.data.get("spec")?.get("serviceClasses")?.as_array()?;
        Some((account, classes.iter().filter_map(|class| class.as_str().map(str::to_owned)).collect()))
    };
    listed.into_iter().filter_map(server).collect()
}
