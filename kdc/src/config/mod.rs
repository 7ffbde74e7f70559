//! The configuration of `serve`: a TOML file. `deploy/kennel-kdc.toml` explains every key. Unknown keys are errors, and each error
//! names the file, the line and the key.
//!
//! | module | what |
//! |---|---|
//! | [`realm`] | the realm's name, enctypes, lifetimes and neighbouring realms |
//! | [`rotation`] | how keys rotate |
//! | [`store`] | the store of the principals and its master key |
//! | [`listen`] | sockets and their limits |
//! | [`cluster`] | the cluster that the KDC follows, and the API for its pods |
//! | [`access_list`] | the access list of kadmin |
//! | [`audit`] | the audit trail |
//! | [`log`] | the log of the process |
//! | [`values`] | types of values: durations, times, enctypes, passwords |
//! | [`file`](mod@file) | reads TOML, with errors that name the file and the line |

pub(crate) mod access_list;
pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod file;
pub(crate) mod listen;
pub(crate) mod log;
pub(crate) mod realm;
mod rotation;
pub(crate) mod store;
pub(crate) mod values;

#[cfg(test)]
mod tests;

use crate::config::access_list::AccessListSource;
use crate::config::audit::AuditSettings;
use crate::config::cluster::{ClusterSettings, EnrolmentSettings};
use crate::config::listen::{KadminSettings, LimitSettings, ListenSettings};
use crate::config::log::LogSettings;
use crate::config::realm::RealmSettings;
use crate::config::store::StoreSettings;
use anyhow::{Context, ensure};
use kennel_k8s::crd::port::TransportProtocol::{self, Tcp, Udp};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The whole configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) realm: RealmSettings,
    pub(crate) store: StoreSettings,
    pub(crate) listen: ListenSettings,
    /// `None` where nobody can change a password over the network.
    pub(crate) kpasswd: Option<ListenSettings>,
    /// `None` where nobody can administer the realm over the network.
    pub(crate) kadmin: Option<KadminSettings>,
    /// `None` where the realm has no cluster.
    pub(crate) cluster: Option<ClusterSettings>,
    /// `None` where pods cannot enrol.
    pub(crate) enrolment: Option<EnrolmentSettings>,
    /// `None` where neither metrics nor health are served.
    pub(crate) metrics: Option<ListenSettings>,
    #[serde(default)]
    pub(crate) admin: AdminSettings,
    #[serde(default)]
    pub(crate) limits: LimitSettings,
    #[serde(default)]
    pub(crate) audit: AuditSettings,
    #[serde(default)]
    pub(crate) log: LogSettings,
}

/// Section `[admin]`: the admin API of this machine.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminSettings {
    /// Path of its Unix socket. Default: `admin.sock` in the folder of the store.
    pub(crate) socket: Option<PathBuf>,
}

impl Config {
    /// Refuses settings under which nothing could be served.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.realm.build(self.realm_name()?)?;
        self.limits.check()?;
        ensure!(!self.listen.addresses.is_empty(), "listen.addresses: give at least one, such as \"0.0.0.0:10088\"");
        if let Some(kpasswd) = &self.kpasswd {
            ensure!(!kpasswd.addresses.is_empty(), "kpasswd.addresses: give at least one, such as \"0.0.0.0:10464\"");
        }
        if let Some(kadmin) = &self.kadmin {
            ensure!(!kadmin.addresses.is_empty(), "kadmin.addresses: give at least one, such as \"0.0.0.0:10749\"");
            ensure!(kadmin.idle.0 > 0, "kadmin.idle: must be at least \"1s\"");
        }
        cluster::check(self.cluster.as_ref(), self.enrolment.as_ref())?;
        ensure!(self.store.cache_capacity > 0, "store.cache_capacity: must be at least 1");
        Ok(())
    }

    /// Returns the ports that clients of the realm and agents call from elsewhere. A service that listens on this machine alone has
    /// none.
    pub(crate) fn ports_of_clients(&self) -> BTreeSet<(u16, TransportProtocol)> {
        let listen = [(&self.listen.addresses, Udp), (&self.listen.addresses, Tcp)];
        let kpasswd = self.kpasswd.iter().flat_map(|of| [(&of.addresses, Udp), (&of.addresses, Tcp)]);
        let kadmin = self.kadmin.iter().map(|of| (&of.addresses, Tcp));
        let enrolment = self.enrolment.iter().map(|of| (&of.addresses, Tcp));
        let listeners = listen.into_iter().chain(kpasswd).chain(kadmin).chain(enrolment);
        let ports = listeners.flat_map(|(addresses, protocol)| {
            let open = addresses.iter().filter(|address| !address.ip().is_loopback());
            open.map(move |address| (address.port(), protocol))
        });
        ports.collect()
    }

    /// Returns the file of Kennel's own certificate authority, in the same folder as the store.
    pub(crate) fn authority(&self) -> PathBuf {
        self.store.path.with_file_name("tls-ca.pem")
    }

    /// Returns where the access list of kadmin comes from.
    pub(crate) fn access_list(&self) -> AccessListSource {
        let acl = self.kadmin.as_ref().and_then(|kadmin| kadmin.acl.clone());
        acl.map_or(AccessListSource::Empty, AccessListSource::File)
    }

    /// Returns the path of the admin API's Unix socket, in the same folder as the store by default.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.admin.socket.clone().unwrap_or_else(|| self.store.path.with_file_name("admin.sock"))
    }

    /// Returns the name of the realm, which the file or a flag must give.
    pub(crate) fn realm_name(&self) -> anyhow::Result<&str> {
        self.realm.name.as_deref().context("realm.name: give the name of the realm, such as \"EXAMPLE.COM\"")
    }
}
