//! Injection by the API server: which pods get the agent, and what of theirs stays as it is.

use anyhow::{Context, Result};
use kennel_tests::kube::{Api, eventually};
use serde_json::{Value, json};
use std::sync::OnceLock;
use std::time::Duration;

const POLICY: &str = include_str!("../../deploy/injection/policy.yaml");
const BINDING: &str = include_str!("../../deploy/overlays/dev/injection.yaml");

/// An API server with the policy, and a namespace for pods.
fn api() -> Result<&'static Api> {
    static READY: OnceLock<std::result::Result<(), String>> = OnceLock::new();
    let api = Api::shared()?;
    let made = READY.get_or_init(|| prepare(api).map_err(|error| format!("{error:#}")));
    made.clone().map_err(anyhow::Error::msg)?;
    Ok(api)
}

fn prepare(api: &Api) -> Result<()> {
    api.apply(POLICY)?;
    api.apply(&BINDING.replace("name: dev", "name: inject").replace("realm: dev", "realm: inject"))?;
    api.apply(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {name: inject}\n\
         spec: {realmName: INJECT.TEST, injection: {image: 'agent:1', server: 'https://kdc:8443'}}\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata: {name: inject, labels: {kennel.dev/realm: inject}}\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata: {name: elsewhere}\n---\n\
         apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: inject}\n---\n\
         apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: elsewhere}\n",
    )?;
    // A new policy acts a moment after it was made.
    eventually(Duration::from_secs(20), "the policy acts", || {
        let pod = created(api, "inject", &pod(json!({})))?;
        Ok(agent(&pod).is_some().then_some(()))
    })
}

fn pod(spec: Value) -> Value {
    let mut whole = json!({ "serviceAccountName": "a", "containers": [{ "name": "app", "image": "i" }] });
    if let (Some(whole), Value::Object(spec)) = (whole.as_object_mut(), spec) {
        whole.extend(spec);
    }
    let labels = json!({ "kennel.dev/inject": "enabled" });
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "generateName": "p-", "labels": labels }, "spec": whole })
}

/// The pod as it would be, in this namespace.
fn created(api: &Api, namespace: &str, pod: &Value) -> Result<Value> {
    let run =
        api.kubectl(&["create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-"], &pod.to_string())?;
    Ok(serde_json::from_str(&run.ok()?.stdout)?)
}

fn list<'a>(pod: &'a Value, pointer: &str) -> &'a [Value] {
    pod.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn named<'a>(of: &'a [Value], name: &str) -> Option<&'a Value> {
    of.iter().find(|item| item.get("name").and_then(Value::as_str) == Some(name))
}

fn agent(pod: &Value) -> Option<&Value> {
    named(list(pod, "/spec/initContainers"), "kennel-agent")
}

/// The value of a variable of a container.
fn env<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    named(list(container, "/env"), name)?.get("value")?.as_str()
}

fn has_credentials(container: &Value) -> bool {
    env(container, "KRB5CCNAME") == Some("FILE:/var/run/kennel/ccache")
        && named(list(container, "/volumeMounts"), "kennel").is_some()
}

#[test]
fn a_pod_with_the_label_gets_agent_volumes_and_variables() -> Result<()> {
    let pod = created(api()?, "inject", &pod(json!({})))?;
    let agent = agent(&pod).context("no agent")?;
    assert_eq!(agent.pointer("/image"), Some(&json!("agent:1")));
    assert_eq!(agent.pointer("/restartPolicy"), Some(&json!("Always")), "a Job completes without it");
    assert_eq!(agent.pointer("/securityContext/runAsNonRoot"), Some(&json!(true)));
    assert_eq!(agent.pointer("/resources/limits/memory"), Some(&json!("64Mi")), "quotas want to know");
    assert!(list(&pod, "/spec/containers").iter().all(has_credentials));
    let token = named(list(&pod, "/spec/volumes"), "kennel-token").context("no token")?;
    assert_eq!(
        token.pointer("/projected/sources/0/serviceAccountToken/audience"),
        Some(&json!("kennel://INJECT.TEST"))
    );
    Ok(())
}

#[test]
fn every_container_gets_credentials_and_the_agent_is_the_first() -> Result<()> {
    let spec = json!({
        "initContainers": [{ "name": "migrate", "image": "i" }],
        "containers": [{ "name": "app", "image": "i" }, { "name": "proxy", "image": "i" }],
    });
    let pod = created(api()?, "inject", &pod(spec))?;
    let order: Vec<_> = list(&pod, "/spec/initContainers").iter().filter_map(|c| c.get("name")?.as_str()).collect();
    assert_eq!(order, ["kennel-agent", "migrate"]);
    assert!(named(list(&pod, "/spec/initContainers"), "migrate").is_some_and(has_credentials));
    assert_eq!(list(&pod, "/spec/containers").iter().filter(|c| has_credentials(c)).count(), 2);
    Ok(())
}

#[test]
fn what_a_pod_says_itself_stays() -> Result<()> {
    let spec = json!({
        "containers": [{
            "name": "app", "image": "i",
            "env": [{ "name": "KRB5_CONFIG", "value": "/etc/krb5.conf" }, { "name": "OTHER", "value": "x" }],
            "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
            "securityContext": { "runAsUser": 7 },
        }],
        "volumes": [{ "name": "data", "emptyDir": {} }],
        "hostNetwork": true,
    });
    let pod = created(api()?, "inject", &pod(spec))?;
    let app = named(list(&pod, "/spec/containers"), "app").context("no app")?;
    assert_eq!((env(app, "KRB5_CONFIG"), env(app, "OTHER")), (Some("/etc/krb5.conf"), Some("x")));
    assert!(has_credentials(app) && named(list(app, "/volumeMounts"), "data").is_some());
    assert_eq!(app.pointer("/securityContext/runAsUser"), Some(&json!(7)));
    assert_eq!(pod.pointer("/spec/hostNetwork"), Some(&json!(true)));
    assert_eq!(pod.pointer("/spec/dnsPolicy"), Some(&json!("ClusterFirstWithHostNet")), "the KDC has a name to find");
    assert!(named(list(&pod, "/spec/volumes"), "data").is_some());
    Ok(())
}

#[test]
fn a_dns_policy_that_was_chosen_stays() -> Result<()> {
    let policy = |spec: Value| -> Result<Option<Value>> {
        Ok(created(api()?, "inject", &pod(spec))?.pointer("/spec/dnsPolicy").cloned())
    };
    assert_eq!(policy(json!({ "hostNetwork": true, "dnsPolicy": "Default" }))?, Some(json!("Default")));
    assert_eq!(policy(json!({}))?, Some(json!("ClusterFirst")), "on the pods' own network names are found");
    Ok(())
}

/// The user that the agent of a pod runs as, and the mode of its files.
fn user_and_mode(spec: Value) -> Result<(i64, String)> {
    let pod = created(api()?, "inject", &pod(spec))?;
    let agent = agent(&pod).context("no agent")?;
    let user = agent.pointer("/securityContext/runAsUser").and_then(Value::as_i64).context("no user")?;
    Ok((user, env(agent, "KENNEL_AGENT_MODE").unwrap_or_default().to_owned()))
}

#[test]
fn files_are_open_to_the_group_alone_where_the_pod_has_one() -> Result<()> {
    assert_eq!(user_and_mode(json!({ "securityContext": { "fsGroup": 1000 } }))?, (65_532, "0660".into()));
    assert_eq!(user_and_mode(json!({}))?, (65_532, "0666".into()));
    Ok(())
}

#[test]
fn files_are_those_of_the_one_user_that_the_pod_runs_as_and_closed_to_all_others() -> Result<()> {
    // Heimdal refuses a cache of another user, and one that others may read.
    let app = |user: Option<i64>| match user {
        Some(user) => json!({ "name": format!("u{user}"), "image": "i", "securityContext": { "runAsUser": user } }),
        None => json!({ "name": "app", "image": "i" }),
    };
    let init = |user: i64| json!({ "name": "init", "image": "i", "securityContext": { "runAsUser": user } });
    for spec in [
        json!({ "securityContext": { "runAsUser": 1000 } }),
        json!({ "securityContext": { "runAsUser": 1000, "fsGroup": 2000 } }),
        json!({ "containers": [app(Some(1000))] }),
        json!({ "securityContext": { "runAsUser": 7 }, "containers": [app(Some(1000))] }),
        json!({ "securityContext": { "runAsUser": 1000 }, "containers": [app(None), app(Some(1000))] }),
        json!({ "containers": [app(None), app(Some(1000))], "initContainers": [init(1000)], "securityContext": { "runAsUser": 1000 } }),
    ] {
        assert_eq!(user_and_mode(spec.clone())?, (1000, "0600".into()), "{spec}");
    }
    Ok(())
}

#[test]
fn files_stay_open_where_the_users_of_a_pod_are_several_or_root_or_not_known() -> Result<()> {
    let app = |user: i64| json!({ "name": format!("u{user}"), "image": "i", "securityContext": { "runAsUser": user } });
    for spec in [
        json!({ "containers": [app(1000), app(1001)] }),
        json!({ "containers": [app(1000), { "name": "b", "image": "i" }] }),
        json!({ "containers": [app(1000)], "initContainers": [{ "name": "b", "image": "i" }] }),
        json!({ "securityContext": { "runAsUser": 0 } }),
    ] {
        assert_eq!(user_and_mode(spec.clone())?, (65_532, "0666".into()), "{spec}");
    }
    Ok(())
}

/// A pod of these containers, with an annotation.
fn annotated(containers: Value, key: &str, value: &str) -> Result<Value> {
    let mut pod = pod(json!({ "containers": containers }));
    let metadata = pod.pointer_mut("/metadata").and_then(Value::as_object_mut).context("no object")?;
    metadata.extend([("annotations".to_owned(), json!({ key: value }))]);
    created(api()?, "inject", &pod)
}

#[test]
fn each_user_has_files_of_its_own_where_the_pod_asks_for_that() -> Result<()> {
    let app = |name: &str, user: Value| json!({ "name": name, "image": "i", "securityContext": { "runAsUser": user } });
    let containers =
        json!([app("a", json!(1000)), app("b", json!(1001)), app("c", json!(1000)), app("d", Value::Null)]);
    let pod = annotated(containers.clone(), "kennel.dev/users", "each")?;
    let ours = agent(&pod).context("no agent")?;
    assert_eq!(env(ours, "KENNEL_AGENT_USERS"), Some("1000,1001,1000"));
    assert_eq!(env(ours, "KENNEL_AGENT_MODE"), Some("0666"), "for the user that is not known");
    assert_eq!(
        ours.pointer("/securityContext/capabilities"),
        Some(&json!({ "add": ["CHOWN"], "drop": ["ALL"] })),
        "what it takes to give files away, and no more"
    );
    assert_eq!(ours.pointer("/securityContext/runAsUser"), Some(&json!(0)));
    for (name, folder) in [("a", "/1000"), ("b", "/1001"), ("c", "/1000"), ("d", "")] {
        let container = named(list(&pod, "/spec/containers"), name).context("no container")?;
        assert_eq!(env(container, "KRB5CCNAME"), Some(&*format!("FILE:/var/run/kennel{folder}/ccache")));
        assert_eq!(env(container, "KRB5_KTNAME"), Some(&*format!("FILE:/var/run/kennel{folder}/keytab")));
        assert_eq!(env(container, "KRB5_CONFIG"), Some("/var/run/kennel/krb5.conf"));
    }
    // Otherwise root has no part in it: nobody asks, or nobody has to be told apart.
    for (containers, value) in
        [(containers, "shared"), (json!([app("a", json!(1000))]), "each"), (json!([app("d", Value::Null)]), "each")]
    {
        let pod = annotated(containers, "kennel.dev/users", value)?;
        let ours = agent(&pod).context("no agent")?;
        assert_eq!(
            (env(ours, "KENNEL_AGENT_USERS"), ours.pointer("/securityContext/runAsNonRoot")),
            (None, Some(&json!(true)))
        );
        assert_eq!(ours.pointer("/securityContext/capabilities"), Some(&json!({ "drop": ["ALL"] })));
        assert!(list(&pod, "/spec/containers").iter().all(has_credentials));
    }
    Ok(())
}

#[test]
fn the_agent_is_told_what_to_do_after_a_change_where_the_pod_says_so() -> Result<()> {
    let on_change = |annotations: Value| -> Result<Option<String>> {
        let mut pod = pod(json!({}));
        pod.pointer_mut("/metadata")
            .and_then(Value::as_object_mut)
            .context("no object")?
            .extend([("annotations".to_owned(), annotations)]);
        let pod = created(api()?, "inject", &pod)?;
        Ok(env(agent(&pod).context("no agent")?, "KENNEL_AGENT_ON_CHANGE").map(str::to_owned))
    };
    let reload = "http://127.0.0.1:8080/reload";
    assert_eq!(on_change(json!({ "kennel.dev/on-change": reload }))?.as_deref(), Some(reload));
    assert_eq!(on_change(json!({ "other": "x" }))?, None);
    Ok(())
}

#[test]
fn a_job_s_pods_get_the_agent_too() -> Result<()> {
    let api = api()?;
    let template = json!({
        "metadata": { "labels": { "kennel.dev/inject": "enabled" } },
        "spec": { "serviceAccountName": "a", "restartPolicy": "Never", "containers": [{ "name": "app", "image": "i" }] },
    });
    let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "job", "namespace": "inject" }, "spec": { "template": template } });
    api.apply(&job.to_string())?;
    let made = eventually(Duration::from_secs(20), "the Job's pod is there", || {
        let pods = api.json_path(&["pods", "-n", "inject", "-l", "batch.kubernetes.io/job-name=job"], "{.items[0]}")?;
        Ok(Some(serde_json::from_str::<Value>(&pods)?))
    })?;
    assert!(agent(&made).is_some_and(|agent| agent.pointer("/restartPolicy") == Some(&json!("Always"))), "{made}");
    Ok(())
}

#[test]
fn a_pod_without_the_label_of_another_namespace_or_with_an_agent_of_its_own_stays_as_it_is() -> Result<()> {
    let api = api()?;
    let mut plain = pod(json!({}));
    plain.pointer_mut("/metadata/labels").context("no labels")?.as_object_mut().context("no object")?.clear();
    assert!(agent(&created(api, "inject", &plain)?).is_none());
    assert!(agent(&created(api, "elsewhere", &pod(json!({})))?).is_none());
    let own = created(api, "inject", &pod(json!({ "initContainers": [{ "name": "kennel-agent", "image": "mine" }] })))?;
    assert_eq!(list(&own, "/spec/initContainers").len(), 1);
    Ok(())
}
