//! The configuration of `serve`: a TOML file, every key of which is explained in `deploy/kennel-kdc.toml`. Keys that are
//! not known are errors, and each error names the file, the line and the key.
//!
//! | module | what |
//! |---|---|
//! | [`realm`] | the realm's name, enctypes, lifetimes and neighbours |
//! | [`store`] | the principals' place and master key |
//! | [`listen`] | sockets and their limits |
//! | [`cluster`] | the cluster that is followed, and the API for its pods |
//! | [`audit`] | the audit trail |
//! | [`log`] | the log of the process |
//! | [`values`] | values that have a form of their own |
//! | [`file`] | reading TOML, with errors that say where |

pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod file;
pub(crate) mod listen;
pub(crate) mod log;
pub(crate) mod realm;
pub(crate) mod store;
pub(crate) mod values;

#[cfg(test)]
mod tests;

use crate::config::audit::AuditSettings;
use crate::config::cluster::{ClusterSettings, EnrolmentSettings};
use crate::config::listen::{LimitSettings, ListenSettings};
use crate::config::log::LogSettings;
use crate::config::realm::RealmSettings;
use crate::config::store::StoreSettings;
use anyhow::{Context, ensure};
use serde::Deserialize;
use std::path::PathBuf;

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
    pub(crate) limits: LimitSettings,
    #[serde(default)]
    pub(crate) audit: AuditSettings,
    #[serde(default)]
    pub(crate) log: LogSettings,
}

impl Config {
    /// Refuses settings under which nothing could be served.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.realm.build(self.realm_name()?)?;
        self.limits.check()?;
        ensure!(!self.listen.addresses.is_empty(), "listen.addresses: give at least one, such as \"0.0.0.0:10088\"");
        cluster::check(self.cluster.as_ref(), self.enrolment.as_ref())?;
        ensure!(self.store.cache_capacity > 0, "store.cache_capacity: must be at least 1");
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
