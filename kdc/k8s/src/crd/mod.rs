//! Our custom resources, `kennel.dev/v1alpha1`: their schemas, with rules (CEL) whose messages say what to do. The manifests
//! in `deploy/crds` are made from these types by `crdgen`.
//!
//! | module | what |
//! |---|---|
//! | [`realm`] | KerberosRealm, cluster-wide: a realm and what it enrols |
//! | [`principal`] | KerberosPrincipal: the services of an account |
//! | [`access`] | KerberosAccess: who may call a service |
//! | [`duration`] | durations as people write them, `10h` |

pub mod access;
pub mod duration;
pub mod principal;
pub mod realm;

pub use access::KerberosAccess;
pub use duration::Duration;
pub use principal::KerberosPrincipal;
pub use realm::KerberosRealm;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// All of them.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    vec![KerberosRealm::crd(), KerberosPrincipal::crd(), KerberosAccess::crd()]
}

/// The manifest of each: file name and text.
///
/// # Errors
/// A definition that cannot be written as YAML: a mistake of ours.
pub fn manifests() -> Result<Vec<(String, String)>, String> {
    let manifest = |crd: &CustomResourceDefinition| {
        let name = crd.metadata.name.clone().unwrap_or_default();
        let value = serde_json::to_value(crd).map_err(|error| error.to_string())?;
        let text = serde_saphyr::to_string(&value).map_err(|error| error.to_string())?;
        Ok((format!("{name}.yaml"), format!("# Made by crdgen from kdc/k8s/src/crd: do not edit.\n{text}")))
    };
    all().iter().map(manifest).collect()
}

/// `status.conditions`: a list that is merged by type.
pub(crate) fn conditions_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
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
