//! `POST /v1/held`: a pod says which key versions it has on disk, and its request stays open until an enrolment is due.

use crate::clock;
use crate::endpoints::enrolment::attempt::{AdmittedRequest, Attempt, Enrolment, EnrolmentAnswer};
use crate::endpoints::enrolment::credentials::{present, unavailable};
use crate::endpoints::enrolment::waiting::PlaceEnd;
use kennel_core::enrolment::holding::is_revoked;
use kennel_core::enrolment::{DueFetch, EnrolmentOutcome, EnrolmentRefusal, HeldStatement};
use kennel_core::pods::{PodRef, PodState, Pods};
use kennel_core::rotation::holder::HolderId;
use kennel_listen::ConnectionSlot;
use kennel_wire::enrol::{HeldRequest, HeldResponse};
use kennel_wire::message::{KerberosTime, Principal};
use rand::Rng;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Time that a request stays open, from the first to the second: proxies and connection tracking forget connections that are idle
/// for longer than some minutes, and those of pods that came together shall not stay together.
const WAIT: [Duration; 2] = [Duration::from_secs(240), Duration::from_secs(300)];
/// Agents that are not in a hurry enrol anew within a second for so many requests that wait, and within a minute at most: a realm
/// whose keys all change meets no wave.
const A_SECOND: usize = 64;
const LONGEST_SPREAD: usize = 60;
/// Pause before a pod without a place asks for one again, from the first to the second.
const NO_ROOM: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// What an admitted pod waits for. Small, since there may be thousands of them.
pub(super) struct HeldWait {
    pod: PodRef,
    /// The account's principal.
    client: Principal,
    /// The principals whose keys the pod may hold.
    keytab: Vec<Principal>,
    on_disk: HeldStatement,
    ticket_from: Option<KerberosTime>,
    end: Instant,
}

impl Enrolment {
    /// Admits a pod, and records what it says it has. Refusals leave an event, as those of enrolments do.
    pub(super) async fn confirm(
        &self,
        peer: SocketAddr,
        token: Option<&str>,
        body: impl Future<Output = Result<HeldRequest, EnrolmentRefusal>>,
    ) -> Result<HeldWait, EnrolmentAnswer> {
        let mut attempt = Attempt::default();
        let confirmed = match self.admitted(peer, token, body, &mut attempt).await {
            Ok(request) => self.confirm_admitted(request).await.map_err(EnrolmentAnswer::from),
            Err(answer) => Err(answer),
        };
        if let Err(answer) = &confirmed {
            self.record(peer, attempt, EnrolmentOutcome::Refused { refusal: answer.refusal, ticket: None });
        }
        confirmed
    }

    async fn confirm_admitted(&self, request: AdmittedRequest<HeldRequest>) -> Result<HeldWait, EnrolmentRefusal> {
        let ticket_from = request.body.ticket_from.as_deref().map(parse_time).transpose()?;
        let said = HeldStatement::new(&request.body.held, self.live.name());
        let on_disk = request.body.on_disk.as_ref().map(|held| HeldStatement::new(held, self.live.name()));
        let mut keytab = Vec::new();
        for principal in request.pod().keytab() {
            let record = present(&*self.cache, principal.name).await?;
            if record.is_some() && request.pod().owns(principal.name, record.as_deref()).unwrap_or(false) {
                keytab.push(principal.name.clone());
            }
        }
        let holder = HolderId::Pod(request.pod.clone());
        if self.holders.confirm(&holder, &keytab, &said, clock::now()).await.map_err(unavailable)? {
            self.metrics.holder_confirmations.inc();
        }
        let wait = rand::thread_rng().gen_range(WAIT[0]..WAIT[1]);
        let asked = request.body.wait_seconds.map_or(wait, |seconds| Duration::from_secs(seconds.into()));
        Ok(HeldWait {
            pod: request.pod,
            client: request.entitlement.client,
            keytab,
            on_disk: on_disk.unwrap_or(said),
            ticket_from,
            end: Instant::now() + asked.min(wait),
        })
    }

    /// Waits until an enrolment of the pod is due, or the time is over.
    pub(super) async fn until_due(
        &self,
        wait: HeldWait,
        connection: &ConnectionSlot,
    ) -> Result<HeldResponse, EnrolmentAnswer> {
        if wait.end <= Instant::now() {
            return Ok(self.due(&wait).await?.map_or_else(HeldResponse::default, |due| self.ask_for(due)));
        }
        // Before the first look: what changes during the look wakes the request afterwards.
        let place = self.waiting.enter(&wait.pod, wait.keytab.iter().chain([&wait.client]));
        loop {
            if self.index.state(&wait.pod) == PodState::Gone {
                return Err(EnrolmentRefusal::PodEnded.into());
            }
            if let Some(due) = self.due(&wait).await? {
                return Ok(self.ask_for(due));
            }
            let place = match &place {
                Ok(place) => place.end().map_or(Ok(place), Err),
                Err(end) => Err(*end),
            };
            match place {
                Ok(_) if !connection.park(wait.end.saturating_duration_since(Instant::now())) => {
                    return self.ended(PlaceEnd::NoRoom);
                }
                Ok(place) => tokio::select! {
                    () = place.woken() => {}
                    () = sleep_until(wait.end) => return Ok(HeldResponse::default()),
                },
                Err(end) => return self.ended(end),
            }
        }
    }

    /// The answer that an enrolment is due.
    fn ask_for(&self, due: DueFetch) -> HeldResponse {
        let spread = if due.urgent { 0 } else { spread(self.waiting.number()) };
        let before = clock::now().time.plus(spread).to_rfc3339().to_string();
        HeldResponse { refetch_before: Some(before), urgent: due.urgent }
    }

    /// The answer to a request that may not wait, although nothing is due.
    fn ended(&self, end: PlaceEnd) -> Result<HeldResponse, EnrolmentAnswer> {
        match end {
            PlaceEnd::Stopping => Ok(HeldResponse::default()),
            PlaceEnd::NoRoom => {
                self.metrics.waiting_refused.inc();
                let pause = rand::thread_rng().gen_range(NO_ROOM[0]..NO_ROOM[1]);
                Err(EnrolmentAnswer { refusal: EnrolmentRefusal::TooManyWaiting, retry_after: Some(pause) })
            }
        }
    }

    /// Compares what the pod has with what the store has now.
    async fn due(&self, wait: &HeldWait) -> Result<Option<DueFetch>, EnrolmentRefusal> {
        if let Some(from) = wait.ticket_from {
            let realm = self.live.name();
            for name in [&wait.client, &Principal::krbtgt(realm, realm)] {
                if present(&*self.cache, name).await?.is_some_and(|record| is_revoked(from, &record)) {
                    return Ok(Some(DueFetch { urgent: true }));
                }
            }
        }
        let mut due = None;
        for name in &wait.keytab {
            let record = present(&*self.cache, name).await?;
            match record.and_then(|record| wait.on_disk.due(&record)) {
                Some(DueFetch { urgent: true }) => return Ok(Some(DueFetch { urgent: true })),
                lacking => due = due.or(lacking),
            }
        }
        Ok(due)
    }
}

/// Seconds in which the pods enrol anew whose requests wait.
fn spread(waiting: usize) -> i64 {
    i64::try_from(waiting.div_ceil(A_SECOND).clamp(1, LONGEST_SPREAD)).unwrap_or(1)
}

fn parse_time(text: &str) -> Result<KerberosTime, EnrolmentRefusal> {
    let time = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| EnrolmentRefusal::RequestMalformed)?;
    Ok(KerberosTime(time.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_pods_come_at_once_and_thousands_within_a_minute() {
        assert_eq!([0, 1, 64, 65, 1000, 4096, 100_000].map(spread), [1, 1, 1, 2, 16, 60, 60]);
    }
}
