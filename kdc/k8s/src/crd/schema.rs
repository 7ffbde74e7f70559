//! Schemas that several kinds share.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A list of conditions that the API server merges by type.
pub(super) fn conditions_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "description": "What is true of this object now, by type.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "maxItems": 16,
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": { "type": "string", "maxLength": 316 },
                "status": { "type": "string", "enum": ["True", "False", "Unknown"] },
                "observedGeneration": { "type": "integer", "format": "int64", "minimum": 0 },
                "lastTransitionTime": { "type": "string", "format": "date-time" },
                "reason": { "type": "string", "maxLength": 1024, "minLength": 1 },
                "message": { "type": "string", "maxLength": 32768 }
            }
        }
    })
}

/// A time in RFC 3339.
pub(super) fn time_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// Removes the description of an enum's own type: it would replace that of an optional field.
pub(super) fn without_description(schema: &mut Schema) {
    schema.remove("description");
}
