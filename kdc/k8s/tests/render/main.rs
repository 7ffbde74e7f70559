//! Renderings of whole folders, against golden files: the scenarios of the API's design and `deploy/examples/shop`.
//! `KENNEL_BLESS=1 cargo test -p kennel-k8s --test render` writes the golden files anew: read the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cluster_policy;
mod explain;
mod offline;
mod outside;
mod rules;
mod staged;
mod transition;

use kennel_core::access::table::{AccessPeer, AccessTable};
use kennel_core::realm::Realm;
use kennel_k8s::index::Index;
use kennel_k8s::render::access::render;
use kennel_k8s::render::access::rendered::Rendered;
use kennel_k8s::render::offline::OfflineCluster;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// 2026-11-26T12:00:00Z, before the end of the break-glass access of scenario 12.
const NOW: i64 = 1_795_694_400;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render")
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/examples/scenarios")
}

fn index(text: &str) -> Index {
    let cluster = OfflineCluster::parse(text).unwrap();
    let realm = Realm::new(&*cluster.realm);
    cluster.index(realm)
}

/// The objects of the cluster, the realm, and those of a scenario; of two objects of a name, the last counts.
fn scenario(name: &str) -> String {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let scenarios = scenarios();
    [
        read(folder().join("cluster.yaml")),
        read(scenarios.join("00-realm.yaml")),
        if name == "00-realm" { String::new() } else { read(scenarios.join(format!("{name}.yaml"))) },
    ]
    .join("\n---\n")
}

fn written(rendered: &Rendered) -> String {
    let mut text = table(&rendered.access);
    for ((namespace, name), outcome) in &rendered.accesses {
        writeln!(
            text,
            "{namespace}/{name}: {} targets, {} clients, {:?}",
            outcome.targets, outcome.clients, outcome.network
        )
        .unwrap();
        for policy in &outcome.policies {
            writeln!(text, "  needs {}", policy.name).unwrap();
        }
        for problem in &outcome.problems {
            writeln!(text, "  {}: {problem}", problem.reason()).unwrap();
        }
    }
    let others = rendered.servers.values().flat_map(|server| &server.problems);
    for problem in others.chain(rendered.namespaces.values().flat_map(|n| &n.problems)).chain(&rendered.realm.problems)
    {
        writeln!(text, "{}: {problem}", problem.reason()).unwrap();
    }
    for policy in rendered.policies.values() {
        text.push_str("---\n");
        let value = serde_json::to_value(policy).unwrap();
        text.push_str(&serde_saphyr::to_string(&value).unwrap());
    }
    text
}

fn table(table: &AccessTable) -> String {
    let mut text = String::new();
    for account in table.accounts.iter().filter(|account| account.calls.is_some()) {
        let calls: Vec<String> = account.calls.iter().flatten().map(ToString::to_string).collect();
        writeln!(text, "{} calls {}", account.principal, calls.join(", ")).unwrap();
    }
    for server in table.servers.iter().filter(|server| !server.grants.is_empty() || server.mode.name() == "Observe") {
        writeln!(text, "{} {}", server.key, server.mode.name()).unwrap();
        for grant in &server.grants {
            let peers = grant.peers.iter().map(|peer| match peer {
                AccessPeer::Principal(principal) => principal.to_string(),
                AccessPeer::Namespace(name) => format!("namespace {name}"),
                AccessPeer::Realm(name) => format!("realm {name}"),
            });
            let peers: Vec<String> = peers.collect();
            write!(text, "  {}: {}", grant.by, peers.join(", ")).unwrap();
            if let Some(classes) = &grant.service_classes {
                write!(text, " for {}", classes.iter().cloned().collect::<Vec<_>>().join(", ")).unwrap();
            }
            if let Some(end) = &grant.not_after {
                write!(text, " until {}", end.to_rfc3339()).unwrap();
            }
            text.push('\n');
        }
    }
    text
}

fn check(name: &str, rendered: &Rendered) {
    let path = folder().join("golden").join(format!("{name}.txt"));
    let text = written(rendered);
    if std::env::var_os("KENNEL_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{name}: differs from the golden file (KENNEL_BLESS=1 writes it anew)\n{text}");
}

#[test]
fn every_scenario_renders_as_its_golden_file() {
    let mut names: Vec<String> = std::fs::read_dir(scenarios())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    names.sort();
    assert_eq!(names.len(), 13);
    for name in names {
        check(&name, &render(&index(&scenario(&name)), NOW));
    }
}

#[test]
fn the_shop_renders_as_its_golden_file() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/examples");
    let cluster = OfflineCluster::read(&[examples.join("realm"), examples.join("shop")]).unwrap();
    assert_eq!(cluster.report.skipped, [].into());
    let realm = Realm::new(&*cluster.realm);
    check("shop", &render(&cluster.index(realm), NOW));
}

#[test]
fn the_same_objects_in_any_order_render_the_same() {
    let mut whole = String::new();
    for entry in std::fs::read_dir(scenarios()).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        // Scenario 02 gives shop/web a consent, which another object of the name would overwrite.
        if !["02-cross-namespace", "00-realm"].contains(&&*name) {
            whole.push_str("\n---\n");
            whole.push_str(&std::fs::read_to_string(scenarios().join(format!("{name}.yaml"))).unwrap());
        }
    }
    let whole = format!("{}{whole}", scenario("00-realm"));
    let expected = render(&index(&whole), NOW);
    assert!(expected.policies.len() > 10 && expected.accesses.len() > 10);
    let mut documents: Vec<&str> = whole.split("\n---\n").collect();
    let mut seed = 1_u64;
    for _ in 0..5 {
        for place in (1..documents.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            documents.swap(place, usize::try_from(seed >> 33).unwrap() % (place + 1));
        }
        assert!(render(&index(&documents.join("\n---\n")), NOW) == expected);
    }
}
