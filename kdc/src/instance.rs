//! The name of this process, which tells it from others that could serve the same realm. The writers of Events and of the Lease
//! receive it from here.

use rand::RngCore;
use rand::rngs::OsRng;

/// The variable in which deploy/base gives a pod its UID.
const POD_UID: &str = "POD_UID";

/// Returns the name of this host, which is the pod's name in a cluster. Events carry this name.
pub(crate) fn name() -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    host.unwrap_or_else(|| "kennel-kdc".into())
}

/// Returns the identity of this process as the holder of a Lease: the host, for people, and the UID of the pod. A restarted
/// container is the same holder, since the one before has ended; the successor of a pod is not, since the node of a pod that was
/// deleted by force may go on running it. Without [`POD_UID`] the identity is random and stored nowhere: nothing else shows
/// that an earlier process has ended.
pub(crate) fn lease_identity() -> String {
    let pod = std::env::var(POD_UID).ok().filter(|uid| !uid.is_empty());
    let unique = pod.unwrap_or_else(|| format!("{:016x}", OsRng.next_u64()));
    format!("{}_{unique}", name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_outside_pods_are_two_holders() {
        assert_ne!(lease_identity(), lease_identity());
        assert!(lease_identity().starts_with(&name()));
    }
}
