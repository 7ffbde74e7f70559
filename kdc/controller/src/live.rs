//! The current settings of the realm: the configuration, overridden by the KerberosRealm that the KDC follows, and who may call
//! whom. Each request uses one version of both until its end.

use arc_swap::{ArcSwap, Guard};
use kennel_core::access::AccessPolicy;
use kennel_core::kdc::Kdc;
use kennel_core::lockout::guard::{LoginGuard, NoLockout};
use kennel_core::pods::Pods;
use kennel_core::realm::Realm;
use kennel_crypto::Enctype;
use kennel_k8s::crd::duration::DurationText;
use kennel_k8s::crd::realm::KerberosRealmSpec;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Interval at which a retired access policy is asked whether a request still uses it.
const POLL: Duration = Duration::from_millis(1);
/// Time after the start for which requests wait for the access of the cluster instead of being denied: clients ask again for longer
/// than that, and the first look at a cluster takes a second or two.
const FIRST_ACCESS: Duration = Duration::from_secs(8);

/// The KDC under the current settings.
pub struct Live {
    base: Realm,
    pods: Arc<dyn Pods>,
    /// The parts of the KDC, which two writers replace: one the realm, the other the access.
    parts: Mutex<Parts>,
    kdc: ArcSwap<Kdc>,
    /// Whether the access is provisional: what the cluster says is not known yet.
    awaits: AtomicBool,
    known: Notify,
    begun: Instant,
}

struct Parts {
    realm: Arc<Realm>,
    access: Arc<dyn AccessPolicy>,
    logins: Arc<dyn LoginGuard>,
}

impl Live {
    /// Starts with the realm of the configuration. `access`: who may call whom until [`Live::set_access`]. `pods`: the pods that
    /// tickets are bound to.
    #[must_use]
    pub fn new(base: Realm, access: Arc<dyn AccessPolicy>, pods: Arc<dyn Pods>) -> Live {
        let parts = Parts { realm: Arc::new(base.clone()), access, logins: Arc::new(NoLockout) };
        let kdc = ArcSwap::from_pointee(parts.kdc(&pods));
        let (awaits, known, begun) = (AtomicBool::new(false), Notify::new(), Instant::now());
        Live { base, pods, parts: Mutex::new(parts), kdc, awaits, known, begun }
    }

    /// Has `logins` count the attempts to log in, and say who is locked out.
    #[must_use]
    pub fn guarding_logins(self, logins: Arc<dyn LoginGuard>) -> Live {
        {
            let mut parts = self.lock();
            parts.logins = logins;
            self.kdc.store(Arc::new(parts.kdc(&self.pods)));
        }
        self
    }

    /// Takes the access as provisional: it denies what the cluster has not said yet.
    #[must_use]
    pub fn awaiting_access(self) -> Live {
        self.awaits.store(true, Ordering::Relaxed);
        self
    }

    /// Whether the access is provisional still, and for so short a time that a request can wait for it.
    #[must_use]
    pub fn awaits_access(&self) -> bool {
        self.awaits.load(Ordering::Relaxed) && self.begun.elapsed() < FIRST_ACCESS
    }

    /// Completes when the access is no longer provisional, or no request waits for it any more.
    pub async fn access_known(&self) {
        let known = self.known.notified();
        if self.awaits_access() {
            let left = FIRST_ACCESS.saturating_sub(self.begun.elapsed());
            _ = tokio::time::timeout(left, known).await;
        }
    }

    /// Returns the KDC under the current settings.
    #[must_use]
    pub fn kdc(&self) -> Guard<Arc<Kdc>> {
        self.kdc.load()
    }

    /// Returns the current settings.
    #[must_use]
    pub fn realm(&self) -> Arc<Realm> {
        self.lock().realm.clone()
    }

    /// The name of the realm, which never changes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.base.name
    }

    /// Overrides the configuration by the settings of a KerberosRealm. `None` restores the configuration.
    pub fn follow(&self, spec: Option<&KerberosRealmSpec>) {
        let mut realm = realm_with(&self.base, spec);
        let mut parts = self.lock();
        realm.kvno_floor = parts.realm.kvno_floor;
        let same = |a: &Realm, b: &Realm| {
            (&a.enctypes, a.max_life, a.max_renewable_life, &a.cluster_domain, a.rotation)
                == (&b.enctypes, b.max_life, b.max_renewable_life, &b.cluster_domain, b.rotation)
        };
        if !same(&parts.realm, &realm) {
            tracing::info!(realm = realm.name, "the settings of the realm have changed");
            parts.realm = Arc::new(realm);
            self.kdc.store(Arc::new(parts.kdc(&self.pods)));
        }
    }

    /// Has new keys get versions above this number from now on: the store may have lost others.
    pub fn raise_kvno_floor(&self, floor: u32) {
        let mut parts = self.lock();
        if parts.realm.kvno_floor < floor {
            parts.realm = Arc::new(Realm { kvno_floor: floor, ..Realm::clone(&parts.realm) });
            self.kdc.store(Arc::new(parts.kdc(&self.pods)));
        }
    }

    /// Decides by another access policy from the next request on. Returns the one before, which requests that have begun still use.
    pub fn set_access(&self, access: Arc<dyn AccessPolicy>) -> RetiredAccess {
        let mut parts = self.lock();
        let retired = std::mem::replace(&mut parts.access, access);
        self.kdc.store(Arc::new(parts.kdc(&self.pods)));
        self.awaits.store(false, Ordering::Relaxed);
        self.known.notify_waiters();
        RetiredAccess(Arc::downgrade(&retired))
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parts {
    fn kdc(&self, pods: &Arc<dyn Pods>) -> Kdc {
        Kdc::with_logins(self.realm.clone(), self.access.clone(), pods.clone(), self.logins.clone())
    }
}

/// An access policy that no new request is decided by.
pub struct RetiredAccess(Weak<dyn AccessPolicy>);

impl RetiredAccess {
    /// Whether a request that has begun is still decided by it.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Waits until no request is decided by it any more, `limit` at most.
    pub async fn drained(self, limit: Duration) {
        let wait = async {
            while self.is_in_use() {
                tokio::time::sleep(POLL).await;
            }
        };
        if tokio::time::timeout(limit, wait).await.is_err() {
            tracing::debug!("a request takes longer than a revocation waits");
        }
    }
}

/// The realm of the configuration, overridden by the settings of a KerberosRealm.
#[must_use]
pub fn realm_with(base: &Realm, spec: Option<&KerberosRealmSpec>) -> Realm {
    let mut realm = base.clone();
    let Some(spec) = spec else { return realm };
    realm.cluster_domain = Some(spec.cluster_domain().to_owned());
    if let Some(enctypes) = spec.enctypes.as_ref().filter(|list| !list.is_empty()) {
        realm.enctypes = enctypes.iter().copied().map(Enctype::from).collect();
    }
    if let Some(rotation) = &spec.rotation {
        realm.rotation = rotation.over(realm.rotation);
    }
    if let Some(tickets) = &spec.tickets {
        let seconds =
            |given: &Option<DurationText>, configured| given.as_ref().map_or(configured, DurationText::seconds);
        realm.max_life = seconds(&tickets.max_life, realm.max_life);
        realm.max_renewable_life = seconds(&tickets.max_renewable_life, realm.max_renewable_life);
    }
    realm
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::access::AllowAll;
    use kennel_core::pods::NoCluster;

    fn live() -> Live {
        Live::new(Realm::new("R"), Arc::new(AllowAll), Arc::new(NoCluster))
    }

    #[test]
    fn a_retired_access_policy_is_in_use_until_the_last_request_under_it_ends() {
        let live = live();
        let request = live.kdc.load_full();
        let retired = live.set_access(Arc::new(AllowAll));
        assert!(retired.is_in_use());
        let next = live.kdc.load_full();
        drop(request);
        assert!(!retired.is_in_use(), "the next request is under another one");
        drop(next);
    }

    #[test]
    fn the_access_policy_stays_when_the_settings_change() {
        let live = live();
        let policy: Arc<dyn AccessPolicy> = Arc::new(AllowAll);
        let _ = live.set_access(policy.clone());
        live.follow(Some(&spec()));
        assert!(Arc::ptr_eq(&live.lock().access, &policy));
    }

    #[tokio::test]
    async fn a_request_waits_for_the_first_access_of_the_cluster_and_for_no_later_one() {
        assert!(!live().awaits_access(), "without a cluster");
        let live = Arc::new(live().awaiting_access());
        let waiting = tokio::spawn({
            let live = live.clone();
            async move { live.access_known().await }
        });
        tokio::task::yield_now().await;
        assert!(live.awaits_access() && !waiting.is_finished());
        _ = live.set_access(Arc::new(AllowAll));
        waiting.await.unwrap();
        assert!(!live.awaits_access());
        tokio::time::timeout(Duration::from_millis(100), live.access_known()).await.unwrap();
    }

    fn spec() -> KerberosRealmSpec {
        let spec = serde_json::json!({
            "realmName": "R", "namespaceSelector": {},
            "enctypes": ["aes128-cts-hmac-sha1-96"], "tickets": { "maxLife": "1h" }
        });
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn the_floor_of_key_versions_only_rises_whatever_the_kerberos_realm_says() {
        let live = live();
        live.raise_kvno_floor(65_536);
        live.raise_kvno_floor(7);
        live.follow(Some(&spec()));
        assert_eq!((live.realm().kvno_floor, live.kdc().realm().max_life), (65_536, 3600));
        live.follow(None);
        assert_eq!(live.kdc().realm().kvno_floor, 65_536);
    }

    #[test]
    fn a_kerberos_realm_overrides_the_configuration_and_leaves_no_trace_when_it_goes() {
        let live = live();
        live.follow(Some(&spec()));
        assert_eq!(live.kdc().realm().enctypes, [Enctype::Aes128CtsHmacSha1]);
        assert_eq!((live.kdc().realm().max_life, live.kdc().realm().max_renewable_life), (3600, 604_800));
        assert_eq!(live.kdc().realm().cluster_domain.as_deref(), Some("cluster.local"));
        live.follow(None);
        assert_eq!(live.kdc().realm().cluster_domain, None);
        assert_eq!((live.kdc().realm().max_life, live.kdc().realm().enctypes.len()), (36_000, 4));
    }
}
