//! `kennel explain`: whether a client reaches a server, layer by layer: the ticket, the packet on its way out and in, and the
//! policies of the whole cluster.

use crate::api::{AdminApi, Refused};
use crate::output::{Colors, OutputFormat, plain, print, print_value};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use crate::source::Source;
use kennel_wire::admin::{ExplainLayer, ExplainQuery, ExplainResponse, ExplainVerdict, path};
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `kennel explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
shop/cart is the account cart of namespace shop where the realm has that account; every other name is a Kerberos name.

  kennel explain shop/cart shop/web
  kennel explain cart.shop HTTP/web.shop.svc.cluster.local --port 8080
  kennel explain alice@CORP.EXAMPLE shop/web -f deploy/examples/shop

Exit code: 0 where the client reaches the server, 1 where not, 2 where there is no answer.")]
pub(crate) struct ExplainArgs {
    /// The client: NAMESPACE/ACCOUNT, or a principal such as cart.shop or alice@CORP.EXAMPLE.
    client: String,
    /// The server: NAMESPACE/ACCOUNT, or a principal such as HTTP/web.shop.svc.cluster.local.
    server: String,
    /// Port of the server's pods [default: the ports of its Services].
    #[arg(long, short, value_name = "PORT")]
    port: Option<u16>,
    /// Folder with YAML files to judge by, in place of the cluster.
    #[arg(long, short, value_name = "DIR")]
    file: Vec<PathBuf>,
    /// Name of the KerberosRealm or its realm, where the cluster has several and the KDC does not answer.
    #[arg(long, value_name = "NAME")]
    realm: Option<String>,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Prints what each layer says. Exit code 0: reachable; 1: not.
pub(crate) async fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let query = ExplainQuery { client: args.client.clone(), server: args.server.clone(), port: args.port };
    let response = match &args.file[..] {
        [] => live(args, &query).await?,
        files => Source::of_files(files)?.explain(&query)?,
    };
    match args.output {
        OutputFormat::Text => print(&text(&response, Colors::of_stdout()))?,
        format => print_value(&response, format)?,
    }
    Ok(if response.reachable { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The KDC's own answer; else that of the cluster's objects, as far as the user may read them.
async fn live(args: &ExplainArgs, query: &ExplainQuery) -> anyhow::Result<ExplainResponse> {
    let asked = match connect(&args.kdc, None).await {
        Ok(client) => AdminApi::new(client).get(path::EXPLAIN, query).await,
        Err(error) => Err(error),
    };
    let error = match asked {
        Ok(response) => return Ok(response),
        // An answer of the KDC about this user, or about the question.
        Err(error) if error.downcast_ref::<Refused>().is_some_and(Refused::is_about_the_user) => return Err(error),
        Err(error) => error,
    };
    eprintln!("kennel: {error:#}; this is what the objects of the cluster say");
    Source::of_cluster(&args.kdc, args.realm.as_deref()).await?.explain(query)
}

fn text(response: &ExplainResponse, colors: Colors) -> String {
    let mut out = String::new();
    for said in &response.layers {
        let (layer, verdict) = (format!("{:15}", layer(said.layer)), format!("{:13}", verdict(said.verdict)));
        let verdict = match said.verdict {
            ExplainVerdict::Allowed => colors.good(&verdict),
            ExplainVerdict::WouldDeny | ExplainVerdict::NotEvaluated => colors.caution(&verdict),
            ExplainVerdict::Denied => colors.bad(&verdict),
        };
        out += &format!("{layer} {verdict} {}\n", plain(&said.sentence));
    }
    let (client, server) = (plain(&response.client), plain(&response.server));
    let end = match response.reachable {
        true => colors.good("reaches").into_owned(),
        false => colors.bad("does not reach").into_owned(),
    };
    out + &format!("{client} {end} {server}\n")
}

fn layer(layer: ExplainLayer) -> &'static str {
    match layer {
        ExplainLayer::Ticket => "ticket",
        ExplainLayer::Egress => "egress",
        ExplainLayer::Ingress => "ingress",
        ExplainLayer::ClusterPolicy => "cluster policy",
    }
}

fn verdict(verdict: ExplainVerdict) -> &'static str {
    match verdict {
        ExplainVerdict::Allowed => "allowed",
        ExplainVerdict::WouldDeny => "observed",
        ExplainVerdict::Denied => "DENIED",
        ExplainVerdict::NotEvaluated => "not evaluated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::admin::ExplainedLayer;

    #[test]
    fn each_layer_is_a_line_and_the_last_one_is_the_answer() {
        let layer = |layer, verdict, sentence: &str| ExplainedLayer {
            layer,
            verdict,
            objects: Vec::new(),
            sentence: sentence.into(),
        };
        let response = ExplainResponse {
            client: "batch.shop@R".into(),
            server: "shop/web".into(),
            reachable: false,
            layers: vec![
                layer(
                    ExplainLayer::Ticket,
                    ExplainVerdict::Denied,
                    "no KerberosAccess in shop allows batch.shop to call web",
                ),
                layer(ExplainLayer::ClusterPolicy, ExplainVerdict::NotEvaluated, "CiliumNetworkPolicy is served"),
            ],
        };
        let said = "ticket          DENIED        no KerberosAccess in shop allows batch.shop to call web\n\
                    cluster policy  not evaluated CiliumNetworkPolicy is served\nbatch.shop@R does not reach shop/web\n";
        assert_eq!(text(&response, Colors::none()), said);
    }
}
