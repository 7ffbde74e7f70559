//! Writes to the cluster, by server-side apply under our own field manager, so that a repeated write changes
//! nothing. One type for each kind of object. All of them are made from the Lease of the realm, which the process must hold.
//!
//! | module | what |
//! |---|---|
//! | [`own_status`] | the status of our custom resources |
//! | [`event`] | Events |
//! | [`config_map`] | the ConfigMap of each enrolled namespace |
//! | [`keytab_secret`] | keytab Secrets |
//! | [`policy`] | policies of every kind |
//! | [`workload`] | restarts of workloads |
//! | [`owned_fields`] | whether a NetworkPolicy has the fields that Kennel owns as they should be |
//! | `ownership` | field manager, label, careful deletion |

pub mod config_map;
pub mod event;
pub mod keytab_secret;
pub mod own_status;
pub mod owned_fields;
pub mod policy;
pub mod workload;

mod ownership;

use crate::apply::config_map::ConfigMapWriter;
use crate::apply::event::EventWriter;
use crate::apply::keytab_secret::KeytabSecretWriter;
use crate::apply::own_status::StatusWriter;
use crate::apply::policy::PolicyWriter;
use crate::apply::workload::WorkloadWriter;
use crate::lease::HeldLease;
use kube::Client;

/// The writers of every kind of object, over one client.
#[derive(Clone)]
pub struct Applier {
    /// The status of our custom resources.
    pub statuses: StatusWriter,
    /// Events.
    pub events: EventWriter,
    /// The ConfigMaps of enrolled namespaces.
    pub config_maps: ConfigMapWriter,
    /// Keytab Secrets.
    pub keytab_secrets: KeytabSecretWriter,
    /// Policies of every kind.
    pub policies: PolicyWriter,
    /// Restarts of workloads.
    pub workloads: WorkloadWriter,
}

impl Applier {
    /// Writes with this client for the KDC of `realm` while the Lease is held; `instance` names this process in Events.
    #[must_use]
    pub fn new(held: &HeldLease, client: &Client, instance: String, realm: &str) -> Applier {
        let client = held.guard(client);
        Applier {
            statuses: StatusWriter::new(client.clone(), realm),
            events: EventWriter::new(client.clone(), instance),
            config_maps: ConfigMapWriter::new(client.clone(), realm),
            keytab_secrets: KeytabSecretWriter::new(client.clone()),
            policies: PolicyWriter::new(client.clone()),
            workloads: WorkloadWriter::new(client),
        }
    }
}
