//! What a cluster lacks of the admission policies that this version ships.

use crate::guards::shipped::{GuardKind, GuardObject, ShippedError, shipped_guards};
use crate::problem::Problem;
use crate::problem::healthy::HealthyReason;
use std::fmt::Display;

/// What the API server serves and holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterGuards {
    /// Whether it serves MutatingAdmissionPolicy as `admissionregistration.k8s.io/v1`: Kubernetes 1.36 and later.
    pub serves_mutation: bool,
    /// Its policies and bindings whose names are those of ours; others are ignored.
    pub objects: Vec<GuardObject>,
}

/// What is wrong with one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Missing,
    Altered,
}

/// The guards of a cluster, compared with the ones that this version ships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardReport {
    serves_mutation: bool,
    faults: Vec<(GuardKind, String, Fault)>,
}

impl GuardReport {
    /// Compares what the cluster holds with what this version ships. What mutates is not missed where the cluster does not serve it.
    ///
    /// # Errors
    /// See [`shipped_guards`].
    pub fn compare(cluster: &ClusterGuards) -> Result<GuardReport, ShippedError> {
        let shipped = shipped_guards()?.into_iter().filter(|guard| cluster.serves_mutation || !guard.kind.mutates());
        let faults = shipped.filter_map(|guard| {
            let found = cluster.objects.iter().find(|found| found.kind == guard.kind && found.name == guard.name);
            let fault = match found {
                None => Fault::Missing,
                Some(found) if !found.decides_as(&guard) => Fault::Altered,
                Some(_) => return None,
            };
            Some((guard.kind, guard.name, fault))
        });
        Ok(GuardReport { serves_mutation: cluster.serves_mutation, faults: faults.collect() })
    }

    /// Whether a label `kennel.dev/service-account` can be believed: nobody forges one. Who gets a label by himself is another question.
    #[must_use]
    pub fn labels_hold(&self) -> bool {
        let guards = ["kennel-labels", "kennel-binding-labels"];
        !self.faults.iter().any(|(kind, name, _)| !kind.mutates() && guards.contains(&name.as_str()))
    }

    /// What is wrong; what is missing is named first, and a policy that differs only where none is missing.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let with = |wanted: Fault| {
            let faults = self.faults.iter().filter(|(.., fault)| *fault == wanted);
            join(faults.map(|(kind, name, _)| format!("{kind:?} {name}")))
        };
        let (missing, altered) = (with(Fault::Missing), with(Fault::Altered));
        missing
            .map(|policies| Problem::GuardsMissing { policies })
            .or_else(|| altered.map(|policies| Problem::GuardsAltered { policies }))
    }

    /// The reason of the condition where nothing is wrong.
    #[must_use]
    pub const fn healthy(&self) -> HealthyReason {
        if self.serves_mutation { HealthyReason::Guarded } else { HealthyReason::GuardedWithoutMutation }
    }
}

fn join(names: impl Iterator<Item = impl Display>) -> Option<String> {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complete() -> ClusterGuards {
        ClusterGuards { serves_mutation: true, objects: shipped_guards().unwrap() }
    }

    fn report(cluster: &ClusterGuards) -> GuardReport {
        GuardReport::compare(cluster).unwrap()
    }

    #[test]
    fn a_cluster_with_all_guards_has_no_problem() {
        let report = report(&complete());
        assert_eq!((report.problem(), report.healthy(), report.labels_hold()), (None, HealthyReason::Guarded, true));
    }

    #[test]
    fn a_cluster_without_guards_is_told_every_name() {
        let report = report(&ClusterGuards { serves_mutation: true, objects: Vec::new() });
        let Some(Problem::GuardsMissing { policies }) = report.problem() else { panic!("{report:?}") };
        assert!(policies.contains("ValidatingAdmissionPolicyBinding kennel-enrolment"), "{policies}");
        assert!(policies.contains("MutatingAdmissionPolicy kennel-labels"), "{policies}");
        assert_eq!(policies.split(", ").count(), 14);
        assert!(!report.labels_hold());
    }

    #[test]
    fn where_mutation_is_not_served_it_is_not_missed_and_the_condition_says_that_templates_bring_the_label() {
        let mut cluster = complete();
        cluster.serves_mutation = false;
        cluster.objects.retain(|guard| !guard.kind.mutates());
        let report = report(&cluster);
        assert_eq!((report.problem(), report.labels_hold()), (None, true));
        assert_eq!(report.healthy(), HealthyReason::GuardedWithoutMutation);
    }

    #[test]
    fn a_missing_mutation_is_a_problem_although_the_labels_that_there_are_hold() {
        let mut cluster = complete();
        cluster.objects.retain(|guard| guard.kind != GuardKind::MutatingAdmissionPolicyBinding);
        let report = report(&cluster);
        assert_eq!(
            report.problem(),
            Some(Problem::GuardsMissing { policies: "MutatingAdmissionPolicyBinding kennel-labels".to_owned() })
        );
        assert!(report.labels_hold());
    }

    #[test]
    fn a_binding_that_only_warns_or_leaves_a_namespace_out_is_altered_and_labels_do_not_hold() {
        for spec in [
            json!({ "policyName": "kennel-labels", "validationActions": ["Warn", "Audit"] }),
            json!({ "policyName": "kennel-labels", "validationActions": ["Deny"],
                    "matchResources": { "namespaceSelector": { "matchLabels": { "a": "b" } } } }),
        ] {
            let mut cluster = complete();
            let kind = GuardKind::ValidatingAdmissionPolicyBinding;
            cluster.objects.retain(|guard| (guard.kind, guard.name.as_str()) != (kind, "kennel-labels"));
            cluster.objects.push(GuardObject::new(kind, "kennel-labels".to_owned(), spec));
            let report = report(&cluster);
            let policies = "ValidatingAdmissionPolicyBinding kennel-labels".to_owned();
            assert_eq!(report.problem(), Some(Problem::GuardsAltered { policies }));
            assert!(!report.labels_hold());
        }
    }

    #[test]
    fn a_binding_that_audits_as_well_is_as_good() {
        let mut cluster = complete();
        let kind = GuardKind::ValidatingAdmissionPolicyBinding;
        cluster.objects.retain(|guard| (guard.kind, guard.name.as_str()) != (kind, "kennel-labels"));
        let spec = json!({ "policyName": "kennel-labels", "validationActions": ["Audit", "Deny"] });
        cluster.objects.push(GuardObject::new(kind, "kennel-labels".to_owned(), spec));
        assert_eq!(report(&cluster).problem(), None);
    }
}
