//! Rules, alerts and dashboard against the KDC.

use crate::access::probe::Stranger;
use crate::installation::Installation;
use crate::network::connects_from;
use crate::shop::SOON;
use anyhow::{Result, ensure};
use kennel_tests::pods;
use kennel_tests::prometheus::Prometheus;

#[test]
fn rules_alerts_and_dashboard_hold_against_a_real_prometheus() -> Result<()> {
    let everything = Installation::everything()?;
    Prometheus::start(&format!("{}:9090", everything.kdc_address()?))?.ensure_all_is_well(&[])
}

/// A pod with the label that the operator gives to Prometheus, and one without it.
const PODS: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring}\n---\n\
    apiVersion: v1\nkind: Pod\nmetadata: {name: prometheus, namespace: monitoring, labels: {app.kubernetes.io/name: prometheus}}\n\
    spec: {containers: [{name: c, image: 'kennel.test/krb5:dev', imagePullPolicy: Never, command: [sh, -c, \
    'trap exit TERM; while :; do sleep 1; done']}]}\n---\n\
    apiVersion: v1\nkind: Pod\nmetadata: {name: other, namespace: monitoring}\n\
    spec: {containers: [{name: c, image: 'kennel.test/krb5:dev', imagePullPolicy: Never, command: [sh, -c, \
    'trap exit TERM; while :; do sleep 1; done']}]}\n";

#[test]
fn prometheus_in_its_namespace_reaches_metrics_and_other_pods_do_not() -> Result<()> {
    let everything = Installation::everything()?;
    let (kubectl, kdc) = (everything.kubectl(), everything.kdc_address()?);
    kubectl.apply(PODS)?;
    pods::wait(kubectl, "monitoring", SOON * 2, &["wait", "--for=condition=Ready", "pod", "--all"])?;
    let reaches = |namespace: &str, pod: &str| connects_from(kubectl, namespace, pod, &kdc, 9090);
    ensure!(reaches("monitoring", "prometheus")?, "Prometheus does not reach the metrics");
    ensure!(!reaches("monitoring", "other")?, "a pod without the label reaches the metrics");
    // The label alone is nothing: every tenant can give it to a pod.
    let stranger = Stranger::start_with_labels(&everything, "app.kubernetes.io/name: prometheus")?;
    ensure!(stranger.connects(&kdc, 10088)?, "a pod of another namespace does not reach the KDC");
    ensure!(!stranger.connects(&kdc, 9090)?, "a pod of another namespace reaches the metrics");
    kubectl.wait(SOON * 2, &["delete", "namespace", "monitoring"]).map(|_| ())
}
