//! The name of this process, which tells it from others that could serve the same realm. The writers of Events and of the Lease
//! receive it from here.

use sha2::{Digest, Sha256};
use std::path::Path;

/// Returns the name of this host, which is the pod's name in a cluster. Events carry this name.
pub(crate) fn name() -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    host.unwrap_or_else(|| "kennel-kdc".into())
}

/// Returns the identity of this process as the holder of a Lease: the host and a hash of the store's folder, so that a restarted
/// process is the same holder.
pub(crate) fn lease_identity(store: &Path) -> String {
    let folder = Sha256::digest(store.as_os_str().as_encoded_bytes());
    let folder: String = folder.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    format!("{}_{folder}", name())
}
