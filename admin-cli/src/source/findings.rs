//! What is wrong with the objects that were rendered.

use kennel_k8s::problem::Problem;
use kennel_k8s::render::access::rendered::Rendered;
use serde::Serialize;

/// A problem of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ObjectFinding {
    /// `KerberosAccess shop/web`.
    pub(crate) object: String,
    /// The stable reason.
    pub(crate) reason: &'static str,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

/// The problems of every object, in the order of kinds and names.
pub(crate) fn findings(rendered: &Rendered) -> Vec<ObjectFinding> {
    let mut all = Vec::new();
    let mut add = |object: String, problems: &[Problem]| {
        all.extend(problems.iter().map(|problem| ObjectFinding {
            object: object.clone(),
            reason: problem.reason(),
            message: problem.to_string(),
        }));
    };
    add("KerberosRealm".to_owned(), &rendered.realm.problems);
    for (name, outcome) in &rendered.namespaces {
        add(format!("Namespace {name}"), &outcome.problems);
    }
    for ((namespace, name), outcome) in &rendered.servers {
        add(format!("KerberosPrincipal {namespace}/{name}"), &outcome.problems);
    }
    for ((namespace, name), outcome) in &rendered.accesses {
        add(format!("KerberosAccess {namespace}/{name}"), &outcome.problems);
    }
    all
}
