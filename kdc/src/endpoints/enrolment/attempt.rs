//! One request of a pod, from the token to its answer: an enrolment, with its audit event, or a statement of what the pod holds.

use crate::clock;
use crate::endpoints::enrolment::credentials::{AdmittedPod, CredentialSource, CredentialsRefused};
use crate::endpoints::enrolment::events::{LeasedEvents, RefusalEvents};
use crate::endpoints::enrolment::limits::{EnrolmentLimits, TooOften};
use crate::endpoints::enrolment::reviews::Reviews;
use crate::endpoints::enrolment::waiting::WaitingRequests;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kennel_audit::{Audit, Metrics};
use kennel_controller::{Live, Programmed};
use kennel_core::enrolment::{
    EnrolmentEvent, EnrolmentOutcome, EnrolmentRefusal, Entitlement, GrantedCredentials, HeldStatement, Review, admit,
};
use kennel_core::pods::PodRef;
use kennel_core::refusal::Refusal;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::token::IssuerKeys;
use kennel_store::EntryCache;
use kennel_store::holders::HolderRecords;
use kennel_wire::enrol::{EnrollRequest, EnrollResponse, audience};
use kennel_wire::message::Principal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Pause that an agent is asked to make before a retry, where no better time is known.
const SOON: Duration = Duration::from_secs(2);
/// Time limit of reading a pod and its account from the API server.
const PATIENCE: Duration = Duration::from_secs(3);

/// The responder of enrolments, and of statements of what pods hold.
pub(crate) struct Enrolment {
    pub(super) live: Arc<Live>,
    pub(super) index: SharedIndex,
    pub(super) holders: HolderRecords,
    pub(super) waiting: WaitingRequests,
    pub(super) metrics: Arc<Metrics>,
    programmed: Programmed,
    pub(super) cache: Arc<EntryCache>,
    client: kube::Client,
    audit: Audit,
    limits: EnrolmentLimits,
    reviews: Reviews,
    events: RefusalEvents,
    krb5_conf: Box<dyn Fn() -> String + Send + Sync>,
    ca: Box<dyn Fn() -> String + Send + Sync>,
}

/// The cluster that pods enrol from.
pub(crate) struct EnrolmentCluster {
    /// The client for token reviews.
    pub(crate) client: kube::Client,
    /// The keys that tokens are verified by.
    pub(crate) keys: Arc<IssuerKeys>,
    /// The objects of the cluster.
    pub(crate) index: SharedIndex,
    /// What is programmed of accesses.
    pub(crate) programmed: Programmed,
    /// The writer of Events on refusals.
    pub(crate) events: LeasedEvents,
    /// The requests that wait for changes of keys.
    pub(crate) waiting: WaitingRequests,
    pub(crate) metrics: Arc<Metrics>,
}

/// A refusal, and the pause before a retry.
#[derive(Debug)]
pub(super) struct EnrolmentAnswer {
    pub(super) refusal: EnrolmentRefusal,
    pub(super) retry_after: Option<Duration>,
}

/// Facts about an attempt that are known so far.
#[derive(Default)]
pub(super) struct Attempt {
    account: Option<String>,
    review: Option<Review>,
    client: Option<Principal>,
}

/// A request of a pod that was admitted.
pub(super) struct AdmittedRequest<T> {
    pub(super) body: T,
    pub(super) review: Review,
    pub(super) pod: PodRef,
    pub(super) entitlement: Entitlement,
}

impl<T> AdmittedRequest<T> {
    pub(super) fn pod(&self) -> AdmittedPod<'_> {
        AdmittedPod { review: &self.review, pod: &self.pod, entitlement: &self.entitlement }
    }
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
        let EnrolmentCluster { client, keys, index, programmed, events, waiting, metrics } = cluster;
        let (limits, reviews) = (EnrolmentLimits::new(), Reviews::new(client.clone(), keys));
        let events = RefusalEvents::new(events, index.clone());
        let holders = HolderRecords::new(cache.clone(), live.name());
        Enrolment {
            live,
            index,
            holders,
            waiting,
            metrics,
            programmed,
            cache,
            client,
            audit,
            limits,
            reviews,
            events,
            krb5_conf: Box::new(krb5_conf),
            ca: Box::new(ca),
        }
    }

    /// Reviews that are under way.
    #[cfg(test)]
    pub(super) fn reviews_running(&self) -> usize {
        self.reviews.running()
    }

    pub(super) fn krb5_conf(&self) -> String {
        (self.krb5_conf)()
    }

    pub(super) fn ca(&self) -> String {
        (self.ca)()
    }

    /// Enrols, and records one event. `body` reads the request's body, once the token is worth it. The attempt ends when `gone`
    /// completes, which says that nobody waits for the answer any more.
    pub(super) async fn enrol(
        &self,
        peer: SocketAddr,
        token: Option<&str>,
        body: impl Future<Output = Result<EnrollRequest, EnrolmentRefusal>>,
        gone: impl Future<Output = ()>,
    ) -> Result<EnrollResponse, EnrolmentAnswer> {
        let mut attempt = Attempt::default();
        let result = tokio::select! {
            biased;
            result = self.decide(peer, token, body, &mut attempt) => result,
            () = gone => Err(EnrolmentAnswer::from(EnrolmentRefusal::ClientGone).into()),
        };
        let (outcome, answer) = match result {
            Ok((response, granted)) => (EnrolmentOutcome::Granted(granted), Ok(response)),
            Err(RefusedAttempt { answer, ticket }) => {
                (EnrolmentOutcome::Refused { refusal: answer.refusal, ticket }, Err(answer))
            }
        };
        // Records before the answer is sent, so that no credential leaves without its audit line.
        self.record(peer, attempt, outcome);
        answer
    }

    /// Records the end of an attempt.
    pub(super) fn record(&self, peer: SocketAddr, attempt: Attempt, outcome: EnrolmentOutcome) {
        if let (EnrolmentOutcome::Refused { refusal, .. }, Some(review)) = (&outcome, &attempt.review) {
            self.events.report(review, *refusal);
        }
        let (pod, Attempt { account, client, .. }) = (attempt.pod(), attempt);
        self.audit.record_enrolment(EnrolmentEvent { time: clock::now(), peer, account, pod, client, outcome });
    }

    async fn decide(
        &self,
        peer: SocketAddr,
        token: Option<&str>,
        body: impl Future<Output = Result<EnrollRequest, EnrolmentRefusal>>,
        attempt: &mut Attempt,
    ) -> Result<(EnrollResponse, GrantedCredentials), RefusedAttempt> {
        if token.is_some() && !self.audit.accepts() {
            // No credential without its line in the trail.
            return Err(EnrolmentAnswer::from(EnrolmentRefusal::TrailUnavailable).into());
        }
        let request = self.admitted(peer, token, body, attempt).await?;
        let said = request.body.held.as_ref().map(|held| HeldStatement::new(held, self.live.name()));
        let source = CredentialSource { live: &self.live, cache: &self.cache, holders: &self.holders };
        let pod = request.pod();
        let credentials = source.for_pod(&pod, &request.body.enctypes, said.as_ref(), self.krb5_conf()).await;
        credentials.map_err(|CredentialsRefused { refusal, ticket }| RefusedAttempt { answer: refusal.into(), ticket })
    }

    /// Admits the pod that a token is bound to. `body` reads the request's body, once the token is worth it.
    pub(super) async fn admitted<T>(
        &self,
        peer: SocketAddr,
        token: Option<&str>,
        body: impl Future<Output = Result<T, EnrolmentRefusal>>,
        attempt: &mut Attempt,
    ) -> Result<AdmittedRequest<T>, EnrolmentAnswer> {
        let token = token.ok_or(EnrolmentRefusal::TokenMissing)?;
        self.limits.admit_unknown(peer.ip().into(), token)?;
        let body = body.await?;
        let review = self.review(peer, token, attempt).await?;
        let (pod, entitlement) = self.admit(&review).await?;
        attempt.client = Some(entitlement.client.clone());
        Ok(AdmittedRequest { body, review, pod, entitlement })
    }

    async fn review(&self, peer: SocketAddr, token: &str, attempt: &mut Attempt) -> Result<Review, EnrolmentAnswer> {
        let reviewed = self.reviews.review(peer.ip().into(), token, &audience(self.live.name())).await?;
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
            // A pod that has credentials may call others, and be called: not before its NetworkPolicies are there.
            Ok(_) if !self.programmed.has_policies(&review.namespace, &review.account) => {
                Err(EnrolmentRefusal::PoliciesNotApplied)
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

/// A refused attempt.
struct RefusedAttempt {
    answer: EnrolmentAnswer,
    /// Reason of a refused ticket, where that is the cause.
    ticket: Option<Refusal>,
}

impl From<EnrolmentAnswer> for RefusedAttempt {
    fn from(answer: EnrolmentAnswer) -> RefusedAttempt {
        RefusedAttempt { answer, ticket: None }
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
