//! The name of this process among those that could serve its realm: read here, and handed to everything that writes it.

use sha2::{Digest, Sha256};
use std::path::Path;

/// Name of this host, which is the pod's name in a cluster. Events carry it.
pub(crate) fn name() -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    host.unwrap_or_else(|| "kennel-kdc".into())
}

/// Identity of this process as the holder of a Lease: the host and the folder of the store, so that a process that starts
/// again is the same holder.
pub(crate) fn lease_identity(store: &Path) -> String {
    let folder = Sha256::digest(store.as_os_str().as_encoded_bytes());
    let folder: String = folder.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    format!("{}_{folder}", name())
}
