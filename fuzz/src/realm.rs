//! A realm in memory: principals of every kind. Keys follow from name, version and enctype, so that the fuzzer has them.

use kennel_core::access::denial::{AccessDenial, DenialReason};
use kennel_core::access::{AccessDecision, AccessPolicy, AccessRequest};
use kennel_core::entry::Entry;
use kennel_core::kdc::{Kdc, Step};
use kennel_core::key_set::{KeySet, KeyState, KeyVersion, StoredKey};
use kennel_core::outcome::Outcome;
use kennel_core::pods::{PodRef, PodState, Pods};
use kennel_core::principal::{Attributes, Origin, PrincipalRecord};
use kennel_core::realm::Realm;
use kennel_crypto::{Enctype, Key};
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use rand_core::CryptoRngCore;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The realm's name.
pub const REALM: &str = "R";
/// A realm that is trusted both ways.
pub const TRUSTED: &str = "T";
/// When most of it was made.
pub const CREATED: i64 = 1_800_000_000;
/// Around this the requests happen.
pub const NOW: i64 = CREATED + 1_000_000;

/// Every name that a request may choose by number.
pub const NAMES: &[&str] = &[
    "krbtgt/R",
    "krbtgt/T",
    "krbtgt/R@T",
    "alice",
    "bob",
    "locked",
    "expired",
    "no-preauth",
    "young",
    "short",
    "meek",
    "HTTP/web.r",
    "HTTP/as-only.r",
    "HTTP/strict.r",
    "HTTP/no-dup.r",
    "HTTP/gone.r",
    "HTTP/old.r",
    "HTTP/rollover.r",
    "rc4",
    "keyless",
    "denied",
    "observed",
    "alias",
    "HTTP/alias.r",
    "nobody",
    "HTTP/host.t",
    "kadmin/changepw",
];

/// The realm and what its access policy was asked.
pub struct FuzzRealm {
    /// The KDC.
    pub kdc: Kdc,
    /// Its rules.
    pub rules: Arc<Realm>,
    /// What was asked of the policy: client, server.
    pub access: Arc<Asked>,
    entries: HashMap<Principal, Arc<Entry>>,
}

/// A policy that keeps account: `denied` gets nothing, `observed` would be denied.
#[derive(Default)]
pub struct Asked(Mutex<Vec<(Principal, Principal, AccessDecision)>>);

impl Asked {
    /// What was asked since the last call.
    pub fn take(&self) -> Vec<(Principal, Principal, AccessDecision)> {
        self.0.lock().map(|mut asked| std::mem::take(&mut *asked)).unwrap_or_default()
    }
}

impl AccessPolicy for Asked {
    fn decide(&self, request: &AccessRequest<'_>) -> AccessDecision {
        let decision = match request.client.principal().name.components.first().map(String::as_str) {
            Some("denied") => AccessDecision::Deny(denial()),
            Some("observed") => AccessDecision::Observe(denial()),
            _ => AccessDecision::ALLOW,
        };
        let asked = (request.client.principal().clone(), request.server.record.principal.clone(), decision.clone());
        self.0.lock().expect("no thread died").push(asked);
        decision
    }
}

fn denial() -> AccessDenial {
    AccessDenial { reason: DenialReason::NoAccess, text: "no KerberosAccess, says the fuzzer".into() }
}

/// Pods whose UID says how they are.
struct KnownPods;

impl Pods for KnownPods {
    fn state(&self, pod: &PodRef) -> PodState {
        match pod.uid.as_str() {
            "live" => PodState::Live,
            "gone" => PodState::Gone,
            _ => PodState::Unknown,
        }
    }
}

/// One of [`NAMES`].
pub fn name(number: u8) -> &'static str {
    NAMES[usize::from(number) % NAMES.len()]
}

/// A principal of the list.
pub fn principal(text: &str) -> Principal {
    Principal::parse(text, REALM).expect("the names of the list are right")
}

/// The key of a name, a version and an enctype.
pub fn key(name: &str, kvno: u32, enctype: Enctype) -> Key {
    let seed = format!("{name} {kvno}");
    let bytes: Vec<u8> = seed.bytes().cycle().take(enctype.key_length()).collect();
    Key::new(enctype, &bytes).expect("as long as its enctype wants it")
}

fn version(name: &str, kvno: u32, state: KeyState, enctypes: &[Enctype]) -> KeyVersion {
    let made = at(CREATED);
    let keys = enctypes.iter().map(|e| StoredKey { key: key(name, kvno, *e), salt: salt(name) }).collect();
    let activated = (state != KeyState::Staged).then_some(made);
    KeyVersion { kvno, state, created: made, activated, retired: None, accept: None, keys }
}

fn salt(name: &str) -> Option<String> {
    (!name.contains('/')).then(|| format!("R{name}"))
}

/// A time without microseconds.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp { time: KerberosTime(seconds), micros: 0 }
}

const AES: &[Enctype] = &[
    Enctype::Aes256CtsHmacSha384,
    Enctype::Aes128CtsHmacSha256,
    Enctype::Aes256CtsHmacSha1,
    Enctype::Aes128CtsHmacSha1,
];

impl FuzzRealm {
    /// The end of a request, through every step: it asks for principals twice at most, an armored one once more.
    pub fn answer(&self, bytes: &[u8], rng: &mut dyn CryptoRngCore) -> Outcome {
        let mut step = self.kdc.begin(bytes, ([127, 0, 0, 1], 4711).into(), at(NOW));
        let mut rounds = 0;
        loop {
            match step {
                Step::Done(outcome) => return outcome,
                Step::Need(pending) => {
                    rounds += 1;
                    assert!(
                        rounds <= 3 && !pending.wants().is_empty(),
                        "a request asks at most twice, an armored one once more"
                    );
                    let found = pending.wants().find(|name| self.find(name));
                    step = pending.resume(found, at(NOW), rng);
                }
            }
        }
    }

    /// The realm.
    pub fn new() -> FuzzRealm {
        let mut rules = Realm::new(REALM);
        rules.domain_realms.push(("t".into(), TRUSTED.into()));
        let (rules, access) = (Arc::new(rules), Arc::new(Asked::default()));
        let kdc = Kdc::with_pods(rules.clone(), access.clone(), Arc::new(KnownPods));
        let mut realm = FuzzRealm { kdc, rules, access, entries: HashMap::new() };
        for name in NAMES {
            realm.add(name);
        }
        for (alias, target) in [("alias", "alice"), ("HTTP/alias.r", "HTTP/web.r")] {
            let entry = realm.entries[&principal(target)].clone();
            realm.entries.insert(principal(alias), entry);
        }
        realm
    }

    fn add(&mut self, name: &str) {
        if matches!(name, "nobody" | "HTTP/host.t" | "alias" | "HTTP/alias.r") {
            return;
        }
        let versions = match name {
            "rc4" => vec![version(name, 1, KeyState::Active, &[Enctype::Rc4Hmac])],
            "keyless" => Vec::new(),
            "HTTP/rollover.r" | "krbtgt/R" => vec![
                version(name, 3, KeyState::Staged, AES),
                version(name, 2, KeyState::Active, AES),
                version(name, 1, KeyState::Retiring, AES),
            ],
            _ => vec![version(name, 2, KeyState::Active, AES)],
        };
        let name = principal(name);
        let mut record = PrincipalRecord::new(name.clone(), Origin::Manual, KeySet { versions }, at(CREATED), "fuzz");
        shape(&mut record);
        self.entries.insert(name, Arc::new(Entry::new(record)));
    }

    /// What the store says to a name.
    pub fn find(&self, name: &Principal) -> Option<Arc<Entry>> {
        self.entries.get(name).cloned()
    }
}

impl Default for FuzzRealm {
    fn default() -> Self {
        FuzzRealm::new()
    }
}

/// What makes each principal special.
fn shape(record: &mut PrincipalRecord) {
    let name = record.principal.to_string();
    record.attributes = match name.trim_end_matches("@R") {
        "locked" | "HTTP/gone.r" => Attributes::DISALLOW_ALL,
        "no-preauth" => Attributes::NO_PREAUTH_REQUIRED,
        "meek" => {
            Attributes::DISALLOW_FORWARDABLE
                | Attributes::DISALLOW_RENEWABLE
                | Attributes::DISALLOW_PROXIABLE
                | Attributes::DISALLOW_POSTDATED
        }
        "HTTP/as-only.r" => Attributes::DISALLOW_TGT_BASED,
        "HTTP/strict.r" => Attributes::REQUIRE_PREAUTH_OF_CLIENTS | Attributes::OK_AS_DELEGATE,
        "HTTP/no-dup.r" => Attributes::DISALLOW_DUP_SKEY,
        "bob" => Attributes::DISALLOW_SERVER,
        "kadmin/changepw" => Attributes::PASSWORD_CHANGING_SERVICE | Attributes::DISALLOW_TGT_BASED,
        _ => Attributes::empty(),
    };
    match name.trim_end_matches("@R") {
        "expired" | "HTTP/old.r" => record.expires = Some(KerberosTime(NOW - 1000)),
        "young" => record.created = at(NOW - 100),
        "short" => (record.max_life, record.max_renewable_life) = (Some(600), Some(3600)),
        _ => {}
    }
}
