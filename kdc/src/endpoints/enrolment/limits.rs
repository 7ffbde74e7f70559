//! Rate limits of enrolment. Before the review of a token, limits apply to the client's address and to the token's digest, so
//! that a flood does not reach the API server. After the review, limits apply to the pod and to the account.

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use kennel_core::enrolment::Review;
use kennel_wire::source::Source;
use sha2::{Digest, Sha256};
use std::num::NonZeroU32;
use std::time::Duration;

/// Keys that a limiter remembers before it drops idle ones.
const REMEMBERED: usize = 50_000;

const fn per_second(number: u32, burst: u32) -> Quota {
    match (NonZeroU32::new(number), NonZeroU32::new(burst)) {
        (Some(number), Some(burst)) => Quota::per_second(number).allow_burst(burst),
        _ => Quota::per_second(NonZeroU32::MIN),
    }
}

/// Limit of an address. Hundreds of pods of a node may share one.
const ADDRESS: Quota = per_second(500, 2000);
/// Limit of a token, and of a pod. An agent asks every few hours, and a few times after each restart.
const POD: Quota = per_second(1, 20);
/// Limit of an account. Many pods may start at once.
const ACCOUNT: Quota = per_second(100, 1000);

/// A limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooOften {
    /// Time until the next request is admitted.
    pub(super) retry_after: Duration,
}

/// The limits of all clients.
pub(super) struct EnrolmentLimits {
    addresses: DefaultKeyedRateLimiter<Source>,
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

    /// Checks the limits before the review.
    pub(super) fn admit_unknown(&self, peer: Source, token: &str) -> Result<(), TooOften> {
        check(&self.addresses, &peer)?;
        check(&self.tokens, &Sha256::digest(token.as_bytes()).into())
    }

    /// Checks the limits after the review.
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
        let peer = Source::from(std::net::IpAddr::from([10, 0, 0, 1]));
        assert!((0..1000).filter(|_| limits.admit_unknown(peer, "t").is_ok()).count() < 30);
        assert!(limits.admit_unknown(peer, "other").is_ok());
    }
}
