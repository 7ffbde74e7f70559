//! `kennel rotate`: new keys for a principal, or for all, now.

use crate::api::AdminApi;
use crate::output::{OutputFormat, plain, print, print_value};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use kennel_wire::admin::{RotateRequest, RotateResponse, path};
use std::process::ExitCode;

/// Options of `kennel rotate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Holders get the new key within seconds, and the KDC uses it once each of them has it: nobody notices. `kennel keys` shows how far it is.
After a leak, --revoke-old replaces the key at once: whoever has the old one, or a ticket from before, is refused.

  kennel rotate shop/web --now
  kennel rotate HTTP/web.shop.svc.cluster.local --now --revoke-old
  kennel rotate --all --now")]
pub(crate) struct RotateArgs {
    /// The principal, such as HTTP/web.shop.svc.cluster.local or krbtgt/REALM; or NAMESPACE/ACCOUNT for all of a service account.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    principal: Option<String>,
    /// Every principal of the realm whose keys may rotate: not those with a password, and no keys of trusts.
    #[arg(long)]
    all: bool,
    /// Begin now. (There is no other time to begin: schedules are in spec.rotation of the KerberosRealm and the KerberosPrincipals.)
    #[arg(long, required = true)]
    now: bool,
    /// Refuse the old keys, the tickets under them, and the tickets of the principal itself, at once.
    #[arg(long)]
    revoke_old: bool,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Gives the order, and prints what was ordered.
pub(crate) async fn run(args: &RotateArgs) -> anyhow::Result<ExitCode> {
    let request = RotateRequest { principal: args.principal.clone(), all: args.all, revoke_old: args.revoke_old };
    let response: RotateResponse = AdminApi::new(connect(&args.kdc, None).await?).post(path::ROTATE, &request).await?;
    match args.output {
        OutputFormat::Text => print(&text(&response, args.revoke_old))?,
        format => print_value(&response, format)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn text(response: &RotateResponse, revoked: bool) -> String {
    let count = response.principals;
    let which = match (&*response.names, count) {
        ([name], _) => plain(name).into_owned(),
        (_, 1) => "1 principal".into(),
        (_, count) => format!("{count} principals of {}", plain(&response.realm)),
    };
    let mut said = match revoked {
        true => format!("{which}: the old keys and their tickets are refused from now on; holders fetch the new key\n"),
        false => format!("{which}: holders fetch a new key, which is used once each of them has it\n"),
    };
    if let names @ [_, _, ..] = &*response.names {
        said.extend(names.iter().map(|name| format!("  {}\n", plain(name))));
    }
    if response.left > 0 {
        said += &format!("left as they are, since their keys never rotate: {}\n", response.left);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(names: &[&str], principals: u32) -> RotateResponse {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        RotateResponse { realm: "R".into(), principals, left: 2, names }
    }

    #[test]
    fn an_order_says_what_happens_and_to_whom() {
        let one = text(&response(&["HTTP/web@R"], 1), false);
        assert!(one.starts_with("HTTP/web@R: holders fetch a new key"), "{one}");
        assert!(one.ends_with("never rotate: 2\n"), "{one}");
        let two = text(&response(&["HTTP/web@R", "web.shop@R"], 2), true);
        assert!(two.starts_with("2 principals of R: the old keys"), "{two}");
        assert!(two.contains("\n  web.shop@R\n"), "{two}");
        assert!(text(&response(&[], 900), false).starts_with("900 principals of R:"));
    }
}
