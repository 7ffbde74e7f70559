//! What the cluster says, gathered through its API server.

use crate::metrics::{self, Numbers};
use anyhow::Context;
use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kennel_k8s::crd::{KerberosPrincipal, KerberosRealm};
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Client, ResourceExt};
use serde::Serialize;

/// Pods of the KDC have it.
const KDC: &str = "app.kubernetes.io/name=kennel-kdc";
const STORE: &str = "kennel.dev/store";
/// Pods that ask for credentials have it, and get a container of this name.
const INJECT: &str = "kennel.dev/inject=enabled";
const AGENT: &str = "kennel-agent";
/// Where a pod serves its metrics.
const METRICS: u16 = 9090;

/// All of it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    pub(crate) realms: Vec<Realm>,
    pub(crate) replicas: Vec<Replica>,
    /// Which store each realm is in.
    pub(crate) leases: Vec<Lease>,
    /// KerberosPrincipals that are not ready.
    pub(crate) principals: Vec<Principal>,
    /// Pods that ask for credentials by their label and have no agent, `NAMESPACE/NAME`.
    pub(crate) pods_without_agent: Vec<String>,
}

/// A KerberosRealm.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Realm {
    pub(crate) name: String,
    pub(crate) realm: String,
    pub(crate) ready: bool,
    pub(crate) message: String,
    pub(crate) namespaces: Option<i32>,
    pub(crate) principals: Option<i32>,
}

/// A pod of the KDC.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) ready: bool,
    pub(crate) restarts: i32,
    /// Why it does not run, as the kubelet says it.
    pub(crate) waiting: Option<String>,
    /// What it has counted; none where it cannot be asked.
    pub(crate) metrics: Option<Numbers>,
}

/// A Lease.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Lease {
    pub(crate) name: String,
    pub(crate) store: String,
    pub(crate) holder: String,
    /// Seconds since the epoch.
    pub(crate) renewed: Option<i64>,
}

/// A KerberosPrincipal that is not ready.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Principal {
    pub(crate) name: String,
    pub(crate) message: String,
}

/// Asks for all of it.
pub(crate) async fn gather(client: &Client, namespace: &str) -> anyhow::Result<State> {
    Ok(State {
        realms: realms(client).await.context("KerberosRealms cannot be listed: is deploy/crds applied?")?,
        replicas: replicas(client, namespace).await?,
        leases: leases(client, namespace).await?,
        principals: principals(client).await?,
        pods_without_agent: pods_without_agent(client).await?,
    })
}

async fn realms(client: &Client) -> kube::Result<Vec<Realm>> {
    let api = Api::<DeserializeGuard<KerberosRealm>>::all(client.clone());
    let realm = |guard: DeserializeGuard<KerberosRealm>| match guard.0 {
        Ok(object) => {
            let status = object.status.clone().unwrap_or_default();
            let (ready, message) = ready(&status.conditions);
            let (namespaces, principals) = (status.namespaces, status.principals);
            Realm { name: object.name_any(), realm: object.spec.realm_name, ready, message, namespaces, principals }
        }
        Err(invalid) => {
            let name = invalid.metadata.name.unwrap_or_default();
            Realm { name, realm: "?".into(), ready: false, message: invalid.error, namespaces: None, principals: None }
        }
    };
    Ok(api.list(&ListParams::default()).await?.into_iter().map(realm).collect())
}

async fn principals(client: &Client) -> kube::Result<Vec<Principal>> {
    let api = Api::<DeserializeGuard<KerberosPrincipal>>::all(client.clone());
    let principal = |guard: DeserializeGuard<KerberosPrincipal>| match guard.0 {
        Ok(object) => {
            let (is_ready, message) = ready(&object.status.clone().unwrap_or_default().conditions);
            let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
            let message = if message.is_empty() { "no KDC has looked at it".to_owned() } else { message };
            (!is_ready).then_some(Principal { name, message })
        }
        Err(invalid) => {
            let (namespace, name) =
                (invalid.metadata.namespace.unwrap_or_default(), invalid.metadata.name.unwrap_or_default());
            Some(Principal { name: format!("{namespace}/{name}"), message: invalid.error })
        }
    };
    Ok(api.list(&ListParams::default()).await?.into_iter().filter_map(principal).collect())
}

/// Whether the condition Ready holds, and its message.
fn ready(conditions: &[Condition]) -> (bool, String) {
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready");
    ready.map_or((false, String::new()), |ready| (ready.status == "True", ready.message.clone()))
}

async fn replicas(client: &Client, namespace: &str) -> kube::Result<Vec<Replica>> {
    let api = Api::<Pod>::namespaced(client.clone(), namespace);
    let mut replicas = Vec::new();
    for pod in api.list(&ListParams::default().labels(KDC)).await? {
        let name = pod.name_any();
        let status = pod.status.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let containers = status.container_statuses.unwrap_or_default();
        let waiting =
            containers.iter().find_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
        let metrics = numbers(client, namespace, &name).await;
        replicas.push(Replica {
            ready: conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"),
            restarts: containers.iter().map(|container| container.restart_count).sum(),
            name,
            waiting,
            metrics,
        });
    }
    Ok(replicas)
}

async fn pods_without_agent(client: &Client) -> kube::Result<Vec<String>> {
    let pods = Api::<Pod>::all(client.clone()).list(&ListParams::default().labels(INJECT)).await?;
    let name = |pod: Pod| {
        let name = format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
        let spec = pod.spec.unwrap_or_default();
        let has_agent = spec.init_containers.iter().flatten().chain(&spec.containers).any(|c| c.name == AGENT);
        (!has_agent).then_some(name)
    };
    Ok(pods.into_iter().filter_map(name).collect())
}

/// Through the API server's proxy: the pod's own address may not be reachable from here.
async fn numbers(client: &Client, namespace: &str, pod: &str) -> Option<Numbers> {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{METRICS}/proxy/metrics");
    let request = hyper::Request::get(path).body(Vec::new()).ok()?;
    client.request_text(request).await.ok().map(|text| metrics::parse(&text))
}

async fn leases(client: &Client, namespace: &str) -> kube::Result<Vec<Lease>> {
    let api = Api::<LeaseObject>::namespaced(client.clone(), namespace);
    let lease = |object: LeaseObject| {
        let store = object.annotations().get(STORE)?.clone();
        let name = object.name_any();
        let spec = object.spec.unwrap_or_default();
        let renewed = spec.renew_time.map(|time| time.0.as_second());
        Some(Lease { name, store, holder: spec.holder_identity.unwrap_or_default(), renewed })
    };
    Ok(api.list(&ListParams::default()).await?.into_iter().filter_map(lease).collect())
}
