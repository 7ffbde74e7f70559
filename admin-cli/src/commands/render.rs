//! `kennel render`: what the KDC would make of the files of a folder: NetworkPolicies, and who gets tickets.

use crate::output::{OutputFormat, plain, plain_lines, print, print_value};
use crate::source::Source;
use crate::source::findings::{ObjectFinding, findings};
use crate::source::grants::{access_response, peer_name};
use crate::table::text_table;
use kennel_k8s::policy::kind::PolicyKey;
use kennel_wire::admin::{AccessResponse, AccessServer};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `kennel render`.
#[derive(Debug, clap::Args)]
pub(crate) struct RenderArgs {
    /// Folder with YAML files, or one file; may be given several times.
    #[arg(long, short, value_name = "DIR", required = true)]
    file: Vec<PathBuf>,
    /// Print who gets tickets for whom in place of the NetworkPolicies.
    #[arg(long)]
    access: bool,
    /// Form of the output: yaml has the NetworkPolicies; json has them, who gets tickets, and what is wrong; text counts them
    /// [default: yaml, with --access text].
    #[arg(long, short, value_enum)]
    output: Option<OutputFormat>,
    /// Exit with 1 where an object has a problem.
    #[arg(long)]
    strict: bool,
}

/// Prints what follows from the files; problems go to standard error.
pub(crate) fn run(args: &RenderArgs) -> anyhow::Result<ExitCode> {
    let source = Source::of_files(&args.file)?;
    let problems = findings(&source.rendered);
    for ObjectFinding { object, reason, message } in &problems {
        eprintln!("{object}: {reason}: {}", plain(message));
    }
    let access = access_response(&source.rendered.access);
    let form = args.output.unwrap_or(if args.access { OutputFormat::Text } else { OutputFormat::Yaml });
    match form {
        OutputFormat::Text if args.access => print(&access_table(&access))?,
        OutputFormat::Text => print(&summary(&source, &access))?,
        OutputFormat::Yaml if args.access => print_value(&access, OutputFormat::Yaml)?,
        OutputFormat::Yaml => print(&policies_yaml(&source)?)?,
        OutputFormat::Json => {
            let policies = source.rendered.policies.values();
            let policies: Vec<Value> = policies.map(serde_json::to_value).collect::<Result<_, _>>()?;
            let whole =
                json!({ "access": access, "policies": policies, "assumed": source.assumed, "problems": problems });
            print_value(&whole, OutputFormat::Json)?;
        }
    }
    Ok(if args.strict && !problems.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The policies as a file for `kubectl`, with what was assumed.
fn policies_yaml(source: &Source) -> anyhow::Result<String> {
    let mut text = String::new();
    for assumed in &source.assumed {
        text += &format!("# Assumed: {}\n", plain(assumed));
    }
    for policy in source.rendered.policies.values() {
        text += "---\n";
        text += serde_saphyr::to_string(policy)?.trim_end();
        text.push('\n');
    }
    Ok(text)
}

/// A line for each peer of each server.
fn access_table(access: &AccessResponse) -> String {
    let rows = access.servers.iter().flat_map(|server| rows(server, &access.realm));
    plain_lines(&text_table(&["SERVER", "MODE", "CLIENT", "CLASSES", "UNTIL", "BY"], rows))
}

fn rows(server: &AccessServer, realm: &str) -> Vec<[String; 6]> {
    let row = |client: String, classes: String, until: Option<&str>, by: &str| {
        let until = until.unwrap_or("-").to_owned();
        [server.account.to_string(), format!("{:?}", server.mode), client, classes, until, by.to_owned()]
    };
    if server.grants.is_empty() {
        return vec![row("(nobody)".into(), "-".into(), None, "-")];
    }
    let of_grant = server.grants.iter().map(|grant| {
        let classes = if grant.service_classes.is_empty() { "all".to_owned() } else { grant.service_classes.join(",") };
        row(peer_name(&grant.peer, realm), classes, grant.not_after.as_deref(), &grant.access)
    });
    of_grant.collect()
}

fn summary(source: &Source, access: &AccessResponse) -> String {
    let namespace = |key: &PolicyKey| if key.namespace.is_empty() { "-".to_owned() } else { key.namespace.clone() };
    let policies = source.rendered.policies.keys();
    let policies = policies.map(|key| [key.kind.name().to_owned(), namespace(key), key.name.clone()]);
    access_table(access) + &text_table(&["KIND", "NAMESPACE", "NAME"], policies)
}
