//! Every name by which a cluster knows Kennel's objects and fields, once. `deploy` and the attributes of the custom resources
//! write some of them out again, since YAML and macros cannot refer to these constants.

/// The API group of the custom resources.
pub const GROUP: &str = "kennel.dev";

/// The field manager of everything that the KDC writes, and the controller that its Events name.
pub const FIELD_MANAGER: &str = "kennel-kdc";

/// A label and the value that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The key: `kennel.dev/inject`.
    pub key: &'static str,
    /// The value: `enabled`.
    pub value: &'static str,
}

impl Label {
    /// As `kubectl -l` takes it: `kennel.dev/inject=enabled`.
    #[must_use]
    pub fn selector(self) -> String {
        format!("{}={}", self.key, self.value)
    }

    /// As an entry of `metadata.labels`.
    #[must_use]
    pub fn entry(self) -> (String, String) {
        (self.key.to_owned(), self.value.to_owned())
    }
}

/// Key of the label of a namespace whose value is the name of the KerberosRealm that enrols it, unless that has another selector.
pub const REALM: &str = "kennel.dev/realm";

/// Asks the admission policy in `deploy/injection` to put an agent into a pod.
pub const INJECT: Label = Label { key: "kennel.dev/inject", value: "enabled" };

/// Annotation of a pod of several users: `each` of them gets files of its own, or the files are `shared`, which is meant so.
pub const USERS: &str = "kennel.dev/users";

/// Annotation of a pod: what its agent does after it has replaced the keytab.
pub const ON_CHANGE: &str = "kennel.dev/on-change";

/// Value of [`ON_CHANGE`]: the KDC restarts the pod's workload.
pub const ROLLOUT: &str = "rollout";

/// Annotation that the KDC changes in a pod template to have the pods replaced, as `kubectl rollout restart` does with its own:
/// the time of the restart, RFC 3339.
pub const RESTARTED_AT: &str = "kennel.dev/restarted-at";

/// Marks the objects that the KDC made, so that it deletes and overwrites no other.
pub const MANAGED_BY: Label = Label { key: "app.kubernetes.io/managed-by", value: FIELD_MANAGER };

/// Label of a pod: its service account. Admission policies set it and let nobody forge it, so that NetworkPolicies can select
/// accounts.
pub const SERVICE_ACCOUNT: &str = "kennel.dev/service-account";

/// Longest value of a label, and so longest name of an account whose pods a policy can select. A digest could not take its place: the
/// admission policies that keep the label from being forged cannot compute one.
pub const LONGEST_LABEL: usize = 63;

/// Marks the pods of the KDC.
pub const KDC_POD: Label = Label { key: "app.kubernetes.io/name", value: "kennel-kdc" };

/// Name of the service account of the KDC's pods, in the KDC's namespace.
pub const KDC_ACCOUNT: &str = "kennel-kdc";

/// Annotation of a realm's Lease: id of the master key of the store that holds the realm.
pub const STORE: &str = "kennel.dev/store";

/// Annotation of a realm's Lease: the highest revision that the store is known to have reached.
pub const STORE_REVISION: &str = "kennel.dev/store-revision";

/// Annotation of an enrolled namespace's ConfigMap: the realm whose KDC wrote it, and which alone deletes it.
pub const REALM_NAME: &str = "kennel.dev/realm-name";

/// Name of the container that the admission policy puts into pods.
pub const AGENT_CONTAINER: &str = "kennel-agent";

/// Name of the ConfigMap that enrolled namespaces get.
pub const CONFIG_MAP: &str = "kennel-krb5";

/// Key of the keytab in a keytab Secret.
pub const KEYTAB_KEY: &str = "keytab";

#[cfg(test)]
mod tests {
    use super::*;
    use kube::Resource;

    #[test]
    fn a_label_reads_as_a_selector_and_as_an_entry() {
        assert_eq!(INJECT.selector(), "kennel.dev/inject=enabled");
        assert_eq!(INJECT.entry(), ("kennel.dev/inject".to_owned(), "enabled".to_owned()));
    }

    #[test]
    fn our_labels_are_under_our_group_which_is_that_of_the_custom_resources() {
        assert_eq!(crate::crd::realm::KerberosRealm::group(&()), GROUP);
        for name in [REALM, INJECT.key, USERS, STORE, STORE_REVISION, SERVICE_ACCOUNT] {
            assert!(name.starts_with(&format!("{GROUP}/")), "{name}");
        }
    }
}
