//! The status that our resources should have: pure.

use crate::crd::principal::KerberosPrincipalStatus;
use crate::crd::realm::KerberosRealmStatus;
use crate::crd::{KerberosPrincipal, KerberosRealm};
use crate::index::{Outcome, Problem};
use crate::render::conditions::{Truth, Wanted, merged};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Most problems that a condition's message tells of.
const MOST_TOLD: usize = 5;

/// How far the store is with the principals of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    /// Names that are not as they should be yet.
    pub waiting: usize,
    /// The highest key version of those that are.
    pub kvno: Option<u32>,
    /// The Secret that holds the keytab.
    pub secret: Option<String>,
    /// Names that cannot be had, because others have them in the store.
    pub refused: Vec<Problem>,
}

/// The status of a KerberosPrincipal; `old` is what stands there.
#[must_use]
pub fn of_principal(
    meta: &ObjectMeta,
    old: Option<&KerberosPrincipalStatus>,
    outcome: &Outcome,
    made: &Made,
    now: i64,
) -> KerberosPrincipalStatus {
    let problems: Vec<&Problem> = outcome.problems.iter().chain(&made.refused).collect();
    let names: Vec<&Problem> = problems.iter().copied().filter(|p| p.reason != "AccountNotFound").collect();
    let account = problems.iter().find(|p| p.reason == "AccountNotFound");
    let accepted = format!("{} service principals", outcome.principals.len());
    let wanted = [
        ready(&problems, made.waiting),
        condition("AccountFound", account.copied(), "AccountExists", "the service account exists"),
        several("NamesAccepted", &names, "NamesAccepted", &accepted),
        stalled(&problems),
    ];
    let texts = |names: &[kennel_wire::message::Principal]| names.iter().map(ToString::to_string).collect();
    KerberosPrincipalStatus {
        observed_generation: meta.generation,
        principals: texts(&outcome.principals),
        aliases: texts(&outcome.aliases),
        kvno: made.kvno.map(i64::from),
        next_rotation: old.and_then(|old| old.next_rotation.clone()),
        holders: old.and_then(|old| old.holders),
        keytab_secret: made.secret.clone(),
        conditions: merged(old.map_or(&[], |old| &old.conditions), &wanted, meta.generation, now),
    }
}

/// The status of a KerberosRealm.
#[must_use]
pub fn of_realm(
    meta: &ObjectMeta,
    old: Option<&KerberosRealmStatus>,
    problem: Option<&Problem>,
    counted: (usize, usize),
    now: i64,
) -> KerberosRealmStatus {
    let problems: Vec<&Problem> = problem.into_iter().collect();
    let wanted = [several("Ready", &problems, "Serving", "the KDC serves this realm"), stalled(&problems)];
    let count = |number: usize| problem.is_none().then(|| i32::try_from(number).unwrap_or(i32::MAX));
    KerberosRealmStatus {
        observed_generation: meta.generation,
        namespaces: count(counted.0),
        principals: count(counted.1),
        conditions: merged(old.map_or(&[], |old| &old.conditions), &wanted, meta.generation, now),
    }
}

/// Of a realm object whose place an older one has.
#[must_use]
pub fn realm_taken(realm: &KerberosRealm, followed: &str) -> Problem {
    let message =
        format!("KerberosRealm {followed} is older and has the realm {}: delete one of the two", realm.spec.realm_name);
    Problem { reason: "RealmTaken", message }
}

/// Whether a status says something else than the object does now.
#[must_use]
pub fn differs(object: &KerberosPrincipal, status: &KerberosPrincipalStatus) -> bool {
    object.status.as_ref() != Some(status)
}

fn ready(problems: &[&Problem], waiting: usize) -> Wanted {
    if problems.is_empty() && waiting > 0 {
        let message = format!("{waiting} principals are being made");
        return Wanted { kind: "Ready", truth: Truth::False, reason: "Progressing".into(), message };
    }
    several("Ready", problems, "Ready", "every principal is there")
}

/// As kstatus wants it: true where somebody has to do something.
fn stalled(problems: &[&Problem]) -> Wanted {
    let mut wanted = several("Stalled", problems, "NotStalled", "");
    wanted.truth = Truth::from(!problems.is_empty());
    wanted
}

fn condition(kind: &'static str, problem: Option<&Problem>, reason: &str, message: &str) -> Wanted {
    several(kind, &problem.into_iter().collect::<Vec<_>>(), reason, message)
}

fn several(kind: &'static str, problems: &[&Problem], reason: &str, message: &str) -> Wanted {
    let Some(first) = problems.first() else {
        return Wanted { kind, truth: Truth::True, reason: reason.to_owned(), message: message.to_owned() };
    };
    let mut told: Vec<&str> = problems.iter().take(MOST_TOLD).map(|p| &*p.message).collect();
    let rest = problems.len().saturating_sub(told.len());
    let more = format!("and {rest} more of the kind");
    if rest > 0 {
        told.push(&more);
    }
    Wanted { kind, truth: Truth::False, reason: first.reason.to_owned(), message: told.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(reason: &'static str) -> Problem {
        Problem { reason, message: format!("about {reason}") }
    }

    fn status(outcome: &Outcome, made: &Made) -> Vec<(String, String, String)> {
        let status = of_principal(&ObjectMeta::default(), None, outcome, made, 0);
        status.conditions.into_iter().map(|c| (c.type_, c.status, c.reason)).collect()
    }

    fn texts(of: [(&str, &str, &str); 4]) -> Vec<(String, String, String)> {
        of.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())).into()
    }

    #[test]
    fn what_is_well_is_ready_and_not_stalled() {
        let all = status(&Outcome::default(), &Made::default());
        let expected = [
            ("Ready", "True", "Ready"),
            ("AccountFound", "True", "AccountExists"),
            ("NamesAccepted", "True", "NamesAccepted"),
            ("Stalled", "False", "NotStalled"),
        ];
        assert_eq!(all, texts(expected));
        assert_eq!(status(&Outcome::default(), &Made { waiting: 1, ..Made::default() })[0].2, "Progressing");
    }

    #[test]
    fn each_problem_stands_under_its_condition() {
        let outcome =
            Outcome { problems: vec![problem("AccountNotFound"), problem("ServiceNotFound")], ..Outcome::default() };
        let expected = [
            ("Ready", "False", "AccountNotFound"),
            ("AccountFound", "False", "AccountNotFound"),
            ("NamesAccepted", "False", "ServiceNotFound"),
            ("Stalled", "True", "AccountNotFound"),
        ];
        assert_eq!(status(&outcome, &Made::default()), texts(expected));
    }

    #[test]
    fn a_flood_of_problems_is_told_in_part() {
        let outcome = Outcome { problems: vec![problem("ServiceNotFound"); 60], ..Outcome::default() };
        let status = of_principal(&ObjectMeta::default(), None, &outcome, &Made::default(), 0);
        assert!(status.conditions[0].message.ends_with("and 55 more of the kind"), "{}", status.conditions[0].message);
    }
}
