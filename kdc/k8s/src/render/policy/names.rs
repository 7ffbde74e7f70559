//! The names of policies: `kennel-` and what the policy is for, at most 63 octets. A longer name is cut and ends in a digest; a
//! name that is not cut is always shorter than one that is, so that no two accounts share one.

use crate::policy::kind::{PolicyKey, PolicyKind};
use sha2::{Digest, Sha256};

/// Most octets of a name.
const MOST: usize = 63;
/// Octets of the digest at the end of a name that was cut.
const DIGEST: usize = 16;

/// The policy of every enrolled pod of a namespace: nothing passes but what is always allowed.
pub const NAMESPACE: &str = "kennel-default";
/// The policy of the accounts of a namespace in mode Observe: everybody reaches them.
pub const OBSERVED: &str = "kennel-observe";
/// The policy of the clients of a namespace that are allowed as its members.
pub const MEMBERS: &str = "kennel-egress";
/// The policy of the KDC's own pods. `deploy/base` has one too, named `kennel-kdc`.
pub const KDC: &str = "kennel-realm-kdc";

/// The policy that lets clients reach an account's pods: `kennel-ingress-web`.
#[must_use]
pub fn ingress(account: &str) -> String {
    cut("kennel-ingress-", account)
}

/// The policy that lets an account's pods reach servers: `kennel-egress-cart`.
#[must_use]
pub fn egress(account: &str) -> String {
    cut("kennel-egress-", account)
}

/// The ClusterNetworkPolicy of a server: `kennel-shop.web`. The name of a namespace has no dot, so that no two servers share one.
#[must_use]
pub fn cluster(namespace: &str, account: &str) -> String {
    format!("kennel-{namespace}.{account}")
}

/// The place of a policy in the order of writing. Those of namespaces come first: they allow DNS, and the first policy with egress
/// that selects a pod closes everything else. Servers open before clients do.
#[must_use]
pub fn writing_order(key: &PolicyKey) -> u8 {
    match &*key.name {
        _ if key.kind != PolicyKind::NetworkPolicy => 1,
        NAMESPACE | KDC => 0,
        _ if is_of_client(key) => 2,
        _ => 1,
    }
}

/// Whether a policy says which servers clients reach.
#[must_use]
pub fn is_of_client(key: &PolicyKey) -> bool {
    key.kind == PolicyKind::NetworkPolicy && key.name.starts_with(MEMBERS)
}

fn cut(prefix: &str, account: &str) -> String {
    let whole = format!("{prefix}{account}");
    if whole.len() < MOST {
        return whole;
    }
    let digest: String = Sha256::digest(account).iter().map(|octet| format!("{octet:02x}")).collect();
    let kept: String = whole.chars().take(MOST - DIGEST - 1).collect();
    // A name may not have a dash beside a dot, nor end its part in one.
    let kept = kept.trim_end_matches(['-', '.']);
    format!("{kept:x<width$}-{digest}", width = MOST - DIGEST - 1, digest = digest.get(..DIGEST).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_account_has_its_own_name_and_a_long_one_a_digest() {
        assert_eq!((ingress("web"), egress("cart.v2")), ("kennel-ingress-web".into(), "kennel-egress-cart.v2".into()));
        let long = ingress(&"a".repeat(200));
        assert_eq!(long.len(), 63);
        assert!(long.starts_with("kennel-ingress-aaaa"), "{long}");
        assert_ne!(long, ingress(&"a".repeat(201)));
        assert_ne!(
            ingress(long.trim_start_matches("kennel-ingress-")),
            long,
            "nobody can take the name of a long account"
        );
        let dotted = ingress(&format!("{}.{}", "b".repeat(30), "c".repeat(60)));
        assert!(dotted.len() == 63 && !dotted.contains(".-"), "{dotted}");
    }

    #[test]
    fn policies_of_namespaces_are_written_first_and_those_of_clients_last() {
        let all = [NAMESPACE, OBSERVED, "kennel-ingress-web", MEMBERS, "kennel-egress-cart"];
        let order = all.map(|name| writing_order(&PolicyKey::network("shop", name)));
        assert_eq!(order, [0, 1, 1, 2, 2]);
        assert_eq!(writing_order(&PolicyKey::cluster(cluster("shop", "web"))), 1);
    }
}
