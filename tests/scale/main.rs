//! How a cluster's size shows: accounts in namespaces, and how long until the store holds them, what that takes in memory,
//! and how long a new account needs to become a principal.
//!
//! `cargo run --release -p kennel-tests --bin kube-scale` (`--short` for a little of it; `--hostile` for the same figures again beside a
//! tenant who asks for all that an object can ask for; `--rotate` to rotate every key at once afterwards, which is 10,000 with
//! `--namespaces 200`).

mod rotation;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use kennel_client::AsRequest;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_body, dangerous_as_request};
use kennel_tests::kube::Api;
use kennel_tests::memory;
use kennel_tests::peer::Udp;
use kennel_tests::realm::Realm;
use kennel_wire::message::{ErrorCode, KrbError, Principal};
use rand::rngs::OsRng;
use std::fmt::Write;
use std::time::{Duration, Instant};

const REALM: &str = "SCALE.KENNEL";
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures Kennel next to a cluster of some size.
#[derive(Debug, Parser)]
struct Args {
    /// Enrolled namespaces.
    #[arg(long, default_value_t = 100)]
    namespaces: usize,
    /// Accounts in each.
    #[arg(long, default_value_t = 50)]
    accounts: usize,
    /// 4 namespaces.
    #[arg(long)]
    short: bool,
    /// Measures again beside a hostile tenant.
    #[arg(long)]
    hostile: bool,
    /// Rotates every key at the end.
    #[arg(long)]
    rotate: bool,
}

fn main() -> Result<()> {
    let mut args = Args::parse();
    if args.short {
        args.namespaces = 4;
    }
    let api = Api::alone()?;
    let begun = Instant::now();
    fill(&api, &args)?;
    println!(
        "made {} accounts in {} namespaces ({:.1} s, kubectl's)",
        args.namespaces * args.accounts,
        args.namespaces,
        begun.elapsed().as_secs_f64()
    );
    let mut realm = Realm::builder(REALM)?.kubeconfig(&api.kubeconfig()).env("KENNEL_LOG", "info").start()?;
    let holds = "the store holds what the cluster asks for";
    realm.server().wait_until(PATIENCE, |server| server.stderr().contains(holds))?;
    let said = realm.server().stderr();
    let line = said.lines().find(|line| line.contains(holds)).context("not said")?;
    println!("first start: {}", line.split(holds).last().unwrap_or_default().trim());
    println!("memory: {} KiB resident", memory::resident(realm.server().id())?);
    let lines = said.lines().count();
    realm.kill_and_restart()?;
    realm
        .server()
        .wait_until(PATIENCE, |server| server.stderr().lines().skip(lines).any(|line| line.contains(holds)))?;
    let said = realm.server().stderr();
    let line = said.lines().rfind(|line| line.contains(holds)).context("not said")?;
    println!("a restart: {}", line.split(holds).last().unwrap_or_default().trim());
    println!("memory: {} KiB resident", memory::resident(realm.server().id())?);
    let tries = if args.short { 3 } else { 20 };
    say_latency(&api, &realm, 0..tries)?;
    println!("memory: {} KiB resident", memory::resident(realm.server().id())?);
    if args.hostile {
        make_hostile_tenant(&api)?;
        println!("beside a tenant with 16 classes on 4 StatefulSets of 2,000 replicas and 10,000 accounts:");
        say_latency(&api, &realm, tries..2 * tries)?;
        println!("memory: {} KiB resident", memory::resident(realm.server().id())?);
    }
    if args.rotate {
        rotation::rotate_everything(&mut realm, &principals(&args)?)?;
    }
    ensure!(realm.server().is_running()?, "{}", realm.server().said());
    Ok(())
}

/// The principals of the accounts that [`fill`] makes.
fn principals(args: &Args) -> Result<Vec<Principal>> {
    let accounts = (0..args.namespaces).flat_map(|number| (0..args.accounts).map(move |account| (number, account)));
    let name = |(number, account)| Principal::parse(&format!("a{account}.{}", namespace(number)), REALM);
    accounts.map(|both| Ok(name(both)?)).collect()
}

/// Measures new accounts with these numbers.
fn say_latency(api: &Api, realm: &Realm, numbers: std::ops::Range<usize>) -> Result<()> {
    let mut times = numbers.map(|number| new_account(api, realm, number)).collect::<Result<Vec<_>>>()?;
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let longest = times.last().copied().unwrap_or_default();
    println!("from `kubectl create serviceaccount` to a principal: median {median:?}, longest {longest:?}");
    Ok(())
}

/// A tenant who asks for 128,000 services, none of which can exist, and for 10,000 accounts. More replicas would fill the memory of the
/// cluster's own controller, which makes each pod there first.
fn make_hostile_tenant(api: &Api) -> Result<()> {
    let namespace = "scale-hostile";
    let mut yaml = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{kennel.dev/realm: scale}}}}\n---\n\
         apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: evil, namespace: {namespace}}}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {{name: s, namespace: {namespace}}}\nspec: {{clusterIP: None, ports: [{{port: 80}}]}}\n"
    );
    for set in 0..4 {
        let _ = write!(
            yaml,
            "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: s{set}, namespace: {namespace}}}\nspec:\n  serviceName: s\n  \
             replicas: 2000\n  selector: {{matchLabels: {{app: s{set}}}}}\n  template:\n    metadata: {{labels: {{app: s{set}}}}}\n    \
             spec: {{serviceAccountName: none, containers: [{{name: c, image: i}}]}}\n"
        );
    }
    let classes: Vec<String> = (0..16).map(|class| format!("c{class}")).collect();
    let _ = write!(
        yaml,
        "---\napiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {{name: evil, namespace: {namespace}}}\nspec: \
         {{serviceAccountName: evil, serviceClasses: [{}], hosts: {{statefulSets: [s0, s1, s2, s3]}}}}\n",
        classes.join(", ")
    );
    api.apply(&yaml)?;
    let chunks: Vec<String> = (0..8).map(|chunk| accounts(namespace, chunk * 1250..(chunk + 1) * 1250)).collect();
    create_all(api, &chunks)
}

fn accounts(namespace: &str, numbers: std::ops::Range<usize>) -> String {
    numbers.fold(String::new(), |mut yaml, number| {
        let _ = write!(
            yaml,
            "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: x{number}, namespace: {namespace}}}\n"
        );
        yaml
    })
}

fn namespace(number: usize) -> String {
    format!("scale-{number}")
}

fn fill(api: &Api, args: &Args) -> Result<()> {
    let realm = format!(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: scale}}\nspec:\n  \
         realmName: {REALM}\n  credentials: {{default: [Keytab]}}\n  limits: {{principalsPerNamespace: {}}}\n",
        // What comes later fits in, and a tenant who asks for more gets no more than the others may have.
        args.accounts * 2
    );
    api.apply(&realm)?;
    let yaml = |number: usize| {
        let namespace = namespace(number);
        let mut yaml = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{kennel.dev/realm: scale}}}}\n"
        );
        for account in 0..args.accounts {
            let _ = write!(
                yaml,
                "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: a{account}, namespace: {namespace}}}\n"
            );
        }
        yaml
    };
    create_all(api, &(0..args.namespaces).map(yaml).collect::<Vec<_>>())
}

/// Creates objects by several kubectls at a time: each waits for the API server at every object.
fn create_all(api: &Api, yaml: &[String]) -> Result<()> {
    for chunk in yaml.chunks(8) {
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for yaml in chunk {
                threads.push(scope.spawn(move || api.kubectl(&["create", "-f", "-"], yaml)?.ok()));
            }
            threads.into_iter().try_for_each(|thread| thread.join().ok().context("a thread panicked")?.map(|_| ()))
        })?;
    }
    Ok(())
}

/// Asks for the principal until the KDC knows it.
fn new_account(api: &Api, realm: &Realm, number: usize) -> Result<Duration> {
    let account = format!("late{number}");
    api.kubectl(&["create", "serviceaccount", &account, "-n", &namespace(0)], "")?.ok()?;
    let begun = Instant::now();
    let client = Principal::parse(&format!("{account}.{}", namespace(0)), REALM)?;
    let mut udp = Udp::connect(realm.port())?;
    loop {
        let body = dangerous_as_body(&AsRequest::new(client.clone()), system_now(), &mut OsRng);
        let answer = udp.ask(&dangerous_as_request(body, Vec::new()))?;
        if KrbError::decode(answer).is_ok_and(|error| error.error_code == ErrorCode::PREAUTH_REQUIRED) {
            return Ok(begun.elapsed());
        }
        ensure!(begun.elapsed() < PATIENCE, "{account} does not become a principal");
        std::thread::sleep(Duration::from_millis(2));
    }
}
