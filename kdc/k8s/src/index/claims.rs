//! The owner of a name that several objects claim: the object that came first, by age and then by UID. The status of the
//! others names the owner.

use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

/// An object that claims names. The older one is less, then the one with the lesser UID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claimant {
    /// `metadata.creationTimestamp`, seconds since the epoch.
    pub(super) created: i64,
    /// `metadata.uid`.
    pub(super) uid: String,
    /// `metadata.namespace`.
    pub(super) namespace: String,
    /// `metadata.name`.
    pub(super) name: String,
}

/// All claims, by name and by namespace.
#[derive(Debug, Default)]
pub(super) struct Claims {
    of_name: BTreeMap<Principal, BTreeSet<Claimant>>,
    of_namespace: BTreeMap<String, BTreeSet<(Principal, Claimant)>>,
}

impl Claims {
    /// Replaces the claims of a namespace; returns the other namespaces that claim a name whose owner changed.
    pub(super) fn replace(&mut self, namespace: &str, claims: BTreeSet<(Principal, Claimant)>) -> BTreeSet<String> {
        let old = self.of_namespace.remove(namespace).unwrap_or_default();
        let mut touched = BTreeSet::new();
        for (name, claimant) in old.symmetric_difference(&claims) {
            let all = self.of_name.entry(name.clone()).or_default();
            let before = all.first().cloned();
            if claims.contains(&(name.clone(), claimant.clone())) {
                all.insert(claimant.clone());
            } else {
                all.remove(claimant);
            }
            if all.first() != before.as_ref() {
                touched.extend(all.iter().map(|claimant| claimant.namespace.clone()));
            }
            if all.is_empty() {
                self.of_name.remove(name);
            }
        }
        if !claims.is_empty() {
            self.of_namespace.insert(namespace.to_owned(), claims);
        }
        touched.remove(namespace);
        touched
    }

    /// The owner of a name.
    pub(super) fn owner(&self, name: &Principal) -> Option<&Claimant> {
        self.of_name.get(name)?.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::service_principal;

    fn claim(created: i64, namespace: &str) -> (Principal, Claimant) {
        let claimant = Claimant { created, uid: namespace.into(), namespace: namespace.into(), name: "web".into() };
        (service_principal("HTTP", "web.example.com", "R"), claimant)
    }

    #[test]
    fn the_first_has_the_name_and_the_next_gets_it_when_the_first_goes() {
        let mut claims = Claims::default();
        let name = claim(0, "a").0;
        assert!(claims.replace("young", [claim(20, "young")].into()).is_empty());
        assert_eq!(claims.owner(&name).unwrap().namespace, "young");
        assert_eq!(claims.replace("old", [claim(10, "old")].into()), ["young".to_owned()].into());
        assert_eq!(claims.owner(&name).unwrap().namespace, "old");
        assert!(claims.replace("younger", [claim(30, "younger")].into()).is_empty());
        assert_eq!(claims.replace("old", BTreeSet::new()), ["young", "younger"].map(String::from).into());
        assert_eq!(claims.owner(&name).unwrap().namespace, "young");
    }

    #[test]
    fn of_the_same_second_the_uid_decides() {
        let mut claims = Claims::default();
        claims.replace("b", [claim(10, "b")].into());
        claims.replace("a", [claim(10, "a")].into());
        assert_eq!(claims.owner(&claim(0, "a").0).unwrap().namespace, "a");
    }
}
