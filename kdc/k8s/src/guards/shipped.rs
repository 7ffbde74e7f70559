//! The admission policies of `deploy/guards` as this version ships them.

use serde::Deserialize;
use serde_json::Value;

/// The files of `deploy/guards`.
const FILES: [&str; 5] = [
    include_str!("../../../../deploy/guards/labels.yaml"),
    include_str!("../../../../deploy/guards/label-mutation.yaml"),
    include_str!("../../../../deploy/guards/enrolment.yaml"),
    include_str!("../../../../deploy/guards/realm.yaml"),
    include_str!("../../../../deploy/guards/definitions.yaml"),
];

/// Fields that change no decision: what a refusal says, and what is written to the API server's audit log.
const WORDS: [&str; 4] = ["message", "messageExpression", "reason", "auditAnnotations"];
/// Fields of matchConstraints that the API server fills in with `{}`, which selects everything.
const SELECTORS: [&str; 2] = ["namespaceSelector", "objectSelector"];

/// The kinds of the policies and their bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[allow(clippy::enum_variant_names, reason = "the names of Kubernetes")]
pub enum GuardKind {
    /// Refuses requests.
    ValidatingAdmissionPolicy,
    /// Puts a policy into effect.
    ValidatingAdmissionPolicyBinding,
    /// Changes objects. Served as `admissionregistration.k8s.io/v1` since Kubernetes 1.36.
    MutatingAdmissionPolicy,
    /// Puts a mutating policy into effect.
    MutatingAdmissionPolicyBinding,
}

impl GuardKind {
    /// The plural in addresses of the API: `validatingadmissionpolicies`.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            GuardKind::ValidatingAdmissionPolicy => "validatingadmissionpolicies",
            GuardKind::ValidatingAdmissionPolicyBinding => "validatingadmissionpolicybindings",
            GuardKind::MutatingAdmissionPolicy => "mutatingadmissionpolicies",
            GuardKind::MutatingAdmissionPolicyBinding => "mutatingadmissionpolicybindings",
        }
    }

    /// Whether clusters may lack the kind.
    #[must_use]
    pub const fn mutates(self) -> bool {
        matches!(self, GuardKind::MutatingAdmissionPolicy | GuardKind::MutatingAdmissionPolicyBinding)
    }
}

/// One object, with the part of its spec that decides.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardObject {
    /// Its kind.
    pub kind: GuardKind,
    /// Its name: `kennel-labels`.
    pub name: String,
    /// Its spec without the fields that change no decision.
    spec: Value,
}

impl GuardObject {
    /// The object with this `spec`, from whatever source.
    #[must_use]
    pub fn new(kind: GuardKind, name: String, mut spec: Value) -> GuardObject {
        reduce(&mut spec);
        squeeze(&mut spec);
        GuardObject { kind, name, spec }
    }

    /// Whether both decide the same.
    #[must_use]
    pub fn decides_as(&self, other: &GuardObject) -> bool {
        self.kind == other.kind && self.spec == other.spec
    }
}

/// Returns every object of `deploy/guards`.
///
/// # Errors
/// A file of `deploy/guards` was no YAML of policies when this program was compiled; a test keeps that from happening.
pub fn shipped_guards() -> Result<Vec<GuardObject>, ShippedError> {
    #[derive(Deserialize)]
    struct Document {
        kind: GuardKind,
        metadata: Metadata,
        spec: Value,
    }
    #[derive(Deserialize)]
    struct Metadata {
        name: String,
    }
    let mut guards = Vec::new();
    for file in FILES {
        let documents: Vec<Document> =
            serde_saphyr::from_multiple(file).map_err(|error| ShippedError(error.to_string()))?;
        guards.extend(documents.into_iter().map(|found| GuardObject::new(found.kind, found.metadata.name, found.spec)));
    }
    Ok(guards)
}

/// A policy that this program was compiled with cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("an admission policy that this program was compiled with cannot be read: {0}")]
pub struct ShippedError(String);

/// Takes away what decides nothing, and writes in one way what can be written in several.
fn reduce(spec: &mut Value) {
    let Some(fields) = spec.as_object_mut() else { return };
    for word in WORDS {
        fields.remove(word);
    }
    // A binding may audit or warn as well.
    if let Some(Value::Array(actions)) = fields.get_mut("validationActions") {
        actions.retain(|action| action == "Deny");
    }
    if let Some(Value::Array(validations)) = fields.get_mut("validations") {
        let validations = validations.iter_mut().filter_map(Value::as_object_mut);
        validations.for_each(|validation| validation.retain(|field, _| !WORDS.contains(&field.as_str())));
    }
    for constraints in ["matchConstraints", "matchResources"] {
        let Some(Value::Object(of)) = fields.get_mut(constraints) else { continue };
        of.retain(|field, value| {
            !(SELECTORS.contains(&field.as_str()) && value.as_object().is_some_and(|s| s.is_empty()))
        });
    }
    fields.retain(|_, value| !value.is_null());
}

/// Writes each expression with single spaces: parsers of YAML fold the lines of one in different ways.
fn squeeze(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Array(list) => list.iter_mut().for_each(squeeze),
        Value::Object(object) => object.values_mut().for_each(squeeze),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shipped_policy_has_a_binding_of_its_name_that_denies() {
        let guards = shipped_guards().unwrap();
        let with = |kind| guards.iter().filter(|guard| guard.kind == kind).collect::<Vec<_>>();
        let policies = with(GuardKind::ValidatingAdmissionPolicy);
        let bindings = with(GuardKind::ValidatingAdmissionPolicyBinding);
        assert_eq!((policies.len(), bindings.len()), (6, 6));
        for (policy, binding) in policies.iter().zip(&bindings) {
            assert_eq!(policy.name, binding.name);
            assert_eq!(binding.spec.get("policyName"), Some(&json!(policy.name)));
            assert_eq!(binding.spec.get("validationActions"), Some(&json!(["Deny"])));
        }
        assert_eq!(with(GuardKind::MutatingAdmissionPolicy).len(), 1);
        assert_eq!(with(GuardKind::MutatingAdmissionPolicyBinding).len(), 1);
    }

    #[test]
    fn every_shipped_policy_fails_closed_but_the_one_that_needs_the_definition_of_realms() {
        for guard in shipped_guards().unwrap() {
            if let Some(failure) = guard.spec.get("failurePolicy") {
                let wanted = if guard.name == "kennel-realm-labels" { "Ignore" } else { "Fail" };
                assert_eq!(failure, wanted, "{}", guard.name);
            }
        }
    }

    #[test]
    fn what_the_api_server_fills_in_and_what_a_refusal_says_decide_nothing() {
        let policy = |spec| GuardObject::new(GuardKind::ValidatingAdmissionPolicy, "p".to_owned(), spec);
        let shipped = policy(json!({
            "validations": [{ "expression": "a", "message": "no", "reason": "Forbidden" }],
            "matchConstraints": { "matchPolicy": "Equivalent" },
        }));
        let found = policy(json!({
            "validations": [{ "expression": "a", "message": "nein" }],
            "matchConstraints": { "matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {} },
            "auditAnnotations": [{ "key": "k", "valueExpression": "v" }],
        }));
        assert!(shipped.decides_as(&found));
        for (field, weaker) in [
            (
                "matchConstraints",
                json!({ "matchPolicy": "Equivalent", "namespaceSelector": { "matchLabels": { "a": "b" } } }),
            ),
            ("matchConstraints", json!({ "matchPolicy": "Equivalent", "excludeResourceRules": [{}] })),
            ("matchConditions", json!([{ "name": "n", "expression": "false" }])),
            ("validations", json!([{ "expression": "true" }])),
        ] {
            let mut spec = found.spec.clone();
            spec[field] = weaker;
            assert!(!shipped.decides_as(&policy(spec.clone())), "{spec}");
        }
    }

    #[test]
    fn an_expression_is_the_same_however_its_lines_are_folded() {
        let policy = |expression: &str| {
            let spec = json!({ "validations": [{ "expression": expression }] });
            GuardObject::new(GuardKind::ValidatingAdmissionPolicy, "kennel-x".into(), spec)
        };
        // More indented lines of a folded scalar keep their line breaks in one parser, and lose them in another.
        assert!(policy("a == null\n  ? b\n  : c").decides_as(&policy("a == null   ? b   : c")));
        assert!(!policy("a == null ? b : c").decides_as(&policy("a == null ? c : b")));
    }
}
