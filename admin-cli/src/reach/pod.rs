//! A ready pod of the KDC, and connections to its port through the API server: whoever may forward ports of that pod needs no
//! route to it.

use crate::reach::stream::StreamConnection;
use anyhow::{Context, bail};
use hyper::Uri;
use k8s_openapi::api::core::v1::{Pod, Service as KubeService};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kennel_k8s::labels::KDC_POD;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use tokio::io::DuplexStream;
use tower::Service;

/// Name of the enrolment listener's port, in Services and pods.
const PORT: &str = "enrolment";

/// The enrolment listener of one pod.
#[derive(Clone)]
pub(super) struct PodPort {
    pods: Api<Pod>,
    pod: String,
    port: u16,
    /// The name that the certificate must hold: `kennel.kennel-system.svc`.
    host: String,
}

impl PodPort {
    /// The address under which the pod's certificate is checked. No name is resolved.
    pub(super) fn address(&self) -> anyhow::Result<Uri> {
        format!("https://{}:{}", self.host, self.port).parse().context("the name of the KDC's Service makes no address")
    }
}

/// Finds the Service of the KDC by its selector, and a ready pod of it.
pub(super) async fn find(client: Client, namespace: &str) -> anyhow::Result<PodPort> {
    let not_found = || {
        format!(
            "no KDC is found in namespace {namespace}: give its namespace with --kdc-namespace, or its address with --server"
        )
    };
    let services = Api::<KubeService>::namespaced(client.clone(), namespace);
    let services = services.list(&ListParams::default()).await.with_context(not_found)?;
    let (service, target) =
        services.iter().filter_map(listener).min_by_key(|(service, _)| is_headless(service)).with_context(not_found)?;
    let host = format!("{}.{namespace}.svc", service.name_any());
    let pods = Api::<Pod>::namespaced(client, namespace);
    let listed = pods.list(&ListParams::default().labels(&KDC_POD.selector())).await.with_context(not_found)?;
    let Some(pod) = listed.iter().find(|pod| is_ready(pod)) else {
        bail!("no pod of the KDC in namespace {namespace} is ready: kennel status says why");
    };
    let port = port_of(pod, &target).with_context(|| format!("pod {} has no port {PORT}", pod.name_any()))?;
    Ok(PodPort { pod: pod.name_any(), pods, port, host })
}

/// The Service's own name of the enrolment listener's port, where its selector is that of the KDC's pods.
fn listener(service: &KubeService) -> Option<(&KubeService, IntOrString)> {
    let spec = service.spec.as_ref()?;
    let (key, value) = KDC_POD.entry();
    if spec.selector.as_ref()?.get(&key) != Some(&value) {
        return None;
    }
    let port = spec.ports.as_ref()?.iter().find(|port| port.name.as_deref() == Some(PORT))?;
    Some((service, port.target_port.clone().unwrap_or(IntOrString::Int(port.port))))
}

/// A headless Service is last: its name need not be in the certificate.
fn is_headless(service: &KubeService) -> bool {
    service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()) == Some("None")
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    pod.metadata.deletion_timestamp.is_none()
        && conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn port_of(pod: &Pod, target: &IntOrString) -> Option<u16> {
    let number = match target {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => {
            let mut ports = pod.spec.as_ref()?.containers.iter().flat_map(|container| container.ports.iter().flatten());
            ports.find(|port| port.name.as_deref() == Some(name))?.container_port
        }
    };
    u16::try_from(number).ok()
}

impl Service<Uri> for PodPort {
    type Response = StreamConnection<DuplexStream>;
    type Error = tower::BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<StreamConnection<DuplexStream>, tower::BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), tower::BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let PodPort { pods, pod, port, .. } = self.clone();
        Box::pin(async move {
            let mut forwarder = pods.portforward(&pod, &[port]).await?;
            if let Some(refused) = forwarder.take_error(port) {
                // The connection ends at the same time, with an error that does not say why.
                tokio::spawn(async move {
                    if let Some(why) = refused.await {
                        eprintln!("kennel: port {port} of pod {pod}: {}", why.trim_end());
                    }
                });
            }
            let stream = forwarder.take_stream(port).ok_or("the API server forwards no port")?;
            Ok(StreamConnection::new(stream))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn service(spec: Value) -> KubeService {
        serde_json::from_value(json!({ "metadata": { "name": "s" }, "spec": spec })).unwrap()
    }

    #[test]
    fn the_service_of_the_kdc_is_found_by_its_selector_and_the_name_of_its_port() {
        let ports = json!([{ "name": "enrolment", "port": 8443, "targetPort": "enrolment" }]);
        let of_the_kdc = json!({ "app.kubernetes.io/name": "kennel-kdc" });
        assert!(listener(&service(json!({ "selector": of_the_kdc, "ports": ports }))).is_some());
        assert!(listener(&service(json!({ "selector": { "app": "web" }, "ports": ports }))).is_none());
        assert!(listener(&service(json!({ "selector": of_the_kdc, "ports": [{ "port": 88 }] }))).is_none());
        assert!(is_headless(&service(json!({ "clusterIP": "None" }))) && !is_headless(&service(json!({}))));
    }

    #[test]
    fn a_named_port_is_that_of_the_pod_s_container() {
        let ports = json!([{ "containerPort": 9090 }, { "name": "enrolment", "containerPort": 8443 }]);
        let containers = json!([{ "name": "kdc", "ports": ports }]);
        let pod: Pod = serde_json::from_value(json!({ "metadata": {}, "spec": { "containers": containers } })).unwrap();
        assert_eq!(port_of(&pod, &IntOrString::String("enrolment".into())), Some(8443));
        assert_eq!(port_of(&pod, &IntOrString::String("other".into())), None);
        assert_eq!(port_of(&pod, &IntOrString::Int(444)), Some(444));
        assert!(!is_ready(&pod));
    }
}
