//! What is wrong with a realm and what to do about it: a list of checks over the gathered state, one function a check. Pure.

use crate::metrics::ReplicaMetrics;
use crate::state::{ClusterState, ReplicaState};
use kennel_core::enrolment::EnrolmentRefusal;
use kennel_k8s::labels::{INJECT, REALM, USERS};
use serde::Serialize;

/// Age at which a Lease counts as held by nobody, seconds.
const STALE: i64 = 30;
/// Remaining life at which the renewal of a certificate is overdue, seconds.
const CERTIFICATE: i64 = 5 * 86_400;
/// Remaining life at which an authority needs attention, seconds: agents trust this very authority, so a new one takes a plan.
const AUTHORITY: i64 = 90 * 86_400;
/// Most pods that a finding names.
const NAMED: usize = 5;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The object: `KerberosRealm dev`.
    pub(crate) about: String,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) todo: String,
}

impl Finding {
    fn new(about: impl Into<String>, what: impl Into<String>, todo: &str) -> Finding {
        Finding { about: about.into(), what: what.into(), todo: todo.to_owned() }
    }
}

/// One check: what it finds at a time, in seconds since the epoch.
type Check = fn(&ClusterState, i64) -> Vec<Finding>;

/// All checks, the gravest first.
const CHECKS: [Check; 15] = [
    no_replica,
    replicas_not_ready,
    watches_broken,
    audit_refused,
    master_key_missing,
    certificate_ends,
    authority_ends,
    enrolments_refused,
    no_realm,
    realms_not_ready,
    realms_unguarded,
    leases_without_holder,
    pods_without_agent,
    pods_of_several_users,
    principals_not_ready,
];

/// Runs every check; `now` is in seconds since the epoch.
pub(crate) fn find_problems(state: &ClusterState, now: i64) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(state, now)).collect()
}

fn no_replica(state: &ClusterState, _now: i64) -> Vec<Finding> {
    if !state.replicas.is_empty() {
        return Vec::new();
    }
    let todo = "kubectl apply -k deploy/crds and deploy/overlays/dev, or give its namespace with --kdc-namespace";
    vec![Finding::new("KDC", "there is no pod of it", todo)]
}

fn replicas_not_ready(state: &ClusterState, _now: i64) -> Vec<Finding> {
    let finding = |replica: &ReplicaState| {
        let why = replica.waiting.as_deref().unwrap_or("it does not answer its readiness probe");
        let todo = "its log says why: kubectl -n NAMESPACE logs POD";
        Finding::new(&replica.name, format!("not ready: {why}"), todo)
    };
    state.replicas.iter().filter(|replica| !replica.ready).map(finding).collect()
}

fn watches_broken(state: &ClusterState, _now: i64) -> Vec<Finding> {
    each_replica(state, |metrics| {
        let what = format!("{} kinds of objects cannot be watched", metrics.watches_broken);
        let todo = "are the custom resource definitions and deploy/base/rbac.yaml of this version applied?";
        (metrics.watches_broken > 0).then_some((what, todo))
    })
}

fn audit_refused(state: &ClusterState, _now: i64) -> Vec<Finding> {
    each_replica(state, |metrics| {
        let what = format!("the audit sink refused {} batches of lines: they are in the log", metrics.audit_failures);
        (metrics.audit_failures > 0).then_some((what, "make room where the audit trail is written"))
    })
}

fn master_key_missing(state: &ClusterState, _now: i64) -> Vec<Finding> {
    each_replica(state, |metrics| {
        let what = "the files of its master keys are not those that its store needs, or their rotation does not go on"
            .to_owned();
        let todo = "kennel master-key status says what is wrong: mend it before the KDC starts again";
        metrics.master_key_problem.then_some((what, todo))
    })
}

fn certificate_ends(state: &ClusterState, now: i64) -> Vec<Finding> {
    each_replica(state, |metrics| {
        metrics.certificate_ends.filter(|end| *end < now + CERTIFICATE)?;
        Some(("its certificate ends soon".to_owned(), "the log says why it is not renewed; a restart renews it"))
    })
}

fn authority_ends(state: &ClusterState, now: i64) -> Vec<Finding> {
    each_replica(state, |metrics| {
        metrics.authority_ends.filter(|end| *end < now + AUTHORITY)?;
        let todo = "with cert-manager, renew it there; Kennel's own: remove tls-ca.pem beside the store and restart the KDC: \
                    agents follow within minutes";
        Some(("the authority that agents trust ends soon".to_owned(), todo))
    })
}

fn enrolments_refused(state: &ClusterState, _now: i64) -> Vec<Finding> {
    let todo = "the audit trail names the pods: exchange=enrolment outcome=refused";
    let mut findings = Vec::new();
    for (replica, metrics) in with_metrics(state) {
        for (reason, count) in metrics.enrolments_refused.iter().filter(|(reason, _)| !is_retried(reason)) {
            findings.push(Finding::new(&replica.name, format!("{count} enrolments were refused: {reason}"), todo));
        }
    }
    findings
}

fn no_realm(state: &ClusterState, _now: i64) -> Vec<Finding> {
    if !state.realms.is_empty() {
        return Vec::new();
    }
    let todo = "create one with the realm name of the KDC's configuration";
    vec![Finding::new("realm", "there is no KerberosRealm", todo)]
}

fn realms_not_ready(state: &ClusterState, _now: i64) -> Vec<Finding> {
    let todo = "its realmName must be the one of the KDC's configuration";
    let not_ready = state.realms.iter().filter(|realm| !realm.ready);
    let finding = not_ready.map(|realm| {
        let what = if realm.message.is_empty() { "no KDC follows it" } else { &realm.message };
        Finding::new(format!("KerberosRealm {}", realm.name), what, todo)
    });
    finding.collect()
}

fn realms_unguarded(state: &ClusterState, _now: i64) -> Vec<Finding> {
    let todo = "kubectl apply -k deploy/guards, of the KDC's version";
    let finding = state.realms.iter().filter_map(|realm| {
        let about = format!("KerberosRealm {}", realm.name);
        Some(Finding::new(about, realm.unguarded.as_ref()?, todo))
    });
    finding.collect()
}

fn leases_without_holder(state: &ClusterState, now: i64) -> Vec<Finding> {
    let stale = state.leases.iter().filter(|lease| lease.renewed.is_none_or(|at| at + STALE < now));
    let finding = stale.map(|lease| {
        let what = "nobody holds it: principals do not follow the cluster";
        let todo = "is a KDC running that may update it (deploy/base/rbac.yaml)?";
        Finding::new(format!("Lease {}", lease.name), what, todo)
    });
    finding.collect()
}

fn pods_without_agent(state: &ClusterState, _now: i64) -> Vec<Finding> {
    let pods = &state.pods_without_agent;
    if pods.is_empty() {
        return Vec::new();
    }
    let what = format!("{} with {} have no agent: {}", pods.len(), INJECT.selector(), first_names(pods));
    let todo = format!(
        "label their namespace {REALM}=NAME OF ITS KERBEROSREALM (or as that asks), apply deploy/injection, and create the pods again: the \
         label acts when a pod is created"
    );
    vec![Finding::new("pods", what, &todo)]
}

fn pods_of_several_users(state: &ClusterState, _now: i64) -> Vec<Finding> {
    let pods = &state.pods_of_several_users;
    if pods.is_empty() {
        return Vec::new();
    }
    let what = format!(
        "{} run as several users, who all read the credentials of their pod, and Heimdal reads no file that users share: {}",
        pods.len(),
        first_names(pods)
    );
    let todo = format!(
        "annotate them {USERS}=each for files of each user, or {USERS}=shared where that is meant, and create the pods again: deploy/README.md, \
         Whose files the credentials are"
    );
    vec![Finding::new("pods", what, &todo)]
}

fn principals_not_ready(state: &ClusterState, _now: i64) -> Vec<Finding> {
    let finding = state.principals.iter().map(|principal| {
        let about = format!("KerberosPrincipal {}", principal.name);
        Finding::new(about, &principal.message, "kubectl describe kprinc says more")
    });
    finding.collect()
}

/// A finding for each replica about whose metrics `judge` says something: what is wrong, and what to do.
fn each_replica(
    state: &ClusterState,
    judge: impl Fn(&ReplicaMetrics) -> Option<(String, &'static str)>,
) -> Vec<Finding> {
    let finding = |(replica, metrics): (&ReplicaState, &ReplicaMetrics)| {
        judge(metrics).map(|(what, todo)| Finding::new(&replica.name, what, todo))
    };
    with_metrics(state).filter_map(finding).collect()
}

fn with_metrics(state: &ClusterState) -> impl Iterator<Item = (&ReplicaState, &ReplicaMetrics)> {
    state.replicas.iter().filter_map(|replica| Some((replica, replica.metrics.as_ref()?)))
}

/// The first names of a list.
fn first_names(names: &[String]) -> String {
    let some = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { some + ", ..." } else { some }
}

/// Whether agents try again by themselves after a refusal.
fn is_retried(reason: &str) -> bool {
    EnrolmentRefusal::ALL.iter().any(|refusal| refusal.name() == reason && refusal.retryable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{LeaseState, PrincipalState, RealmState};

    fn well() -> ClusterState {
        let metrics = ReplicaMetrics { certificate_ends: Some(10_000_000), ..ReplicaMetrics::default() };
        ClusterState {
            realms: vec![RealmState {
                name: "dev".into(),
                realm: "R".into(),
                ready: true,
                message: String::new(),
                unguarded: None,
                namespaces: None,
                principals: None,
            }],
            replicas: vec![ReplicaState {
                name: "kdc-0".into(),
                ready: true,
                restarts: 0,
                waiting: None,
                metrics: Some(metrics),
            }],
            leases: vec![LeaseState {
                name: "kennel-r".into(),
                store: "s".into(),
                holder: "h".into(),
                renewed: Some(990),
            }],
            ..ClusterState::default()
        }
    }

    #[test]
    fn what_is_well_has_no_problems() {
        let mut state = well();
        state.replicas[0].metrics.as_mut().unwrap().enrolments_refused.insert("NotReady".into(), 7);
        assert_eq!(find_problems(&state, 1000), [], "agents come again by themselves");
    }

    #[test]
    fn each_thing_that_is_wrong_is_told_with_what_to_do() {
        type Spoil = fn(&mut ClusterState);
        let cases: [(Spoil, &str); 15] = [
            (|s| s.replicas.clear(), "there is no pod of it"),
            (|s| s.replicas[0].ready = false, "not ready"),
            (|s| s.replicas[0].metrics.as_mut().unwrap().watches_broken = 2, "2 kinds of objects"),
            (|s| s.replicas[0].metrics.as_mut().unwrap().audit_failures = 3, "3 batches"),
            (|s| s.replicas[0].metrics.as_mut().unwrap().master_key_problem = true, "master keys"),
            (|s| s.replicas[0].metrics.as_mut().unwrap().certificate_ends = Some(2000), "ends soon"),
            (
                |s| s.replicas[0].metrics.as_mut().unwrap().authority_ends = Some(2000),
                "authority that agents trust ends soon",
            ),
            (
                |s| s.pods_without_agent = vec!["shop/cart-1".into(); 6],
                "6 with kennel.dev/inject=enabled have no agent: shop/cart-1,",
            ),
            (|s| s.pods_of_several_users = vec!["shop/two".into()], "1 run as several users"),
            (
                |s| _ = s.replicas[0].metrics.as_mut().unwrap().enrolments_refused.insert("PodEnded".into(), 4),
                "4 enrolments",
            ),
            (|s| s.realms.clear(), "there is no KerberosRealm"),
            (|s| s.realms[0].ready = false, "no KDC follows it"),
            (|s| s.realms[0].unguarded = Some("the cluster lacks a policy".into()), "lacks a policy"),
            (|s| s.leases[0].renewed = Some(900), "nobody holds it"),
            (
                |s| s.principals.push(PrincipalState { name: "shop/web".into(), message: "ServiceNotFound".into() }),
                "ServiceNotFound",
            ),
        ];
        assert_eq!(cases.len(), CHECKS.len());
        for (spoil, said) in cases {
            let mut state = well();
            spoil(&mut state);
            let findings = find_problems(&state, 1000);
            assert!(findings.iter().any(|f| f.what.contains(said) && !f.todo.is_empty()), "{said}: {findings:?}");
        }
    }
}
