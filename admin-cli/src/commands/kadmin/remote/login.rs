//! Who calls, and where the servers are: the options of the program `kadmin`, and krb5.conf.

use crate::commands::kadmin::remote::connection::{Connection, NO_SERVER};
use crate::commands::kadmin::remote::remote_administrator::RemoteAdministrator;
use crate::console::input::ask_password;
use crate::krb5_conf::{RealmServers, servers_of};
use anyhow::{Context, anyhow, bail};
use kennel_client::client::system_now;
use kennel_client::{Client, ClientError, Credential, CredentialCache, Keytab, ReplyFault, Secret, TicketOptions};
use kennel_core::admin::caller::AdminService;
use kennel_crypto::SecretBytes;
use kennel_wire::message::{ErrorCode, Principal, Timestamp};
use std::path::Path;

const KDC_PORT: u16 = 88;
const KADMIN_PORT: u16 = 749;

/// A login that is to be made.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) realm: String,
    /// Who calls, as the first line of the output shows it.
    pub(crate) shown: String,
    pub(crate) proof: Proof,
    /// The server of administration, as `HOST` or `HOST:PORT`, where an option names it.
    pub(crate) server: Option<String>,
}

/// By what the caller proves its identity.
#[derive(Debug)]
pub(crate) enum Proof {
    /// A password; without one, it is asked for.
    Password(Option<SecretBytes>),
    /// The keys of a keytab; without a name, those of the machine's.
    Keytab(Option<String>),
    /// A ticket in a cache.
    Cache(String),
}

impl Login {
    /// Whether the caller logged in before, and stays so.
    pub(crate) fn is_by_cache(&self) -> bool {
        matches!(self.proof, Proof::Cache(_))
    }

    /// Logs in, and connects to the server of administration.
    pub(crate) async fn make(&self) -> anyhow::Result<RemoteAdministrator> {
        let servers = servers_of(&self.realm);
        let server = self.server.as_ref().or(servers.admin_server.as_ref());
        let server = server.context("Missing parameters in krb5.conf required for kadmin client")?;
        let address = with_port(server, KADMIN_PORT);
        // As MIT's library: the host that krb5.conf names, whatever -s says.
        let host = host_of(servers.admin_server.as_ref().unwrap_or(server));
        let (credential, now) = self.credential(&servers, host).await?;
        let connection = Connection::open(&address, &credential, now).await.map_err(|_| anyhow!(NO_SERVER))?;
        Ok(RemoteAdministrator::new(connection, self.realm.clone()))
    }

    /// A ticket for the service of administration, and the time of the KDC.
    async fn credential(&self, servers: &RealmServers, host: &str) -> anyhow::Result<(Credential, Timestamp)> {
        let client = Principal::parse(&self.shown, &self.realm).context("Malformed representation of principal")?;
        let of_host = Principal::parse(&format!("kadmin/{host}"), &self.realm).ok();
        let services = [Some(AdminService::Admin.principal(&self.realm)), of_host].into_iter().flatten();
        let secret = match &self.proof {
            Proof::Cache(name) => return from_cache(name, services),
            Proof::Keytab(name) => {
                let name = name.as_deref().unwrap_or("/etc/krb5.keytab");
                let keytab = Keytab::read(path_of(name))
                    .map_err(|_| anyhow!("Pre-authentication failed: Key table file '{name}' not found"))?;
                Secret::from_keytab(&keytab, &client)
                    .map_err(|_| anyhow!("No suitable keys for {client} in keytab {name}"))?
            }
            Proof::Password(Some(password)) => Secret::Password(password.clone()),
            Proof::Password(None) => match ask_password(&format!("Password for {client}"), None)? {
                Ok(password) => Secret::password(&password),
                Err(why) => bail!(why.text()),
            },
        };
        if servers.kdcs.is_empty() {
            bail!("Cannot find KDC for realm \"{}\"", self.realm);
        }
        let kdc = Client::new(&*self.realm, servers.kdcs.iter().map(|kdc| with_port(kdc, KDC_PORT)));
        let mut last = None;
        for service in services {
            match kdc.initial_service_ticket(&client, &secret, &service.name, &TicketOptions::default()).await {
                Ok(ticket) => return Ok((ticket.credential, kdc.kdc_now())),
                Err(error) if error.code() == Some(ErrorCode::S_PRINCIPAL_UNKNOWN) => last = Some(error),
                Err(error) => return Err(explained(error, &client)),
            }
        }
        Err(last.map_or_else(|| anyhow!("there is no service of administration"), |error| explained(error, &client)))
    }
}

/// A ticket for one of the services, which the caller fetched before.
fn from_cache(name: &str, mut services: impl Iterator<Item = Principal>) -> anyhow::Result<(Credential, Timestamp)> {
    let path = path_of(name);
    let cache = CredentialCache::read(path)
        .map_err(|_| anyhow!("No credentials cache found (filename: {})", path.display()))?;
    let now = cache.time_offset.apply(system_now());
    let found = services.find_map(|service| cache.find(&service).filter(|ticket| ticket.endtime > now.time));
    let found = found.context("Matching credential not found: log in for the service by kinit -S kadmin/admin")?;
    Ok((found.clone(), now))
}

/// The words of libkrb5 for what the KDC answers.
fn explained(error: ClientError, client: &Principal) -> anyhow::Error {
    let words = match (&error, error.code()) {
        (_, Some(ErrorCode::C_PRINCIPAL_UNKNOWN)) => format!("Client '{client}' not found in Kerberos database"),
        (_, Some(ErrorCode::S_PRINCIPAL_UNKNOWN)) => "Server not found in Kerberos database".to_owned(),
        (_, Some(ErrorCode::PREAUTH_FAILED)) => "Preauthentication failed".to_owned(),
        // The reply cannot be opened: nobody asked for a proof before.
        (ClientError::Reply(ReplyFault::ReplyKey), _) => "Incorrect password".to_owned(),
        (_, Some(ErrorCode::CLIENT_REVOKED)) => "Client's credentials have been revoked".to_owned(),
        (_, Some(ErrorCode::KEY_EXPIRED)) => "Password has expired".to_owned(),
        (_, Some(ErrorCode::NAME_EXP)) => "Client's entry in database has expired".to_owned(),
        (ClientError::Transport(_), _) => format!("Cannot contact any KDC for realm '{}'", client.realm),
        _ => return error.into(),
    };
    anyhow!(words)
}

/// `FILE:` may stand before a path.
fn path_of(name: &str) -> &Path {
    Path::new(["FILE:", "WRFILE:"].iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name))
}

/// The host of `HOST` or `HOST:PORT`; an IPv6 address with a port is in brackets.
fn host_of(server: &str) -> &str {
    match server.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(host, _)| host),
        None => match server.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => server,
        },
    }
}

fn with_port(server: &str, port: u16) -> String {
    match (host_of(server), server.rsplit_once(':')) {
        (host, Some((before, port))) if before == host || before.ends_with(']') => format!("{before}:{port}"),
        (host, _) if host.contains(':') => format!("[{host}]:{port}"),
        (host, _) => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_port_or_gets_the_one_of_the_service() {
        for (server, host, address) in [
            ("kdc.example", "kdc.example", "kdc.example:88"),
            ("kdc.example:89", "kdc.example", "kdc.example:89"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1:88"),
            ("::1", "::1", "[::1]:88"),
            ("[::1]:89", "::1", "[::1]:89"),
            ("[::1]", "::1", "[::1]:88"),
        ] {
            assert_eq!((host_of(server), &*with_port(server, 88)), (host, address), "{server}");
        }
    }
}
