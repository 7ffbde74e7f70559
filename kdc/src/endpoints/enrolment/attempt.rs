//! One enrolment, from the token to the audit event.

use crate::clock;
use crate::endpoints::enrolment::credentials::{CredentialSource, CredentialsRefused};
use crate::endpoints::enrolment::events::{LeasedEvents, RefusalEvents};
use crate::endpoints::enrolment::limits::{EnrolmentLimits, TooOften};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kennel_audit::Audit;
use kennel_controller::Live;
use kennel_core::enrolment::{
    EnrolmentEvent, EnrolmentOutcome, EnrolmentRefusal, Entitlement, GrantedCredentials, Review, admit,
};
use kennel_core::pods::PodRef;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::token_review::review_token;
use kennel_store::EntryCache;
use kennel_wire::enrol::{EnrollRequest, EnrollResponse, audience};
use kennel_wire::message::Principal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Token reviews under way at the API server at a time.
const REVIEWS: usize = 64;
/// Pause that an agent is asked to make before a retry, where no better time is known.
const SOON: Duration = Duration::from_secs(2);
/// Time limit of reading a pod and its account from the API server.
const PATIENCE: Duration = Duration::from_secs(3);

/// The responder of enrolments.
pub(crate) struct Enrolment {
    live: Arc<Live>,
    index: SharedIndex,
    cache: Arc<EntryCache>,
    client: kube::Client,
    audit: Audit,
    limits: EnrolmentLimits,
    reviews: Semaphore,
    events: RefusalEvents,
    krb5_conf: Box<dyn Fn() -> String + Send + Sync>,
    ca: Box<dyn Fn() -> String + Send + Sync>,
}

/// The cluster that pods enrol from.
pub(crate) struct EnrolmentCluster {
    /// The client for token reviews.
    pub(crate) client: kube::Client,
    /// The objects of the cluster.
    pub(crate) index: SharedIndex,
    /// The writer of Events on refusals.
    pub(crate) events: LeasedEvents,
}

/// A refusal, and the pause before a retry.
#[derive(Debug)]
pub(super) struct EnrolmentAnswer {
    pub(super) refusal: EnrolmentRefusal,
    pub(super) retry_after: Option<Duration>,
}

/// Facts about an attempt that are known so far.
#[derive(Default)]
struct Attempt {
    account: Option<String>,
    review: Option<Review>,
    client: Option<Principal>,
}

impl Attempt {
    fn pod(&self) -> Option<PodRef> {
        let review = self.review.as_ref()?;
        let (name, uid) = review.pod.clone()?;
        Some(PodRef { namespace: review.namespace.clone(), name, uid })
    }
}

impl Enrolment {
    pub(crate) fn new(
        live: Arc<Live>,
        cache: Arc<EntryCache>,
        cluster: EnrolmentCluster,
        audit: Audit,
        krb5_conf: impl Fn() -> String + Send + Sync + 'static,
        ca: impl Fn() -> String + Send + Sync + 'static,
    ) -> Enrolment {
        let (limits, reviews) = (EnrolmentLimits::new(), Semaphore::new(REVIEWS));
        let EnrolmentCluster { client, index, events } = cluster;
        let events = RefusalEvents::new(events, index.clone());
        let (krb5_conf, ca) = (Box::new(krb5_conf), Box::new(ca));
        Enrolment { live, index, cache, client, audit, limits, reviews, events, krb5_conf, ca }
    }

    pub(super) fn krb5_conf(&self) -> String {
        (self.krb5_conf)()
    }

    pub(super) fn ca(&self) -> String {
        (self.ca)()
    }

    /// Checks the limits that apply before the token is reviewed, and before the body is read.
    pub(super) fn admit_unknown(&self, peer: SocketAddr, token: Option<&str>) -> Result<(), EnrolmentAnswer> {
        let token = token.ok_or(EnrolmentRefusal::TokenMissing)?;
        Ok(self.limits.admit_unknown(peer.ip(), token)?)
    }

    /// Enrols, and records one event. An error in `request` is the refusal of a request that could not be read.
    pub(super) async fn enrol(
        &self,
        peer: SocketAddr,
        request: Result<(&str, EnrollRequest), EnrolmentAnswer>,
    ) -> Result<EnrollResponse, EnrolmentAnswer> {
        let mut attempt = Attempt::default();
        let result = match request {
            Ok((token, request)) => self.decide(token, &request, &mut attempt).await,
            Err(answer) => Err((answer, None)),
        };
        let (outcome, answer) = match result {
            Ok((response, granted)) => (EnrolmentOutcome::Granted(granted), Ok(response)),
            Err((answer, ticket)) => (EnrolmentOutcome::Refused { refusal: answer.refusal, ticket }, Err(answer)),
        };
        if let (Err(answer), Some(review)) = (&answer, &attempt.review) {
            self.events.report(review, answer.refusal);
        }
        let (pod, Attempt { account, client, .. }) = (attempt.pod(), attempt);
        // Records before the answer is sent, so that no credential leaves without its audit line.
        self.audit.record_enrolment(EnrolmentEvent { time: clock::now(), peer, account, pod, client, outcome });
        answer
    }

    async fn decide(
        &self,
        token: &str,
        request: &EnrollRequest,
        attempt: &mut Attempt,
    ) -> Result<(EnrollResponse, GrantedCredentials), (EnrolmentAnswer, Option<kennel_core::refusal::Refusal>)> {
        let plain = |answer: EnrolmentAnswer| (answer, None);
        let review = self.review(token, attempt).await.map_err(plain)?;
        let (pod, entitlement) = self.admit(&review).await.map_err(|refusal| plain(refusal.into()))?;
        attempt.client = Some(entitlement.client.clone());
        let source = CredentialSource { live: &self.live, cache: &self.cache };
        let credentials = source.for_pod(&review, &pod, &entitlement, &request.enctypes, self.krb5_conf()).await;
        credentials.map_err(|CredentialsRefused { refusal, ticket }| (refusal.into(), ticket))
    }

    async fn review(&self, token: &str, attempt: &mut Attempt) -> Result<Review, EnrolmentAnswer> {
        let Ok(_permit) = self.reviews.try_acquire() else { return Err(EnrolmentRefusal::ReviewUnavailable.into()) };
        let reviewed = review_token(&self.client, token, &audience(self.live.name())).await;
        attempt.account = reviewed.username;
        let review = reviewed.review?;
        attempt.review = Some(review.clone());
        self.limits.admit(&review)?;
        Ok(review)
    }

    async fn admit(&self, review: &Review) -> Result<(PodRef, Entitlement), EnrolmentRefusal> {
        let admitted = {
            let index = self.index.read();
            if !index.is_synced() {
                return Err(EnrolmentRefusal::NotReady);
            }
            admit(review, &*index)
        };
        match admitted {
            Err(
                refusal @ (EnrolmentRefusal::PodUnknown
                | EnrolmentRefusal::PodReplaced
                | EnrolmentRefusal::AccountUnknown
                | EnrolmentRefusal::AccountReplaced),
            ) if self.is_only_late(review).await => {
                tracing::debug!(reason = refusal.name(), "the watches are behind the API server");
                Err(EnrolmentRefusal::NotReady)
            }
            admitted => admitted,
        }
    }

    /// Whether the API server has the pod and the account with the UIDs of the token. If so, the watches have not delivered
    /// them yet.
    async fn is_only_late(&self, review: &Review) -> bool {
        let Some((name, uid)) = &review.pod else { return false };
        let pods = kube::Api::<Pod>::namespaced(self.client.clone(), &review.namespace);
        let accounts = kube::Api::<ServiceAccount>::namespaced(self.client.clone(), &review.namespace);
        let both = async { (pods.get_opt(name).await, accounts.get_opt(&review.account).await) };
        let Ok((Ok(Some(pod)), Ok(Some(account)))) = tokio::time::timeout(PATIENCE, both).await else { return false };
        pod.metadata.uid.as_ref() == Some(uid)
            && pod.metadata.deletion_timestamp.is_none()
            && account.metadata.uid.as_ref() == Some(&review.account_uid)
    }
}

impl From<EnrolmentRefusal> for EnrolmentAnswer {
    fn from(refusal: EnrolmentRefusal) -> EnrolmentAnswer {
        EnrolmentAnswer { refusal, retry_after: refusal.retryable().then_some(SOON) }
    }
}

impl From<TooOften> for EnrolmentAnswer {
    fn from(held: TooOften) -> EnrolmentAnswer {
        EnrolmentAnswer { refusal: EnrolmentRefusal::RateLimited, retry_after: Some(held.retry_after) }
    }
}
