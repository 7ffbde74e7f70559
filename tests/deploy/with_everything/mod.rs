//! The KDC once more, with everything that can be added to it: its certificate from cert-manager, the master key and keytabs in
//! Secrets, monitoring by a real Prometheus.
//!
//! | module | what |
//! |---|---|
//! | [`setup`] | how it is installed and taken away |
//! | [`cert_manager`] | cert-manager, as a process of this machine |

pub(crate) mod cert_manager;
pub(crate) mod setup;

mod certificate;
mod egress;
mod keytab_secret;
mod login;
mod master_key;
mod monitoring;
mod rollout;
mod uninstall;
