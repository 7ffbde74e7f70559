//! A realm in memory: a [`Kdc`], principals in a map, a clock that stands still and randomness that repeats.

use kennel_client::{
    AsExchange, AsRequest, AsStep, ClientError, Credential, InitialTicket, Secret, TgsExchange, TgsRequest,
    TicketOptions,
};
use kennel_core::access::denial::{AccessDenial, DenialReason};
use kennel_core::access::table::AccessTable;
use kennel_core::access::{AccessDecision, AccessIndex, AccessPath, AccessPolicy, AccessRequest};
use kennel_core::entry::Entry;
use kennel_core::event::{Decision, Event, IssuedTicket};
use kennel_core::kdc::{Kdc, Step};
use kennel_core::key_set::KeySet;
use kennel_core::lockout::guard::LoginGuard;
use kennel_core::outcome::Outcome;
use kennel_core::pods::{PodRef, PodState, Pods};
use kennel_core::principal::{Origin, PrincipalRecord};
use kennel_core::realm::Realm;
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key};
use kennel_wire::message::{ErrorCode, KdcOptions, KerberosTime, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

pub(crate) const AES: [Enctype; 4] = [
    Enctype::Aes256CtsHmacSha384,
    Enctype::Aes128CtsHmacSha256,
    Enctype::Aes256CtsHmacSha1,
    Enctype::Aes128CtsHmacSha1,
];

/// Records the questions, and answers as the test sets it, or by the declarations of [`TestRealm::declare`].
pub(crate) struct Access {
    pub(crate) asked: Mutex<Vec<(String, String, AccessPath)>>,
    pub(crate) answer: Mutex<AccessDecision>,
    policy: Mutex<Option<Arc<dyn AccessPolicy>>>,
}

impl AccessPolicy for Access {
    fn decide(&self, request: &AccessRequest<'_>) -> AccessDecision {
        let (client, server) = (request.client.principal().to_string(), request.server.record.principal.to_string());
        self.asked.lock().unwrap().push((client, server, request.path));
        match &*self.policy.lock().unwrap() {
            Some(policy) => policy.decide(request),
            None => self.answer.lock().unwrap().clone(),
        }
    }
}

/// Pods whose state is known; every other pod is unknown.
#[derive(Default)]
pub(crate) struct KnownPods(pub(crate) Mutex<HashMap<String, PodState>>);

impl Pods for KnownPods {
    fn state(&self, pod: &PodRef) -> PodState {
        self.0.lock().unwrap().get(&pod.uid).copied().unwrap_or(PodState::Unknown)
    }
}

pub(crate) struct TestRealm {
    kdc: Kdc,
    pub(crate) name: String,
    pub(crate) entries: HashMap<Principal, Arc<Entry>>,
    pub(crate) access: Arc<Access>,
    pub(crate) pods: Arc<KnownPods>,
    pub(crate) now: Timestamp,
    pub(crate) peer: SocketAddr,
    pub(crate) rng: StdRng,
    pub(crate) events: Vec<Event>,
}

impl TestRealm {
    /// A realm `R` with its ticket-granting service, `alice` and `HTTP/web`.
    pub(crate) fn new() -> TestRealm {
        TestRealm::with(|_| {})
    }

    /// The same with other rules.
    pub(crate) fn with(configure: impl FnOnce(&mut Realm)) -> TestRealm {
        let mut realm = TestRealm::named("R", configure);
        realm.add("alice", |_| {});
        realm.add("HTTP/web.r", |_| {});
        realm
    }

    /// The same where tickets may begin later.
    pub(crate) fn postdating() -> TestRealm {
        TestRealm::with(|rules| rules.allow_postdate = true)
    }

    pub(crate) fn named(name: &str, configure: impl FnOnce(&mut Realm)) -> TestRealm {
        let mut rules = Realm::new(name);
        configure(&mut rules);
        let answer = Mutex::new(AccessDecision::ALLOW);
        let access = Arc::new(Access { asked: Mutex::new(Vec::new()), answer, policy: Mutex::new(None) });
        let pods = Arc::new(KnownPods::default());
        let now = Timestamp { time: KerberosTime(1_800_000_000), micros: 250_000 };
        let mut realm = TestRealm {
            kdc: Kdc::with_pods(Arc::new(rules), access.clone(), pods.clone()),
            name: name.to_owned(),
            entries: HashMap::new(),
            access,
            pods,
            now,
            peer: "127.0.0.1:40000".parse().unwrap(),
            rng: StdRng::seed_from_u64(4120),
            events: Vec::new(),
        };
        realm.add(&format!("krbtgt/{name}"), |_| {});
        realm
    }

    /// Has this guard count the attempts to log in from now on.
    pub(crate) fn guard_logins(&mut self, logins: Arc<dyn LoginGuard>) {
        let rules = Arc::new(self.kdc.realm().clone());
        self.kdc = Kdc::with_logins(rules, self.access.clone(), self.pods.clone(), logins);
    }

    pub(crate) fn principal(&self, text: &str) -> Principal {
        Principal::parse(text, &self.name).unwrap()
    }

    /// Decides access by these declarations from now on.
    pub(crate) fn declare(&self, table: &AccessTable) {
        self.decide_by(Arc::new(AccessIndex::new(table)));
    }

    /// Decides access by this policy from now on.
    pub(crate) fn decide_by(&self, policy: Arc<dyn AccessPolicy>) {
        *self.access.policy.lock().unwrap() = Some(policy);
    }

    /// Adds a principal with random keys, or replaces it with one of new keys.
    pub(crate) fn add(&mut self, text: &str, change: impl FnOnce(&mut PrincipalRecord)) -> Arc<Entry> {
        let principal = self.principal(text);
        let keys = KeySet::random(&AES, 1, self.now, &mut self.rng);
        let created = Timestamp { time: self.now.time.plus(-10), ..self.now };
        let mut record = PrincipalRecord::new(principal.clone(), Origin::Manual, keys, created, "test");
        change(&mut record);
        let entry = Arc::new(Entry::new(record));
        self.entries.insert(principal, entry.clone());
        entry
    }

    /// Changes the record of a principal; its keys stay.
    pub(crate) fn change(&mut self, text: &str, change: impl FnOnce(&mut PrincipalRecord)) {
        let principal = self.principal(text);
        let mut record = self.entries[&principal].record.clone();
        change(&mut record);
        self.entries.insert(principal, Arc::new(Entry::new(record)));
    }

    /// Sets the password of a principal, now.
    pub(crate) fn set_password(&mut self, text: &str, password: &str) {
        let (now, principal) = (self.now, self.principal(text));
        self.change(text, |record| {
            let kvno = record.keys.versions.iter().map(|version| version.kvno).max().unwrap_or(0) + 1;
            record.keys = KeySet::from_password(&AES, kvno, &principal, password.as_bytes(), now).unwrap();
        });
    }

    /// Another name of a principal, as the store's cache resolves it.
    pub(crate) fn alias(&mut self, alias: &str, target: &str) {
        let entry = self.entries[&self.principal(target)].clone();
        self.entries.insert(self.principal(alias), entry);
    }

    /// The active keys of a principal, as its password or keytab yields them.
    pub(crate) fn keys(&self, text: &str) -> Vec<Key> {
        self.entries[&self.principal(text)].active_keys().map(|k| k.key.clone()).collect()
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now.time = self.now.time.plus(seconds);
    }

    /// A TGT that is issued to a pod of a client.
    pub(crate) fn enrol(&mut self, client: &str, pod: &PodRef, offered: &[i32]) -> Result<Credential, Refusal> {
        let entry = |name: &str| self.entries[&self.principal(name)].clone();
        let (client, krbtgt) = (entry(client), entry(&format!("krbtgt/{}", self.name)));
        let ticket = self.kdc.issue_to_pod(&client, &krbtgt, pod, offered, self.now, &mut self.rng)?;
        Ok(Credential::from_ccache(&ticket.credential).unwrap())
    }

    /// Sends bytes to the KDC, as the shell does it.
    pub(crate) fn ask(&mut self, bytes: &[u8]) -> Outcome {
        let mut step = self.kdc.begin(bytes, self.peer, self.now);
        let mut rounds = 0;
        let outcome = loop {
            match step {
                Step::Done(outcome) => break outcome,
                Step::Need(pending) => {
                    rounds += 1;
                    assert!(rounds <= 3, "a request asks at most twice, an armored one once more");
                    assert!(!pending.wants().is_empty());
                    let found = pending.wants().find(|name| self.entries.get(name).cloned());
                    step = pending.resume(found, self.now, &mut self.rng);
                }
            }
        };
        self.events.push(outcome.event.clone());
        outcome
    }

    fn answer(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.ask(bytes).reply.expect("a reply")
    }

    pub(crate) fn initial_with(&mut self, request: AsRequest, secret: Secret) -> Result<InitialTicket, ClientError> {
        let (mut exchange, mut message) = AsExchange::begin(request, secret, self.now, &mut self.rng.clone())?;
        loop {
            let answer = self.answer(&message);
            match exchange.receive(&answer, self.now, &mut self.rng)? {
                AsStep::Send(next) => message = next,
                AsStep::Done(ticket) => return Ok(*ticket),
            }
        }
    }

    /// A TGT for a principal of this realm, by its keys.
    pub(crate) fn initial(&mut self, client: &str, options: TicketOptions) -> Result<Credential, ClientError> {
        let secret = Secret::Keys(self.keys(client));
        let request = AsRequest { client: self.principal(client), server: None, options };
        self.initial_with(request, secret).map(|t| t.credential)
    }

    pub(crate) fn tgt(&mut self, client: &str) -> Credential {
        self.initial(client, TicketOptions::default()).expect("a TGT")
    }

    pub(crate) fn tgs(&mut self, credential: &Credential, request: &TgsRequest) -> Result<Credential, ClientError> {
        let (exchange, message) = TgsExchange::begin(credential, request, self.now, &mut self.rng.clone());
        let answer = self.answer(&message);
        exchange.receive(&answer)
    }

    pub(crate) fn service(&mut self, tgt: &Credential, server: &str) -> Result<Credential, ClientError> {
        let request = TgsRequest::new(self.principal(server));
        self.tgs(tgt, &request)
    }

    pub(crate) fn service_with(
        &mut self,
        tgt: &Credential,
        server: &str,
        flags: KdcOptions,
    ) -> Result<Credential, ClientError> {
        let request = TgsRequest::with_flags(self.principal(server), flags);
        self.tgs(tgt, &request)
    }

    /// What the last request was issued.
    pub(crate) fn last_issued(&self) -> IssuedTicket {
        match &self.events.last().expect("an event").outcome {
            Decision::Issued(issued) => issued.clone(),
            other => panic!("not issued: {other:?}"),
        }
    }

    /// Why the last request was refused.
    pub(crate) fn last_refusal(&self) -> Refusal {
        match &self.events.last().expect("an event").outcome {
            Decision::Refused { refusal, code, .. } => {
                assert_eq!(*code, refusal.code());
                *refusal
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Asserts that a request failed with the code of `refusal`, and that the event says that reason.
    pub(crate) fn assert_refused<T: std::fmt::Debug>(&self, result: Result<T, ClientError>, refusal: Refusal) {
        assert_eq!(code(result), refusal.code());
        assert_eq!(self.last_refusal(), refusal);
    }
}

/// A denial, as a policy says it.
pub(crate) fn denial() -> AccessDenial {
    AccessDenial { reason: DenialReason::NoAccess, text: "no KerberosAccess, says the test".into() }
}

/// The code of a KRB-ERROR that a request ended with.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> ErrorCode {
    match result {
        Err(ClientError::Kdc { code, .. }) => code,
        other => panic!("no KRB-ERROR: {other:?}"),
    }
}
