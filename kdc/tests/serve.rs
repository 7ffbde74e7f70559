//! `kennel-kdc serve` as a real process: creating a realm on purpose only, restarts, and refusals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

#[path = "support/mod.rs"]
#[allow(dead_code)]
mod support;

use kennel_client::{Client, Secret, TicketOptions};
use kennel_wire::message::ErrorCode;
use std::path::{Path, PathBuf};
use support::{Process, contents, free_port};

/// The documented example, with its paths and addresses in a folder and on a port of the test.
fn config(dir: &Path, port: u16) -> PathBuf {
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kennel-kdc.toml")).unwrap();
    let folder = dir.to_str().unwrap();
    let text = example
        .replace("/var/lib/kennel", folder)
        .replace("\"0.0.0.0:10088\", \"[::]:10088\"", &format!("\"127.0.0.1:{port}\", \"[::1]:{port}\""));
    let text = ["10464", "10749"].into_iter().fold(text, |text, usual| {
        text.replace(&format!("\"0.0.0.0:{usual}\", \"[::]:{usual}\""), &format!("\"127.0.0.1:{}\"", free_port()))
    });
    let is_open = |line: &str| line.starts_with("addresses") && line.contains("0.0.0.0");
    assert!(!text.lines().any(is_open), "a listener of the example is not the test's: {text}");
    assert!(text.contains(folder) && text.contains("[::1]"), "the example has changed: {text}");
    let path = dir.join("kdc.toml");
    std::fs::write(&path, text).unwrap();
    path
}

async fn answers(address: &str) {
    let client = Client::new("EXAMPLE.COM", [address]);
    let nobody = client.principal("nobody").unwrap();
    let error = client.initial_ticket(&nobody, &Secret::password("x"), &TicketOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::C_PRINCIPAL_UNKNOWN), "{error}");
}

#[tokio::test]
async fn a_realm_is_made_with_create_alone_and_served_again_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let path = config(dir.path(), port);
    let config = path.to_str().unwrap();
    Process::run(&["serve", "--config", config]).assert_refused(1, &["there is no store", "--create"]);
    assert!(!dir.path().join("store").exists() && !dir.path().join("master.key").exists());
    for flags in [&["--create"][..], &[]] {
        let mut process = Process::start(&[&["serve", "--config", config], flags].concat());
        process.wait_for_port(port);
        answers(&format!("127.0.0.1:{port}")).await;
        answers(&format!("[::1]:{port}")).await;
        let ended = process.terminate();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        let lines: Vec<serde_json::Value> = ended.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), 2, "standard output is the audit trail: {}", ended.stdout);
        assert!(lines.iter().all(|l| l["outcome"] == "refused" && l["client"] == "nobody@EXAMPLE.COM"), "{lines:?}");
        assert!(ended.stderr.contains("stopped"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn after_sighup_the_trail_and_the_log_go_on_in_new_files() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let path = config(dir.path(), port);
    let (trail, log) = (dir.path().join("audit.log"), dir.path().join("kdc.log"));
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("sink = \"stdout\"", &format!("sink = \"{}\"", trail.display()));
    let text = text.replace("# file = \"/var/log/kennel/kdc.log\"", &format!("file = \"{}\"", log.display()));
    std::fs::write(&path, text).unwrap();
    let mut process = Process::start(&["serve", "--config", path.to_str().unwrap(), "--create"]);
    process.wait_for_port(port);
    answers(&format!("127.0.0.1:{port}")).await;
    let moved = |file: &Path| file.with_extension("1");
    for file in [&trail, &log] {
        std::fs::rename(file, moved(file)).unwrap();
    }
    process.hang_up();
    process.wait_until("both files are there again", |_| trail.exists() && log.exists());
    answers(&format!("127.0.0.1:{port}")).await;
    let ended = process.terminate();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let read = |file: &Path| std::fs::read_to_string(file).unwrap();
    assert_eq!([read(&moved(&trail)), read(&trail)].map(|lines| lines.lines().count()), [1, 1]);
    assert!(read(&moved(&log)).contains("serving") && !read(&moved(&log)).contains("stopped"));
    assert!(read(&log).contains("SIGHUP") && read(&log).contains("stopped"), "{}", read(&log));
    assert_eq!(ended.stderr, "", "the log is in its file");
}

#[test]
fn a_wrong_master_key_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let path = config(dir.path(), port);
    let config = path.to_str().unwrap();
    let mut process = Process::start(&["serve", "--config", config, "--create"]);
    process.wait_until("it serves", |p| p.stderr().contains("serving"));
    process.terminate();
    let other = dir.path().join("other");
    let store = other.join("store");
    let key = other.join("master.key");
    let mut process = Process::start(&[
        "serve",
        "--config",
        config,
        "--create",
        "--store",
        store.to_str().unwrap(),
        "--master-key",
        key.to_str().unwrap(),
    ]);
    process.wait_until("it serves", |p| p.stderr().contains("serving"));
    process.terminate();
    let before = contents(&dir.path().join("store"));
    Process::run(&["serve", "--config", config, "--create", "--master-key", key.to_str().unwrap()])
        .assert_refused(1, &["master key", "nothing was changed"]);
    assert_eq!(contents(&dir.path().join("store")), before);
}

#[test]
fn mistakes_in_the_file_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = config(dir.path(), free_port());
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to, parts) in [
        ("max_life = ", "max_lifetime = ", ["line", "`max_lifetime`"]),
        ("\"aes256-cts-hmac-sha384-192\"", "\"des3\"", ["line", "des3"]),
        ("kind = \"sled\"", "kind = \"etcd\"", ["line", "etcd"]),
        ("level = \"info\"", "level = \"x=y=z\"", ["log.level", "x=y=z"]),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "the example holds {from}");
        std::fs::write(&path, bad).unwrap();
        Process::run(&["serve", "--config", path.to_str().unwrap()]).assert_refused(1, &parts);
    }
    Process::run(&["serve", "--config", "/no/such/file"]).assert_refused(1, &["/no/such/file"]);
}
