//! What a namespace may have of what it asks for: the realm's limits, applied to numbers before anything is made.
//!
//! The older account or object comes first, so that what exists within the budget stays when more is asked for; of the same second,
//! the lesser name. A KerberosPrincipal gets its Services and aliases at its turn; pods of StatefulSets share what all of them leave,
//! so that a StatefulSet that grows takes nothing from another object.

use crate::crd::realm::KerberosRealmSpec;
use std::collections::{BTreeMap, BTreeSet};

/// The limits of a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    per_namespace: usize,
    per_object: usize,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    /// The field of `spec.limits`.
    pub(super) field: &'static str,
    /// Its value.
    pub(super) limit: usize,
}

/// Age and name: the lesser pair comes first.
pub(super) type Seniority<'a> = (i64, &'a str);

/// What a KerberosPrincipal asks for, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand<'a> {
    pub(super) seniority: Seniority<'a>,
    /// Service classes: each host takes so many principals.
    pub(super) classes: usize,
    /// Services and aliases.
    pub(super) hosts: usize,
    /// Pods of StatefulSets.
    pub(super) pods: usize,
}

/// What a KerberosPrincipal may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Grant {
    /// Services and aliases, the first ones of the object.
    pub(super) hosts: usize,
    /// Pods, by their ordinals.
    pub(super) pods: usize,
    /// The limit that keeps the object from the rest.
    pub(super) reached: Option<Reached>,
}

/// What the accounts and objects of a namespace may have.
#[derive(Debug, Default)]
pub(super) struct Shares<'a> {
    /// The youngest account that is within the budget; `None` where all are.
    last_account: Option<Seniority<'a>>,
    no_account: bool,
    grants: BTreeMap<&'a str, Grant>,
}

impl Limits {
    /// The limits of a realm.
    pub(super) fn of_realm(spec: &KerberosRealmSpec) -> Limits {
        Limits {
            per_namespace: spec.limits.principals_per_namespace(),
            per_object: spec.limits.principals_per_object(),
        }
    }

    /// The limit of a namespace.
    pub(super) fn of_namespace(self) -> Reached {
        Reached { field: "principalsPerNamespace", limit: self.per_namespace }
    }

    fn of_object(self) -> Reached {
        Reached { field: "principalsPerObject", limit: self.per_object }
    }

    /// Shares the budget of a namespace. Memory: a number for each object, and no more than the limit for accounts.
    pub(super) fn share<'a>(
        self,
        accounts: impl Iterator<Item = Seniority<'a>>,
        mut demands: Vec<Demand<'a>>,
    ) -> Shares<'a> {
        demands.sort_unstable_by_key(|demand| demand.seniority);
        let (accounts, more) = oldest(accounts, self.per_namespace);
        let (mut left, mut shares) = (self.per_namespace, Shares::default());
        let (mut accounts_within, mut of_age) = (0, accounts.iter().peekable());
        for demand in &demands {
            while left > 0 && of_age.next_if(|account| **account <= demand.seniority).is_some() {
                (left, accounts_within) = (left - 1, accounts_within + 1);
            }
            let hosts = demand.hosts.min(share_of(self.per_object.min(left), demand.classes));
            left -= hosts * demand.classes;
            shares.grants.insert(demand.seniority.1, Grant { hosts, ..Grant::default() });
        }
        let rest = of_age.count().min(left);
        (left, accounts_within) = (left - rest, accounts_within + rest);
        if more || accounts_within < accounts.len() {
            shares.last_account = accounts_within.checked_sub(1).and_then(|last| accounts.get(last).copied());
            shares.no_account = shares.last_account.is_none();
        }
        for demand in &demands {
            if let Some(grant) = shares.grants.get_mut(demand.seniority.1) {
                left -= self.add_pods(grant, demand, left);
            }
        }
        shares
    }

    /// Adds the pods that fit, and returns the number of principals that they take.
    fn add_pods(self, grant: &mut Grant, demand: &Demand<'_>, left: usize) -> usize {
        let of_object = self.per_object.saturating_sub(grant.hosts * demand.classes);
        grant.pods = demand.pods.min(share_of(of_object.min(left), demand.classes));
        if (grant.hosts, grant.pods) != (demand.hosts, demand.pods) {
            let asked = demand.hosts.saturating_add(demand.pods).saturating_mul(demand.classes);
            grant.reached = Some(if asked > self.per_object { self.of_object() } else { self.of_namespace() });
        }
        grant.pods * demand.classes
    }
}

impl Shares<'_> {
    /// Whether an account is within the budget.
    pub(super) fn has_account(&self, account: Seniority<'_>) -> bool {
        !self.no_account && self.last_account.is_none_or(|last| account <= last)
    }

    /// What an object may have.
    pub(super) fn grant(&self, object: &str) -> Grant {
        self.grants.get(object).copied().unwrap_or_default()
    }
}

/// The hosts for which a number of principals suffices. An object without classes makes no principal, and gets no host.
fn share_of(principals: usize, classes: usize) -> usize {
    principals.checked_div(classes).unwrap_or(0)
}

/// The oldest accounts, in order, and whether there are more of them than the limit.
fn oldest<'a>(accounts: impl Iterator<Item = Seniority<'a>>, limit: usize) -> (Vec<Seniority<'a>>, bool) {
    let (mut kept, mut more) = (BTreeSet::new(), false);
    for account in accounts {
        kept.insert(account);
        if kept.len() > limit {
            kept.pop_last();
            more = true;
        }
    }
    (kept.into_iter().collect(), more)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { per_namespace: 10, per_object: 6 };

    fn demand(created: i64, name: &str, [classes, hosts, pods]: [usize; 3]) -> Demand<'_> {
        Demand { seniority: (created, name), classes, hosts, pods }
    }

    #[test]
    fn a_realm_that_says_nothing_has_the_default_limits() {
        let spec = |limits| serde_json::from_value(serde_json::json!({ "realmName": "R", "limits": limits })).unwrap();
        assert_eq!(Limits::of_realm(&spec(serde_json::json!({}))), Limits { per_namespace: 1000, per_object: 256 });
        let limits = serde_json::json!({ "principalsPerNamespace": 10, "principalsPerObject": 6 });
        assert_eq!(Limits::of_realm(&spec(limits)), LIMITS);
    }

    #[test]
    fn what_fits_is_granted_and_reaches_no_limit() {
        let shares = LIMITS.share([(1, "a"), (2, "b")].into_iter(), vec![demand(3, "a", [2, 1, 2])]);
        assert_eq!(shares.grant("a"), Grant { hosts: 1, pods: 2, reached: None });
        assert!(shares.has_account((1, "a")) && shares.has_account((2, "b")));
    }

    #[test]
    fn one_object_has_a_limit_of_its_own() {
        let shares = LIMITS.share(std::iter::empty(), vec![demand(1, "a", [2, 1, 1_000_000])]);
        let reached = Some(Reached { field: "principalsPerObject", limit: 6 });
        assert_eq!(shares.grant("a"), Grant { hosts: 1, pods: 2, reached });
    }

    #[test]
    fn the_youngest_accounts_and_objects_go_short() {
        let accounts = [(1, "a"), (2, "b"), (9, "late")];
        let demands = vec![demand(3, "b", [1, 5, 0]), demand(4, "c", [1, 5, 0])];
        let shares = LIMITS.share(accounts.into_iter(), demands);
        let reached = Some(Reached { field: "principalsPerNamespace", limit: 10 });
        assert_eq!((shares.grant("b").hosts, shares.grant("c")), (5, Grant { hosts: 3, pods: 0, reached }));
        assert!(shares.has_account((2, "b")) && !shares.has_account((9, "late")));
    }

    #[test]
    fn an_older_object_whose_stateful_set_grows_takes_nothing_from_a_younger_one() {
        let grown = |pods| {
            LIMITS.share([(1, "a")].into_iter(), vec![demand(1, "old", [1, 1, pods]), demand(2, "young", [1, 4, 1])])
        };
        assert_eq!(grown(0).grant("young"), Grant { hosts: 4, pods: 1, reached: None });
        assert_eq!((grown(50).grant("old").pods, grown(50).grant("young").hosts), (4, 4));
    }

    #[test]
    fn no_account_fits_where_older_objects_took_all() {
        let shares = LIMITS.share([(5, "a")].into_iter(), vec![demand(1, "x", [5, 1, 0]), demand(2, "y", [5, 1, 0])]);
        assert!(!shares.has_account((5, "a")) && !shares.has_account((0, "")));
    }

    #[test]
    fn of_many_accounts_only_as_many_as_the_limit_are_kept_in_memory() {
        let names: Vec<String> = (0..1000).map(|n| format!("a{n:04}")).collect();
        let (kept, more) = oldest(names.iter().map(|name| (7, &**name)), 10);
        assert_eq!((kept.len(), kept.last(), more), (10, Some(&(7, "a0009")), true));
    }

    #[test]
    fn the_shares_never_exceed_the_limits() {
        for classes in [0, 1, 3, 16] {
            for hosts in [0, 1, 7, usize::MAX / 32] {
                for pods in [0, 2, usize::MAX / 32] {
                    let demands = vec![demand(1, "a", [classes, hosts, pods]), demand(2, "b", [classes, hosts, pods])];
                    let shares = LIMITS.share([(1, "a"), (3, "c")].into_iter(), demands);
                    let of = |name| (shares.grant(name).hosts + shares.grant(name).pods) * classes;
                    assert!(of("a") <= 6 && of("b") <= 6 && of("a") + of("b") <= 10, "{classes} {hosts} {pods}");
                }
            }
        }
    }
}
