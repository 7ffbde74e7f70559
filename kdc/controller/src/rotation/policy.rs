//! The policy of a principal: that of its KerberosPrincipal over that of the realm; and which principals never rotate.

use crate::live::Live;
use kennel_core::principal::{Origin, PrincipalRecord};
use kennel_core::realm::Realm;
use kennel_core::rotation::policy::RotationPolicy;
use kennel_k8s::crd::rotation::KeyRotation;
use kennel_k8s::index::view::SharedIndex;
use kennel_wire::message::Principal;
use std::fmt;
use std::sync::Arc;

/// Why the keys of a principal never rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NeverRotates {
    /// It has no keys: its credentials are tickets.
    NoKeys,
    /// Its key comes from a password, which a person changes.
    Password,
    /// Another realm has the same key.
    CrossRealm,
    /// Its objects are gone, and it is deleted once its last ticket has ended.
    Abandoned,
}

impl fmt::Display for NeverRotates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NeverRotates::NoKeys => "it has no keys: its credentials are tickets",
            NeverRotates::Password => "its key comes from a password, which a person changes",
            NeverRotates::CrossRealm => "another realm has the same key: change it in both realms",
            NeverRotates::Abandoned => "the objects that asked for it are gone",
        })
    }
}

/// How a principal may rotate, by its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rotatable {
    /// As the policy says.
    ByPolicy,
    /// Only where somebody asks for it, unless its KerberosPrincipal says otherwise: somebody holds keys that nobody knows of.
    ByOrder,
    /// Not at all.
    Never(NeverRotates),
}

impl Rotatable {
    pub(crate) fn of_record(record: &PrincipalRecord) -> Rotatable {
        let (name, realm) = (&record.principal, &record.principal.realm);
        if record.abandoned.is_some() {
            return Rotatable::Never(NeverRotates::Abandoned);
        }
        if record.keys.active_version().is_none() {
            return Rotatable::Never(NeverRotates::NoKeys);
        }
        match name.name.krbtgt_realm() {
            Some(of) if of == realm => return Rotatable::ByPolicy,
            Some(_) => return Rotatable::Never(NeverRotates::CrossRealm),
            None => {}
        }
        if record.keys.password_set().is_some() {
            return Rotatable::Never(NeverRotates::Password);
        }
        let is_held_by_hand = record.origin == Origin::Manual || record.unknown_holder.is_some();
        if is_held_by_hand { Rotatable::ByOrder } else { Rotatable::ByPolicy }
    }
}

/// The policies of a realm, as they are now.
#[derive(Clone)]
pub struct RotationPolicies {
    live: Arc<Live>,
    /// The objects of the cluster, where the realm has one.
    index: Option<SharedIndex>,
}

impl RotationPolicies {
    /// Reads the policy of the realm from `live`, and those of KerberosPrincipals from the index.
    #[must_use]
    pub fn new(live: Arc<Live>, index: Option<SharedIndex>) -> RotationPolicies {
        RotationPolicies { live, index }
    }

    /// Whether the objects that have policies have been listed. Until then a key might rotate that should not.
    pub(crate) fn are_known(&self) -> bool {
        self.index.as_ref().is_none_or(|index| index.read().is_synced())
    }

    /// The realm as it is now. Another value is another realm, and every schedule may be another.
    pub(crate) fn realm(&self) -> Arc<Realm> {
        self.live.realm()
    }

    /// The policy of a principal. How long its retired keys are accepted is not in it: see
    /// [`accept_of`](kennel_core::rotation::accept::accept_of).
    pub(crate) fn find(&self, name: &Principal, rotatable: Rotatable) -> RotationPolicy {
        let own = self.index.as_ref().and_then(|index| {
            let index = index.read();
            let (namespace, account) = index.account_of(name)?;
            let object = index.principal_object(&namespace, &account)?.object.as_ref().ok()?;
            object.spec.rotation.clone()
        });
        policy(self.live.kdc().realm(), own.as_ref(), rotatable)
    }

    /// The principals of these namespaces.
    pub(crate) fn principals_of(&self, namespaces: impl IntoIterator<Item = String>) -> Vec<Principal> {
        let Some(index) = &self.index else { return Vec::new() };
        let index = index.read();
        let names = |namespace: String| index.namespace(&namespace).map(|desire| desire.principals.keys().cloned());
        namespaces.into_iter().filter_map(|namespace| names(namespace).map(Vec::from_iter)).flatten().collect()
    }
}

fn policy(realm: &Realm, own: Option<&KeyRotation>, rotatable: Rotatable) -> RotationPolicy {
    let mut policy = own.map_or(realm.rotation, |own| own.over(realm.rotation));
    policy.explicit = own.is_some_and(KeyRotation::is_scheduled);
    if rotatable == Rotatable::ByOrder && !policy.explicit {
        policy.interval = None;
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::key_set::KeySet;
    use kennel_core::rotation::policy::MissingHolders;
    use kennel_crypto::Enctype;
    use rand::rngs::OsRng;

    const AES: [Enctype; 1] = [Enctype::Aes128CtsHmacSha1];

    fn record(name: &str, origin: Origin) -> PrincipalRecord {
        let (name, now) = (Principal::parse(name, "R").unwrap(), crate::testing::clock());
        PrincipalRecord::new(name, origin, KeySet::random(&AES, 1, now, &mut OsRng), now, "test")
    }

    fn rotation(spec: serde_json::Value) -> KeyRotation {
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn a_name_that_others_know_the_key_of_rotates_by_order_alone_unless_its_object_says_otherwise() {
        let realm = Realm::new("R");
        let interval = |own: Option<&KeyRotation>, rotatable| policy(&realm, own, rotatable).interval;
        let (hourly, silent) = (rotation(serde_json::json!({"interval": "1h"})), rotation(serde_json::json!({})));
        assert_eq!(interval(None, Rotatable::ByPolicy), Some(RotationPolicy::INTERVAL));
        assert_eq!(interval(None, Rotatable::ByOrder), None);
        assert_eq!(interval(Some(&silent), Rotatable::ByOrder), None);
        assert_eq!(interval(Some(&hourly), Rotatable::ByOrder), Some(3600));
        let scheduled = rotation(serde_json::json!({"policy": "Scheduled"}));
        assert_eq!(interval(Some(&scheduled), Rotatable::ByOrder), Some(RotationPolicy::INTERVAL));
    }

    #[test]
    fn an_object_overrides_the_realm_field_by_field() {
        let mut realm = Realm::new("R");
        realm.rotation.missing = MissingHolders::Proceed;
        let of = |spec| policy(&realm, Some(&rotation(spec)), Rotatable::ByPolicy);
        let on_demand = of(serde_json::json!({"policy": "OnDemand"}));
        assert_eq!((on_demand.interval, on_demand.missing), (None, MissingHolders::Proceed));
        let own = of(serde_json::json!({"missingHolders": "Wait", "progressDeadline": "1m", "overlap": "2h"}));
        assert_eq!((own.missing, own.patience, own.overlap), (MissingHolders::Wait, 60, 7200));
        let hourly = of(serde_json::json!({"interval": "1h"}));
        assert_eq!(hourly.overlap, 1800, "half of an interval that is shorter than the realm's overlap");
    }

    #[test]
    fn trusts_passwords_and_principals_without_keys_never_rotate_and_the_realm_s_own_krbtgt_does() {
        let of = |record: &PrincipalRecord| Rotatable::of_record(record);
        assert_eq!(of(&record("krbtgt/R", Origin::Manual)), Rotatable::ByPolicy);
        assert_eq!(of(&record("krbtgt/OTHER", Origin::Manual)), Rotatable::Never(NeverRotates::CrossRealm));
        assert_eq!(of(&record("krbtgt/R@OTHER", Origin::Manual)), Rotatable::Never(NeverRotates::CrossRealm));
        assert_eq!(of(&record("HTTP/web", Origin::Manual)), Rotatable::ByOrder);
        assert_eq!(of(&record("HTTP/web", Origin::Kubernetes)), Rotatable::ByPolicy);
        let mut web = record("HTTP/web", Origin::Kubernetes);
        web.unknown_holder = Some(web.created);
        assert_eq!(of(&web), Rotatable::ByOrder);
        web.abandoned = Some(web.created);
        assert_eq!(of(&web), Rotatable::Never(NeverRotates::Abandoned));
        let mut alice = record("alice", Origin::Manual);
        alice.keys = KeySet::from_password(&AES, 1, &alice.principal, b"x", alice.created).unwrap();
        assert_eq!(of(&alice), Rotatable::Never(NeverRotates::Password));
        alice.keys = KeySet::default();
        assert_eq!(of(&alice), Rotatable::Never(NeverRotates::NoKeys));
    }
}
