//! The command line, and how its flags override the configuration.

use crate::config::audit::{AuditFormat, parse_sink};
use crate::config::cluster::CertificateSettings;
use crate::config::log::LogFormat;
use crate::config::values::Password;
use crate::config::{Config, file};
use crate::whole_realm::dump::DumpArgs;
use crate::whole_realm::import::ImportArgs;
use crate::whole_realm::load::LoadArgs;
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use kennel_store::sled::Rollback;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// A Kerberos KDC for clusters.
#[derive(Debug, Parser)]
#[command(name = "kennel-kdc", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves the realm of a configuration file.
    Serve(ServeArgs),
    /// Creates a realm on this machine, tests it, and serves it on 127.0.0.1.
    Dev(DevArgs),
    /// Writes the whole realm of a KDC that does not run into an encrypted file (of one that runs: kennel dump).
    Dump(DumpArgs),
    /// Puts the realm of a dump into the store of a KDC that does not run: all of it or nothing.
    Load(LoadArgs),
    /// Imports a realm of MIT Kerberos or Heimdal into the store of a KDC that does not run: all of it or nothing.
    ImportMit(ImportArgs),
}

/// Every flag but `--config` overrides a key of the file.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The configuration; deploy/kennel-kdc.toml explains every key.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Overrides realm.name.
    #[arg(long)]
    pub(crate) realm: Option<String>,
    /// Overrides listen.addresses; may be repeated.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Vec<SocketAddr>,
    /// Overrides store.path.
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Overrides store.master_key.
    #[arg(long, value_name = "FILE")]
    pub(crate) master_key: Option<PathBuf>,
    /// Creates a new realm (master key, store, krbtgt) where no store exists yet; the same as store.create = true.
    #[arg(long)]
    pub(crate) create: bool,
    /// Serves an older copy of the store once, where no newer one is left. What was revoked or changed since that copy is undone.
    #[arg(long)]
    pub(crate) accept_rollback: bool,
    /// Begins at this start to wrap every record anew under the key of the file beside the master key with the ending .next; the same
    /// as kennel master-key rotate. A rotation that has begun goes on at each start, also without the flag.
    #[arg(long)]
    pub(crate) rotate_master_key: bool,
    /// Overrides enrolment.certificate.certificate: a chain in PEM, the server's certificate first. Needs --tls-key.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Overrides enrolment.certificate.key.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Overrides enrolment.certificate.ca: the CA certificates that agents trust [default: the chain].
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Overrides audit.sink.
    #[arg(long, value_name = "stdout|stderr|FILE")]
    pub(crate) audit: Option<String>,
    /// Overrides audit.format.
    #[arg(long, value_enum)]
    pub(crate) audit_format: Option<AuditFormat>,
    /// Overrides log.level: error, warn, info, debug, trace, or a filter such as info,kennel_store=debug.
    #[arg(long, value_name = "LEVEL", env = "KENNEL_LOG")]
    pub(crate) log: Option<String>,
    /// Overrides log.format.
    #[arg(long, value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

impl ServeArgs {
    /// Reads the configuration file, and overrides its keys by the flags of the command line.
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        let mut config: Config = file::read(&self.config)?;
        self.apply(&mut config);
        self.apply_certificate(&mut config)?;
        config.check().with_context(|| format!("{} with the given flags", self.config.display()))?;
        Ok(config)
    }

    fn apply(&self, config: &mut Config) {
        if let Some(realm) = &self.realm {
            config.realm.name = Some(realm.clone());
        }
        if !self.listen.is_empty() {
            config.listen.addresses.clone_from(&self.listen);
        }
        if let Some(path) = &self.store {
            config.store.path.clone_from(path);
        }
        if let Some(path) = &self.master_key {
            config.store.master_key.clone_from(path);
        }
        config.store.create |= self.create;
        if self.accept_rollback {
            config.store.rollback = Rollback::Accept;
        }
        config.store.rotate_master_key = self.rotate_master_key;
        if let Some(sink) = &self.audit {
            config.audit.sink = parse_sink(sink);
        }
        config.audit.format = self.audit_format.unwrap_or(config.audit.format);
        if let Some(level) = &self.log {
            config.log.level.clone_from(level);
        }
        config.log.format = self.log_format.unwrap_or(config.log.format);
    }

    fn apply_certificate(&self, config: &mut Config) -> anyhow::Result<()> {
        let Some((certificate, key)) = self.tls_certificate.clone().zip(self.tls_key.clone()) else { return Ok(()) };
        let enrolment = config
            .enrolment
            .as_mut()
            .context("--tls-certificate: the configuration file has no section [enrolment]: add it")?;
        enrolment.certificate = Some(CertificateSettings { certificate, key, ca: self.tls_ca.clone() });
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Folder of all files of the realm; created where it is missing, kept across restarts.
    #[arg(long, value_name = "DIR", default_value = ".kennel")]
    pub(crate) dir: PathBuf,
    /// UDP and TCP port of the KDC; the next four ports are reserved (kpasswd, kadmin, HTTPS, metrics).
    #[arg(long, value_name = "P", default_value_t = 10088, value_parser = clap::value_parser!(u16).range(1..=65_531))]
    pub(crate) port: u16,
    /// Address to listen on: in a container 0.0.0.0 or ::, so that published ports reach the KDC. The realm is for tests: whoever reaches
    /// the address can use it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) listen: IpAddr,
    /// Name of the realm [default: DEV.KENNEL, or the seed's].
    #[arg(long)]
    pub(crate) realm: Option<String>,
    /// A user; may be repeated [default: alice:secret, unless a seed is given].
    #[arg(long = "user", value_name = "NAME:PASSWORD", value_parser = parse_user)]
    pub(crate) users: Vec<UserArg>,
    /// A service, HTTP/web.shop for example; may be repeated [default: HTTP/web.shop.svc.cluster.local (with a cluster
    /// HTTP/self-test.dev.kennel), unless a seed is given].
    #[arg(long = "service", value_name = "S/HOST")]
    pub(crate) services: Vec<String>,
    /// Another name of a user or a service; may be repeated.
    #[arg(long = "alias", value_name = "ALIAS=TARGET", value_parser = parse_alias)]
    pub(crate) aliases: Vec<AliasArg>,
    /// A realm that is trusted and trusts this one, with keys derived from a password; may be repeated.
    #[arg(long = "trust", value_name = "REALM=PASSWORD[@HOST:PORT]", value_parser = parse_trust)]
    pub(crate) trusts: Vec<TrustArg>,
    /// Principals, trusts and settings in a file; deploy/examples/seed.toml explains every key.
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// A cluster: its service accounts become principals, and its pods enrol on port P+3 (HTTPS). The custom resource
    /// definitions are in deploy/crds.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// A folder with the YAML of a cluster, without the cluster: its accounts become principals with keytabs, its KerberosAccess
    /// objects decide tickets, and its NetworkPolicies are written to DIR/policies; may be repeated.
    #[arg(long, value_name = "FOLDER", conflicts_with = "kubeconfig")]
    pub(crate) manifests: Vec<PathBuf>,
    /// Level of the log on standard error: error, warn, info, debug, trace, or a filter.
    #[arg(long, value_name = "LEVEL", env = "KENNEL_LOG", default_value = "warn")]
    pub(crate) log: String,
}

impl DevArgs {
    /// The address of the service whose port is `offset` after the KDC's.
    pub(crate) fn socket(&self, offset: u16) -> SocketAddr {
        SocketAddr::new(self.listen, self.port.saturating_add(offset))
    }

    /// The KDC's address for clients on this machine.
    pub(crate) fn reachable(&self) -> SocketAddr {
        let address = match self.listen {
            IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            given => given,
        };
        SocketAddr::new(address, self.port)
    }
}

/// The value of `--user`, `NAME:PASSWORD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserArg {
    pub(crate) name: String,
    pub(crate) password: Password,
}

/// The value of `--alias`, `ALIAS=TARGET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AliasArg {
    pub(crate) alias: String,
    pub(crate) target: String,
}

/// The value of `--trust`, `REALM=PASSWORD[@HOST:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrustArg {
    pub(crate) realm: String,
    pub(crate) password: Password,
    pub(crate) kdc: Option<String>,
}

fn parse_user(text: &str) -> Result<UserArg, String> {
    match text.split_once(':') {
        Some((name, password)) if !name.is_empty() && !password.is_empty() => {
            Ok(UserArg { name: name.to_owned(), password: Password::new(password.to_owned()) })
        }
        _ => Err("a user is NAME:PASSWORD, such as alice:secret".to_owned()),
    }
}

fn parse_alias(text: &str) -> Result<AliasArg, String> {
    match text.split_once('=') {
        Some((alias, target)) if !alias.is_empty() && !target.is_empty() => {
            Ok(AliasArg { alias: alias.to_owned(), target: target.to_owned() })
        }
        _ => Err("an alias is ALIAS=TARGET, such as HTTP/web=HTTP/web.shop.svc.cluster.local".to_owned()),
    }
}

/// The last `@` ends the password only if `HOST:PORT` follows: a password may contain an `@`.
fn parse_trust(text: &str) -> Result<TrustArg, String> {
    let usage = || "a trust is REALM=PASSWORD or REALM=PASSWORD@HOST:PORT".to_owned();
    let (realm, rest) = text.split_once('=').ok_or_else(usage)?;
    let (password, kdc) = match rest.rsplit_once('@') {
        Some((password, kdc)) if is_host_and_port(kdc) => (password, Some(kdc.to_owned())),
        _ => (rest, None),
    };
    if realm.is_empty() || password.is_empty() {
        return Err(usage());
    }
    Ok(TrustArg { realm: realm.to_owned(), password: Password::new(password.to_owned()), kdc })
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn dev(flags: &[&str]) -> Result<DevArgs, clap::Error> {
        let line = ["kennel-kdc", "dev"].iter().chain(flags);
        Cli::try_parse_from(line).map(|cli| match cli.command {
            Command::Dev(args) => args,
            _ => panic!("not dev"),
        })
    }

    fn password(text: &str) -> Password {
        Password::new(text.into())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn dev_needs_no_flags() {
        let args = dev(&[]).unwrap();
        assert_eq!((args.dir.to_str(), args.port), (Some(".kennel"), 10088));
        assert_eq!(args.socket(4).to_string(), "127.0.0.1:10092");
        assert!(args.realm.is_none() && args.users.is_empty() && args.services.is_empty());
    }

    #[test]
    fn a_user_is_a_name_and_a_password() {
        let args = dev(&["--user", "bob:a:b@c", "--user", "eve:x"]).unwrap();
        assert_eq!(args.users[0], UserArg { name: "bob".into(), password: password("a:b@c") });
        assert_eq!(args.users.len(), 2);
        for wrong in ["bob", "bob:", ":x"] {
            assert!(dev(&["--user", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_trust_may_name_the_other_kdc() {
        let args = dev(&["--trust", "A=pw", "--trust", "B=p@w@127.0.0.1:88", "--trust", "C=p@w"]).unwrap();
        let kdc = Some("127.0.0.1:88".to_owned());
        assert_eq!(args.trusts[0], TrustArg { realm: "A".into(), password: password("pw"), kdc: None });
        assert_eq!(args.trusts[1], TrustArg { realm: "B".into(), password: password("p@w"), kdc });
        assert_eq!(args.trusts[2], TrustArg { realm: "C".into(), password: password("p@w"), kdc: None });
        for wrong in ["A", "A=", "=pw", "A=@127.0.0.1:88"] {
            assert!(dev(&["--trust", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_ports_after_it_must_exist() {
        assert!(dev(&["--port", "65531"]).is_ok());
        for wrong in ["0", "65532", "70000", "x"] {
            assert!(dev(&["--port", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_address_is_reached_by_that_of_this_machine() {
        for (given, reachable) in
            [("0.0.0.0", "127.0.0.1:9"), ("::", "[::1]:9"), ("192.0.2.1", "192.0.2.1:9"), ("::1", "[::1]:9")]
        {
            let args = dev(&["--listen", given, "--port", "9"]).unwrap();
            assert_eq!(args.reachable().to_string(), reachable);
            assert_eq!(args.socket(0).ip().to_string(), given);
        }
        assert!(dev(&["--listen", "localhost"]).is_err());
    }

    #[test]
    fn an_alias_has_a_target() {
        assert_eq!(dev(&["--alias", "a=b"]).unwrap().aliases, [AliasArg { alias: "a".into(), target: "b".into() }]);
        assert!(dev(&["--alias", "a"]).is_err());
    }
}
