//! The schema of label selectors. An operator that Kubernetes does not know is refused when it is written: a selector that cannot
//! be read would select nothing.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

/// A label selector that may be empty, which then matches everything.
pub(super) fn selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "type": "object",
                "description": "Labels that the object has, each with this value.",
                "maxProperties": 16,
                "additionalProperties": { "type": "string", "maxLength": 63 }
            },
            "matchExpressions": {
                "type": "array",
                "description": "Further requirements, all of which hold.",
                "x-kubernetes-list-type": "atomic",
                "maxItems": 16,
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": { "type": "string", "description": "Key of a label.", "maxLength": 317 },
                        "operator": {
                            "type": "string",
                            "description": "Relation of the label's value to values.",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"]
                        },
                        "values": {
                            "type": "array",
                            "description": "Values, for In and NotIn.",
                            "x-kubernetes-list-type": "atomic",
                            "maxItems": 32,
                            "items": { "type": "string", "maxLength": 63 }
                        }
                    },
                    "x-kubernetes-validations": [{
                        "rule": "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
                        "message": "In and NotIn need values; Exists and DoesNotExist take none: remove values or change operator"
                    }]
                }
            }
        }
    })
}

/// A label selector that asks for something.
pub(super) fn selector_of_some(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = selector(generator);
    schema.insert(
        "x-kubernetes-validations".to_owned(),
        json!([{
            "rule": "(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && size(self.matchExpressions) > 0)",
            "message": "an empty selector would be every namespace of the cluster: give matchLabels or matchExpressions"
        }]),
    );
    schema
}
