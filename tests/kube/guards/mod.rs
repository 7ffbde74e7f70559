//! deploy/guards by attack: an API server of its own with the policies, in which each attempt is a user's with the roles that the user
//! would have at most.
//!
//! | module | what |
//! |---|---|
//! | [`labels`] | the label `kennel.dev/service-account` of pods, by every way to a pod |
//! | [`enrolment`] | who puts a namespace into a realm, takes it out, and sets labels that a realm goes by |
//! | [`deletion`] | realms in use and definitions |
//! | [`report`] | what the KDC says of the guards |
//! | [`without_mutation`] | clusters that serve no MutatingAdmissionPolicy |

mod deletion;
mod enrolment;
mod labels;
mod report;
mod without_mutation;

use anyhow::Result;
use kennel_tests::kube::{Api, eventually, root};
use kennel_tests::kubectl::utf8;
use kennel_tests::once::Once;
use kennel_tests::process::Run;
use std::time::Duration;

/// Part of every refusal of a label.
const FORGED: &str = "the label kennel.dev/service-account of a pod is its service account and stays so";
/// Users, and what RBAC lets them do. `tenant` may write pods of namespaces `shop` (in a realm) and `free` (in none) by all ways there
/// are, also those that the built-in role `edit` has not.
const OBJECTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: free}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {kennel.dev/realm: prod}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant}
rules:
  - {apiGroups: [''], resources: [pods, pods/status, pods/ephemeralcontainers, pods/resize, pods/binding, bindings], verbs: ['*']}
  - {apiGroups: [apps], resources: [deployments], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: namespace-editor}
rules:
  - {apiGroups: [''], resources: [namespaces, namespaces/status, namespaces/finalize], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: enroll-prod}
rules:
  - {apiGroups: [kennel.dev], resources: [kerberosrealms], resourceNames: [prod], verbs: [enroll]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tenant}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tenant}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: tenant}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: namespace-editor}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: namespace-editor}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: editor}
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: enroller}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: enroll-prod}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: enroll-prod}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: enroller}]
---
apiVersion: v1
kind: Node
metadata: {name: n1}
";
/// From before the guards: without the label, and with another account's.
const OLD_PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: free}
spec: {serviceAccountName: web, nodeName: n1, containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: forged-before, namespace: free, labels: {kennel.dev/service-account: cart}}
spec: {serviceAccountName: web, nodeName: n1, containers: [{name: c, image: i}]}
";

/// The API server of these tests.
fn api() -> Result<&'static Api> {
    static GUARDED: Once<Api> = Once::new();
    GUARDED.get_or_make(|| {
        let api = Api::alone()?;
        api.apply(OBJECTS)?;
        for namespace in ["free", "shop"] {
            for account in ["cart", "web", &"a".repeat(64)] {
                api.kubectl(&["create", "serviceaccount", account, "-n", namespace], "")?.ok()?;
            }
        }
        api.apply(OLD_PODS)?;
        api.kubectl(&["apply", "-k", utf8(&root().join("deploy/guards"))?], "")?.ok()?;
        eventually(Duration::from_secs(20), "the policies act", || act(&api))?;
        Ok(api)
    })
}

/// One attempt for each policy whose tests do not repeat it.
fn act(api: &Api) -> Result<Option<()>> {
    let dry = |yaml: &str, user: &str| api.kubectl(&["create", "--as", user, "--dry-run=server", "-f", "-"], yaml);
    dry(&pod("free", "p", "web", "kennel.dev/service-account: cart"), "tenant")?.refused(FORGED)?;
    let made = dry(&pod("shop", "p", "web", ""), "tenant")?;
    dry(&namespace("probe", "kennel.dev/realm: prod"), "editor")?.refused("verb enroll")?;
    api.kubectl(&["delete", "--dry-run=server", "crd", "kerberosrealms.kennel.dev"], "")?
        .refused("kennel.dev/deletion")?;
    Ok(made.status.success().then_some(()))
}

/// Runs kubectl as a user.
fn attempt(user: &str, arguments: &[&str], input: &str) -> Result<Run> {
    api()?.kubectl(&[arguments, &["--as", user]].concat(), input)
}

fn create(user: &str, yaml: &str) -> Result<Run> {
    attempt(user, &["create", "-f", "-"], yaml)
}

fn pod(namespace: &str, name: &str, account: &str, labels: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}\n\
         spec: {{serviceAccountName: {account}, containers: [{{name: c, image: i}}]}}\n"
    )
}

fn namespace(name: &str, labels: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n")
}

/// The label of a pod; empty where it has none.
fn label_of(namespace: &str, pod: &str) -> Result<String> {
    api()?.json_path(&["pod", pod, "-n", namespace], r"{.metadata.labels.kennel\.dev/service-account}")
}
