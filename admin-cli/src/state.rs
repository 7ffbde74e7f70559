//! The state of a realm and its KDC, gathered through the API server.

use crate::metrics::{ReplicaMetrics, parse_metrics};
use anyhow::Context;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kennel_k8s::connect;
use kennel_k8s::crd::{KerberosPrincipal, KerberosRealm};
use kennel_k8s::labels::{AGENT_CONTAINER, INJECT, KDC_POD, STORE, USERS};
use kennel_k8s::problem::condition::ConditionType;
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Config, ResourceExt};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// Port on which a pod of the KDC serves its metrics.
const METRICS: u16 = 9090;
/// Time in which a replica answers. The API server itself waits up to 30 seconds for a pod that drops packets.
const ANSWER: Duration = Duration::from_secs(5);

/// Everything that `kennel status` looks at.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterState {
    pub(crate) realms: Vec<RealmState>,
    pub(crate) replicas: Vec<ReplicaState>,
    /// Leases of realms: the store and the holder of each.
    pub(crate) leases: Vec<LeaseState>,
    /// KerberosPrincipals that are not ready.
    pub(crate) principals: Vec<PrincipalState>,
    /// Pods with the label that asks for credentials and without an agent: `NAMESPACE/NAME`.
    pub(crate) pods_without_agent: Vec<String>,
    /// Pods whose containers run as several users, and that do not say whose the files of the agent are: `NAMESPACE/NAME`.
    pub(crate) pods_of_several_users: Vec<String>,
}

/// A KerberosRealm.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RealmState {
    pub(crate) name: String,
    pub(crate) realm: String,
    pub(crate) ready: bool,
    pub(crate) message: String,
    /// What the cluster lacks of the admission policies of deploy/guards; `None` where it has all, or no KDC has looked yet.
    pub(crate) unguarded: Option<String>,
    pub(crate) namespaces: Option<i32>,
    pub(crate) principals: Option<i32>,
}

/// A pod of the KDC.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReplicaState {
    pub(crate) name: String,
    pub(crate) ready: bool,
    pub(crate) restarts: i32,
    /// The kubelet's reason for a container that does not run.
    pub(crate) waiting: Option<String>,
    /// Its metrics; `None` where it does not answer.
    pub(crate) metrics: Option<ReplicaMetrics>,
}

/// The Lease of a realm.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LeaseState {
    pub(crate) name: String,
    pub(crate) store: String,
    pub(crate) holder: String,
    /// Time of the last renewal, seconds since the epoch.
    pub(crate) renewed: Option<i64>,
}

/// A KerberosPrincipal that is not ready.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PrincipalState {
    pub(crate) name: String,
    pub(crate) message: String,
}

/// Gathers the state; `namespace` is the KDC's.
pub(crate) async fn gather(config: &Config, namespace: &str) -> anyhow::Result<ClusterState> {
    let client = &connect::from_config(config.clone())?;
    // kube repeats a request that got 503 up to 15 times, for 80 seconds. The API server answers so for each replica that refuses
    // the connection, which is a finding and no reason to wait.
    let once = connect::from_config(without_retry(config.clone()))?;
    let pods = Api::<Pod>::all(client.clone()).list(&ListParams::default().labels(&INJECT.selector())).await?.items;
    Ok(ClusterState {
        realms: realms(client).await.context("KerberosRealms cannot be listed: is deploy/crds applied?")?,
        replicas: replicas(client, &once, namespace).await?,
        leases: leases(client, namespace).await?,
        principals: principals(client).await?,
        pods_without_agent: names(&pods, |pod| !has_agent(pod)),
        pods_of_several_users: names(&pods, has_several_users),
    })
}

async fn realms(client: &Client) -> kube::Result<Vec<RealmState>> {
    let api = Api::<DeserializeGuard<KerberosRealm>>::all(client.clone());
    let realm = |guard: DeserializeGuard<KerberosRealm>| match guard.0 {
        Ok(object) => {
            let status = object.status.clone().unwrap_or_default();
            let (ready, message) = ready(&status.conditions);
            let unguarded = unguarded(&status.conditions);
            let (namespaces, principals) = (status.namespaces, status.principals);
            RealmState {
                name: object.name_any(),
                realm: object.spec.realm_name,
                ready,
                message,
                unguarded,
                namespaces,
                principals,
            }
        }
        Err(invalid) => {
            let name = invalid.metadata.name.unwrap_or_default();
            RealmState {
                name,
                realm: "?".into(),
                ready: false,
                message: invalid.error,
                unguarded: None,
                namespaces: None,
                principals: None,
            }
        }
    };
    Ok(api.list(&ListParams::default()).await?.into_iter().map(realm).collect())
}

async fn principals(client: &Client) -> kube::Result<Vec<PrincipalState>> {
    let api = Api::<DeserializeGuard<KerberosPrincipal>>::all(client.clone());
    let principal = |guard: DeserializeGuard<KerberosPrincipal>| match guard.0 {
        Ok(object) => {
            let (is_ready, message) = ready(&object.status.clone().unwrap_or_default().conditions);
            let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
            let message = if message.is_empty() { "no KDC has looked at it".to_owned() } else { message };
            (!is_ready).then_some(PrincipalState { name, message })
        }
        Err(invalid) => {
            let (namespace, name) =
                (invalid.metadata.namespace.unwrap_or_default(), invalid.metadata.name.unwrap_or_default());
            Some(PrincipalState { name: format!("{namespace}/{name}"), message: invalid.error })
        }
    };
    Ok(api.list(&ListParams::default()).await?.into_iter().filter_map(principal).collect())
}

/// Whether the condition `Ready` holds, and its message; without a message where no KDC has written the status yet.
fn ready(conditions: &[Condition]) -> (bool, String) {
    let is_told =
        |condition: &&Condition| condition.type_ == ConditionType::Ready.name() && condition.status != "Unknown";
    let ready = conditions.iter().find(is_told);
    ready.map_or((false, String::new()), |ready| (ready.status == "True", ready.message.clone()))
}

/// The message of the condition `Guarded` where it is false.
fn unguarded(conditions: &[Condition]) -> Option<String> {
    let guarded = conditions.iter().find(|condition| condition.type_ == ConditionType::Guarded.name())?;
    (guarded.status == "False").then(|| guarded.message.clone())
}

fn without_retry(mut config: Config) -> Config {
    config.default_retry = false;
    config
}

async fn replicas(client: &Client, once: &Client, namespace: &str) -> kube::Result<Vec<ReplicaState>> {
    let pods = Api::<Pod>::namespaced(client.clone(), namespace);
    let pods = pods.list(&ListParams::default().labels(&KDC_POD.selector())).await?;
    // All at once: several that do not answer take no longer than one.
    let asked = pods.items.into_iter().map(|pod| {
        let (once, namespace) = (once.clone(), namespace.to_owned());
        tokio::spawn(async move {
            let metrics = tokio::time::timeout(ANSWER, replica_metrics(&once, &namespace, &pod.name_any())).await;
            replica(pod, metrics.unwrap_or_default())
        })
    });
    let mut replicas = Vec::new();
    for replica in asked.collect::<Vec<_>>() {
        replicas.extend(replica.await.ok());
    }
    Ok(replicas)
}

fn replica(pod: Pod, metrics: Option<ReplicaMetrics>) -> ReplicaState {
    let name = pod.name_any();
    let status = pod.status.unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let containers = status.container_statuses.unwrap_or_default();
    let waiting = containers.iter().find_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
    ReplicaState {
        ready: conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"),
        restarts: containers.iter().map(|container| container.restart_count).sum(),
        name,
        waiting,
        metrics,
    }
}

/// `NAMESPACE/NAME` of the pods that are so.
fn names(pods: &[Pod], are_so: impl Fn(&Pod) -> bool) -> Vec<String> {
    let name = |pod: &Pod| format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
    pods.iter().filter(|pod| are_so(pod)).map(name).collect()
}

fn containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    let spec = pod.spec.iter();
    spec.flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers))
}

fn has_agent(pod: &Pod) -> bool {
    containers(pod).any(|container| container.name == AGENT_CONTAINER)
}

/// Whether containers beside an agent say that they run as different users, and nobody says that this is meant so.
fn has_several_users(pod: &Pod) -> bool {
    let of_pod = pod.spec.as_ref().and_then(|spec| spec.security_context.as_ref()?.run_as_user);
    let others = containers(pod).filter(|container| container.name != AGENT_CONTAINER);
    let users =
        others.filter_map(|container| container.security_context.as_ref().and_then(|c| c.run_as_user).or(of_pod));
    let users: BTreeSet<i64> = users.collect();
    has_agent(pod) && users.len() > 1 && !pod.annotations().contains_key(USERS)
}

/// Asks through the API server's proxy, since the pod's own address may not be reachable from here.
async fn replica_metrics(client: &Client, namespace: &str, pod: &str) -> Option<ReplicaMetrics> {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{METRICS}/proxy/metrics");
    let request = hyper::Request::get(path).body(Vec::new()).ok()?;
    client.request_text(request).await.ok().map(|text| parse_metrics(&text))
}

async fn leases(client: &Client, namespace: &str) -> kube::Result<Vec<LeaseState>> {
    let api = Api::<Lease>::namespaced(client.clone(), namespace);
    let lease = |object: Lease| {
        let store = object.annotations().get(STORE)?.clone();
        let name = object.name_any();
        let spec = object.spec.unwrap_or_default();
        let renewed = spec.renew_time.map(|time| time.0.as_second());
        Some(LeaseState { name, store, holder: spec.holder_identity.unwrap_or_default(), renewed })
    };
    Ok(api.list(&ListParams::default()).await?.into_iter().filter_map(lease).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(annotations: Value, spec: Value) -> Pod {
        let metadata = json!({ "namespace": "shop", "name": "cart", "annotations": annotations });
        serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
    }

    fn container(name: &str, user: Value) -> Value {
        json!({ "name": name, "securityContext": { "runAsUser": user } })
    }

    #[test]
    fn a_pod_has_several_users_where_its_containers_say_so_and_nobody_says_that_this_is_meant() {
        let agents = json!([container(AGENT_CONTAINER, json!(65_532))]);
        let of = |annotations: Value, users: [Value; 2], pod_user: Value| {
            let containers = json!([container("a", users[0].clone()), container("b", users[1].clone())]);
            let context = json!({ "runAsUser": pod_user });
            has_several_users(&pod(
                annotations,
                json!({ "containers": containers, "initContainers": agents, "securityContext": context }),
            ))
        };
        assert!(of(json!({}), [json!(1), json!(2)], Value::Null));
        assert!(of(json!({}), [json!(1), Value::Null], json!(2)));
        assert!(!of(json!({}), [json!(1), json!(1)], Value::Null), "the agent does not count");
        assert!(!of(json!({}), [json!(1), Value::Null], Value::Null), "the image may say the same user");
        assert!(!of(json!({ USERS: "shared" }), [json!(1), json!(2)], Value::Null));
        let without_agent = json!({ "containers": [container("a", json!(1)), container("b", json!(2))] });
        assert!(!has_several_users(&pod(json!({}), without_agent)));
    }
}
