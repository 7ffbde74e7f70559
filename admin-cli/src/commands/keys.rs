//! `kennel keys`: the versions of a principal's keys, who holds them, and what the next step of its rotation waits for.

use crate::api::AdminApi;
use crate::output::{Colors, OutputFormat, plain, print, print_value};
use crate::reach::args::KdcArgs;
use crate::reach::connect;
use crate::table::text_table;
use kennel_wire::admin::{
    KeyHolder, KeyVersionInfo, KeyVersionState, KeysQuery, KeysResponse, PrincipalKeys, RotationKind, path,
};
use std::fmt::Write;
use std::process::ExitCode;

/// Options of `kennel keys`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
  kennel keys shop/web
  kennel keys krbtgt/PROD.EXAMPLE -o json

Exit code: 0, or 1 where a rotation waits for a holder for too long.")]
pub(crate) struct KeysArgs {
    /// The principal, such as HTTP/web.shop.svc.cluster.local or krbtgt/REALM; or NAMESPACE/ACCOUNT for all of a service account.
    principal: String,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    #[command(flatten)]
    kdc: KdcArgs,
}

/// Prints the keys. Exit code 1: a rotation is stalled.
pub(crate) async fn run(args: &KeysArgs) -> anyhow::Result<ExitCode> {
    let query = KeysQuery { principal: args.principal.clone() };
    let response: KeysResponse = AdminApi::new(connect(&args.kdc, None).await?).get(path::KEYS, &query).await?;
    match args.output {
        OutputFormat::Text => print(&text(&response, Colors::of_stdout()))?,
        format => print_value(&response, format)?,
    }
    let stalled = response.principals.iter().any(|keys| keys.stalled);
    Ok(if stalled { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn text(response: &KeysResponse, colors: Colors) -> String {
    response.principals.iter().map(|keys| principal(keys, colors)).collect()
}

fn principal(keys: &PrincipalKeys, colors: Colors) -> String {
    let rotation = match keys.rotation {
        RotationKind::Scheduled => "scheduled",
        RotationKind::OnDemand => "on demand",
        RotationKind::Never => "never",
    };
    let mut said = format!("{}\n  rotation: {rotation}", plain(&keys.principal));
    if let Some(next) = &keys.next_rotation_time {
        let _ = write!(said, ", next {}", plain(next));
    }
    let waiting = plain(&keys.waiting_for);
    let waiting = if keys.stalled { colors.bad(&waiting) } else { waiting.clone() };
    let _ = write!(said, "\n  waits for: {waiting}\n");
    for (what, time) in [
        ("ordered", &keys.ordered),
        ("tickets of before are refused", &keys.revoked),
        ("somebody has keys by hand since", &keys.unknown_holder),
    ] {
        if let Some(time) = time {
            let _ = writeln!(said, "  {what}: {}", plain(time));
        }
    }
    said += "\n";
    said +=
        &text_table(&["KVNO", "STATE", "SINCE", "ACCEPTED UNTIL", "HOLDERS"], keys.versions.iter().map(version_row));
    if !keys.holders.is_empty() {
        said += &text_table(&["HOLDER", "HAS", "SINCE"], keys.holders.iter().map(holder_row));
    }
    said
}

fn version_row(version: &KeyVersionInfo) -> [String; 5] {
    let state = match version.state {
        KeyVersionState::Staged => "staged",
        KeyVersionState::Active => "active",
        KeyVersionState::Retiring => "retiring",
    };
    let until = version.accepted_until.as_deref().unwrap_or("-");
    let (kvno, holders) = (version.kvno.to_string(), version.holders.to_string());
    [kvno, state.to_owned(), plain(&version.since).into_owned(), plain(until).into_owned(), holders]
}

fn holder_row(holder: &KeyHolder) -> [String; 3] {
    let has = match &*holder.kvnos {
        [] => "not confirmed".to_owned(),
        kvnos => kvnos.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    };
    let name = format!("{} {}", plain(&holder.kind), plain(&holder.name));
    [name, has, plain(&holder.since).into_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_holders_are_tables_under_the_principal() {
        let version = |kvno, state, until: Option<&str>| KeyVersionInfo {
            kvno,
            state,
            since: "2026-11-26T18:00:00Z".into(),
            created: "2026-11-25T18:00:00Z".into(),
            accepted_until: until.map(str::to_owned),
            enctypes: Vec::new(),
            holders: 1,
        };
        let keys = PrincipalKeys {
            principal: "HTTP/web@R".into(),
            rotation: RotationKind::Scheduled,
            waiting_for: "holders to fetch version 3: Pod shop/web-1".into(),
            stalled: false,
            next_rotation_time: Some("2026-11-26T19:00:00Z".into()),
            ordered: None,
            revoked: None,
            unknown_holder: None,
            versions: vec![
                version(3, KeyVersionState::Staged, None),
                version(2, KeyVersionState::Active, None),
                version(1, KeyVersionState::Retiring, Some("2026-12-03T18:05:00Z")),
            ],
            holders: vec![KeyHolder {
                kind: "Pod".into(),
                name: "shop/web-1".into(),
                kvnos: vec![2, 1],
                since: "2026-11-25T18:00:01Z".into(),
            }],
        };
        let response = KeysResponse { realm: "R".into(), time: String::new(), principals: vec![keys] };
        let said = "HTTP/web@R\n  rotation: scheduled, next 2026-11-26T19:00:00Z\n  \
                    waits for: holders to fetch version 3: Pod shop/web-1\n\n\
                    KVNO  STATE     SINCE                 ACCEPTED UNTIL        HOLDERS\n\
                    3     staged    2026-11-26T18:00:00Z  -                     1\n\
                    2     active    2026-11-26T18:00:00Z  -                     1\n\
                    1     retiring  2026-11-26T18:00:00Z  2026-12-03T18:05:00Z  1\n\n\
                    HOLDER          HAS   SINCE\n\
                    Pod shop/web-1  2, 1  2026-11-25T18:00:01Z\n\n";
        assert_eq!(text(&response, Colors::none()), said);
    }
}
