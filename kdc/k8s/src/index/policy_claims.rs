//! The owner of a name that the alias policy gives to several namespaces: of the objects that ask for it, the first by namespace and
//! name. Which object came first decides nothing. The status of the others names the owner.

use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

/// Namespace and name of a KerberosPrincipal. The lesser one has the name.
pub(super) type Claimant = (String, String);

/// The claims to names of the alias policy, by name and by namespace.
#[derive(Debug, Default)]
pub(super) struct PolicyClaims {
    of_name: BTreeMap<Principal, BTreeSet<Claimant>>,
    of_namespace: BTreeMap<String, BTreeSet<(Principal, Claimant)>>,
}

impl PolicyClaims {
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
                touched.extend(all.iter().map(|(namespace, _)| namespace.clone()));
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

    /// The owner of a name of the alias policy.
    pub(super) fn owner(&self, name: &Principal) -> Option<&Claimant> {
        self.of_name.get(name)?.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::service_principal;

    fn claim(namespace: &str) -> (Principal, Claimant) {
        (service_principal("HTTP", "web.example.com", "R"), (namespace.into(), "web".into()))
    }

    #[test]
    fn the_first_by_name_has_it_whoever_came_first_and_the_next_gets_it_when_the_first_goes() {
        let mut claims = PolicyClaims::default();
        let name = claim("a").0;
        assert!(claims.replace("b", [claim("b")].into()).is_empty());
        assert_eq!(claims.owner(&name).unwrap().0, "b");
        assert_eq!(claims.replace("a", [claim("a")].into()), ["b".to_owned()].into());
        assert_eq!(claims.owner(&name).unwrap().0, "a");
        assert!(claims.replace("c", [claim("c")].into()).is_empty());
        assert_eq!(claims.replace("a", BTreeSet::new()), ["b", "c"].map(String::from).into());
        assert_eq!(claims.owner(&name).unwrap().0, "b");
    }
}
