//! `kennel status`.

use crate::problems::{self, Problem};
use crate::state::{self, State};
use crate::table;
use anyhow::Context;
use clap::ValueEnum;
use kube::config::{KubeConfigOptions, Kubeconfig};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Options of `kennel status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How to reach the cluster [default: as kubectl does].
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The KDC's namespace.
    #[arg(long, short, default_value = "kennel-system")]
    namespace: String,
    /// How it is shown.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Asks and shows.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let state = state::gather(&client(args).await?, &args.namespace).await?;
    let problems = problems::of(&state, now());
    match args.output {
        Output::Json => {
            let whole = serde_json::json!({ "state": state, "problems": problems });
            println!("{}", serde_json::to_string_pretty(&whole)?);
        }
        Output::Text => print!("{}", text(&state, &problems, now())),
    }
    Ok(())
}

async fn client(args: &Args) -> anyhow::Result<kube::Client> {
    let config = match &args.kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).with_context(|| format!("{} cannot be read", path.display()))?;
            kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?
        }
        None => kube::Config::infer().await.context("no cluster: give --kubeconfig, or set KUBECONFIG")?,
    };
    Ok(kube::Client::try_from(config)?)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn text(state: &State, problems: &[Problem], now: i64) -> String {
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let realms = state.realms.iter().map(|realm| {
        let count = |number: Option<i32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        [realm.realm.clone(), yes(realm.ready), count(realm.namespaces), count(realm.principals)]
    });
    let mut text = table::of(["REALM", "READY", "NAMESPACES", "PRINCIPALS"], realms);
    text += &table::of(
        ["REPLICA", "READY", "RESTARTS", "REQUESTS", "ENROLMENTS", "CERTIFICATE"],
        state.replicas.iter().map(|replica| {
            let metrics = replica.metrics.as_ref();
            let number = |of: fn(&crate::metrics::Numbers) -> u64| metrics.map_or("-".into(), |m| of(m).to_string());
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
    text += &table::of(["KEYS", "NUMBER", "OLDEST"], keys(state, now).into_iter());
    text += &table::of(
        ["STORE", "HELD BY", "SEEN"],
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

/// Of the first replica that says it: all have the same store.
fn keys(state: &State, now: i64) -> Vec<[String; 3]> {
    let of = state.replicas.iter().find_map(|replica| replica.metrics.as_ref().filter(|m| !m.keys.is_empty()));
    let row = |(whose, keys): (&String, &crate::metrics::Keys)| {
        let age = keys.oldest.map_or_else(|| "-".to_owned(), |made| format!("{} days", (now - made).max(0) / 86_400));
        [whose.clone(), keys.number.to_string(), age]
    };
    of.map(|metrics| metrics.keys.iter().map(row).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Keys, Numbers};
    use crate::state::{Lease, Realm, Replica};

    #[test]
    fn it_reads_from_the_realm_to_the_problems() {
        let keys = [("service".to_owned(), Keys { number: 4, oldest: Some(-200_000) })].into();
        let metrics = Some(Numbers { keys, ..Numbers::default() });
        let state = State {
            realms: vec![Realm {
                name: "dev".into(),
                realm: "R".into(),
                ready: true,
                message: String::new(),
                namespaces: Some(1),
                principals: Some(9),
            }],
            replicas: vec![Replica { name: "kennel-kdc-0".into(), ready: true, restarts: 0, waiting: None, metrics }],
            leases: vec![Lease { name: "kennel-r".into(), store: "ab".into(), holder: "x".into(), renewed: Some(95) }],
            ..State::default()
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
        let problem = Problem { about: "shop/web".into(), what: "w".into(), todo: "t".into() };
        assert!(text(&state, &[problem], 100).ends_with("1 problem\n- shop/web: w\n  t\n"));
    }
}
