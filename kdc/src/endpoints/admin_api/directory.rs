//! Which service accounts principals belong to, by the index of the cluster.

use kennel_audit::AccountDirectory;
use kennel_core::access::table::ServerKey;
use kennel_k8s::index::view::SharedIndex;
use kennel_wire::message::Principal;

/// The accounts of the index.
pub(crate) struct IndexDirectory(pub(crate) SharedIndex);

impl AccountDirectory for IndexDirectory {
    fn of_server(&self, server: &Principal) -> Option<ServerKey> {
        self.0.read().account_of(server).map(|(namespace, name)| ServerKey::new(namespace, name))
    }

    fn of_client(&self, client: &Principal) -> Option<ServerKey> {
        // A service of an account is no account, and the names of accounts have one component.
        if client.name.components.len() == 1 { self.of_server(client) } else { None }
    }
}
