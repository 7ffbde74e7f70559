//! The command line. Every option is an environment variable too, so that a pod's template can set it.

use crate::on_change::OnChange;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::str::FromStr;

/// Keeps a pod's Kerberos credentials in a folder.
#[derive(Debug, Parser)]
#[command(name = "kennel-agent", version)]
pub(crate) struct Cli {
    /// The KDC's enrolment API.
    #[arg(
        long,
        value_name = "URL",
        env = "KENNEL_AGENT_SERVER",
        default_value = "https://kennel.kennel-system.svc:8443"
    )]
    pub(crate) server: ServerAddress,
    /// The pod's projected service account token, with the audience kennel://REALM. The agent reads the file for each enrolment.
    #[arg(long, value_name = "FILE", env = "KENNEL_AGENT_TOKEN", default_value = "/var/run/secrets/kennel.dev/token")]
    pub(crate) token: PathBuf,
    /// Certificates of the authorities that the agent trusts, and no others, PEM. The agent reads the file for each enrolment.
    #[arg(long, value_name = "FILE", env = "KENNEL_AGENT_CA", default_value = "/var/run/secrets/kennel.dev/ca.crt")]
    pub(crate) ca: PathBuf,
    /// Folder of the credentials: krb5.conf, ccache, keytab.
    #[arg(long, value_name = "DIR", env = "KENNEL_AGENT_DIR", default_value = "/var/run/kennel")]
    pub(crate) dir: PathBuf,
    /// Mode of the files, octal.
    #[arg(long, value_name = "MODE", env = "KENNEL_AGENT_MODE", default_value = "0640", value_parser = parse_mode)]
    pub(crate) mode: u32,
    /// Group of the files, a number; the process's own by default.
    #[arg(long, value_name = "GID", env = "KENNEL_AGENT_GROUP")]
    pub(crate) group: Option<u32>,
    /// Users that get a keytab and a cache of their own besides, in DIR/USER with mode 0600: numbers, separated by commas. For a pod of
    /// several users, one of whom uses Heimdal. The agent has to be root then, with the capability CHOWN and no other.
    #[arg(long, value_name = "UIDS", env = "KENNEL_AGENT_USERS", value_delimiter = ',')]
    pub(crate) users: Vec<u32>,
    /// Enrols once and ends: for an init container.
    #[arg(long, env = "KENNEL_AGENT_ONCE")]
    pub(crate) once: bool,
    /// With --once: longest time until the first success, seconds.
    #[arg(long, value_name = "SECONDS", env = "KENNEL_AGENT_DEADLINE", default_value_t = 120)]
    pub(crate) deadline: u64,
    /// Longest time of one enrolment, seconds.
    #[arg(long, value_name = "SECONDS", env = "KENNEL_AGENT_TIMEOUT", default_value_t = 10)]
    pub(crate) timeout: u64,
    /// What happens after the keytab was replaced, for programs that read theirs once: http://127.0.0.1:PORT/PATH (a POST),
    /// signal:HUP:PROGRAM (in a pod with shareProcessNamespace, as the same user), signal:HUP:/PATH/TO/PID-FILE, or rollout (the KDC
    /// restarts the pod's Deployment, StatefulSet or DaemonSet, whose template has the annotation kennel.dev/on-change: rollout). The
    /// KDC does not use the new key before that has succeeded. signal:TERM:PROGRAM restarts a container.
    #[arg(long, value_name = "WHAT", env = "KENNEL_AGENT_ON_CHANGE")]
    pub(crate) on_change: Option<OnChange>,
    /// Endpoint of /livez and /readyz: ADDRESS:PORT or unix:PATH.
    #[arg(long, value_name = "WHERE", env = "KENNEL_AGENT_HEALTH", global = true)]
    pub(crate) health: Option<Endpoint>,
    /// Level of the log on standard error: error, warn, info, debug.
    #[arg(long, value_name = "LEVEL", env = "KENNEL_AGENT_LOG", default_value = "info", global = true)]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Subcommands; without one the agent runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Asks the running agent (at --health) whether the agent is ready, for probes of images without a shell.
    Ready,
}

/// An `https://HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    /// Default: 443.
    pub(crate) port: u16,
}

/// Endpoint of the health checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A TCP address.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<ServerAddress, String> {
        let usage = || "a server is https://HOST:PORT, such as https://kennel.kennel-system.svc:8443".to_owned();
        let uri: hyper::Uri = text.parse().map_err(|_| usage())?;
        let plain = uri.path() == "/" && uri.query().is_none();
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(host)) if plain => {
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                Ok(ServerAddress { host, port: uri.port_u16().unwrap_or(443) })
            }
            _ => Err(usage()),
        }
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(Endpoint::Unix(path.into())),
            None if text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) => {
                Ok(Endpoint::Tcp(text.to_owned()))
            }
            _ => Err("give ADDRESS:PORT, or unix:/PATH".to_owned()),
        }
    }
}

fn parse_mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text.trim_start_matches("0o"), 8).ok().filter(|mode| *mode <= 0o777);
    let mode = mode.ok_or("a mode is octal, such as 0640")?;
    if mode & 0o600 != 0o600 {
        return Err("the owner must be able to read and write: 0600, 0640 or 0644, for example".into());
    }
    Ok(mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_server_is_https_with_a_host() {
        let server = |text: &str| text.parse::<ServerAddress>();
        assert_eq!(server("https://kdc.test:8443").unwrap(), ServerAddress { host: "kdc.test".into(), port: 8443 });
        assert_eq!(server("https://[::1]:1/").unwrap(), ServerAddress { host: "::1".into(), port: 1 });
        assert_eq!(server("https://kdc.test").unwrap().port, 443);
        for wrong in ["http://kdc.test", "kdc.test:8443", "https://kdc.test/path", "https://", ""] {
            assert!(server(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mode_is_octal_and_leaves_the_owner_in() {
        assert_eq!(parse_mode("0640"), Ok(0o640));
        assert_eq!(parse_mode("644"), Ok(0o644));
        for wrong in ["0440", "9", "1777", "x", ""] {
            assert!(parse_mode(wrong).is_err(), "{wrong}");
        }
    }
}
