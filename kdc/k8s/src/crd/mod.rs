//! Our custom resources, `kennel.dev/v1alpha1`: their schemas, with rules (CEL) whose messages say what to do. `crdgen` makes
//! the manifests in `deploy/crds` from these types; the documentation of a field is its description there.
//!
//! | module | what |
//! |---|---|
//! | [`realm`] | KerberosRealm, cluster-wide: a realm and the namespaces that it enrols |
//! | [`principal`] | KerberosPrincipal: the services of an account |
//! | [`access`] | KerberosAccess: the clients of a service |
//! | [`duration`] | durations as people write them, `10h` |
//! | `conditions_schema` | the schema of `status.conditions` |

pub mod access;
pub mod duration;
pub mod principal;
pub mod realm;

mod conditions_schema;

pub use access::KerberosAccess;
pub use principal::KerberosPrincipal;
pub use realm::KerberosRealm;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The definitions of all our custom resources.
#[must_use]
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![KerberosRealm::crd(), KerberosPrincipal::crd(), KerberosAccess::crd()]
}

/// Returns file name and text of each definition's manifest.
///
/// # Errors
/// A definition that cannot be written as YAML: a mistake in these types.
pub fn manifests() -> Result<Vec<(String, String)>, String> {
    let manifest = |crd: &CustomResourceDefinition| {
        let name = crd.metadata.name.clone().unwrap_or_default();
        let value = serde_json::to_value(crd).map_err(|error| error.to_string())?;
        let text = serde_saphyr::to_string(&value).map_err(|error| error.to_string())?;
        Ok((format!("{name}.yaml"), format!("# Made by crdgen from kdc/k8s/src/crd: do not edit.\n{text}")))
    };
    definitions().iter().map(manifest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_manifests_in_deploy_are_those_of_these_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crds");
        let manifests = manifests().unwrap();
        let names: Vec<&str> = manifests.iter().map(|(name, _)| &**name).collect();
        let expected = ["kerberosrealms", "kerberosprincipals", "kerberosaccesses"];
        assert_eq!(names, expected.map(|plural| format!("{plural}.kennel.dev.yaml")));
        for (name, text) in manifests {
            let written = std::fs::read_to_string(folder.join(&name)).unwrap();
            assert!(written == text, "deploy/crds/{name}: run cargo run -p kennel-k8s --bin crdgen, and commit it");
        }
    }

    #[test]
    fn conditions_are_merged_by_their_type_in_every_kind() {
        for crd in definitions() {
            let value = serde_json::to_value(&crd).unwrap();
            let status = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/conditions";
            let conditions = value.pointer(status).unwrap();
            assert_eq!(conditions["x-kubernetes-list-type"], "map", "{:?}", crd.metadata.name);
            assert_eq!(conditions["x-kubernetes-list-map-keys"][0], "type");
        }
    }
}
