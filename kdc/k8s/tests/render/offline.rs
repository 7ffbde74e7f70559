//! Files as a cluster: what is read, what is assumed, and what is wrong with a file.

use kennel_core::realm::Realm;
use kennel_k8s::policy::kind::PolicyKey;
use kennel_k8s::render::access::render;
use kennel_k8s::render::offline::OfflineCluster;
use std::path::PathBuf;

fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("kennel-offline-{}-{name}", std::process::id()));
    _ = std::fs::remove_dir_all(&folder);
    for (file, text) in files {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {kennel.dev/realm: dev}}\n";
const ACCESS: &str = "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {name: web}\n\
                      spec: {targetRefs: [{name: web}], allow: [{from: [{serviceAccount: {name: cart}}, {namespace: {name: batch}}]}]}\n";
const WEB: &str = "apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {name: web}\n\
                   spec: {serviceAccountName: web, serviceClasses: [HTTP], hosts: {services: [web]}}\n";
const LIST: &str = "apiVersion: v1\nkind: List\nitems:\n\
                    - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80, targetPort: http}]}}\n\
                    - apiVersion: batch/v1\n  kind: CronJob\n  metadata: {name: report}\n  spec:\n    schedule: '0 0 * * *'\n    jobTemplate:\n      spec:\n        template:\n          spec: {serviceAccountName: reporter, containers: [{name: c}]}\n\
                    - apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec:\n    template:\n      metadata: {labels: {app: web}}\n      spec: {serviceAccountName: web, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}\n\
                    - {apiVersion: v1, kind: ConfigMap, metadata: {name: other}}\n";

#[test]
fn a_folder_is_read_as_a_cluster_and_what_it_only_mentions_is_assumed_and_said() {
    let folder = folder(
        "whole",
        &[
            ("kustomization.yaml", "namespace: shop\nresources: [namespace.yaml]\n"),
            ("namespace.yaml", NAMESPACE),
            ("deep/er/access.yml", ACCESS),
            ("web.yaml", &format!("{WEB}---\n{LIST}---\n# nothing\n")),
            ("notes.txt", "no YAML: ["),
            (".hidden/secret.yaml", "no YAML: ["),
        ],
    );
    let cluster = OfflineCluster::read(&[&folder]).unwrap();
    assert_eq!((cluster.report.files, cluster.report.objects, &*cluster.realm), (3, 6, "DEV"));
    assert_eq!(cluster.report.skipped, [("ConfigMap".to_owned(), 1)].into());
    let expected = [
        "KerberosRealm for DEV with default settings",
        "Namespace batch, enrolled",
        "ServiceAccount shop/cart",
        "ServiceAccount shop/reporter",
        "ServiceAccount shop/web",
    ];
    assert_eq!(cluster.report.assumed, expected);
    let rendered = render(&cluster.index(Realm::new("DEV")), 0);
    let outcome = &rendered.accesses[&("shop".to_owned(), "web".to_owned())];
    assert_eq!(
        (outcome.targets, outcome.clients, &*outcome.problems),
        (1, 2, &[][..]),
        "kustomize gives the namespace"
    );
    let egress = &rendered.policies[&PolicyKey::network("batch", "kennel-egress")];
    let text = serde_json::to_string(egress).unwrap();
    assert!(text.contains("8080") && !text.contains("http"), "a named port is a number in egress: {text}");
    let ingress = &rendered.policies[&PolicyKey::network("shop", "kennel-ingress-web")];
    assert!(ingress.metadata().owner_references.is_none(), "no UID is made up");
    _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_what_is_wrong() {
    let wrong = |name: &str, text: &str| {
        let folder = folder(name, &[("a.yaml", NAMESPACE), ("wrong.yaml", text)]);
        let error = OfflineCluster::read(&[&folder]).map(|_| ()).unwrap_err().to_string();
        _ = std::fs::remove_dir_all(folder);
        error
    };
    let yaml = wrong("yaml", "a: [");
    assert!(yaml.contains("wrong.yaml: is no YAML:"), "{yaml}");
    let malformed = wrong("malformed", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: 7}\n");
    assert!(malformed.contains("wrong.yaml: Service default/web:"), "{malformed}");
    let nameless = wrong("nameless", "apiVersion: v1\nkind: Service\n");
    assert!(nameless.contains("has no metadata.name"), "{nameless}");
    let missing = OfflineCluster::read(&["/does/not/exist"]).map(|_| ()).unwrap_err().to_string();
    assert!(missing.starts_with("/does/not/exist: cannot be read:"), "{missing}");
    let no_realm = OfflineCluster::parse(LIST).map(|_| ()).unwrap_err().to_string();
    assert!(no_realm.contains("no KerberosRealm"), "{no_realm}");
}

#[test]
fn an_object_of_ours_that_cannot_be_read_is_told_in_its_outcome_and_stops_nobody() {
    let text = format!(
        "{NAMESPACE}---\n{}",
        ACCESS.replace("allow: [", "allow: 7, x: [").replace("name: web}\nspec", "name: web, namespace: shop}\nspec")
    );
    let cluster = OfflineCluster::parse(&text).unwrap();
    let rendered = render(&cluster.index(Realm::new("DEV")), 0);
    let problems = &rendered.accesses[&("shop".to_owned(), "web".to_owned())].problems;
    assert_eq!((problems[0].condition().name(), problems[0].reason()), ("Accepted", "Invalid"));
}
