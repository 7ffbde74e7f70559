//! `kennel keytab`: the keys of a service account, as a keytab for a program outside the cluster.

use crate::api::AdminApi;
use crate::commands::kadmin::administrator::Administrator;
use crate::commands::kadmin::failure::Failure;
use crate::commands::kadmin::keytab::add::entries;
use crate::commands::kadmin::time::date::Now;
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use anyhow::{Context, anyhow, ensure};
use kennel_wire::admin::{KeysQuery, KeysResponse, PrincipalOperation, path};
use kennel_wire::keytab;
use kennel_wire::message::{KerberosTime, Principal};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Options of `kennel keytab`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The keys are those that the pods of the account have: nothing changes for them. The KDC records that somebody holds the keys by hand, as
`kennel keys` shows, and writes the request to its audit trail. It needs `get` on `kerberosprincipals/keyversions` and on
`kerberosprincipals/keys` in the namespace.

  kennel keytab -n shop web > web.keytab")]
pub(crate) struct KeytabArgs {
    /// Namespace of the service account.
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: String,
    /// The service account.
    account: String,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Writes the keytab to standard output.
pub(crate) async fn run(args: &KeytabArgs) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout();
    ensure!(!out.is_terminal(), "a keytab is no text: write it to a file, as kennel keytab ... > FILE");
    let KeytabArgs { namespace, account, kdc } = args;
    let api = AdminApi::new(connect(kdc, Some(namespace)).await?);
    let query = KeysQuery { principal: format!("{namespace}/{account}") };
    let found: KeysResponse = api.get(path::KEYS, &query).await?;
    let (admin, now) = (Administrator::new(api), KerberosTime(Now::of_system().seconds()));
    let mut all = Vec::new();
    // An account that has only tickets has no keys of its own.
    for keys in found.principals.iter().filter(|keys| !keys.versions.is_empty()) {
        let principal = Principal::parse(&keys.principal, &found.realm).context("the KDC names a principal badly")?;
        let operation = PrincipalOperation::ExtractKeys { principal: keys.principal.clone(), kvno: None };
        let versions = admin.keys(operation).await.map_err(|failure| match failure {
            // The KDC's own words name the permission and the namespace.
            Failure::Refused { reason, message } => anyhow!("the KDC refuses: {reason}: {message}"),
            Failure::Unanswered(error) => error,
        })?;
        all.extend(entries(&principal, &versions, now));
    }
    ensure!(!all.is_empty(), "the service account {namespace}/{account} has no keys");
    out.write_all(&keytab::encode(&all))?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
