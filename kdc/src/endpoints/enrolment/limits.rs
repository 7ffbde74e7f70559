//! How often who may ask. Before a token was reviewed, its digest and the address stand for the one who asks: a flood does
//! not reach the API server. After it, the pod and the account do.

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use kennel_core::enrolment::Review;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// Keys that are remembered before old ones are thrown out.
const REMEMBERED: usize = 50_000;

const fn per_second(number: u32, burst: u32) -> Quota {
    match (NonZeroU32::new(number), NonZeroU32::new(burst)) {
        (Some(number), Some(burst)) => Quota::per_second(number).allow_burst(burst),
        _ => Quota::per_second(NonZeroU32::MIN),
    }
}

/// An address: a node may run hundreds of pods behind one.
const ADDRESS: Quota = per_second(500, 2000);
/// A token, and a pod: an agent asks every some hours, and a few times after each restart.
const POD: Quota = per_second(1, 20);
/// An account: many pods may start at once.
const ACCOUNT: Quota = per_second(100, 1000);

/// Why there is no answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooOften {
    /// When to ask again.
    pub(super) retry_after: Duration,
}

/// The limits of all who ask.
pub(super) struct EnrolmentLimits {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    tokens: DefaultKeyedRateLimiter<[u8; 32]>,
    pods: DefaultKeyedRateLimiter<String>,
    accounts: DefaultKeyedRateLimiter<String>,
}

impl EnrolmentLimits {
    pub(super) fn new() -> EnrolmentLimits {
        let keyed = DefaultKeyedRateLimiter::keyed;
        EnrolmentLimits {
            addresses: DefaultKeyedRateLimiter::keyed(ADDRESS),
            tokens: DefaultKeyedRateLimiter::keyed(POD),
            pods: keyed(POD),
            accounts: keyed(ACCOUNT),
        }
    }

    /// Before the review.
    pub(super) fn admit_unknown(&self, peer: IpAddr, token: &str) -> Result<(), TooOften> {
        check(&self.addresses, &peer)?;
        check(&self.tokens, &Sha256::digest(token.as_bytes()).into())
    }

    /// After the review.
    pub(super) fn admit(&self, review: &Review) -> Result<(), TooOften> {
        if let Some((_, uid)) = &review.pod {
            check(&self.pods, uid)?;
        }
        check(&self.accounts, &format!("{}/{}", review.namespace, review.account))
    }
}

fn check<K: std::hash::Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), TooOften> {
    if limiter.len() > REMEMBERED {
        limiter.retain_recent();
    }
    limiter
        .check_key(key)
        .map_err(|until| TooOften { retry_after: until.wait_time_from(DefaultClock::default().now()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(pod: &str, account: &str) -> Review {
        Review {
            namespace: "shop".into(),
            account: account.into(),
            account_uid: "u".into(),
            pod: Some(("p".into(), pod.into())),
        }
    }

    #[test]
    fn a_pod_that_floods_is_held_back_and_others_are_not() {
        let limits = EnrolmentLimits::new();
        let answered = (0..1000).filter(|_| limits.admit(&review("a", "x")).is_ok()).count();
        assert!((20..30).contains(&answered), "{answered}");
        let held = limits.admit(&review("a", "x")).unwrap_err();
        assert!(held.retry_after <= Duration::from_secs(1));
        assert!(limits.admit(&review("b", "x")).is_ok());
    }

    #[test]
    fn a_token_that_nobody_has_reviewed_yet_is_held_back_by_its_digest() {
        let limits = EnrolmentLimits::new();
        let peer = IpAddr::from([10, 0, 0, 1]);
        assert!((0..1000).filter(|_| limits.admit_unknown(peer, "t").is_ok()).count() < 30);
        assert!(limits.admit_unknown(peer, "other").is_ok());
    }
}
