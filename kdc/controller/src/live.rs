//! The current settings of the realm: the configuration, overridden by the KerberosRealm that the KDC follows. Each request uses
//! one version of the settings until its end.

use arc_swap::{ArcSwap, Guard};
use kennel_core::access::AllowAll;
use kennel_core::kdc::Kdc;
use kennel_core::pods::Pods;
use kennel_core::realm::Realm;
use kennel_crypto::Enctype;
use kennel_k8s::crd::duration::DurationText;
use kennel_k8s::crd::realm::{KerberosRealmSpec, RealmEnctype};
use std::sync::Arc;

/// The KDC under the current settings.
pub struct Live {
    base: Realm,
    pods: Arc<dyn Pods>,
    kdc: ArcSwap<Kdc>,
}

impl Live {
    /// Starts with the realm of the configuration. `pods`: the pods that tickets are bound to.
    #[must_use]
    pub fn new(base: Realm, pods: Arc<dyn Pods>) -> Live {
        let kdc = Kdc::with_pods(Arc::new(base.clone()), Arc::new(AllowAll), pods.clone());
        Live { base, pods, kdc: ArcSwap::from_pointee(kdc) }
    }

    /// Returns the KDC under the current settings.
    #[must_use]
    pub fn kdc(&self) -> Guard<Arc<Kdc>> {
        self.kdc.load()
    }

    /// The name of the realm, which never changes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.base.name
    }

    /// Overrides the configuration by the settings of a KerberosRealm. `None` restores the configuration.
    pub fn follow(&self, spec: Option<&KerberosRealmSpec>) {
        let realm = merged(&self.base, spec);
        let now = self.kdc();
        let same = |a: &Realm, b: &Realm| {
            (&a.enctypes, a.max_life, a.max_renewable_life, &a.cluster_domain)
                == (&b.enctypes, b.max_life, b.max_renewable_life, &b.cluster_domain)
        };
        if !same(now.realm(), &realm) {
            tracing::info!(realm = realm.name, "the settings of the realm have changed");
            let kdc = Kdc::with_pods(Arc::new(realm), Arc::new(AllowAll), self.pods.clone());
            self.kdc.store(Arc::new(kdc));
        }
    }
}

fn merged(base: &Realm, spec: Option<&KerberosRealmSpec>) -> Realm {
    let mut realm = base.clone();
    let Some(spec) = spec else { return realm };
    realm.cluster_domain = Some(spec.cluster_domain().to_owned());
    if let Some(enctypes) = spec.enctypes.as_ref().filter(|list| !list.is_empty()) {
        realm.enctypes = enctypes.iter().copied().map(enctype).collect();
    }
    if let Some(tickets) = &spec.tickets {
        let seconds =
            |given: &Option<DurationText>, configured| given.as_ref().map_or(configured, DurationText::seconds);
        realm.max_life = seconds(&tickets.max_life, realm.max_life);
        realm.max_renewable_life = seconds(&tickets.max_renewable_life, realm.max_renewable_life);
    }
    realm
}

fn enctype(name: RealmEnctype) -> Enctype {
    match name {
        RealmEnctype::Aes256Sha384 => Enctype::Aes256CtsHmacSha384,
        RealmEnctype::Aes128Sha256 => Enctype::Aes128CtsHmacSha256,
        RealmEnctype::Aes256Sha1 => Enctype::Aes256CtsHmacSha1,
        RealmEnctype::Aes128Sha1 => Enctype::Aes128CtsHmacSha1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::pods::NoCluster;

    #[test]
    fn a_kerberos_realm_overrides_the_configuration_and_leaves_no_trace_when_it_goes() {
        let live = Live::new(Realm::new("R"), Arc::new(NoCluster));
        let spec = serde_json::json!({
            "realmName": "R", "namespaceSelector": {},
            "enctypes": ["aes128-cts-hmac-sha1-96"], "tickets": { "maxLife": "1h" }
        });
        live.follow(Some(&serde_json::from_value(spec).unwrap()));
        assert_eq!(live.kdc().realm().enctypes, [Enctype::Aes128CtsHmacSha1]);
        assert_eq!((live.kdc().realm().max_life, live.kdc().realm().max_renewable_life), (3600, 604_800));
        assert_eq!(live.kdc().realm().cluster_domain.as_deref(), Some("cluster.local"));
        live.follow(None);
        assert_eq!(live.kdc().realm().cluster_domain, None);
        assert_eq!((live.kdc().realm().max_life, live.kdc().realm().enctypes.len()), (36_000, 4));
    }
}
