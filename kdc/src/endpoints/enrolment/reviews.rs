//! Who may ask the API server to review a token, and when. A token that the API server's own keys verify waits in a fair queue of
//! its namespace. Of tokens that cannot be verified here, only few are reviewed, whoever sends them.

use crate::clock;
use crate::endpoints::fair_queue::{FairQueue, Permit, QueueBusy, QueueLimits};
use governor::{DefaultDirectRateLimiter, Quota};
use kennel_core::enrolment::EnrolmentRefusal;
use kennel_k8s::token::{IssuerKeys, TokenProof, TokenReviewResult, review_token};
use kennel_wire::source::Source;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Reviews of verified tokens. An agent waits 10 seconds for its answer, of which a review takes up to 5.
const VERIFIED: QueueLimits =
    QueueLimits { total: 64, per_group: 16, per_source: 16, waiting: 2048, patience: Duration::from_secs(4) };
/// Reviews of tokens that cannot be verified here.
const UNVERIFIED: QueueLimits =
    QueueLimits { total: 4, per_group: 2, per_source: 2, waiting: 256, patience: Duration::from_secs(4) };
/// The same, a second.
const UNVERIFIED_RATE: u32 = 20;

/// The reviews of all tokens.
pub(super) struct Reviews {
    client: kube::Client,
    keys: Arc<IssuerKeys>,
    verified: FairQueue<String>,
    unverified: FairQueue<Source>,
    unverified_rate: DefaultDirectRateLimiter,
}

impl Reviews {
    pub(super) fn new(client: kube::Client, keys: Arc<IssuerKeys>) -> Reviews {
        let rate = Quota::per_second(NonZeroU32::new(UNVERIFIED_RATE).unwrap_or(NonZeroU32::MIN));
        Reviews {
            client,
            keys,
            verified: FairQueue::new(VERIFIED),
            unverified: FairQueue::new(UNVERIFIED),
            unverified_rate: DefaultDirectRateLimiter::direct(rate),
        }
    }

    /// Reviews a token for an audience, once its turn has come.
    pub(super) async fn review(
        &self,
        peer: Source,
        token: &str,
        audience: &str,
    ) -> Result<TokenReviewResult, EnrolmentRefusal> {
        match self.keys.prove(token, audience, clock::now().time.0).await? {
            TokenProof::Signed { namespace } => {
                let _permit: Permit<_> = self.verified.enter(namespace, peer).await?;
                Ok(review_token(&self.client, token, audience).await)
            }
            TokenProof::Unverifiable => {
                let _permit: Permit<_> = self.unverified.enter(peer, peer).await?;
                self.unverified_rate.check().map_err(|_| EnrolmentRefusal::ReviewsBusy)?;
                Ok(review_token(&self.client, token, audience).await)
            }
        }
    }

    /// Reviews that are under way.
    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        self.verified.running() + self.unverified.running()
    }
}

impl From<QueueBusy> for EnrolmentRefusal {
    fn from(_: QueueBusy) -> EnrolmentRefusal {
        EnrolmentRefusal::ReviewsBusy
    }
}
