//! The configuration file of `serve`, and the flags that override its keys.

use crate::cli::{Cli, Command};
use crate::config::Config;
use crate::config::audit::{AuditFormat, AuditSettings};
use crate::config::listen::LimitSettings;
use crate::config::log::{LogFormat, LogSettings};
use crate::config::store::default_cache_capacity;
use clap::Parser;
use kennel_audit::SinkTarget;
use kennel_k8s::crd::port::TransportProtocol::{Tcp, Udp};
use kennel_store::sled::Rollback;
use std::path::Path;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kennel-kdc.toml");

fn load(text: &str, flags: &[&str]) -> anyhow::Result<Config> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kdc.toml");
    std::fs::write(&path, text).unwrap();
    let mut line = vec!["kennel-kdc", "serve", "--config", path.to_str().unwrap()];
    line.extend(flags);
    let Command::Serve(args) = Cli::try_parse_from(line).unwrap().command else { panic!("not serve") };
    args.load()
}

fn example() -> String {
    std::fs::read_to_string(EXAMPLE).unwrap()
}

fn message(result: anyhow::Result<Config>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn the_documented_example_is_accepted() {
    let config = load(&example(), &[]).unwrap();
    assert_eq!(config.realm_name().unwrap(), "EXAMPLE.COM");
    assert_eq!(config.listen.addresses.len(), 2);
    assert!(!config.store.create, "nothing is created unless the file asks for it");
    assert_eq!(config.store.rollback, Rollback::Refuse);
}

/// The example with its sections for clusters uncommented.
fn in_cluster() -> String {
    let key = |line: &str| line.starts_with("# [") || line.contains(" = ");
    let example = example();
    let (before, rest) = example.split_once("# [cluster]").unwrap();
    let (section, after) = rest.split_once("[limits]").unwrap();
    let section = format!("# [cluster]{section}");
    let lines = section.lines().map(|line| if key(line) { line.trim_start_matches("# ") } else { "" });
    format!("{before}{}\n[limits]{after}", lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn what_the_example_says_of_clusters_is_accepted() {
    let config = load(&in_cluster(), &[]).unwrap();
    assert_eq!(config.cluster.unwrap().kdcs, ["kennel.kennel-system.svc.cluster.local:88"]);
    let enrolment = config.enrolment.unwrap();
    assert_eq!((enrolment.addresses.len(), enrolment.names.len()), (2, 2));
    assert!(enrolment.certificate.unwrap().ca.is_some());
    assert_eq!(
        config.metrics.unwrap().addresses,
        ["0.0.0.0:9090", "[::]:9090"].map(|text| text.parse::<std::net::SocketAddr>().unwrap())
    );
    assert_eq!(config.store.path.with_file_name("tls-ca.pem"), Path::new("/var/lib/kennel/tls-ca.pem"));
}

#[test]
fn clients_call_the_ports_of_what_is_served_to_other_machines_and_no_other() {
    let ports = |text: &str| load(text, &[]).unwrap().ports_of_clients().into_iter().collect::<Vec<_>>();
    let all = ports(&in_cluster());
    assert_eq!(all, [(8443, Tcp), (10_088, Tcp), (10_088, Udp), (10_464, Tcp), (10_464, Udp), (10_749, Tcp)]);
    let without = example().split_once("[kpasswd]").unwrap().0.to_owned();
    assert_eq!(ports(&without), [(10_088, Tcp), (10_088, Udp)], "neither kpasswd nor kadmin, and no metrics");
    let here = format!("{without}[kadmin]\naddresses = [\"127.0.0.1:10749\", \"[::1]:10749\"]\n");
    assert_eq!(ports(&here), [(10_088, Tcp), (10_088, Udp)], "kadmin for this machine alone");
}

#[test]
fn a_cluster_that_is_half_configured_is_refused_by_key() {
    let whole = in_cluster();
    let without = |start: &str| {
        whole.lines().filter(|line| !line.starts_with(start)).map(|line| format!("{line}\n")).collect::<String>()
    };
    let unnamed = without("names = ").replace("certificate = { ", "# { ");
    for (text, key) in [
        (whole.replace("kdcs = [\"kennel.kennel-system.svc.cluster.local:88\"]", "kdcs = []"), "cluster.kdcs"),
        (
            whole.replace("kdcs = [\"kennel.kennel-system.svc.cluster.local:88\"]", "kdcs = [\"fd00::88:88\"]"),
            "in brackets",
        ),
        (
            whole.replace("admin_server = \"kennel.kennel-system.svc.cluster.local\"", "admin_server = \"fd00::88\""),
            "in brackets",
        ),
        (whole.replace("addresses = [\"0.0.0.0:8443\", \"[::]:8443\"]", "addresses = []"), "enrolment.addresses"),
        (unnamed, "enrolment.names"),
        (
            without("[cluster]")
                .replace("kubeconfig = ", "# ")
                .replace("kdcs = ", "# ")
                .replace("admin_server = ", "# "),
            "enrolment: needs",
        ),
    ] {
        let error = message(load(&text, &[]));
        assert!(error.contains(key), "{key}: {error}");
    }
}

#[test]
fn the_documented_example_states_the_defaults() {
    let config = load(&example(), &[]).unwrap();
    let defaults = LimitSettings { udp_threads: config.limits.udp_threads, ..LimitSettings::default() };
    assert_eq!(config.limits, defaults);
    assert_eq!(config.audit, AuditSettings::default());
    assert_eq!(config.log, LogSettings::default());
    assert_eq!(config.store.cache_capacity, default_cache_capacity());
    let documented = config.realm.build("R").unwrap();
    let built_in = kennel_core::realm::Realm::new("R");
    assert_eq!(documented.enctypes, built_in.enctypes);
    assert_eq!(documented.max_life, built_in.max_life);
    assert_eq!(documented.max_renewable_life, built_in.max_renewable_life);
    assert_eq!(documented.clock_skew, built_in.clock_skew);
    assert_eq!(documented.require_preauth, built_in.require_preauth);
    assert_eq!(documented.require_fast, built_in.require_fast);
    assert_eq!(documented.encrypted_challenge_indicator, built_in.encrypted_challenge_indicator);
    assert_eq!(documented.allow_postdate, built_in.allow_postdate);
    assert_eq!(documented.password_change_ends_tickets, built_in.password_change_ends_tickets);
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = example().replace("[log]", "[log]\nlevle = \"debug\"");
    let line = text.lines().position(|l| l.starts_with("levle")).unwrap() + 1;
    let error = message(load(&text, &[]));
    assert!(error.contains("kdc.toml") && error.contains("`levle`"), "{error}");
    assert!(error.contains(&format!("line {line}:")), "{error}");
}

#[test]
fn an_unknown_table_is_an_error() {
    let error = message(load(&format!("{}\n[colour]\n", example()), &[]));
    assert!(error.contains("`colour`"), "{error}");
}

#[test]
fn flags_override_the_file() {
    let flags = [
        "--realm",
        "OTHER",
        "--listen",
        "127.0.0.1:1088",
        "--store",
        "/s",
        "--master-key",
        "/k",
        "--create",
        "--accept-rollback",
    ];
    let config = load(&example(), &flags).unwrap();
    assert_eq!(config.realm_name().unwrap(), "OTHER");
    assert_eq!(config.listen.addresses, ["127.0.0.1:1088".parse().unwrap()]);
    assert_eq!(config.store.path, Path::new("/s"));
    assert_eq!(config.store.master_key, Path::new("/k"));
    assert!(config.store.create);
    assert_eq!(config.store.rollback, Rollback::Accept);
    let flags = ["--audit", "/a", "--audit-format", "text", "--log", "debug", "--log-format", "json"];
    let config = load(&example(), &flags).unwrap();
    assert_eq!(
        config.audit,
        AuditSettings { sink: SinkTarget::File("/a".into()), format: AuditFormat::Text, noise_lines: 20 }
    );
    assert_eq!(config.log, LogSettings { level: "debug".into(), format: LogFormat::Json, file: None });
}

#[test]
fn a_certificate_of_the_command_line_needs_its_key_and_who_serves_with_it() {
    let flags = ["--tls-certificate", "/c", "--tls-key", "/k", "--tls-ca", "/a"];
    let certificate = load(&in_cluster(), &flags).unwrap().enrolment.unwrap().certificate.unwrap();
    assert_eq!((&*certificate.certificate, &*certificate.key), (Path::new("/c"), Path::new("/k")));
    assert_eq!(certificate.ca.as_deref(), Some(Path::new("/a")));
    assert!(message(load(&example(), &flags)).contains("[enrolment]"));
    let alone = ["kennel-kdc", "serve", "--config", "/f", "--tls-certificate", "/c"];
    assert!(Cli::try_parse_from(alone).is_err());
}

#[test]
fn limits_that_serve_nothing_are_refused_by_name() {
    for (from, to, name) in [
        ("udp_reply_limit = 1400", "udp_reply_limit = 1", "limits.udp_reply_limit"),
        ("tcp_connections = 4096", "tcp_connections = 0", "limits.tcp_connections"),
        ("tcp_requests = 1000", "tcp_requests = 0", "limits.tcp_requests"),
        ("tcp_idle = \"10s\"", "tcp_idle = 0", "limits.tcp_idle"),
    ] {
        let text = example().replace(from, to);
        assert_ne!(text, example(), "the example holds {from}");
        let error = message(load(&text, &[]));
        assert!(error.contains(name), "{error}");
    }
}
