//! The status that a KerberosAccess should have.

use crate::crd::access::{KerberosAccessStatus, NetworkPolicyCounts};
use crate::problem::Problem;
use crate::problem::condition::ConditionType;
use crate::problem::healthy::HealthyReason;
use crate::render::access::rendered::{AccessOutcome, NetworkEffect};
use crate::render::conditions::{DesiredCondition, condition, merge_conditions, reconciling, stalled};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The conditions that say what is wrong where they hold. The object has its effect all the same.
const ABNORMAL: [ConditionType; 2] = [ConditionType::Contended, ConditionType::DNSNotFound];

/// Progress of the cluster with the NetworkPolicies of one KerberosAccess, and of the KDC with its grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessProgress {
    /// NetworkPolicies of it that are not in the cluster as they should be.
    pub missing: usize,
    /// Whether the KDC does not decide by some of its grants yet.
    pub waiting: bool,
    /// What is wrong with the writing of its NetworkPolicies, and with those that somebody else keeps changing.
    pub problems: Vec<Problem>,
}

/// Returns the status of a KerberosAccess in place of the `old` one at the time `now` (seconds since the epoch).
#[must_use]
pub fn access_status(
    meta: &ObjectMeta,
    old: Option<&KerberosAccessStatus>,
    outcome: &AccessOutcome,
    progress: &AccessProgress,
    now: i64,
) -> KerberosAccessStatus {
    let problems: Vec<&Problem> = outcome.problems.iter().chain(&progress.problems).collect();
    let under = |kind| problems.iter().copied().filter(|problem| problem.condition() == kind).collect::<Vec<_>>();
    let accepted = condition(&under(ConditionType::Accepted), HealthyReason::Accepted);
    let resolved = condition(&under(ConditionType::ResolvedRefs), HealthyReason::ResolvedRefs);
    let tickets = tickets(&accepted, progress);
    let network = network(&accepted, &under(ConditionType::NetworkProgrammed), outcome, progress);
    let ready = ready([&accepted, &resolved, &tickets, &network], outcome);
    let abnormal = ABNORMAL.iter().filter_map(|kind| holding(*kind, &under(*kind)));
    let of_object: Vec<&Problem> =
        problems.iter().copied().filter(|problem| !ABNORMAL.contains(&problem.condition())).collect();
    let reconciling = match pending_reason(&[&tickets, &network]) {
        Some(pending) if of_object.is_empty() => {
            DesiredCondition { kind: ConditionType::Reconciling, holds: true, ..pending }
        }
        _ => reconciling(&of_object, 0),
    };
    let stalled = stalled(&of_object);
    let desired = [ready, accepted, resolved, tickets, network, reconciling, stalled];
    let desired: Vec<DesiredCondition> = desired.into_iter().chain(abnormal).collect();
    let old_conditions = old.map_or(&[][..], |old| &old.conditions);
    // A condition that is abnormal where it holds vanishes where it does not.
    let vanishes = |name: &str| {
        let gone = |kind: &&ConditionType| desired.iter().all(|desired| desired.kind != **kind);
        ABNORMAL.iter().filter(gone).any(|kind| kind.name() == name)
    };
    let before: Vec<_> = old_conditions.iter().filter(|condition| !vanishes(&condition.type_)).cloned().collect();
    KerberosAccessStatus {
        observed_generation: meta.generation,
        targets: Some(number(outcome.targets)),
        clients: Some(number(outcome.clients)),
        network_policies: Some(NetworkPolicyCounts {
            wanted: number(outcome.policies.len()),
            applied: number(outcome.policies.len().saturating_sub(progress.missing)),
        }),
        conditions: merge_conditions(&before, &desired, meta.generation, now),
    }
}

/// The first condition that waits for NetworkPolicies.
fn pending_reason(conditions: &[&DesiredCondition]) -> Option<DesiredCondition> {
    let mut pending = conditions.iter().filter(|condition| condition.reason == HealthyReason::POLICIES_PENDING);
    pending.next().map(|condition| (*condition).clone())
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The KDC issues tickets by the object once the NetworkPolicies of a grant are in the cluster.
fn tickets(accepted: &DesiredCondition, progress: &AccessProgress) -> DesiredCondition {
    let programmed = condition(&[], HealthyReason::TicketsProgrammed);
    if !accepted.holds {
        DesiredCondition { kind: programmed.kind, ..accepted.clone() }
    } else if progress.waiting {
        pending(ConditionType::TicketsProgrammed, progress.missing)
    } else {
        programmed
    }
}

fn network(
    accepted: &DesiredCondition,
    problems: &[&Problem],
    outcome: &AccessOutcome,
    progress: &AccessProgress,
) -> DesiredCondition {
    let healthy = match outcome.network {
        NetworkEffect::Programmed => HealthyReason::NetworkProgrammed { policies: outcome.policies.len() },
        NetworkEffect::Observing => HealthyReason::NetworkObserving,
        NetworkEffect::Disabled => HealthyReason::NetworkDisabled,
    };
    if !accepted.holds {
        DesiredCondition { kind: ConditionType::NetworkProgrammed, ..accepted.clone() }
    } else if !problems.is_empty() || progress.missing == 0 {
        condition(problems, healthy)
    } else {
        pending(ConditionType::NetworkProgrammed, progress.missing)
    }
}

/// The object has its full effect where every other condition holds.
fn ready(others: [&DesiredCondition; 4], outcome: &AccessOutcome) -> DesiredCondition {
    match others.into_iter().find(|condition| !condition.holds) {
        Some(first) => DesiredCondition { kind: ConditionType::Ready, ..first.clone() },
        None if outcome.allows_nobody => condition(&[], HealthyReason::NobodyAllowed),
        None => condition(&[], HealthyReason::InForce { clients: outcome.clients, targets: outcome.targets }),
    }
}

fn pending(kind: ConditionType, missing: usize) -> DesiredCondition {
    DesiredCondition { kind, holds: false, ..condition(&[], HealthyReason::PoliciesPending { missing }) }
}

/// A condition that is there, and True, only while there are problems of its kind.
fn holding(kind: ConditionType, problems: &[&Problem]) -> Option<DesiredCondition> {
    let told = condition(problems, HealthyReason::Accepted);
    (!problems.is_empty()).then_some(DesiredCondition { kind, holds: true, ..told })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::kind::PolicyKey;

    fn policies(names: &[&str]) -> AccessOutcome {
        let policies = names.iter().map(|name| PolicyKey::network("shop", *name)).collect();
        AccessOutcome { targets: 1, clients: 2, policies, ..AccessOutcome::default() }
    }

    /// The conditions of an access that is in force in both layers.
    const IN_FORCE: [&str; 7] = [
        "Ready=True Ready",
        "Accepted=True Accepted",
        "ResolvedRefs=True ResolvedRefs",
        "TicketsProgrammed=True Programmed",
        "NetworkProgrammed=True Programmed",
        "Reconciling=False Settled",
        "Stalled=False NotStalled",
    ];

    fn told(outcome: &AccessOutcome, progress: &AccessProgress) -> Vec<String> {
        let status = access_status(&ObjectMeta::default(), None, outcome, progress, 0);
        status.conditions.iter().map(|c| format!("{}={} {}", c.type_, c.status, c.reason)).collect()
    }

    #[test]
    fn an_access_in_force_is_ready_in_both_layers() {
        let all = told(&policies(&["a", "b"]), &AccessProgress::default());
        assert_eq!(all, IN_FORCE);
    }

    #[test]
    fn a_grant_waits_for_its_policies_and_a_grant_in_force_keeps_its_tickets_while_one_is_put_back() {
        let new = AccessProgress { missing: 1, waiting: true, ..AccessProgress::default() };
        let all = told(&policies(&["a", "b"]), &new);
        assert_eq!(all[0], "Ready=False PoliciesPending");
        assert_eq!(all[3..5], ["TicketsProgrammed=False PoliciesPending", "NetworkProgrammed=False PoliciesPending"]);
        assert_eq!(all[5..], ["Reconciling=True PoliciesPending", "Stalled=False NotStalled"]);
        let drifted = AccessProgress { missing: 1, ..AccessProgress::default() };
        let all = told(&policies(&["a", "b"]), &drifted);
        assert_eq!(all[3..5], ["TicketsProgrammed=True Programmed", "NetworkProgrammed=False PoliciesPending"]);
    }

    #[test]
    fn numbers_stand_in_the_status_and_no_names() {
        let meta = ObjectMeta { generation: Some(3), ..ObjectMeta::default() };
        let progress = AccessProgress { missing: 1, waiting: true, ..AccessProgress::default() };
        let status = access_status(&meta, None, &policies(&["a", "b"]), &progress, 0);
        assert_eq!((status.observed_generation, status.targets, status.clients), (Some(3), Some(1), Some(2)));
        assert_eq!(status.network_policies, Some(NetworkPolicyCounts { wanted: 2, applied: 1 }));
    }

    #[test]
    fn an_object_that_is_not_accepted_has_no_effect_in_either_layer() {
        let problem = Problem::TargetNotFound { target: "web".into(), namespace: "shop".into() };
        let outcome = AccessOutcome { problems: vec![problem], ..AccessOutcome::default() };
        let all = told(&outcome, &AccessProgress::default());
        let expected = [
            "Ready=False TargetNotFound",
            "Accepted=False TargetNotFound",
            "ResolvedRefs=True ResolvedRefs",
            "TicketsProgrammed=False TargetNotFound",
            "NetworkProgrammed=False TargetNotFound",
            "Reconciling=True TargetNotFound",
            "Stalled=False NotStalled",
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_part_that_is_not_resolved_makes_the_object_not_ready_and_the_rest_has_its_effect() {
        let problem = Problem::ClientNotFound { account: "cart".into(), namespace: "shop".into() };
        let outcome = AccessOutcome { problems: vec![problem], ..policies(&["a"]) };
        let all = told(&outcome, &AccessProgress::default());
        assert_eq!((&*all[0], &*all[2]), ("Ready=False ClientNotFound", "ResolvedRefs=False ClientNotFound"));
        assert_eq!(all[3..5], ["TicketsProgrammed=True Programmed", "NetworkProgrammed=True Programmed"]);
    }

    #[test]
    fn nobody_an_observing_server_and_a_realm_without_policies_are_told_and_are_well() {
        let reason = |outcome: AccessOutcome, at: usize| told(&outcome, &AccessProgress::default()).swap_remove(at);
        let nobody = AccessOutcome { allows_nobody: true, ..AccessOutcome::default() };
        assert_eq!(reason(nobody, 0), "Ready=True NobodyAllowed");
        let with = |network| AccessOutcome { network, ..policies(&[]) };
        assert_eq!(reason(with(NetworkEffect::Observing), 4), "NetworkProgrammed=True Observing");
        assert_eq!(reason(with(NetworkEffect::Disabled), 4), "NetworkProgrammed=True Disabled");
        assert_eq!(reason(with(NetworkEffect::Disabled), 0), "Ready=True Ready");
    }

    #[test]
    fn a_contended_policy_is_told_by_a_condition_that_vanishes_again() {
        let problem = Problem::PolicyContended { policy: "shop/kennel-ingress-web".into() };
        let contended = AccessProgress { problems: vec![problem], ..AccessProgress::default() };
        let status = access_status(&ObjectMeta::default(), None, &policies(&["a"]), &contended, 0);
        let last = status.conditions.last().unwrap();
        assert_eq!((&*last.type_, &*last.status), ("Contended", "True"));
        assert_eq!((&*status.conditions[0].status, last.message.contains("shop/kennel-ingress-web")), ("True", true));
        let calm = AccessProgress::default();
        let status = access_status(&ObjectMeta::default(), Some(&status), &policies(&["a"]), &calm, 0);
        assert!(status.conditions.iter().all(|c| c.type_ != "Contended"));
    }

    #[test]
    fn without_dns_the_object_is_in_force_and_ready_and_a_condition_says_what_its_clients_lack() {
        let problem = Problem::ClientsWithoutDns { realm: "prod".into() };
        let outcome = AccessOutcome { problems: vec![problem], ..policies(&["a"]) };
        let all = told(&outcome, &AccessProgress::default());
        assert_eq!(all, [&IN_FORCE[..], &["DNSNotFound=True DNSNotFound"]].concat());
        let status = access_status(&ObjectMeta::default(), None, &outcome, &AccessProgress::default(), 0);
        let found =
            access_status(&ObjectMeta::default(), Some(&status), &policies(&["a"]), &AccessProgress::default(), 1);
        assert!(found.conditions.iter().all(|condition| condition.type_ != "DNSNotFound"), "it goes with its reason");
    }

    #[test]
    fn a_policy_that_cannot_be_written_says_why() {
        let problem = Problem::PolicyNotWritten { policy: "shop/a".into(), error: "forbidden".into() };
        let progress = AccessProgress { missing: 1, waiting: true, problems: vec![problem] };
        let all = told(&policies(&["a"]), &progress);
        assert_eq!((&*all[4], &*all[0]), ("NetworkProgrammed=False PolicyNotWritten", "Ready=False PoliciesPending"));
    }
}
