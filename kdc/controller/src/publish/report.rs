//! Reports of a namespace and of the realms, computed from the index and the progress of names. Pure.

use crate::access::snapshot::AccessSnapshot;
use crate::rotation::book::RotationBook;
use crate::state::{Name, State, States};
use kennel_core::rotation::holder::HolderId;
use kennel_k8s::crd::realm_network::PolicyManagement;
use kennel_k8s::crd::{KerberosPrincipal, KerberosRealm};
use kennel_k8s::guards::report::GuardReport;
use kennel_k8s::index::Index;
use kennel_k8s::index::facts::OwnFact;
use kennel_k8s::index::namespace::{NamespaceDesire, PrincipalOutcome};
use kennel_k8s::labels::LONGEST_LABEL;
use kennel_k8s::problem::Problem;
use kennel_k8s::problem::named::first_names;
use kennel_k8s::render::access::rendered::ServerOutcome;
use kennel_k8s::render::status::{KrbtgtProgress, RealmCounts, RealmNews, RotationProgress, StoreProgress};
use kennel_wire::message::Principal;

/// Most holders that a message names.
const MOST_NAMED: usize = 8;

/// The report of a namespace.
#[derive(Default)]
pub(crate) struct NamespaceReport {
    pub(crate) enrolled: bool,
    pub(crate) principals: Vec<PrincipalReport>,
    pub(crate) refused: Vec<RefusedAccount>,
}

/// The report of a KerberosPrincipal.
pub(crate) struct PrincipalReport {
    pub(crate) name: String,
    pub(crate) fact: OwnFact<KerberosPrincipal>,
    /// The names of the principal, without those that another owner has in the store.
    pub(crate) outcome: PrincipalOutcome,
    pub(crate) progress: StoreProgress,
    /// The object as a server; `None` before the first rendering of accesses.
    pub(crate) server: Option<ServerOutcome>,
    /// Whether the realm manages NetworkPolicies.
    pub(crate) managed: bool,
    /// Clients that Enforce would deny.
    pub(crate) denied: Vec<String>,
}

/// A service account without a principal: its name has another owner, or its namespace is over its budget.
pub(crate) struct RefusedAccount {
    pub(crate) principal: Principal,
    pub(crate) account: String,
    pub(crate) uid: String,
    pub(crate) problem: Problem,
}

/// The report of all KerberosRealms.
pub(crate) struct RealmsReport {
    pub(crate) realms: Vec<OwnFact<KerberosRealm>>,
    /// Name of the KerberosRealm that the KDC follows.
    pub(crate) followed: Option<String>,
    pub(crate) counts: RealmCounts,
    /// What the followed realm is told beside.
    pub(crate) news: RealmNews,
}

/// Reports a namespace. The report of an unknown one is empty. `access`: what is programmed of accesses; `book`: the rotation of
/// keys.
pub(crate) fn namespace_report(
    index: &Index,
    states: &States,
    book: &RotationBook,
    access: Option<&AccessSnapshot>,
    namespace: &str,
) -> NamespaceReport {
    let Some(desire) = index.namespace(namespace) else { return NamespaceReport::default() };
    let managed = manages_policies(index);
    let principals = desire.outcomes.iter().filter_map(|(name, outcome)| {
        let fact = index.principal_object(namespace, name)?.clone();
        let progress = progress(outcome, states, book, namespace);
        let key = (namespace.to_owned(), name.clone());
        let server = access.and_then(|access| access.rendered.servers.get(&key)).cloned();
        Some(PrincipalReport {
            name: name.clone(),
            fact,
            outcome: available(outcome, states),
            progress,
            server,
            managed,
            denied: Vec::new(),
        })
    });
    NamespaceReport {
        enrolled: desire.enrolled,
        principals: principals.collect(),
        refused: refused(desire, states, managed, namespace),
    }
}

fn krbtgt(index: &Index, book: &RotationBook) -> Option<KrbtgtProgress> {
    let realm = &index.followed_realm()?.spec.realm_name;
    let progress = book.progress(&Principal::krbtgt(realm, realm))?;
    Some(KrbtgtProgress { kvno: progress.kvno, since: progress.since, next: progress.next })
}

fn manages_policies(index: &Index) -> bool {
    index.followed_realm().is_some_and(|realm| realm.spec.network.policies() == PolicyManagement::Managed)
}

/// Reports the realms. `access`: what is programmed of accesses; `book`: the rotation of keys; `guards`: the admission policies of
/// the cluster.
pub(crate) fn realms_report(
    index: &Index,
    book: &RotationBook,
    access: Option<&AccessSnapshot>,
    guards: Option<GuardReport>,
) -> RealmsReport {
    let namespaces = index.namespaces().filter(|(_, desire)| desire.enrolled).count();
    RealmsReport {
        realms: index.realms().cloned().collect(),
        followed: index.followed_realm().and_then(|realm| realm.metadata.name.clone()),
        counts: RealmCounts { namespaces, principals: index.wanted().count(), krbtgt: krbtgt(index, book) },
        news: RealmNews {
            network: access.map(|access| access.rendered.realm.problems.clone()),
            managed: manages_policies(index),
            guards,
            overlap: index.overlap(),
        },
    }
}

/// Returns the outcome without the names that another owner has in the store.
fn available(outcome: &PrincipalOutcome, states: &States) -> PrincipalOutcome {
    let mut outcome = outcome.clone();
    let is_ours = |name: Name| !matches!(states.find(&name), Some(State::Refused(_)));
    outcome.client = outcome.client.filter(|name| is_ours(Name::Principal(name.clone())));
    outcome.principals.retain(|name| is_ours(Name::Principal(name.clone())));
    outcome.aliases.retain(|name| is_ours(Name::Alias(name.clone())));
    outcome
}

/// Returns the progress of the names of a KerberosPrincipal in the store.
fn progress(outcome: &PrincipalOutcome, states: &States, book: &RotationBook, namespace: &str) -> StoreProgress {
    let mut progress = StoreProgress::default();
    let own = outcome.client.iter().chain(&outcome.principals);
    let principals = own.map(|name| (Name::Principal(name.clone()), name));
    let aliases = outcome.aliases.iter().map(|name| (Name::Alias(name.clone()), name));
    let mut made = Vec::new();
    for (key, name) in principals.chain(aliases) {
        match states.find(&key) {
            Some(State::Made(kvno)) => {
                progress.kvno = progress.kvno.max(kvno);
                made.push(name);
            }
            Some(State::Refused(conflict)) => {
                progress.problems.push(Problem::from_conflict(conflict, name, namespace));
            }
            _ => progress.waiting += 1,
        }
    }
    let keys = book.account_progress(made);
    progress.kvno = progress.kvno.max(keys.kvno);
    let stalled = keys.stalled.iter().map(|(name, kvno, holders)| Problem::RotationStalled {
        principal: name.to_string(),
        kvno: kvno.to_string(),
        holders: names_of(holders),
    });
    let stalled = stalled.collect();
    progress.rotation = RotationProgress { next: keys.next, holders: keys.holders, updated: keys.updated, stalled };
    progress
}

/// The names of holders, the first ones where there are many.
fn names_of(holders: &[HolderId]) -> String {
    let name = |holder: &HolderId| match holder {
        HolderId::Pod(pod) => format!("pod {pod}"),
        HolderId::Secret { namespace, name, .. } => format!("Secret {namespace}/{name}"),
    };
    first_names(holders.iter().map(name), MOST_NAMED).join(", ")
}

/// Returns the accounts of a namespace that have no principal: those whose name has another owner in the store, and the first of
/// those over the budget. The status of a KerberosPrincipal reports services. Where the realm manages policies, accounts whose name is
/// no label are among them: nobody lets them in.
fn refused(desire: &NamespaceDesire, states: &States, managed: bool, namespace: &str) -> Vec<RefusedAccount> {
    let accounts = desire.principals.iter().filter(|(_, desired)| desired.owner.object.is_none());
    let refused = accounts.filter_map(|(name, desired)| {
        let account = name.name.components.first().and_then(|n| n.rsplit_once('.')).map_or("", |(account, _)| account);
        let problem = match states.find(&Name::Principal(name.clone())) {
            Some(State::Refused(conflict)) => Problem::from_conflict(conflict, name, namespace),
            _ if managed && account.len() > LONGEST_LABEL => {
                Problem::AccountNameTooLong { account: format!("{namespace}/{account}") }
            }
            _ => return None,
        };
        Some(RefusedAccount {
            principal: name.clone(),
            account: account.to_owned(),
            uid: desired.owner.account.clone(),
            problem,
        })
    });
    let exceeding = desire.exceeding.iter().map(|account| RefusedAccount {
        principal: account.principal.clone(),
        account: account.name.clone(),
        uid: account.uid.clone(),
        problem: account.problem.clone(),
    });
    refused.chain(exceeding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::accounts::Conflict;
    use kennel_core::realm::Realm;
    use kennel_k8s::index::facts::Fact;
    use kennel_k8s::index::table::ObjectChange;
    use kennel_k8s::index::tables::ClusterEvent;
    use serde_json::{Value, json};

    fn fact<F: Fact>(object: Value) -> ObjectChange<F>
    where
        F::Object: serde::de::DeserializeOwned,
    {
        let (key, fact) = F::from_object(serde_json::from_value(object).unwrap()).unwrap();
        ObjectChange::Put(key, fact)
    }

    fn meta(name: &str) -> Value {
        json!({ "namespace": "shop", "name": name, "uid": format!("uid-of-{name}") })
    }

    /// Namespace shop with the account, the Service and the KerberosPrincipal web.
    fn shop() -> Index {
        let own = |kind: &str, metadata: Value, spec: Value| json!({ "apiVersion": "kennel.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec });
        let labels = json!({ "kennel.dev/realm": "r" });
        let realm = json!({ "realmName": "R", "namespaceSelector": { "matchLabels": labels } });
        let web = json!({ "serviceAccountName": "web", "serviceClasses": ["HTTP"], "hosts": { "services": ["web"] }, "credentials": ["Keytab"] });
        let mut index = Index::new(Realm::new("R"));
        for event in [
            ClusterEvent::Namespace(fact(json!({ "metadata": { "name": "shop", "uid": "u", "labels": labels } }))),
            ClusterEvent::Account(fact(json!({ "metadata": meta("web") }))),
            ClusterEvent::Service(fact(json!({ "metadata": meta("web") }))),
            ClusterEvent::realm(fact(own("KerberosRealm", json!({ "name": "r", "uid": "r" }), realm))),
            ClusterEvent::principal(fact(own("KerberosPrincipal", meta("web"), web))),
        ] {
            index.apply(event);
        }
        let _ = index.settle();
        index
    }

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    #[test]
    fn names_that_are_not_settled_yet_are_waited_for() {
        let report = namespace_report(&shop(), &States::default(), &RotationBook::default(), None, "shop");
        assert!(report.enrolled && report.refused.is_empty());
        let web = &report.principals[0];
        assert_eq!(web.name, "web");
        assert_eq!(web.progress.waiting, 1 + web.outcome.principals.len() + web.outcome.aliases.len());
    }

    #[test]
    fn a_service_whose_name_is_an_administrator_s_is_a_problem_of_its_object_and_is_not_listed() {
        let (index, states) = (shop(), States::default());
        let service = name("HTTP/web.shop.svc.cluster.local");
        states.set(&Name::Principal(service.clone()), State::Refused(Conflict::Manual));
        states.set(&Name::Principal(name("web.shop")), State::Made(None));
        let report = namespace_report(&index, &states, &RotationBook::default(), None, "shop");
        let web = &report.principals[0];
        assert_eq!(web.progress.problems, [Problem::from_conflict(Conflict::Manual, &service, "shop")]);
        assert!(!web.outcome.principals.contains(&service));
        assert!(report.refused.is_empty(), "the account's own name is its own");
    }

    #[test]
    fn an_account_whose_name_is_an_administrator_s_is_reported_by_itself() {
        let (index, states) = (shop(), States::default());
        states.set(&Name::Principal(name("web.shop")), State::Refused(Conflict::Manual));
        let report = namespace_report(&index, &states, &RotationBook::default(), None, "shop");
        let refused: Vec<_> = report.refused.iter().map(|r| (&*r.account, &*r.uid)).collect();
        assert_eq!(refused, [("web", "uid-of-web")]);
        assert_eq!(report.principals[0].outcome.client, None);
    }

    #[test]
    fn an_account_whose_name_is_no_label_is_reported_by_itself() {
        let mut index = shop();
        let long = "z".repeat(64);
        index.apply(ClusterEvent::Account(fact(json!({ "metadata": meta(&long) }))));
        let _ = index.settle();
        let report = namespace_report(&index, &States::default(), &RotationBook::default(), None, "shop");
        let refused: Vec<_> = report.refused.iter().map(|r| (&*r.account, r.problem.reason())).collect();
        assert_eq!(refused, [(&*long, "AccountNameTooLong")]);
    }

    #[test]
    fn an_account_over_the_budget_of_its_namespace_is_reported_by_itself() {
        let mut index = shop();
        let realm = json!({ "realmName": "R", "namespaceSelector": { "matchLabels": { "kennel.dev/realm": "r" } }, "limits": { "principalsPerNamespace": 1 } });
        let own = json!({ "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosRealm", "metadata": { "name": "r", "uid": "r" }, "spec": realm });
        index.apply(ClusterEvent::realm(fact(own)));
        index.apply(ClusterEvent::Account(fact(json!({ "metadata": meta("zoo") }))));
        let _ = index.settle();
        let report = namespace_report(&index, &States::default(), &RotationBook::default(), None, "shop");
        let refused: Vec<_> = report.refused.iter().map(|r| (&*r.account, &*r.uid, r.problem.reason())).collect();
        assert_eq!(refused, [("zoo", "uid-of-zoo", "QuotaExceeded")]);
    }

    #[test]
    fn the_key_version_of_an_object_is_its_highest() {
        let (index, states) = (shop(), States::default());
        let web =
            namespace_report(&index, &states, &RotationBook::default(), None, "shop").principals.remove(0).outcome;
        for principal in web.principals.iter().chain(&web.client) {
            states.set(&Name::Principal(principal.clone()), State::Made(None));
        }
        for (alias, kvno) in web.aliases.iter().zip([3, 7, 5]) {
            states.set(&Name::Alias(alias.clone()), State::Made(Some(kvno)));
        }
        let progress =
            &namespace_report(&index, &states, &RotationBook::default(), None, "shop").principals[0].progress;
        assert_eq!((progress.waiting, progress.kvno), (0, Some(7)));
    }

    #[test]
    fn an_unknown_namespace_has_nothing() {
        let report = namespace_report(&shop(), &States::default(), &RotationBook::default(), None, "other");
        assert!(!report.enrolled && report.principals.is_empty() && report.refused.is_empty());
    }

    #[test]
    fn the_realms_report_names_the_followed_one_and_counts() {
        let report = realms_report(&shop(), &RotationBook::default(), None, None);
        assert_eq!((report.realms.len(), report.followed.as_deref()), (1, Some("r")));
        assert_eq!((report.counts.namespaces, report.counts.principals), (1, 2));
    }
}
