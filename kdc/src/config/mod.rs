//! The configuration of `serve`: a TOML file, every key of which is explained in `deploy/kennel-kdc.toml`. Keys that are
//! not known are errors, and each error names the file, the line and the key.

mod realm;
mod values;

pub(crate) use realm::{RealmSettings, check_realm_name, warn_of_weakness};
pub(crate) use values::{EnctypeName, Moment, Password, Seconds};

use crate::cli::ServeArgs;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) realm: RealmSettings,
    pub(crate) store: StoreSettings,
    pub(crate) listen: ListenSettings,
    /// None: the realm has no cluster.
    pub(crate) cluster: Option<ClusterSettings>,
    /// None: pods cannot enrol here.
    pub(crate) enrolment: Option<EnrolmentSettings>,
    /// None: no metrics, and no probes.
    pub(crate) metrics: Option<ListenSettings>,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) audit: AuditSettings,
    #[serde(default)]
    pub(crate) log: LogSettings,
}

/// Where the principals are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    pub(crate) kind: StoreKind,
    pub(crate) path: PathBuf,
    /// File of the key that wraps every record.
    pub(crate) master_key: PathBuf,
    /// Makes a new realm where there is no store yet.
    #[serde(default)]
    pub(crate) create: bool,
    /// Principals that are kept in memory, ready for use.
    #[serde(default = "default_cache_capacity")]
    pub(crate) cache_capacity: usize,
}

/// Kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreKind {
    /// On this machine's disk.
    Sled,
}

/// Sockets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenSettings {
    /// Each is served over UDP and TCP.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// The cluster whose objects become principals.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClusterSettings {
    /// How to reach it; as one of its pods where this is left out.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Where clients find the KDC, `host:port`: for the krb5.conf that they get.
    pub(crate) kdcs: Vec<String>,
}

/// The enrolment API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolmentSettings {
    /// Each is served over HTTPS.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Names and addresses that clients know it by: the certificate is for these.
    #[serde(default)]
    pub(crate) names: Vec<String>,
    /// The operator's certificate; one of our own authority where this is left out.
    pub(crate) certificate: Option<CertificateSettings>,
}

/// Files of a certificate, PEM. They are read again when they change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateSettings {
    /// The chain, the server's own first.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
    /// What clients are to trust; the chain itself where this is left out.
    pub(crate) ca: Option<PathBuf>,
}

/// Limits of the listeners.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Threads that receive datagrams, for each address; one for each core by default.
    pub(crate) udp_threads: usize,
    /// Longest reply that is sent in a datagram, octets.
    pub(crate) udp_reply_limit: usize,
    /// TCP connections that may be open at a time.
    pub(crate) tcp_connections: usize,
    /// How long a connection may wait for its next request.
    pub(crate) tcp_idle: Seconds,
    /// How long a request may take, from its first octet to the last of its reply.
    pub(crate) tcp_exchange: Seconds,
}

/// The audit trail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditSettings {
    pub(crate) sink: AuditSink,
    pub(crate) format: AuditFormat,
}

/// Where audit lines go: `stdout`, `stderr` or a path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum AuditSink {
    #[default]
    Stdout,
    Stderr,
    File(PathBuf),
}

/// The form of audit lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuditFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// `name=value` pairs.
    Text,
}

/// The log of the process, on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogSettings {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads the file and lets the flags of the command line override it.
    pub(crate) fn load(args: &ServeArgs) -> anyhow::Result<Config> {
        let mut config: Config = read(&args.config)?;
        config.apply(args);
        config.apply_certificate(args)?;
        config.check().with_context(|| format!("{} with the flags given", args.config.display()))?;
        Ok(config)
    }

    fn apply(&mut self, args: &ServeArgs) {
        if let Some(realm) = &args.realm {
            self.realm.name = Some(realm.clone());
        }
        if !args.listen.is_empty() {
            self.listen.addresses.clone_from(&args.listen);
        }
        if let Some(path) = &args.store {
            self.store.path.clone_from(path);
        }
        if let Some(path) = &args.master_key {
            self.store.master_key.clone_from(path);
        }
        self.store.create |= args.create;
        if let Some(sink) = &args.audit {
            self.audit.sink = AuditSink::from(sink.clone());
        }
        self.audit.format = args.audit_format.unwrap_or(self.audit.format);
        if let Some(level) = &args.log {
            self.log.level.clone_from(level);
        }
        self.log.format = args.log_format.unwrap_or(self.log.format);
    }

    fn apply_certificate(&mut self, args: &ServeArgs) -> anyhow::Result<()> {
        let Some((certificate, key)) = args.tls_certificate.clone().zip(args.tls_key.clone()) else { return Ok(()) };
        let enrolment = self.enrolment.as_mut().context("--tls-certificate: needs the section [enrolment]")?;
        enrolment.certificate = Some(CertificateSettings { certificate, key, ca: args.tls_ca.clone() });
        Ok(())
    }

    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.realm.build(self.realm_name()?)?;
        self.limits.check()?;
        ensure!(!self.listen.addresses.is_empty(), "listen.addresses: give at least one, such as \"0.0.0.0:10088\"");
        self.check_cluster()?;
        ensure!(self.store.cache_capacity > 0, "store.cache_capacity: must be at least 1");
        Ok(())
    }

    fn check_cluster(&self) -> anyhow::Result<()> {
        if let Some(cluster) = &self.cluster {
            ensure!(
                !cluster.kdcs.is_empty(),
                "cluster.kdcs: give where clients find the KDC, such as \"kennel.kennel-system.svc:88\""
            );
        }
        if let Some(enrolment) = &self.enrolment {
            ensure!(self.cluster.is_some(), "enrolment: needs the section [cluster], whose pods are to enrol");
            ensure!(
                !enrolment.addresses.is_empty(),
                "enrolment.addresses: give at least one, such as \"0.0.0.0:8443\""
            );
            let named = !enrolment.names.is_empty() || enrolment.certificate.is_some();
            ensure!(
                named,
                "enrolment.names: give the names that pods know this server by, such as \"kennel.kennel-system.svc\""
            );
        }
        Ok(())
    }

    /// Where our own certificate authority is: beside the store.
    pub(crate) fn authority(&self) -> PathBuf {
        self.store.path.with_file_name("tls-ca.pem")
    }

    /// The realm's name.
    pub(crate) fn realm_name(&self) -> anyhow::Result<&str> {
        self.realm.name.as_deref().context("realm.name: give the name of the realm, such as \"EXAMPLE.COM\"")
    }
}

impl Limits {
    /// Refuses limits under which nothing could be served.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=256).contains(&self.udp_threads), "limits.udp_threads: must be 1 to 256");
        ensure!((256..=65_507).contains(&self.udp_reply_limit), "limits.udp_reply_limit: must be 256 to 65507 octets");
        ensure!((1..=65_536).contains(&self.tcp_connections), "limits.tcp_connections: must be 1 to 65536");
        ensure!(self.tcp_idle.0 > 0, "limits.tcp_idle: must be at least \"1s\"");
        ensure!(self.tcp_exchange.0 > 0, "limits.tcp_exchange: must be at least \"1s\"");
        Ok(())
    }
}

/// Reads a TOML file. An error names the file, the line and the key; it never shows the line, which may hold a password.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text, path)
}

/// The text of such a file; `path` is for errors.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> anyhow::Result<T> {
    match toml::from_str(text) {
        Ok(config) => Ok(config),
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            bail!("{}, line {line}: {}", path.display(), error.message())
        }
    }
}

impl From<String> for AuditSink {
    fn from(text: String) -> Self {
        match text.as_str() {
            "stdout" => AuditSink::Stdout,
            "stderr" => AuditSink::Stderr,
            _ => AuditSink::File(PathBuf::from(text)),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            udp_threads: std::thread::available_parallelism().map_or(1, usize::from),
            udp_reply_limit: 1400,
            tcp_connections: 4096,
            tcp_idle: Seconds(10),
            tcp_exchange: Seconds(30),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings { level: "info".into(), format: LogFormat::Text }
    }
}

fn default_cache_capacity() -> usize {
    100_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kennel-kdc.toml");

    fn load(text: &str, flags: &[&str]) -> anyhow::Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kdc.toml");
        std::fs::write(&path, text).unwrap();
        let mut line = vec!["kennel-kdc", "serve", "--config", path.to_str().unwrap()];
        line.extend(flags);
        let crate::cli::Command::Serve(args) = crate::cli::Cli::try_parse_from(line).unwrap().command else {
            panic!("not serve")
        };
        Config::load(&args)
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
        assert!(!config.store.create, "nothing is made without being told to");
    }

    /// The example with what it says of clusters in effect.
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
        assert_eq!((enrolment.addresses.len(), enrolment.names.len()), (1, 2));
        assert!(enrolment.certificate.unwrap().ca.is_some());
        assert_eq!(config.metrics.unwrap().addresses, ["0.0.0.0:9090".parse().unwrap()]);
        assert_eq!(config.store.path.with_file_name("tls-ca.pem"), Path::new("/var/lib/kennel/tls-ca.pem"));
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
            (whole.replace("addresses = [\"0.0.0.0:8443\"]", "addresses = []"), "enrolment.addresses"),
            (unnamed, "enrolment.names"),
            (without("[cluster]").replace("kubeconfig = ", "# ").replace("kdcs = ", "# "), "enrolment: needs"),
        ] {
            let error = message(load(&text, &[]));
            assert!(error.contains(key), "{key}: {error}");
        }
    }

    #[test]
    fn the_documented_example_states_the_defaults() {
        let config = load(&example(), &[]).unwrap();
        let defaults = Limits { udp_threads: config.limits.udp_threads, ..Limits::default() };
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
        let flags =
            ["--realm", "OTHER", "--listen", "127.0.0.1:1088", "--store", "/s", "--master-key", "/k", "--create"];
        let config = load(&example(), &flags).unwrap();
        assert_eq!(config.realm_name().unwrap(), "OTHER");
        assert_eq!(config.listen.addresses, ["127.0.0.1:1088".parse().unwrap()]);
        assert_eq!(config.store.path, Path::new("/s"));
        assert_eq!(config.store.master_key, Path::new("/k"));
        assert!(config.store.create);
        let flags = ["--audit", "/a", "--audit-format", "text", "--log", "debug", "--log-format", "json"];
        let config = load(&example(), &flags).unwrap();
        assert_eq!(config.audit, AuditSettings { sink: AuditSink::File("/a".into()), format: AuditFormat::Text });
        assert_eq!(config.log, LogSettings { level: "debug".into(), format: LogFormat::Json });
    }

    #[test]
    fn a_certificate_of_the_command_line_needs_its_key_and_who_serves_with_it() {
        let flags = ["--tls-certificate", "/c", "--tls-key", "/k", "--tls-ca", "/a"];
        let certificate = load(&in_cluster(), &flags).unwrap().enrolment.unwrap().certificate.unwrap();
        assert_eq!((&*certificate.certificate, &*certificate.key), (Path::new("/c"), Path::new("/k")));
        assert_eq!(certificate.ca.as_deref(), Some(Path::new("/a")));
        assert!(message(load(&example(), &flags)).contains("[enrolment]"));
        let alone = ["kennel-kdc", "serve", "--config", "/f", "--tls-certificate", "/c"];
        assert!(crate::cli::Cli::try_parse_from(alone).is_err());
    }

    #[test]
    fn limits_that_serve_nothing_are_refused_by_name() {
        for (from, to, name) in [
            ("udp_reply_limit = 1400", "udp_reply_limit = 1", "limits.udp_reply_limit"),
            ("tcp_connections = 4096", "tcp_connections = 0", "limits.tcp_connections"),
            ("tcp_idle = \"10s\"", "tcp_idle = 0", "limits.tcp_idle"),
        ] {
            let text = example().replace(from, to);
            assert_ne!(text, example(), "the example holds {from}");
            let error = message(load(&text, &[]));
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = format!("{:#}", read::<Config>(Path::new("/no/such.toml")).unwrap_err());
        assert!(error.contains("/no/such.toml"), "{error}");
    }
}
