//! Our custom resources, `kennel.dev/v1alpha1`: their schemas, with rules (CEL) whose messages say what to do. `crdgen` makes
//! the manifests in `deploy/crds` from these types; the documentation of a field is its description there.
//!
//! | module | what |
//! |---|---|
//! | [`realm`] | KerberosRealm, cluster-wide: a realm and the namespaces that it enrols |
//! | [`realm_access`] | its part about access: modes, consent, trusted labels |
//! | [`realm_network`] | its part about NetworkPolicies |
//! | [`realm_names`] | its part about host names |
//! | [`realm_limits`] | the most that a namespace or an object may ask for |
//! | [`principal`] | KerberosPrincipal: the services of an account |
//! | [`access`] | KerberosAccess: who may call services |
//! | [`peer`] | who calls, and what is called |
//! | [`network_peer`] | peers that addresses or labels tell apart |
//! | [`port`] | ports of pods |
//! | [`credentials`] | credentials of accounts |
//! | [`enctype`] | enctypes by their names |
//! | [`rotation`] | when keys are replaced |
//! | [`duration`] | durations as people write them, `10h` |
//! | `manifest` | what a definition has beside its schema |
//! | `schema` | schemas that several kinds share |
//! | `selector` | the schema of label selectors |

pub mod access;
pub mod credentials;
pub mod duration;
pub mod enctype;
pub mod network_peer;
pub mod peer;
pub mod port;
pub mod principal;
pub mod realm;
pub mod realm_access;
pub mod realm_limits;
pub mod realm_names;
pub mod realm_network;
pub mod rotation;

mod manifest;
mod schema;
mod selector;

pub use access::KerberosAccess;
pub use principal::KerberosPrincipal;
pub use realm::KerberosRealm;

use kube::CustomResourceExt;
use serde_json::Value;

/// The definitions of all our custom resources, as the API server takes them.
///
/// # Errors
/// A definition that is no JSON: a mistake in these types.
pub fn definitions() -> Result<Vec<Value>, String> {
    let crds = [KerberosRealm::crd(), KerberosPrincipal::crd(), KerberosAccess::crd()];
    let value = |crd| serde_json::to_value(crd).map(manifest::complete).map_err(|error| error.to_string());
    crds.into_iter().map(value).collect()
}

/// Returns file name and text of each definition's manifest.
///
/// # Errors
/// A definition that cannot be written as YAML: a mistake in these types.
pub fn manifests() -> Result<Vec<(String, String)>, String> {
    let manifest = |crd: Value| {
        let name = crd.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let text = serde_saphyr::to_string(&crd).map_err(|error| error.to_string())?;
        Ok((format!("{name}.yaml"), format!("# Made by crdgen from kdc/k8s/src/crd: do not edit.\n{text}")))
    };
    definitions()?.into_iter().map(manifest).collect()
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
        for value in definitions().unwrap() {
            let status = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/conditions";
            let conditions = value.pointer(status).unwrap();
            assert_eq!(conditions["x-kubernetes-list-type"], "map", "{}", value["metadata"]["name"]);
            assert_eq!(conditions["x-kubernetes-list-map-keys"][0], "type");
        }
    }
}
