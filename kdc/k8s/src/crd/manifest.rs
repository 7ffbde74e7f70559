//! What a definition has beside the schema that its Rust type gives: annotations that keep it from being deleted with an
//! installation, the status of an object that the KDC has not seen yet, and numbers as the API server writes them.

use serde_json::{Map, Value, json};

/// Completes a definition.
pub(super) fn complete(mut crd: Value) -> Value {
    // Whoever deletes or prunes an installation keeps the definitions, and with them every object.
    let annotations = json!({
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "helm.sh/resource-policy": "keep",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    });
    set(&mut crd, "/metadata", "annotations", annotations);
    let versions = crd.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    for schema in versions.into_iter().flatten().filter_map(|version| version.pointer_mut("/schema/openAPIV3Schema")) {
        tidy(schema);
        set(schema, "/properties/status", "default", unseen());
        set(schema, "/properties/status", "description", json!("What the KDC has made of the object."));
    }
    crd
}

/// Sets a key of the object at a JSON pointer, where there is one.
fn set(value: &mut Value, pointer: &str, key: &str, to: Value) {
    if let Some(object) = value.pointer_mut(pointer).and_then(Value::as_object_mut) {
        object.insert(key.to_owned(), to);
    }
}

/// The status of an object before the KDC has seen it: without one, kstatus and Argo CD would call it healthy.
fn unseen() -> Value {
    json!({
        "observedGeneration": -1,
        "conditions": [{
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "no KDC has seen this object yet: kennel status says whether that of its realm follows the cluster",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }],
    })
}

/// Takes out of a schema what API conventions discourage: `nullable`, which enums contradict, and titles. Writes whole numbers
/// without a fraction.
fn tidy(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("nullable");
    schema.remove("title");
    for bound in ["minimum", "maximum"] {
        if let Some(whole) = schema.get(bound).and_then(Value::as_f64).and_then(whole) {
            schema.insert(bound.to_owned(), json!(whole));
        }
    }
    for (key, below) in schema.iter_mut() {
        match key.as_str() {
            "properties" => below.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(tidy),
            "items" | "additionalProperties" => tidy(below),
            "anyOf" | "oneOf" | "allOf" => below.as_array_mut().into_iter().flatten().for_each(tidy),
            _ => {}
        }
    }
}

/// The number without its fraction, where that is zero.
fn whole(number: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "bounds of the schema are far below 2^53")]
    let truncated = number as i64;
    (number.fract() == 0.0).then_some(truncated)
}

#[cfg(test)]
mod tests {
    use crate::crd::definitions;
    use serde_json::Value;

    /// Calls `visit` with each schema below this one, and its path.
    fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
        visit(path, schema);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), property, visit);
        }
        for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
            if schema[key].is_object() {
                walk(&format!("{path}{suffix}"), &schema[key], visit);
            }
        }
    }

    fn every_schema(mut visit: impl FnMut(&str, &Value)) {
        for crd in definitions().unwrap() {
            let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            walk(crd["spec"]["names"]["kind"].as_str().unwrap(), schema, &mut visit);
        }
    }

    #[test]
    fn every_list_says_how_two_writers_share_it() {
        every_schema(|path, schema| {
            if schema["type"] == "array" {
                let kind = schema["x-kubernetes-list-type"].as_str();
                assert!(matches!(kind, Some("set" | "atomic" | "map")), "{path}: {kind:?}");
                assert!(schema["maxItems"].is_u64(), "{path} has no bound");
            }
        });
    }

    #[test]
    fn nothing_is_nullable_or_titled_and_no_number_has_a_fraction() {
        every_schema(|path, schema| {
            assert!(schema.get("nullable").is_none() && schema.get("title").is_none(), "{path}");
            for bound in ["minimum", "maximum"] {
                assert!(schema.get(bound).is_none_or(Value::is_i64), "{path}: {}", schema[bound]);
            }
        });
    }

    #[test]
    fn only_the_status_has_a_default() {
        every_schema(|path, schema| {
            let is_status = path.ends_with(".status") && path.matches('.').count() == 1;
            assert_eq!(schema.get("default").is_some(), is_status, "{path}");
        });
    }

    #[test]
    fn every_field_that_people_write_has_a_description() {
        every_schema(|path, schema| {
            let is_field = path.contains(".spec.") && !path.ends_with("[]") && !path.ends_with("{}");
            let text = schema["description"].as_str().unwrap_or_default();
            assert!(!is_field || text.len() > 3, "{path}");
            assert!(!text.contains("Auto-generated"), "{path}: {text}");
        });
    }

    #[test]
    fn the_description_of_an_optional_field_is_its_own_and_not_that_of_its_type() {
        let mut seen = 0;
        every_schema(|path, schema| {
            let own = match path {
                "KerberosPrincipal.spec.accessMode" => "By default that of the namespace",
                "KerberosRealm.spec.access.defaultMode" => "where neither the server nor namespaceModes says",
                "KerberosRealm.spec.network.egress" => "Whether enrolled pods may talk to everybody",
                _ => return,
            };
            seen += 1;
            assert!(schema["description"].as_str().unwrap().replace('\n', " ").contains(own), "{path}: {schema}");
        });
        assert_eq!(seen, 3);
    }
}
