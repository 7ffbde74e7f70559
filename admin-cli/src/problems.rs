//! What is wrong and what to do about it: pure.

use crate::state::State;
use kennel_core::enrolment::EnrolmentRefusal;
use serde::Serialize;

/// A Lease that was not renewed for so long has no holder, seconds.
const STALE: i64 = 30;
/// A certificate that is not renewed by then will not be, seconds.
const CERTIFICATE: i64 = 5 * 86_400;
/// Agents trust this very authority: a new one takes a plan.
const AUTHORITY: i64 = 90 * 86_400;
/// Most pods of a kind that are named.
const NAMED: usize = 5;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// What it is about.
    pub(crate) about: String,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) todo: String,
}

/// All problems, the gravest first; `now` in seconds since the epoch.
pub(crate) fn of(state: &State, now: i64) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |about: &str, what: String, todo: &str| {
        problems.push(Problem { about: about.to_owned(), what, todo: todo.to_owned() });
    };
    if state.replicas.is_empty() {
        say(
            "KDC",
            "there is no pod of it".into(),
            "kubectl apply -k deploy/overlays/dev, or give its namespace with -n",
        );
    }
    for replica in state.replicas.iter().filter(|replica| !replica.ready) {
        let why = replica.waiting.as_deref().unwrap_or("it does not answer its readiness probe");
        say(&replica.name, format!("not ready: {why}"), "its log says why: kubectl -n NAMESPACE logs POD");
    }
    for replica in &state.replicas {
        let Some(numbers) = &replica.metrics else { continue };
        if numbers.watches_broken > 0 {
            let what = format!("{} kinds of objects cannot be watched", numbers.watches_broken);
            say(
                &replica.name,
                what,
                "are the custom resource definitions and deploy/base/rbac.yaml of this version applied?",
            );
        }
        if numbers.audit_failures > 0 {
            let what =
                format!("the audit sink refused {} batches of lines: they are in the log", numbers.audit_failures);
            say(&replica.name, what, "make room where the audit trail is written");
        }
        if numbers.certificate_ends.is_some_and(|end| end < now + CERTIFICATE) {
            say(
                &replica.name,
                "its certificate ends soon".into(),
                "the log says why it is not renewed; a restart renews it",
            );
        }
        if numbers.authority_ends.is_some_and(|end| end < now + AUTHORITY) {
            let todo = "with cert-manager, renew it there; Kennel's own: remove tls-ca.pem beside the store and restart the KDC: \
                        agents follow within minutes";
            say(&replica.name, "the authority that agents trust ends soon".into(), todo);
        }
        for (reason, count) in numbers.enrolments_refused.iter().filter(|(reason, _)| !passes(reason)) {
            let what = format!("{count} enrolments were refused: {reason}");
            say(&replica.name, what, "the audit trail names the pods: exchange=enrolment outcome=refused");
        }
    }
    if state.realms.is_empty() {
        say("realm", "there is no KerberosRealm".into(), "create one with the realm name of the KDC's configuration");
    }
    for realm in state.realms.iter().filter(|realm| !realm.ready) {
        let what = if realm.message.is_empty() { "no KDC follows it".to_owned() } else { realm.message.clone() };
        say(&format!("KerberosRealm {}", realm.name), what, "its realmName must be the one of the KDC's configuration");
    }
    for lease in state.leases.iter().filter(|lease| lease.renewed.is_none_or(|at| at + STALE < now)) {
        let what = "nobody holds it: principals do not follow the cluster".into();
        say(&format!("Lease {}", lease.name), what, "is a KDC running that may update it (deploy/base/rbac.yaml)?");
    }
    let number = state.pods_without_agent.len();
    if number > 0 {
        let what =
            format!("{number} with kennel.dev/inject=enabled have no agent: {}", named(&state.pods_without_agent));
        let todo = "label their namespace kennel.dev/enroll=true (or as the KerberosRealm asks), apply deploy/injection, and make \
                    the pods anew: the label acts when a pod is created";
        say("pods", what, todo);
    }
    for principal in &state.principals {
        let about = format!("KerberosPrincipal {}", principal.name);
        say(&about, principal.message.clone(), "kubectl describe kprinc says more");
    }
    problems
}

/// The first of them.
fn named(names: &[String]) -> String {
    let some = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { some + ", ..." } else { some }
}

/// Refusals after which agents come again by themselves.
fn passes(reason: &str) -> bool {
    EnrolmentRefusal::ALL.iter().any(|refusal| refusal.name() == reason && refusal.retryable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Numbers;
    use crate::state::{Lease, Principal, Realm, Replica};

    fn well() -> State {
        let metrics = Numbers { certificate_ends: Some(10_000_000), ..Numbers::default() };
        State {
            realms: vec![Realm {
                name: "dev".into(),
                realm: "R".into(),
                ready: true,
                message: String::new(),
                namespaces: None,
                principals: None,
            }],
            replicas: vec![Replica {
                name: "kdc-0".into(),
                ready: true,
                restarts: 0,
                waiting: None,
                metrics: Some(metrics),
            }],
            leases: vec![Lease { name: "kennel-r".into(), store: "s".into(), holder: "h".into(), renewed: Some(990) }],
            ..State::default()
        }
    }

    #[test]
    fn what_is_well_has_no_problems() {
        let mut state = well();
        state.replicas[0].metrics.as_mut().unwrap().enrolments_refused.insert("NotReady".into(), 7);
        assert_eq!(of(&state, 1000), [], "agents come again by themselves");
    }

    #[test]
    fn each_thing_that_is_wrong_is_told_with_what_to_do() {
        type Spoil = fn(&mut State);
        let cases: [(Spoil, &str); 11] = [
            (|s| s.replicas.clear(), "there is no pod of it"),
            (|s| s.replicas[0].ready = false, "not ready"),
            (|s| s.replicas[0].metrics.as_mut().unwrap().watches_broken = 2, "2 kinds of objects"),
            (|s| s.replicas[0].metrics.as_mut().unwrap().audit_failures = 3, "3 batches"),
            (|s| s.replicas[0].metrics.as_mut().unwrap().certificate_ends = Some(2000), "ends soon"),
            (
                |s| s.replicas[0].metrics.as_mut().unwrap().authority_ends = Some(2000),
                "authority that agents trust ends soon",
            ),
            (
                |s| s.pods_without_agent = vec!["shop/cart-1".into(); 6],
                "6 with kennel.dev/inject=enabled have no agent: shop/cart-1,",
            ),
            (
                |s| _ = s.replicas[0].metrics.as_mut().unwrap().enrolments_refused.insert("PodEnded".into(), 4),
                "4 enrolments",
            ),
            (|s| s.realms[0].ready = false, "no KDC follows it"),
            (|s| s.leases[0].renewed = Some(900), "nobody holds it"),
            (
                |s| s.principals.push(Principal { name: "shop/web".into(), message: "ServiceNotFound".into() }),
                "ServiceNotFound",
            ),
        ];
        for (spoil, said) in cases {
            let mut state = well();
            spoil(&mut state);
            let problems = of(&state, 1000);
            assert!(problems.iter().any(|p| p.what.contains(said) && !p.todo.is_empty()), "{said}: {problems:?}");
        }
    }
}
