//! `kennel status`: how the state of a realm is shown.

use crate::metrics::{KeyMetrics, ReplicaMetrics};
use crate::output::{OutputFormat, print, print_value};
use crate::problems::{Finding, find_problems};
use crate::reach::args::ClusterArgs;
use crate::state::{ClusterState, gather};
use crate::table::text_table;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Options of `kennel status`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Namespace of the KDC.
    #[arg(long, short = 'n', visible_alias = "namespace", value_name = "NAMESPACE", default_value = "kennel-system")]
    kdc_namespace: String,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Gathers the state and prints it.
pub(crate) async fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let state = gather(&args.cluster.config().await?, &args.kdc_namespace).await?;
    let problems = find_problems(&state, now());
    match args.output {
        OutputFormat::Text => print(&text(&state, &problems, now()))?,
        format => print_value(&serde_json::json!({ "state": state, "problems": problems }), format)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn text(state: &ClusterState, problems: &[Finding], now: i64) -> String {
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let realms = state.realms.iter().map(|realm| {
        let count = |number: Option<i32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        [realm.realm.clone(), yes(realm.ready), count(realm.namespaces), count(realm.principals)]
    });
    let mut text = text_table(&["REALM", "READY", "NAMESPACES", "PRINCIPALS"], realms);
    text += &text_table(
        &["REPLICA", "READY", "RESTARTS", "REQUESTS", "ENROLMENTS", "CERTIFICATE"],
        state.replicas.iter().map(|replica| {
            let metrics = replica.metrics.as_ref();
            let number = |of: fn(&ReplicaMetrics) -> u64| metrics.map_or("-".into(), |m| of(m).to_string());
            let days = metrics.and_then(|m| m.certificate_ends).map(|end| (end - now) / 86_400);
            [
                replica.name.clone(),
                yes(replica.ready),
                replica.restarts.to_string(),
                number(|m| m.requests),
                number(|m| m.enrolments_granted),
                days.map_or_else(|| "-".to_owned(), |days| format!("{days} days")),
            ]
        }),
    );
    text += &text_table(&["KEYS", "NUMBER", "OLDEST"], keys(state, now));
    text += &text_table(
        &["STORE", "HELD BY", "SEEN"],
        state.leases.iter().map(|lease| {
            let seen = lease.renewed.map_or_else(|| "-".to_owned(), |at| format!("{} s ago", (now - at).max(0)));
            [format!("{} ({})", lease.name, lease.store), lease.holder.clone(), seen]
        }),
    );
    if problems.is_empty() {
        return text + "no problems\n";
    }
    text += &match problems.len() {
        1 => "1 problem\n".to_owned(),
        number => format!("{number} problems\n"),
    };
    for problem in problems {
        text += &format!("- {}: {}\n  {}\n", problem.about, problem.what, problem.todo);
    }
    text
}

/// Rows about the keys of the first replica that reports them: all replicas have the same store.
fn keys(state: &ClusterState, now: i64) -> Vec<[String; 3]> {
    let of = state.replicas.iter().find_map(|replica| replica.metrics.as_ref().filter(|m| !m.keys.is_empty()));
    let row = |(whose, keys): (&String, &KeyMetrics)| {
        let age = keys.oldest.map_or_else(|| "-".to_owned(), |made| format!("{} days", (now - made).max(0) / 86_400));
        [whose.clone(), keys.number.to_string(), age]
    };
    of.map(|metrics| metrics.keys.iter().map(row).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{LeaseState, RealmState, ReplicaState};

    #[test]
    fn it_reads_from_the_realm_to_the_problems() {
        let keys = [("service".to_owned(), KeyMetrics { number: 4, oldest: Some(-200_000) })].into();
        let metrics = Some(ReplicaMetrics { keys, ..ReplicaMetrics::default() });
        let state = ClusterState {
            realms: vec![RealmState {
                name: "dev".into(),
                realm: "R".into(),
                ready: true,
                message: String::new(),
                unguarded: None,
                namespaces: Some(1),
                principals: Some(9),
            }],
            replicas: vec![ReplicaState {
                name: "kennel-kdc-0".into(),
                ready: true,
                restarts: 0,
                waiting: None,
                metrics,
            }],
            leases: vec![LeaseState {
                name: "kennel-r".into(),
                store: "ab".into(),
                holder: "x".into(),
                renewed: Some(95),
            }],
            ..ClusterState::default()
        };
        let shown = text(&state, &[], 100);
        for part in [
            "R      yes    1           9",
            "kennel-kdc-0  yes    0",
            "service  4       2 days",
            "kennel-r (ab)  x        5 s ago",
            "no problems",
        ] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        let problem = Finding { about: "shop/web".into(), what: "w".into(), todo: "t".into() };
        assert!(text(&state, &[problem], 100).ends_with("1 problem\n- shop/web: w\n  t\n"));
    }
}
