//! Whose token a request carries, and what its user may see. The API server answers both; its answers count for some seconds, by the
//! digest of the token. Requests wait in a queue of their own, in which sources take turns, so that neither a flood of tokens nor
//! the admin API as a whole delays an enrolment.

use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::endpoints::fair_queue::{FairQueue, Permit, QueueLimits};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use kennel_k8s::authorization::{ReviewFailed, User, authenticate, has_permission};
use kennel_wire::admin::Permission;
use kennel_wire::source::Source;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Reviews at a time: few beside the 64 of enrolments.
const REVIEWS: QueueLimits =
    QueueLimits { total: 4, per_group: 2, per_source: 2, waiting: 128, patience: Duration::from_secs(5) };
/// Requests a second that are reviewed.
const RATE: u32 = 50;
/// Time for which the answers of the API server count.
const FRESH: Duration = Duration::from_secs(10);
/// Tokens whose answers are kept.
const TOKENS: usize = 256;
/// Permissions whose answers are kept for each token.
const VERDICTS: usize = 64;

/// The user that the audit names where the admin socket was used.
const LOCAL: &str = "the local administrator";

/// Who sends requests, and how it is known what they may see and do.
#[derive(Clone)]
pub(crate) enum Callers {
    /// Users of the cluster, by their tokens.
    Cluster(Arc<ClusterCallers>),
    /// Root or the user of this process, by the admin socket: everything is permitted.
    Local,
}

impl Callers {
    /// Returns the name of the user, who has the permission in the namespace, or in all.
    pub(crate) async fn permit(
        &self,
        source: Source,
        token: Option<&str>,
        permission: Permission,
        namespace: Option<&str>,
    ) -> Result<String, AdminRefusal> {
        match self {
            Callers::Cluster(callers) => callers.permit(source, token, permission, namespace).await,
            Callers::Local => Ok(LOCAL.to_owned()),
        }
    }
}

/// The users of a cluster.
pub(crate) struct ClusterCallers {
    client: kube::Client,
    known: Mutex<HashMap<TokenDigest, KnownToken>>,
    queue: FairQueue<Source>,
    rate: DefaultDirectRateLimiter,
}

type TokenDigest = [u8; 32];

/// What the API server said of a token.
#[derive(Clone)]
struct KnownToken {
    since: Instant,
    /// `None`: it does not accept the token.
    user: Option<User>,
    /// Whether the user has a permission in a namespace, or in all (`None`).
    verdicts: Vec<(Permission, Option<String>, bool)>,
}

impl ClusterCallers {
    pub(crate) fn new(client: kube::Client) -> ClusterCallers {
        let rate = Quota::per_second(NonZeroU32::new(RATE).unwrap_or(NonZeroU32::MIN));
        let (queue, rate) = (FairQueue::new(REVIEWS), DefaultDirectRateLimiter::direct(rate));
        ClusterCallers { client, known: Mutex::default(), queue, rate }
    }

    async fn permit(
        &self,
        source: Source,
        token: Option<&str>,
        permission: Permission,
        namespace: Option<&str>,
    ) -> Result<String, AdminRefusal> {
        let token = token.ok_or(AdminRefusal::TokenMissing)?;
        let digest = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.fresh(&digest)
            && let Some(answer) = known.answer(permission, namespace)
        {
            return answer;
        }
        let _permit: Permit<_> = self.queue.enter(source, source).await.map_err(|_| AdminRefusal::ReviewsBusy)?;
        let mut known = match self.fresh(&digest) {
            Some(known) => known,
            None => {
                self.await_rate().await;
                let user = authenticate(&self.client, token).await?;
                KnownToken { since: Instant::now(), user, verdicts: Vec::new() }
            }
        };
        if known.answer(permission, namespace).is_none()
            && let Some(user) = &known.user
        {
            let allowed = has_permission(&self.client, user, permission, namespace).await?;
            known.add(permission, namespace, allowed);
        }
        let answer = known.answer(permission, namespace).unwrap_or(Err(AdminRefusal::TokenRejected));
        self.keep(digest, known);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, KnownToken>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, digest: &TokenDigest) -> Option<KnownToken> {
        self.lock().get(digest).filter(|known| known.since.elapsed() < FRESH).cloned()
    }

    fn keep(&self, digest: TokenDigest, token: KnownToken) {
        let mut known = self.lock();
        if known.len() >= TOKENS {
            known.retain(|_, known| known.since.elapsed() < FRESH);
        }
        if known.len() >= TOKENS {
            let oldest = known.iter().min_by_key(|(_, known)| known.since).map(|(digest, _)| *digest);
            oldest.map(|oldest| known.remove(&oldest));
        }
        known.insert(digest, token);
    }

    /// Waits inside the permit, so that those who wait behind it take turns all the same.
    async fn await_rate(&self) {
        while let Err(until) = self.rate.check() {
            tokio::time::sleep(until.wait_time_from(DefaultClock::default().now())).await;
        }
    }
}

impl KnownToken {
    /// The answer to a request for a permission, where it is known.
    fn answer(&self, permission: Permission, namespace: Option<&str>) -> Option<Result<String, AdminRefusal>> {
        let Some(user) = &self.user else { return Some(Err(AdminRefusal::TokenRejected)) };
        let is_asked = |what: Permission, whose: &Option<String>| what == permission && whose.as_deref() == namespace;
        let (.., allowed) = self.verdicts.iter().find(|(what, whose, _)| is_asked(*what, whose))?;
        let user = user.name().to_owned();
        Some(match allowed {
            true => Ok(user),
            false => Err(AdminRefusal::NotPermitted { user, permission, namespace: namespace.map(str::to_owned) }),
        })
    }

    fn add(&mut self, permission: Permission, namespace: Option<&str>, allowed: bool) {
        if self.verdicts.len() >= VERDICTS {
            self.verdicts.remove(0);
        }
        self.verdicts.push((permission, namespace.map(str::to_owned), allowed));
    }
}

impl From<ReviewFailed> for AdminRefusal {
    fn from(_: ReviewFailed) -> AdminRefusal {
        AdminRefusal::ReviewUnavailable
    }
}
