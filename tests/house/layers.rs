//! The dependency rule: `wire` and `crypto` import nothing of ours, `core` only those two; `listen` imports only `wire`, `audit`
//! only `core` and what its events are made of; `controller` is the one library with both the stores and `k8s`.

use crate::{members, table};
use kennel_tests::kube::root;
use std::collections::BTreeSet;
use std::path::Path;

/// Each crate, its folder, and the crates of ours that it may import. Tests may import more.
const MAY_IMPORT: [(&str, &[&str]); 12] = [
    ("kdc/wire", &[]),
    ("kdc/crypto", &[]),
    ("kdc/core", &["wire", "crypto"]),
    ("kdc/store", &["wire", "crypto", "core"]),
    ("kdc/k8s", &["wire", "crypto", "core"]),
    ("kdc/client", &["wire", "crypto", "core"]),
    ("kdc/agent", &["wire", "crypto", "core", "client"]),
    ("kdc/listen", &["wire"]),
    ("kdc/audit", &["wire", "crypto", "core"]),
    ("kdc/controller", &["wire", "crypto", "core", "store", "k8s", "audit"]),
    ("kdc", &["wire", "crypto", "core", "store", "k8s", "client", "listen", "audit", "controller"]),
    ("admin-cli", &["wire", "crypto", "core", "client", "k8s"]),
];
/// Crates of others that a layer does without: sockets, clusters, files, clocks, randomness of the system.
const DOES_WITHOUT: [(&str, &[&str]); 5] = [
    (
        "kdc/core",
        &["tokio", "kube", "k8s-openapi", "serde_json", "rand", "getrandom", "chrono", "time", "mio", "socket2"],
    ),
    ("kdc/store", &["kube", "k8s-openapi", "axum", "rustls"]),
    ("kdc/listen", &["kube", "k8s-openapi", "sled"]),
    ("kdc/audit", &["kube", "k8s-openapi", "sled", "tokio", "axum"]),
    ("kdc/controller", &["axum", "rustls", "socket2", "toml", "clap"]),
];
/// Modules of the standard library that do IO, read a clock or know the process: the core has none of them.
const IO: [&str; 9] =
    ["std::fs", "std::io", "std::env", "std::process", "std::thread", "std::os", "SystemTime", "Instant", "TcpStream"];

#[test]
fn a_crate_imports_only_the_layers_below_it() {
    for (folder, allowed) in MAY_IMPORT {
        let allowed: BTreeSet<String> = allowed.iter().map(|name| format!("kennel-{name}")).collect();
        let ours = dependencies(folder).into_iter().filter(|name| name.starts_with("kennel-"));
        let too_high: Vec<String> = ours.filter(|name| !allowed.contains(name)).collect();
        assert!(
            too_high.is_empty(),
            "{folder}/Cargo.toml imports {too_high:?}, which the dependency rule does not allow"
        );
    }
}

#[test]
fn every_crate_of_ours_has_its_place_in_the_rule() {
    for member in members() {
        let known = member == "tests" || MAY_IMPORT.iter().any(|(folder, _)| *folder == member);
        assert!(known, "{member}: say in tests/house/layers.rs which crates it may import");
    }
}

#[test]
fn a_layer_does_without_the_crates_that_belong_to_another() {
    for (folder, without) in DOES_WITHOUT {
        let found: Vec<String> =
            dependencies(folder).into_iter().filter(|name| without.contains(&name.as_str())).collect();
        assert!(found.is_empty(), "{folder}/Cargo.toml imports {found:?}");
    }
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let mut read = 0;
    for path in rust_files(&root().join("kdc/core/src")) {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let found: Vec<&&str> = IO.iter().filter(|name| text.contains(**name)).collect();
        assert!(found.is_empty(), "{} names {found:?}: time and input are arguments there", path.display());
        read += 1;
    }
    assert!(read > 30, "the core's files were not found");
}

/// Names of the normal dependencies in a manifest.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = table(&Path::new(folder).join("Cargo.toml"));
    manifest["dependencies"].as_table().expect("dependencies").keys().cloned().collect()
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| match path.is_dir() {
        true => rust_files(&path),
        false => vec![path],
    });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}
