//! One enrolment, from the token to the event.

use super::credentials::{Refused, Source};
use super::limits::{Limits, TooOften};
use super::told::Teller;
use crate::audit::Audit;
use crate::clock;
use crate::live::Live;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kennel_core::enrolment::{
    EnrolmentEvent, EnrolmentOutcome, EnrolmentRefusal, Entitlement, GrantedCredentials, Review, admit,
};
use kennel_core::pods::PodRef;
use kennel_k8s::index::SharedIndex;
use kennel_k8s::token_review::review;
use kennel_store::EntryCache;
use kennel_wire::enrol::{EnrollRequest, EnrollResponse, audience};
use kennel_wire::message::Principal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Reviews that are asked of the API server at a time.
const REVIEWS: usize = 64;
/// Ask again after so long, where nobody knows better.
const SOON: Duration = Duration::from_secs(2);
/// The API server is asked for one object for so long.
const PATIENCE: Duration = Duration::from_secs(3);

/// Everything that enrolments need.
pub(crate) struct Enrolment {
    live: Arc<Live>,
    index: SharedIndex,
    cache: Arc<EntryCache>,
    client: kube::Client,
    audit: Audit,
    limits: Limits,
    reviews: Semaphore,
    teller: Teller,
    krb5_conf: Box<dyn Fn() -> String + Send + Sync>,
    ca: Box<dyn Fn() -> String + Send + Sync>,
}

/// A refusal, and when to ask again.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) refusal: EnrolmentRefusal,
    pub(super) retry_after: Option<Duration>,
}

/// What is known of an attempt so far.
#[derive(Default)]
struct Known {
    account: Option<String>,
    review: Option<Review>,
    client: Option<Principal>,
}

impl Known {
    fn pod(&self) -> Option<PodRef> {
        let review = self.review.as_ref()?;
        let (name, uid) = review.pod.clone()?;
        Some(PodRef { namespace: review.namespace.clone(), name, uid })
    }
}

impl Enrolment {
    pub(crate) fn new(
        live: Arc<Live>,
        index: SharedIndex,
        cache: Arc<EntryCache>,
        client: kube::Client,
        audit: Audit,
        krb5_conf: impl Fn() -> String + Send + Sync + 'static,
        ca: impl Fn() -> String + Send + Sync + 'static,
    ) -> Enrolment {
        let (limits, reviews) = (Limits::new(), Semaphore::new(REVIEWS));
        let teller = Teller::new(client.clone(), index.clone());
        let (krb5_conf, ca) = (Box::new(krb5_conf), Box::new(ca));
        Enrolment { live, index, cache, client, audit, limits, reviews, teller, krb5_conf, ca }
    }

    pub(super) fn krb5_conf(&self) -> String {
        (self.krb5_conf)()
    }

    pub(super) fn ca(&self) -> String {
        (self.ca)()
    }

    /// Before anything is read of the request's body.
    pub(super) fn admit_unknown(&self, peer: SocketAddr, token: Option<&str>) -> Result<(), Answer> {
        let token = token.ok_or(EnrolmentRefusal::TokenMissing)?;
        Ok(self.limits.admit_unknown(peer.ip(), token)?)
    }

    /// Enrols, and leaves one event. `request`: the refusal of what could not even be read.
    pub(super) async fn enrol(
        &self,
        peer: SocketAddr,
        request: Result<(&str, EnrollRequest), Answer>,
    ) -> Result<EnrollResponse, Answer> {
        let mut known = Known::default();
        let result = match request {
            Ok((token, request)) => self.decide(token, &request, &mut known).await,
            Err(answer) => Err((answer, None)),
        };
        let (outcome, answer) = match result {
            Ok((response, granted)) => (EnrolmentOutcome::Granted(granted), Ok(response)),
            Err((answer, ticket)) => (EnrolmentOutcome::Refused { refusal: answer.refusal, ticket }, Err(answer)),
        };
        if let (Err(answer), Some(review)) = (&answer, &known.review) {
            self.teller.refused(review, answer.refusal);
        }
        let (pod, Known { account, client, .. }) = (known.pod(), known);
        // Before the answer goes out: no credential leaves without its audit line on the way.
        self.audit.record_enrolment(EnrolmentEvent { time: clock::now(), peer, account, pod, client, outcome });
        answer
    }

    async fn decide(
        &self,
        token: &str,
        request: &EnrollRequest,
        known: &mut Known,
    ) -> Result<(EnrollResponse, GrantedCredentials), (Answer, Option<kennel_core::refusal::Refusal>)> {
        let plain = |answer: Answer| (answer, None);
        let review = self.review(token, known).await.map_err(plain)?;
        let (pod, entitlement) = self.admit(&review).await.map_err(|refusal| plain(refusal.into()))?;
        known.client = Some(entitlement.client.clone());
        let source = Source { live: &self.live, cache: &self.cache };
        let credentials = source.of_pod(&review, &pod, &entitlement, &request.enctypes, self.krb5_conf()).await;
        credentials.map_err(|Refused { refusal, ticket }| (refusal.into(), ticket))
    }

    async fn review(&self, token: &str, known: &mut Known) -> Result<Review, Answer> {
        let Ok(_permit) = self.reviews.try_acquire() else { return Err(EnrolmentRefusal::ReviewUnavailable.into()) };
        let reviewed = review(&self.client, token, &audience(self.live.name())).await;
        known.account = reviewed.username;
        let review = reviewed.review?;
        known.review = Some(review.clone());
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

    /// Whether pod and account are there, with the UIDs of the token: then the watches have not told of them yet.
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

impl From<EnrolmentRefusal> for Answer {
    fn from(refusal: EnrolmentRefusal) -> Answer {
        Answer { refusal, retry_after: refusal.retryable().then_some(SOON) }
    }
}

impl From<TooOften> for Answer {
    fn from(held: TooOften) -> Answer {
        Answer { refusal: EnrolmentRefusal::RateLimited, retry_after: Some(held.retry_after) }
    }
}
