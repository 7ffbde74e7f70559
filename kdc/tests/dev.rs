//! `kennel-kdc dev` as a real process: what it prints and writes, restarts, and refusals.
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

use kennel_client::{Client, Credential, Keytab, Secret, TicketOptions};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{Process, contents, free_port};

const SERVICE: &str = "HTTP/web.shop.svc.cluster.local";

fn client(port: u16) -> Client {
    Client::new("DEV.KENNEL", [format!("127.0.0.1:{port}")])
}

async fn tgt(client: &Client, user: &str, secret: &Secret) -> Credential {
    let user = client.principal(user).unwrap();
    client.initial_ticket(&user, secret, &TicketOptions::default()).await.unwrap().credential
}

async fn service_ticket(client: &Client, tgt: &Credential) -> Credential {
    client.service_ticket(tgt, &client.principal(SERVICE).unwrap()).await.unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn it_proves_itself_says_what_to_type_and_then_ready_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("new/realm");
    let process = Process::dev(&root, free_port(), &[]);
    let said = process.stdout();
    for transport in ["UDP", "TCP"] {
        assert!(said.contains(&format!("self test over {transport}")), "{said}");
    }
    for (exchange, times) in [("  AS ", 2), ("  TGS ", 2), ("  AP ", 2)] {
        assert_eq!(said.matches(exchange).count(), times, "{said}");
    }
    assert!(said.contains("aes256-cts-hmac-sha384-192"), "{said}");
    let conf = root.canonicalize().unwrap().join("krb5.conf");
    assert!(said.contains(&format!("export KRB5_CONFIG={}", conf.display())), "{said}");
    assert!(said.contains("kinit alice"), "{said}");
    assert!(said.ends_with("\nready\n"), "{said}");
    assert_eq!(process.stderr(), "");
    assert!(!said.contains("secret"), "no password is shown: {said}");
}

#[test]
fn secrets_are_readable_by_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("realm");
    let _process = Process::dev(&root, free_port(), &[]);
    for file in ["master.key", "keytabs/alice.keytab", "keytabs/HTTP_web.shop.svc.cluster.local.keytab", "audit.log"] {
        assert_eq!(mode(&root.join(file)), 0o600, "{file}");
    }
    for folder in ["", "keytabs", "store"] {
        assert_eq!(mode(&root.join(folder)), 0o700, "{folder}");
    }
}

#[tokio::test]
async fn tickets_and_keytabs_outlive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let process = Process::dev(dir.path(), port, &[]);
    let client = client(port);
    let tgt = tgt(&client, "alice", &Secret::password("secret")).await;
    let before = contents(&dir.path().join("keytabs"));
    process.kill();
    let process = Process::dev(dir.path(), port, &[]);
    assert!(process.stdout().contains("alice@DEV.KENNEL: kept"), "{}", process.stdout());
    assert_eq!(contents(&dir.path().join("keytabs")), before);
    service_ticket(&client, &tgt).await;
    let keytab = Keytab::read(&dir.path().join("keytabs/alice.keytab")).unwrap();
    let secret = Secret::from_keytab(&keytab, &client.principal("alice").unwrap()).unwrap();
    self::tgt(&client, "alice", &secret).await;
}

#[tokio::test]
async fn another_password_on_the_command_line_is_a_new_key_version() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    Process::dev(dir.path(), port, &[]).kill();
    let process = Process::dev(dir.path(), port, &["--user", "alice:other", "--user", "bob:b0b"]);
    assert!(process.stdout().contains("alice@DEV.KENNEL: new keys, version 2"), "{}", process.stdout());
    let client = client(port);
    tgt(&client, "alice", &Secret::password("other")).await;
    tgt(&client, "bob", &Secret::password("b0b")).await;
    let alice = client.principal("alice").unwrap();
    let old = Secret::password("secret");
    assert!(client.initial_ticket(&alice, &old, &TicketOptions::default()).await.is_err());
}

#[tokio::test]
async fn a_seed_says_what_the_realm_holds() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples/seed.toml");
    let process = Process::dev(dir.path(), port, &["--seed", seed]);
    assert!(process.stdout().contains("krbtgt/DEV.KENNEL@FAR.EXAMPLE.ORG: created"), "{}", process.stdout());
    let client = client(port);
    let tgt = tgt(&client, "carol", &Secret::password("c4r0l")).await;
    assert!(tgt.endtime.0 - tgt.starttime.0 <= 3600, "carol's tickets last an hour");
    let shop = client.principal("HTTP/shop").unwrap();
    client.service_ticket(&tgt, &shop).await.expect("the alias of the service");
    let conf = std::fs::read_to_string(dir.path().join("krb5.conf")).unwrap();
    assert!(conf.contains("FAR.EXAMPLE.ORG") && conf.contains("127.0.0.1:20088"), "{conf}");
    assert!(!conf.contains("a long secret"), "{conf}");
}

#[test]
fn every_request_of_the_self_test_is_in_the_audit_log_after_a_graceful_stop() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::dev(dir.path(), free_port(), &[]);
    let ended = process.terminate();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let log = std::fs::read_to_string(dir.path().join("audit.log")).unwrap();
    let outcomes: Vec<_> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| format!("{} {}", line["exchange"].as_str().unwrap(), line["outcome"].as_str().unwrap()))
        .collect();
    let once = ["AS preauth-required", "AS issued", "TGS issued"];
    assert_eq!(outcomes, [once, once].concat(), "{log}");
}

#[test]
fn a_port_in_use_is_told_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("realm");
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for (taken, protocol) in [(tcp.local_addr().unwrap(), "TCP"), (udp.local_addr().unwrap(), "UDP")] {
        let port = taken.port().to_string();
        let ended = Process::run(&["dev", "--dir", root.to_str().unwrap(), "--port", &port]);
        ended.assert_refused(1, &[&taken.to_string(), protocol, "in use"]);
        assert!(!root.exists());
    }
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("realm");
    let long = format!("HTTP/{}", "a".repeat(251));
    let port = free_port().to_string();
    for (flags, parts) in [
        (["--service", &long], ["too long by 8 octets", "shorten it"]),
        (["--user", "HTTP_web.shop.svc.cluster.local:x"], ["would share the keytab", "rename"]),
        (["--service", "krbtgt/OTHER"], ["reserved", "another name"]),
    ] {
        let arguments = [&["dev", "--dir", root.to_str().unwrap(), "--port", &port][..], &flags].concat();
        Process::run(&arguments).assert_refused(1, &parts);
        assert!(!root.exists(), "{flags:?}");
    }
}

#[test]
fn a_host_that_no_library_reads_in_krb5_conf_is_left_out_of_it_with_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--service", "HTTP/web.shop", "--service", "HTTP/[web", "--service", "HTTP/{web}"];
    let process = Process::dev(dir.path(), free_port(), &flags);
    let said = process.stdout();
    assert!(said.contains("krb5.conf leaves out \"[web\"") && said.contains("leaves out \"{web}\""), "{said}");
    let conf = std::fs::read_to_string(dir.path().join("krb5.conf")).unwrap();
    assert!(conf.contains("web.shop = DEV.KENNEL") && !conf.contains("[web") && !conf.contains("{web}"), "{conf}");
    assert!(dir.path().join("keytabs/HTTP__web_.keytab").exists(), "the service is there all the same");
}

#[tokio::test]
async fn the_first_service_may_have_old_keys_alone() {
    let dir = tempfile::tempdir().unwrap();
    let seed = dir.path().join("seed.toml");
    for enctype in ["aes128-cts-hmac-sha1-96", "arcfour-hmac"] {
        let text = format!(
            "[realm]\nenctypes = ['aes256-cts-hmac-sha1-96', 'aes128-cts-hmac-sha1-96', 'arcfour-hmac']\n\
             [[principal]]\nname = 'alice'\npassword = 'secret'\n\
             [[principal]]\nname = '{SERVICE}'\nenctypes = ['{enctype}']\n"
        );
        std::fs::write(&seed, text).unwrap();
        let port = free_port();
        let _process = Process::dev(&dir.path().join(enctype), port, &["--seed", seed.to_str().unwrap()]);
        let client = client(port);
        let tgt = tgt(&client, "alice", &Secret::password("secret")).await;
        let ticket = service_ticket(&client, &tgt).await;
        assert_eq!(ticket.session_key.enctype().number(), 18);
    }
}

#[tokio::test]
async fn in_a_container_it_listens_on_every_address_of_either_family() {
    for (listen, written, reached) in [("0.0.0.0", "127.0.0.1", "127.0.0.2"), ("::", "[::1]", "[::1]")] {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let _process = Process::dev(dir.path(), port, &["--listen", listen]);
        let conf = std::fs::read_to_string(dir.path().join("krb5.conf")).unwrap();
        assert!(conf.contains(&format!("kdc = {written}:{port}")), "{conf}");
        let client = Client::new("DEV.KENNEL", [format!("{reached}:{port}")]);
        tgt(&client, "alice", &Secret::password("secret")).await;
    }
}

#[test]
fn a_second_dev_on_the_folder_is_refused_and_the_first_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut first = Process::dev(dir.path(), port, &[]);
    let folder = dir.path().to_str().unwrap();
    let other = free_port().to_string();
    Process::run(&["dev", "--dir", folder, "--port", &other]).assert_refused(1, &[folder, "in use by another process"]);
    let same = port.to_string();
    Process::run(&["dev", "--dir", folder, "--port", &same]).assert_refused(1, &[&same, "in use"]);
    first.wait_for_port(port);
    assert_eq!(first.terminate().status.code(), Some(0));
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    for path in [file.clone(), file.join("below")] {
        let path = path.to_str().unwrap();
        let port = free_port().to_string();
        Process::run(&["dev", "--dir", path, "--port", &port]).assert_refused(1, &[path, "--dir"]);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a folder");
}

#[test]
fn a_store_without_its_key_is_refused_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    Process::dev(dir.path(), free_port(), &[]).terminate();
    let key = dir.path().join("master.key");
    std::fs::rename(&key, dir.path().join("elsewhere")).unwrap();
    let before = contents(&dir.path().join("store"));
    let port = free_port().to_string();
    let arguments = ["dev", "--dir", dir.path().to_str().unwrap(), "--port", &port];
    Process::run(&arguments).assert_refused(1, &["master.key", "is missing"]);
    assert!(!key.exists());
    assert_eq!(contents(&dir.path().join("store")), before);
}

#[test]
fn the_folder_of_another_realm_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Process::dev(dir.path(), free_port(), &[]).terminate();
    let port = free_port().to_string();
    let arguments = ["dev", "--dir", dir.path().to_str().unwrap(), "--port", &port, "--realm", "OTHER"];
    Process::run(&arguments).assert_refused(1, &["DEV.KENNEL", "krbtgt/OTHER@OTHER"]);
}

#[test]
fn a_mistake_in_the_seed_is_named_and_its_password_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let seed = dir.path().join("seed.toml");
    std::fs::write(&seed, "[[principal]]\nname = 'x'\npasword = 'hunter2'\n").unwrap();
    let root = dir.path().join("realm");
    let ended = Process::run(&["dev", "--dir", root.to_str().unwrap(), "--seed", seed.to_str().unwrap()]);
    ended.assert_refused(1, &["seed.toml, line 3", "`pasword`"]);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    assert!(!root.exists());
}

#[test]
fn a_command_line_that_cannot_be_read_ends_with_code_two() {
    Process::run(&["dev", "--colour"]).assert_refused(2, &["--colour"]);
    Process::run(&["dev", "--user", "alice"]).assert_refused(2, &["NAME:PASSWORD"]);
    Process::run(&[]).assert_refused(2, &["Usage"]);
}
