//! The NetworkPolicy of deploy/base, as the cluster's CNI enforces it. That the kubelet reaches health shows each installation: the
//! KDC becomes ready.

use crate::access::probe::Stranger;
use crate::installation::Installation;
use anyhow::{Result, ensure};
use kennel_tests::kubectl::Kubectl;

/// Connects over TCP: 0, or 1 after three seconds without an answer.
const CONNECT: &str = "import socket, sys\ntry: socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)\n\
                       except OSError as error: print(error); sys.exit(1)";

/// Whether the first container of a pod can connect to an address.
pub(crate) fn connects_from(kubectl: &Kubectl, namespace: &str, pod: &str, address: &str, port: u16) -> Result<bool> {
    let port = port.to_string();
    let exec = ["exec", "-n", namespace, pod, "--", "python3", "-c", CONNECT, address, &port];
    let run = kubectl.attempt(&exec, "")?;
    // A refusal is an answer of the pod, and no work of a policy.
    let timed_out = run.stdout.contains("timed out");
    ensure!(run.status.success() || timed_out, "neither a connection nor a silence: {run}");
    Ok(!timed_out)
}

#[test]
fn a_pod_reaches_the_kdc_its_administration_and_the_enrolment_api_and_neither_metrics_nor_health() -> Result<()> {
    let dev = Installation::dev()?;
    let (pod, kdc) = (dev.pod_of("cart")?, dev.kdc_address()?);
    let reaches = |address: &str, port| connects_from(dev.kubectl(), "shop", &pod, address, port);
    ensure!(reaches("kennel.kennel-system.svc.cluster.local", 88)?, "the Service's port 88");
    ensure!(reaches("kennel.kennel-system.svc.cluster.local", 8443)?, "the Service's port 8443");
    ensure!(reaches(&kdc, 10088)? && reaches(&kdc, 8443)?, "the ports of the pod");
    for (service, pod) in [(464, 10464), (749, 10749)] {
        ensure!(reaches("kennel.kennel-system.svc.cluster.local", service)?, "the Service's port {service}");
        ensure!(reaches(&kdc, pod)?, "the port {pod} of the pod");
    }
    ensure!(!reaches(&kdc, 9090)?, "a pod of a tenant reaches metrics and health");
    // That of a pod of the realm ends at its own policies already; nothing but the KDC's stops this one.
    let stranger = Stranger::start(&dev)?;
    ensure!(stranger.connects(&kdc, 10088)?, "a pod outside the realm does not reach the KDC");
    ensure!(!stranger.connects(&kdc, 9090)?, "a pod outside the realm reaches metrics and health");
    Ok(())
}

#[test]
fn a_pod_outside_the_realm_gets_no_credentials_and_is_told_which_label_is_missing() -> Result<()> {
    let dev = Installation::dev()?;
    let refusal = Stranger::start(&dev)?.enrols()?;
    ensure!(refusal.contains("NamespaceNotEnrolled") && refusal.contains("kennel.dev/realm"), "{refusal}");
    Ok(())
}

/// The service web as a pod of its own namespace may call it, and as no other test does: its ticket is in no cache.
const NEAR: &str = "HTTP/web";

#[test]
fn a_pod_gets_a_ticket_over_udp() -> Result<()> {
    let dev = Installation::dev()?;
    let line = format!(
        "grep -v udp_preference_limit $KRB5_CONFIG >/tmp/udp.conf && cp $(echo $KRB5CCNAME | cut -d: -f2) /tmp/udp.cc && \
         KRB5_CONFIG=/tmp/udp.conf KRB5CCNAME=FILE:/tmp/udp.cc KRB5_TRACE=/dev/stdout kvno {NEAR}"
    );
    let trace = dev.deployment("cart").run(&["sh", "-c", &line])?;
    ensure!(trace.contains("Received answer") && trace.contains("from dgram"), "no answer over UDP:\n{trace}");
    Ok(())
}
